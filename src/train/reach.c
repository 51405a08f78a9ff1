// reach.c - finds rows with finite values whose squares exceed float32.
#include "train/reach.h"

#include "data/stream.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 4096 };

void mg_reach_name(const mg_dataset *dataset, int64_t row, char out[MG_REACH_NAME]) {
    int64_t stored = dataset->select ? dataset->select[row] : row;
    snprintf(out, MG_REACH_NAME, "%s: %s[%lld]", dataset->path, mg_source_name(dataset->source),
             (long long)stored);
}

static double cell_of(const mg_scale *scale, int64_t d, double x) {
    double center = scale->center ? (double)scale->center[d] : 0;
    return scale->scale ? (double)scale->scale[d] * (x - center) : x;
}

// An upper bound of the squared norm of any row, from the column moments.
static double longest(const mg_dataset *train, const mg_scale *scale, double bias) {
    double square = bias * bias;
    for (int64_t d = 0; d < train->features; d++) {
        double most = (double)train->moments.most[d], least = cell_of(scale, d, -most);
        most = cell_of(scale, d, most);
        square += fmax(most * most, least * least);
    }
    return square;
}

static double square_of(const mg_rows *rows, const mg_scale *scale, int64_t r) {
    int64_t row = mg_rows_stored(rows, r);
    double square = 0;
    if (rows->layout == MG_DENSE) {
        for (int64_t d = 0; d < rows->features; d++) {
            double x = cell_of(scale, d, (double)mg_cell_at(rows->cell, mg_rows_dense(rows, row), d));
            square += x * x;
        }
        return square;
    }
    for (int64_t e = rows->indptr[row]; e < rows->indptr[row + 1]; e++) {
        double x = cell_of(scale, rows->indices[e], (double)rows->values[e]);
        square += x * x;
    }
    return square;
}

// True if data.scale could be max-abs for all columns.
static bool fits_max_abs(const mg_dataset *train) {
    for (int64_t d = 0; d < train->features; d++)
        if ((double)train->moments.most[d] > MG_SCALE_MOST) return false;
    return true;
}

static mg_status check_batch(const mg_dataset *train, const mg_batch *batch, const mg_scale *scale,
                             double bias, mg_error *error) {
    char name[MG_REACH_NAME];
    for (int64_t i = 0; i < batch->rows.count; i++) {
        double square = square_of(&batch->rows, scale, i) + bias * bias;
        if (square <= (double)FLT_MAX) continue;
        mg_reach_name(train, batch->first + i, name);
        return mg_fail(error, MG_DATA,
                       "%s: the sum of its squares is %.3g%s, above the largest number of single precision "
                       "(3.4e38): %s, or leave the row out",
                       name, square, scale->scale ? " after data.scale" : "",
                       bias * bias > (double)FLT_MAX ? "lower model.bias"
                       : fits_max_abs(train)         ? "set data.scale to max-abs"
                                                     : "change the unit");
    }
    return MG_OK;
}

mg_status mg_reach_check(mg_dataset *train, const mg_scale *scale, double bias, mg_error *error) {
    if (longest(train, scale, bias) <= (double)FLT_MAX) return MG_OK;
    mg_stream *stream;
    mg_status status = mg_stream_create(train, BATCH, 0, false, 0, &stream, error);
    if (!status) status = mg_stream_seek(stream, 0, 0, error);
    for (mg_batch batch; !status;) {
        status = mg_stream_next(stream, &batch, error);
        if (status || !batch.rows.count) break;
        status = check_batch(train, &batch, scale, bias, error);
        if (!status) status = mg_stream_check(stream, error);
    }
    mg_stream_destroy(stream);
    return status;
}
