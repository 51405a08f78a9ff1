// csr_layout.c - identifies the layout of a sparse matrix, and refuses one that is ambiguous.
#include "data/csr_layout.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static const char *const encodings[] = {"encoding-type", "h5sparse_format"};
static const char *const shapes[] = {"shape", "h5sparse_shape"};

static const char *present(const mg_h5 *file, const char *object, const char *const names[2]) {
    for (int i = 0; i < 2; i++)
        if (mg_h5_has_attribute(file, object, names[i])) return names[i];
    return NULL;
}

static bool has(const mg_h5 *file, const char *group, const char *member) {
    char path[MG_H5_NAME];
    return snprintf(path, sizeof path, "%s/%s", group, member) < MG_H5_NAME &&
           mg_h5_find(file, path) != MG_H5_MISSING;
}

static mg_status check_encoding(mg_h5 *file, const char *name, bool *by_columns, mg_error *error) {
    const char *attribute = present(file, name, encodings);
    char *encoding = NULL;
    mg_status status = mg_h5_attribute_text(file, name, attribute, &encoding, error);
    *by_columns = !status && !strncmp(encoding, "csc", 3);
    if (!status && !*by_columns && strncmp(encoding, "csr", 3))
        status = mg_fail(error, MG_DATA,
                         "%s: %s is a group stored as %s; a data set [N,D] or a group stored as csr_matrix "
                         "or csc_matrix is "
                         "needed: name one with data.features (`margin info FILE` lists them)",
                         mg_h5_path(file), name, encoding);
    mg_memory_free(encoding);
    return status;
}

// Reads a data set `shape` of two integers, as Cell Ranger writes it.
static mg_status read_stored_shape(mg_h5 *file, const char *name, int64_t shape[2], mg_error *error) {
    char path[MG_H5_NAME];
    mg_h5_array *array;
    int64_t *values = NULL;
    snprintf(path, sizeof path, "%s/shape", name);
    mg_status status = mg_h5_array_open(file, path, &array, error);
    if (status) return status;
    status = mg_h5_array_read_int64(array, &values, error);
    if (!status && mg_h5_array_rows(array) != 2)
        status =
            mg_fail(error, MG_DATA,
                    "%s: data set %s must hold 2 integers (rows, features), not %lld: write the matrix again",
                    mg_h5_path(file), path, (long long)mg_h5_array_rows(array));
    if (!status) memcpy(shape, values, 2 * sizeof *shape);
    mg_memory_free(values);
    mg_h5_array_close(array);
    return status;
}

// Refuses a group that has neither attribute; the message says which attributes to add and how.
static mg_status refuse_unsaid(const mg_h5 *file, const char *name, mg_error *error) {
    return mg_fail(
        error, MG_DATA,
        "%s: CSR group %s needs an attribute shape with 2 integers (rows, features) and encoding-type = "
        "csr_matrix: "
        "if it is CSR, set them in Python: import h5py; f = h5py.File('COPY.h5', 'r+'); "
        "f['%s'].attrs.update({'encoding-type': 'csr_matrix', 'shape': [ROWS, FEATURES]}); f.close()",
        mg_h5_path(file), name, name);
}

static mg_status cell_ranger(mg_h5 *file, const char *name, int64_t ends, int64_t shape[2], mg_error *error) {
    const char *last = strrchr(name, '/');
    int64_t stored[2] = {0, 0};
    mg_status status = read_stored_shape(file, name, stored, error);
    if (status) return status;
    // Other tools also write a data set `shape`. Only members that no tool but Cell Ranger writes prove that
    // the matrix is features x barcodes.
    bool known = has(file, name, "barcodes") || !strcmp(last ? last + 1 : name, "matrix");
    if (!known || ends - 1 != stored[1]) return refuse_unsaid(file, name, error);
    shape[0] = stored[1];
    shape[1] = stored[0];
    return MG_OK;
}

mg_status mg_csr_layout_check(mg_h5 *file, const char *name, bool *by_columns, mg_error *error) {
    *by_columns = false;
    if (present(file, name, encodings)) return check_encoding(file, name, by_columns, error);
    if (has(file, name, "indptr") || has(file, name, "indices") || has(file, name, "data")) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: %s is a group without data, indices and indptr, so it is not a sparse matrix: name a "
                   "data set [N,D] "
                   "with data.features (`margin info FILE` lists them)",
                   mg_h5_path(file), name);
}

mg_status mg_csr_layout(mg_h5 *file, const char *name, int64_t ends, int64_t shape[2], mg_error *error) {
    const char *encoding = present(file, name, encodings), *attribute = present(file, name, shapes);
    int count = 0;
    if (!attribute && !encoding && has(file, name, "shape"))
        return cell_ranger(file, name, ends, shape, error);
    if (!attribute) return refuse_unsaid(file, name, error);
    mg_status status = mg_h5_attribute_int64(file, name, attribute, shape, 2, &count, error);
    if (status) return status;
    // If no attribute gives the encoding, only the shape tells whether rows or columns are compressed. A
    // square shape does not tell.
    bool unclear = count != 2 || (!encoding && shape[0] == shape[1]);
    return unclear ? refuse_unsaid(file, name, error) : MG_OK;
}
