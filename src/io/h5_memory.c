// h5_memory.c - arrays in memory that can be read like a file. So the same code checks and prepares rows of a
// program and rows of a file.
#include "io/h5_file.h"

#include "base/memory.h"

#include <string.h>

struct mg_h5_arrays {
    const char *sparse; // name of the CSR group; NULL: none
    int64_t shape[2];
    int count;
    mg_h5_given array[]; // [count]
};

mg_status mg_h5_open_arrays(const char *path, const mg_h5_given *arrays, int count, const char *sparse,
                            const int64_t shape[2], mg_h5 **out, mg_error *error) {
    mg_h5 *file;
    size_t bytes = (size_t)count * sizeof *arrays;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&file, 1, sizeof *file, error);
    if (status) return status;
    file->file = -1;
    file->fd = -1;
    file->users = 1;
    status = mg_memory_get(&file->arrays, 1, sizeof *file->arrays + bytes, error);
    if (!status) status = mg_memory_text(&file->path, path, error);
    if (status) {
        mg_memory_free(file->arrays);
        mg_memory_free(file);
        return status;
    }
    *file->arrays = (mg_h5_arrays){.sparse = sparse, .count = count};
    if (sparse) memcpy(file->arrays->shape, shape, sizeof file->arrays->shape);
    memcpy(file->arrays->array, arrays, bytes);
    *out = file;
    return MG_OK;
}

bool mg_h5_is_arrays(const mg_h5 *file) { return file->arrays != NULL; }

static const mg_h5_given *find(const mg_h5 *file, const char *name) {
    for (int i = 0; i < file->arrays->count; i++)
        if (!strcmp(file->arrays->array[i].name, name)) return &file->arrays->array[i];
    return NULL;
}

static bool is_sparse(const mg_h5 *file, const char *name) {
    return file->arrays->sparse && !strcmp(file->arrays->sparse, name);
}

mg_h5_kind mg_h5_memory_find(const mg_h5 *file, const char *name) {
    if (is_sparse(file, name)) return MG_H5_GROUP;
    return find(file, name) ? MG_H5_ARRAY : MG_H5_MISSING;
}

// The attributes by which AnnData marks a CSR matrix.
bool mg_h5_memory_has_attribute(const mg_h5 *file, const char *object, const char *name) {
    return is_sparse(file, object) && (!strcmp(name, "shape") || !strcmp(name, "encoding-type"));
}

const int64_t *mg_h5_memory_shape(const mg_h5 *file) { return file->arrays->shape; }

mg_status mg_h5_memory_open(mg_h5 *file, const char *name, mg_h5_array **out, mg_error *error) {
    const mg_h5_given *given = find(file, name);
    if (!given) return mg_fail(error, MG_DATA, "%s: %s is missing", file->path, name);
    mg_status status = mg_memory_zeroed(out, 1, sizeof **out, error);
    if (status) return status;
    **out = (mg_h5_array){.file = file,
                          .set = -1,
                          .value = -1,
                          .memory = -1,
                          .type = given->type,
                          .rank = given->rank,
                          .dims = {(hsize_t)given->rows, (hsize_t)given->columns},
                          .rows = given->rows,
                          .columns = given->columns,
                          .fd = -1,
                          .given = given};
    status = mg_memory_text(&(*out)->name, name, error);
    if (!status) return MG_OK;
    mg_h5_array_close(*out);
    *out = NULL;
    return status;
}

const void *mg_h5_array_cells(const mg_h5_array *array, int64_t *row_bytes) {
    if (!array->given) return NULL;
    *row_bytes = array->given->row_bytes;
    return array->given->cells;
}

void mg_h5_memory_read(const mg_h5_array *array, int64_t first, int64_t count, void *to) {
    const mg_h5_given *given = array->given;
    size_t row = (size_t)array->columns * mg_h5_type_size(array->type);
    const char *from = (const char *)given->cells + first * given->row_bytes;
    if ((size_t)given->row_bytes == row) memcpy(to, from, (size_t)count * row);
    else
        for (int64_t i = 0; i < count; i++)
            memcpy((char *)to + (size_t)i * row, from + i * given->row_bytes, row);
}

mg_status mg_h5_memory_texts(const mg_h5_array *array, int64_t first, int64_t count, char **texts,
                             mg_error *error) {
    const char *const *given = (const char *const *)array->given->cells + first;
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++)
        status = mg_memory_text(&texts[i], given[i] ? given[i] : "", error);
    return status;
}
