// tenx.c - HDF5 matrices of Cell Ranger (10x Genomics): a group with data, indices, indptr, shape and
// barcodes. Version 3 calls it `matrix`, with names in `features`; version 2 calls it as the genome, with
// names in `genes`. The file has features x barcodes in compressed columns, which are the rows of margin.
#include "format/format.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "format/sparse_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLAB = 256 << 10 }; // stored values that are read at a time, unless a row has more

typedef struct options {
    char *group; // NULL: the only one
} options;

typedef struct reader {
    const char *path;
    options *options;
    const mg_format_like *like;
    mg_h5 *file;
    char group[MG_H5_NAME];
    mg_h5_array *data, *indices;
    int64_t *indptr; // [rows + 1]
    int64_t rows, features;
    mg_names names;
    char **barcode;        // [rows]
    void *values, *places; // stored values and indices of a slab, as in the file
    size_t values_room, places_room;
    mg_sparse_row row;
    mg_tell tell;
    int64_t lost, lost_row; // values that vanish in float32, and the first row with one
} reader;

static bool is_matrix(const mg_h5 *file, const char *group) {
    static const char *const members[] = {"barcodes", "data", "indices", "indptr", "shape"};
    char path[MG_H5_NAME];
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (snprintf(path, sizeof path, "%s/%s", group, members[i]) >= MG_H5_NAME ||
            mg_h5_find(file, path) != MG_H5_ARRAY)
            return false;
    return true;
}

// Counts the matrices of the file. `group` becomes the name of the last one, `list` the names of all.
static int find_matrices(const mg_h5 *file, char group[MG_H5_NAME], char *list, size_t size) {
    char member[MG_H5_NAME];
    int count = 0;
    size_t used = 0;
    for (int64_t i = 0; mg_h5_member(file, "/", i, member, sizeof member); i++) {
        if (!is_matrix(file, member)) continue;
        snprintf(group, MG_H5_NAME, "%s", member);
        if (used < size)
            used += (size_t)snprintf(list + used, size - used, "%s%s", count ? ", " : "", member);
        count++;
    }
    return count;
}

static mg_status claims(const char *path, bool *is, mg_error *error) {
    mg_h5 *file;
    char group[MG_H5_NAME], list[2];
    mg_status status = mg_h5_open(path, &file, error);
    if (status) return status == MG_MEMORY ? status : MG_OK; // other errors are those of no HDF5 file
    *is = find_matrices(file, group, list, sizeof list) > 0;
    mg_h5_close(file);
    return MG_OK;
}

static int probe(const char *head, size_t bytes) {
    (void)head, (void)bytes;
    return 0;
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_h5_array_close(r->data);
    mg_h5_array_close(r->indices);
    mg_h5_close(r->file);
    mg_h5_free_texts(r->barcode, r->rows);
    mg_names_clear(&r->names);
    mg_memory_free(r->indptr);
    mg_memory_free(r->values);
    mg_memory_free(r->places);
    mg_sparse_row_clear(&r->row);
    mg_memory_free(r);
}

static mg_status choose_group(reader *r, mg_error *error) {
    char list[300] = "";
    int count = find_matrices(r->file, r->group, list, sizeof list);
    mg_status status = mg_h5_check_read(r->file, error);
    if (status) return status;
    if (r->options->group && is_matrix(r->file, r->options->group)) {
        snprintf(r->group, sizeof r->group, "%s", r->options->group);
        return MG_OK;
    }
    if (count && (r->options->group || count > 1))
        return mg_fail(error, MG_USAGE, "%s: its matrices are %s%s%s: %s --group", r->path, list,
                       r->options->group ? ", not " : "", r->options->group ? r->options->group : "",
                       r->like && r->like->raw
                           ? "convert it with margin convert --like and the training file, and"
                           : "give one with");
    return count
               ? MG_OK
               : mg_fail(
                     error, MG_DATA,
                     "%s: has no matrix of Cell Ranger (a group with barcodes, data, indices, indptr, shape)",
                     r->path);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->path = request->inputs[0];
    r->options = request->options;
    r->tell = request->tell;
    r->like = request->like;
    status = mg_h5_open(r->path, &r->file, error);
    if (!status) status = choose_group(r, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static mg_status open_member(reader *r, const char *name, mg_h5_array **out, mg_error *error) {
    char path[2 * MG_H5_NAME];
    snprintf(path, sizeof path, "%s/%s", r->group, name);
    return mg_h5_array_open(r->file, path, out, error);
}

static mg_status read_integers(reader *r, const char *name, int64_t **out, int64_t *count, mg_error *error) {
    mg_h5_array *array;
    mg_status status = open_member(r, name, &array, error);
    if (status) return status;
    *count = mg_h5_array_rows(array);
    status = mg_h5_array_read_int64(array, out, error);
    mg_h5_array_close(array);
    return status;
}

static mg_status read_texts(reader *r, const char *name, int64_t count, char ***out, mg_error *error) {
    mg_h5_array *array;
    mg_status status = open_member(r, name, &array, error);
    if (status) return status;
    if (mg_h5_array_rows(array) != count)
        status = mg_fail(error, MG_DATA,
                         "%s: %s/%s has %lld names, but the matrix needs %lld: write the file again", r->path,
                         r->group, name, (long long)mg_h5_array_rows(array), (long long)count);
    else status = mg_h5_array_read_texts(array, out, error);
    mg_h5_array_close(array);
    return status;
}

// Reads the ids of the features, which are unique; symbols may repeat.
static mg_status read_names(reader *r, mg_error *error) {
    static const char *const places[] = {"features/id", "genes"};
    char path[2 * MG_H5_NAME], **text = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s", r->group, places[i]);
        if (mg_h5_find(r->file, path) != MG_H5_ARRAY) continue;
        mg_status status = read_texts(r, places[i], r->features, &text, error);
        if (!status) status = mg_names_take(&r->names, text, r->features, r->path, error);
        if (status) mg_h5_free_texts(text, r->features);
        return status;
    }
    return MG_OK;
}

static mg_status check_indptr(const reader *r, int64_t count, int64_t stored, mg_error *error) {
    bool fine = count == r->rows + 1 && r->indptr[0] == 0 && r->indptr[r->rows] == stored;
    for (int64_t i = 0; fine && i < r->rows; i++) fine = r->indptr[i] <= r->indptr[i + 1];
    return fine ? MG_OK
                : mg_fail(error, MG_DATA,
                          "%s: %s/indptr does not fit %lld barcodes and %lld values: the file is damaged; "
                          "write it again",
                          r->path, r->group, (long long)r->rows, (long long)stored);
}

static mg_status open_matrix(reader *r, mg_error *error) {
    int64_t *shape = NULL, count = 0;
    mg_status status = read_integers(r, "shape", &shape, &count, error);
    if (!status && (count != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > MG_MOST_INDEX))
        status = mg_fail(error, MG_DATA, "%s: %s/shape must be two numbers above 0: features and barcodes",
                         r->path, r->group);
    if (!status) r->features = shape[0];
    int64_t rows = status ? 0 : shape[1];
    mg_memory_free(shape);
    if (!status) status = read_texts(r, "barcodes", rows, &r->barcode, error);
    if (!status) r->rows = rows;
    if (!status) status = read_integers(r, "indptr", &r->indptr, &count, error);
    if (!status) status = open_member(r, "data", &r->data, error);
    if (!status) status = open_member(r, "indices", &r->indices, error);
    if (!status && (mg_h5_array_type(r->data) == MG_H5_TEXT || mg_h5_array_type(r->indices) > MG_H5_U64 ||
                    mg_h5_array_columns(r->data) != 1 || mg_h5_array_columns(r->indices) != 1 ||
                    mg_h5_array_rows(r->data) != mg_h5_array_rows(r->indices)))
        status =
            mg_fail(error, MG_DATA, "%s: %s/data and %s/indices must be vectors of numbers of one length",
                    r->path, r->group, r->group);
    if (!status) status = check_indptr(r, count, mg_h5_array_rows(r->data), error);
    return status ? status : read_names(r, error);
}

static mg_status pass_barcodes(const reader *r, mg_sink *sink, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && sink->id && i < r->rows; i++)
        status = sink->id(sink, r->barcode[i], strlen(r->barcode[i]), error);
    return status;
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    mg_status status = open_matrix(r, error);
    if (status) return status;
    if (!r->options->group) mg_guess(&shape->guesses, "group", "group %.200s", r->group);
    shape->rows = r->rows;
    shape->features = r->features;
    shape->stored = r->indptr[r->rows];
    shape->layout = MG_CSR;
    shape->names = r->names.count ? &r->names : NULL;
    shape->ids = true;
    shape->id_name = "barcode";
    return pass_barcodes(r, sink, error);
}

static double real_at(mg_h5_type type, const void *cells, int64_t i) {
    if (type == MG_H5_F64) return ((const double *)cells)[i];
    if (type == MG_H5_F32) return (double)((const float *)cells)[i];
    if (type == MG_H5_F16) return (double)mg_half_to_float(((const uint16_t *)cells)[i]);
    return (double)mg_h5_integer(type, cells, i);
}

// Passes row i, whose values begin at element `from` of the slab.
static mg_status pass_row(reader *r, int64_t i, int64_t from, mg_sink *sink, mg_error *error) {
    int64_t twice = -1;
    mg_status status = MG_OK;
    mg_sparse_row_begin(&r->row);
    for (int64_t e = 0; !status && e < r->indptr[i + 1] - r->indptr[i]; e++) {
        int64_t index = mg_h5_integer(mg_h5_array_type(r->indices), r->places, from + e);
        double value = real_at(mg_h5_array_type(r->data), r->values, from + e);
        if (index < 0 || index >= r->features || !isfinite((float)value))
            return mg_fail(
                error, MG_DATA,
                "%s: %s: value %g of barcode %lld, feature %lld: a finite value and a feature from 0 to "
                "%lld are needed",
                r->path, r->group, value, (long long)i, (long long)index, (long long)r->features - 1);
        if (mg_text_vanishes(value) && !r->lost++) r->lost_row = i;
        status = mg_sparse_row_add(&r->row, (uint32_t)index, (float)value, error);
    }
    if (!status) status = mg_sparse_row_sort(&r->row, &twice, error);
    if (!status && twice >= 0)
        return mg_fail(error, MG_DATA,
                       "%s: %s/indices contain %lld twice for barcode %lld: add up the repeated values, and "
                       "write the file again",
                       r->path, r->group, (long long)twice, (long long)i);
    return status ? status : sink->sparse(sink, r->row.indices, r->row.values, (int64_t)r->row.count, error);
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_status status = pass_barcodes(r, sink, error);
    for (int64_t first = 0, next; !status && first < r->rows; first = next) {
        int64_t base = r->indptr[first];
        for (next = first + 1; next < r->rows && r->indptr[next + 1] - base <= SLAB; next++) continue;
        int64_t count = r->indptr[next] - base;
        status = mg_memory_grow(&r->values, &r->values_room, (size_t)count * 8 + 8, 1, error);
        if (!status) status = mg_memory_grow(&r->places, &r->places_room, (size_t)count * 8 + 8, 1, error);
        if (!status) status = mg_h5_array_read(r->data, base, count, r->values, error);
        if (!status) status = mg_h5_array_read(r->indices, base, count, r->places, error);
        for (int64_t i = first; !status && i < next; i++)
            status = pass_row(r, i, r->indptr[i] - base, sink, error);
    }
    if (!status) mg_tell_lost_values(&r->tell, r->path, r->lost_row, r->lost);
    return status ? status : mg_h5_check_unchanged(r->file, error);
}

static const mg_option table[] = {
    {.name = "group",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, group),
     .preset = "",
     .help = "Name of the matrix to read, if the file has several (one for each genome)."},
};

static const char *const remembered[] = {"group", NULL};

static const mg_section section = {.name = "tenx",
                                   .help = "HDF5 files of Cell Ranger",
                                   .options = table,
                                   .count = sizeof table / sizeof *table};

const mg_format mg_format_tenx = {
    .name = "tenx",
    .arguments = "FILE.h5...",
    .help = "an HDF5 matrix of Cell Ranger (10x Genomics)",
    .most_inputs = 1,
    .section = &section,
    .options_size = sizeof(options),
    .remembered = remembered,
    .claims = claims,
    .probe = probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
