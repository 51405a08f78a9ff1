// arrays.c - checks the arrays of a program, and opens them as a file.
#include "api/arrays.h"

#include "rows/rows.h"

#include <stdio.h>
#include <string.h>

static const struct {
    mg_h5_type type;
    int64_t bytes;
} types[] = {
    [MG_DATA_UINT8] = {MG_H5_U8, 1},    [MG_DATA_INT8] = {MG_H5_I8, 1},
    [MG_DATA_INT32] = {MG_H5_I32, 4},   [MG_DATA_INT64] = {MG_H5_I64, 8},
    [MG_DATA_FLOAT16] = {MG_H5_F16, 2}, [MG_DATA_FLOAT32] = {MG_H5_F32, 4},
    [MG_DATA_FLOAT64] = {MG_H5_F64, 8},
};

// Sets of types: one bit for each type.
enum {
    INTEGERS = 1 << MG_DATA_INT32 | 1 << MG_DATA_INT64,
    REALS = 1 << MG_DATA_FLOAT32 | 1 << MG_DATA_FLOAT64,
    CELLS = REALS | 1 << MG_DATA_UINT8 | 1 << MG_DATA_INT8 | 1 << MG_DATA_FLOAT16
};

static const int64_t most_rows = (int64_t)1 << 48, most_values = (int64_t)1 << 56;

static const char *name_of(const mg_data *data) { return data->name ? data->name : "data"; }

static mg_status check_type(const mg_data *data, const char *array, mg_data_type type, int allowed,
                            mg_error *error) {
    if ((unsigned)type < sizeof types / sizeof *types && allowed >> type & 1) return MG_OK;
    return mg_fail(error, MG_USAGE, "%s: %s of type %d are not read (%s are allowed)", name_of(data), array,
                   (int)type,
                   allowed == INTEGERS ? "int32 and int64"
                   : allowed == REALS  ? "float32 and float64"
                                       : "uint8, int8, float16, float32 and float64");
}

static mg_status check_there(const mg_data *data, const char *array, const void *cells, int64_t count,
                             mg_error *error) {
    if (cells || count == 0) return MG_OK;
    return mg_fail(error, MG_USAGE, "%s: %s is NULL, but must hold %lld values", name_of(data), array,
                   (long long)count);
}

static mg_status check_dense(const mg_data *data, mg_error *error) {
    const mg_data_dense *dense = data->dense;
    mg_status status = check_type(data, "dense cells", dense->type, CELLS, error);
    if (!status) status = check_there(data, "dense.cells", dense->cells, data->rows * data->features, error);
    if (status) return status;
    int64_t least = data->features * types[dense->type].bytes;
    if (dense->row_bytes == 0 ||
        (dense->row_bytes >= least && dense->row_bytes <= most_values / (data->rows + 1)))
        return MG_OK;
    return mg_fail(error, MG_USAGE, "%s: dense.row_bytes is %lld (0, or at least %lld, is allowed)",
                   name_of(data), (long long)dense->row_bytes, (long long)least);
}

static mg_status check_csr(const mg_data *data, mg_error *error) {
    const mg_data_csr *csr = data->csr;
    if (csr->stored < 0 || csr->stored > most_values)
        return mg_fail(error, MG_USAGE, "%s: csr.stored is %lld (0 to 2^56 is allowed)", name_of(data),
                       (long long)csr->stored);
    mg_status status = check_type(data, "csr values", csr->value_type, REALS, error);
    if (!status) status = check_type(data, "csr indices", csr->index_type, INTEGERS, error);
    if (!status) status = check_type(data, "csr indptr", csr->indptr_type, INTEGERS, error);
    if (!status) status = check_there(data, "csr.values", csr->values, csr->stored, error);
    if (!status) status = check_there(data, "csr.indices", csr->indices, csr->stored, error);
    return status ? status : check_there(data, "csr.indptr", csr->indptr, data->rows + 1, error);
}

static mg_status check(const mg_data *data, bool labelled, mg_error *error) {
    const char *name = name_of(data);
    if (data->rows == 0)
        return mg_fail(error, MG_USAGE, "%s: is empty: it has no rows, but at least one is needed", name);
    if (data->rows < 1 || data->rows > most_rows || data->features < 1 || data->features > MG_MOST_INDEX ||
        data->rows > most_values / data->features)
        return mg_fail(error, MG_USAGE,
                       "%s: has %lld rows of %lld features; at least one of each, and at most "
                       "%u features, are allowed",
                       name, (long long)data->rows, (long long)data->features, MG_MOST_INDEX);
    if (!data->dense == !data->csr)
        return mg_fail(error, MG_USAGE, "%s: exactly one of dense and csr must be given", name);
    if (labelled && !data->labels == !data->text_labels)
        return mg_fail(error, MG_USAGE, "%s: exactly one of labels and text_labels must be given", name);
    return data->dense ? check_dense(data, error) : check_csr(data, error);
}

static mg_h5_given vector(const char *name, mg_h5_type type, int64_t count, const void *cells,
                          int64_t bytes) {
    return (mg_h5_given){name, type, 1, count, 1, cells, bytes};
}

static int list_features(const mg_data *data, const mg_api_arrays *at, mg_h5_given *to) {
    if (data->dense) {
        int64_t bytes = types[data->dense->type].bytes, step = data->dense->row_bytes;
        *to = (mg_h5_given){
            at->features,       types[data->dense->type].type,       2, data->rows, data->features,
            data->dense->cells, step ? step : bytes * data->features};
        return 1;
    }
    const mg_data_csr *csr = data->csr;
    to[0] = vector(at->values, types[csr->value_type].type, csr->stored, csr->values,
                   types[csr->value_type].bytes);
    to[1] = vector(at->indices, types[csr->index_type].type, csr->stored, csr->indices,
                   types[csr->index_type].bytes);
    to[2] = vector(at->indptr, types[csr->indptr_type].type, data->rows + 1, csr->indptr,
                   types[csr->indptr_type].bytes);
    return 3;
}

static bool join(const char *features, const char *member, char out[MG_H5_NAME]) {
    return snprintf(out, MG_H5_NAME, "%s/%s", features, member) < MG_H5_NAME;
}

mg_status mg_api_arrays_open(const mg_data *data, mg_api_arrays *at, mg_h5 **out, mg_error *error) {
    mg_h5_given given[MG_API_ARRAYS];
    int64_t shape[2] = {data->rows, data->features};
    *out = NULL;
    mg_status status = check(data, at->labels != NULL, error);
    if (status) return status;
    if (!join(at->features, "data", at->values) || !join(at->features, "indices", at->indices) ||
        !join(at->features, "indptr", at->indptr) || !join(at->features, "names", at->names))
        return mg_fail(error, MG_CONFIG, "data.features: a name of %zu bytes is too long (at most %d)",
                       strlen(at->features), MG_H5_NAME - 16);
    int count = list_features(data, at, given);
    if (at->labels && data->labels)
        given[count++] = vector(at->labels, MG_H5_I64, data->rows, data->labels, sizeof(int64_t));
    else if (at->labels)
        given[count++] = vector(at->labels, MG_H5_TEXT, data->rows, data->text_labels, sizeof(char *));
    if (at->labels && data->weights)
        given[count++] = vector(MG_API_WEIGHTS, MG_H5_F64, data->rows, data->weights, sizeof(double));
    if (data->feature_names)
        given[count++] = vector(at->names, MG_H5_TEXT, data->features, data->feature_names, sizeof(char *));
    return mg_h5_open_arrays(name_of(data), given, count, data->csr ? at->features : NULL, shape, out, error);
}
