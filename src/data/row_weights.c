// row_weights.c - reads the weights of rows, file after file.
#include "data/row_weights.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "data/cells.h"

#include <math.h>

static mg_status open_weights(mg_h5 *file, const char *name, int64_t rows, mg_h5_array **out,
                              mg_error *error) {
    mg_status status = mg_h5_array_open(file, name, out, error);
    if (status) return status;
    mg_h5_array *array = *out;
    char shape[MG_H5_SHAPE];
    bool numbers = mg_h5_array_type(array) != MG_H5_TEXT && !mg_h5_array_named(array);
    if (mg_h5_array_columns(array) == 1 && mg_h5_array_rows(array) == rows && numbers) return MG_OK;
    status = mg_fail(
        error, MG_DATA,
        "%s: weights %s are %s of shape %s; one number for each of the %lld rows ([N] or [N, 1]) is "
        "needed%s",
        mg_h5_path(file), name, numbers ? mg_h5_type_name(mg_h5_array_type(array)) : "no numbers",
        mg_h5_array_shape(array, shape), (long long)rows,
        mg_h5_array_rows(array) == 1 && mg_h5_array_columns(array) == rows ? ": store w.ravel()" : "");
    mg_h5_array_close(array);
    return status;
}

static int64_t row_at(const mg_row_selection *rows, int64_t i) {
    if (i >= rows->count) return INT64_MAX / 2; // behind all files
    return rows->select ? rows->select[i] : i;
}

// Where the rows of one file begin, and how many it has.
typedef struct place {
    mg_h5 *file;
    int64_t first, rows;
} place;

// Reads the weights of one file; *next is the position of the next selected row.
static mg_status read_file(const mg_row_selection *selected, const place *at, const char *name, int64_t *next,
                           float *out, mg_error *error) {
    mg_h5_array *array;
    double *cells = NULL;
    int64_t first = at->first, rows = at->rows;
    mg_status status = open_weights(at->file, name, rows, &array, error);
    if (status) return status;
    mg_h5_type type = mg_h5_array_type(array);
    int64_t from = row_at(selected, *next) - first, to = row_at(selected, selected->count - 1) + 1 - first;
    from = mg_min(from, rows);
    to = mg_max(mg_min(to, rows), from);
    status = mg_memory_get(&cells, (size_t)(to - from), sizeof *cells, error);
    if (!status) status = mg_h5_array_read(array, from, to - from, cells, error);
    for (; !status && *next < selected->count; ++*next) {
        int64_t row = row_at(selected, *next) - first;
        if (row >= rows) break;
        double weight = mg_cells_real(type, cells, row - from);
        if (!(weight >= 0 && weight <= 1e30))
            status = mg_fail(error, MG_DATA, "%s: %s[%lld] is %g; weights from 0 to 1e30 are allowed: %s",
                             mg_h5_path(at->file), name, (long long)row, weight,
                             weight > 1e30 && isfinite(weight)
                                 ? "divide all weights by the same number, which changes no result"
                                 : "store 0 to leave the row out");
        else out[*next] = (float)weight;
    }
    mg_memory_free(cells);
    mg_h5_array_close(array);
    return status;
}

mg_status mg_row_weights_read(const mg_row_selection *rows, const char *name, float **out, mg_error *error) {
    const int64_t *first = mg_source_part_rows(rows->source), all[2] = {0, mg_source_rows(rows->source)};
    int64_t next = 0;
    mg_status status = mg_memory_get(out, (size_t)rows->count, sizeof **out, error);
    if (!first) first = all;
    for (int p = 0; !status && rows->count && p < mg_h5_parts(rows->file); p++) {
        const place at = {mg_h5_part(rows->file, p), first[p], first[p + 1] - first[p]};
        status = read_file(rows, &at, name, &next, *out, error);
    }
    return status;
}
