// source_open.c - opens the features of a file: finds their layout, and checks shapes and types.
#include "data/source.h"

#include "base/memory.h"
#include "data/csr_layout.h"
#include "data/source_state.h"

#include <stdio.h>

// True if float32 cannot hold every value of this type.
static bool can_round(mg_h5_type type) {
    return type == MG_H5_F64 || type == MG_H5_I32 || type == MG_H5_U32 || type == MG_H5_I64 ||
           type == MG_H5_U64;
}

static mg_status open_dense(mg_source *source, mg_error *error) {
    mg_status status = mg_h5_array_open(source->file, source->name, &source->data, error);
    if (status) return status;
    mg_h5_type type = mg_h5_array_type(source->data);
    bool named = mg_h5_array_named(source->data);
    if (mg_h5_array_rank(source->data) < 2 || type == MG_H5_TEXT || named)
        return mg_fail(error, MG_DATA,
                       "%s: %s has rank %d and type %s; rows by features [N,D] of numbers are needed%s",
                       mg_h5_path(source->file), source->name, mg_h5_array_rank(source->data),
                       named ? "enumeration" : mg_h5_type_name(type),
                       mg_h5_array_rank(source->data) < 2 && type != MG_H5_TEXT
                           ? ": if it is one feature, store x[:, None]"
                           : "");
    source->rows = mg_h5_array_rows(source->data);
    source->features = mg_h5_array_columns(source->data);
    if (source->features > MG_MOST_INDEX)
        return mg_fail(error, MG_DATA,
                       "%s: %s has %lld features, but at most %u are allowed: leave columns out",
                       mg_h5_path(source->file), source->name, (long long)source->features, MG_MOST_INDEX);
    source->cell = MG_CELL_F32;
    for (mg_cell cell = MG_CELL_U8; mg_source_is_as_is(source) && cell <= MG_CELL_F32; cell++)
        if (mg_source_stored_types[cell] == type) source->cell = cell;
    if (!can_round(type)) return MG_OK;
    status = mg_memory_get(&source->wide, (size_t)source->features, sizeof *source->wide, error);
    return status ? status : mg_rounding_begin(&source->rounding, source->features, error);
}

// Checks the ends of lines first .. end, which begin at source->indptr.
static mg_status check_indptr(const mg_source *source, int64_t first, int64_t end, int64_t lines,
                              mg_error *error) {
    const char *path = mg_h5_path(source->file);
    const int64_t *indptr = source->indptr;
    int64_t stored = mg_h5_array_rows(source->data);
    if (first == 0 && indptr[0] != 0)
        return mg_fail(error, MG_DATA,
                       "%s: %s/indptr[0] is %lld, but must be 0: the matrix is damaged; write it again", path,
                       source->name, (long long)indptr[0]);
    for (int64_t i = 0; i <= end - first; i++) {
        int64_t least = i ? indptr[i - 1] : 0;
        if (indptr[i] < least || indptr[i] > stored)
            return mg_fail(error, MG_DATA,
                           "%s: %s/indptr[%lld] is %lld (%lld to %lld are allowed): the matrix is damaged; "
                           "write it again",
                           path, source->name, (long long)(first + i), (long long)indptr[i], (long long)least,
                           (long long)stored);
    }
    if (end == lines && indptr[end - first] != stored)
        return mg_fail(error, MG_DATA,
                       "%s: %s/indptr ends with %lld but there are %lld stored values: the matrix is "
                       "damaged; write it again",
                       path, source->name, (long long)indptr[end - first], (long long)stored);
    return MG_OK;
}

static mg_status open_member(mg_source *source, const char *member, mg_h5_array **out, mg_error *error) {
    char name[MG_H5_NAME];
    if ((size_t)snprintf(name, sizeof name, "%s/%s", source->name, member) < sizeof name)
        return mg_h5_array_open(source->file, name, out, error);
    return mg_fail(error, MG_DATA, "%s: the name of the features is longer than %d bytes: rename the group",
                   mg_h5_path(source->file), MG_H5_NAME);
}

// Uses the indptr of a program without a copy if it has the right type; otherwise reads and converts it.
static mg_status take_indptr(mg_source *source, mg_h5_array *indptr, mg_error *error) {
    int64_t unused = 0;
    const void *given = mg_h5_array_cells(indptr, &unused);
    if (given && mg_h5_array_type(indptr) == MG_H5_I64 && (uintptr_t)given % sizeof(int64_t) == 0) {
        source->indptr = given;
        return MG_OK;
    }
    mg_status status = mg_h5_array_read_int64(indptr, &source->own_indptr, error);
    source->indptr = source->own_indptr;
    return status;
}

// Replaces the ends of columns in `indptr` by those of rows.
static mg_status count_rows(mg_source *source, mg_error *error) {
    const mg_transpose_columns columns = {.file = source->file,
                                          .name = source->name,
                                          .data = source->data,
                                          .indices = source->indices,
                                          .rows = source->rows,
                                          .columns = source->features};
    mg_status status =
        mg_transpose_open(&columns, source->own_indptr, &source->own_indptr, &source->transpose, error);
    source->indptr = source->own_indptr;
    return status;
}

static mg_status open_csr(mg_source *source, bool later, mg_error *error) {
    const char *path = mg_h5_path(source->file);
    int64_t shape[2] = {0, 0};
    bool by_columns = false;
    mg_h5_array *indptr = NULL;
    mg_status status = mg_csr_layout_check(source->file, source->name, &by_columns, error);
    if (!status) status = open_member(source, "indptr", &indptr, error);
    if (!status) status = mg_csr_layout(source->file, source->name, mg_h5_array_rows(indptr), shape, error);
    if (!status) status = open_member(source, "data", &source->data, error);
    if (!status) status = open_member(source, "indices", &source->indices, error);
    if (!status && (shape[0] < 0 || shape[1] < 0 || shape[1] > MG_MOST_INDEX))
        status =
            mg_fail(error, MG_DATA,
                    "%s: %s has shape %lld x %lld, but at most %u features are allowed: leave columns out",
                    path, source->name, (long long)shape[0], (long long)shape[1], MG_MOST_INDEX);
    if (!status && mg_h5_array_rows(indptr) - 1 != shape[by_columns])
        status =
            mg_fail(error, MG_DATA,
                    "%s: %s/indptr has %lld values but shape says %lld %s, and indptr needs one value more "
                    "than there are %s: write the matrix again",
                    path, source->name, (long long)mg_h5_array_rows(indptr), (long long)shape[by_columns],
                    by_columns ? "columns" : "rows", by_columns ? "columns" : "rows");
    if (!status && (mg_h5_array_rank(source->data) != 1 || mg_h5_array_rank(source->indices) != 1 ||
                    mg_h5_array_rows(source->data) != mg_h5_array_rows(source->indices)))
        status = mg_fail(error, MG_DATA,
                         "%s: %s has %lld values and %lld indices, but both must be vectors of the same "
                         "length: write the matrix again",
                         path, source->name, (long long)mg_h5_array_rows(source->data),
                         (long long)mg_h5_array_rows(source->indices));
    if (!status && (mg_h5_array_type(source->data) == MG_H5_TEXT || mg_h5_array_named(source->data) ||
                    mg_h5_array_type(source->indices) > MG_H5_U64))
        status = mg_fail(error, MG_DATA,
                         "%s: %s/data must hold numbers and %s/indices integers: write the matrix again",
                         path, source->name, source->name);
    if (!status && mg_h5_array_rank(indptr) != 1)
        status = mg_fail(error, MG_DATA,
                         "%s: data set %s/indptr must be a vector of integers: write the matrix again", path,
                         source->name);
    source->rows = shape[0];
    source->features = shape[1];
    source->cell = MG_CELL_F32;
    if (!status && later && !by_columns) {
        source->ends.array = indptr;
        return MG_OK;
    }
    if (!status) status = take_indptr(source, indptr, error);
    mg_h5_array_close(indptr);
    if (status) return status;
    source->ends.count = source->rows;
    status = check_indptr(source, 0, shape[by_columns], shape[by_columns], error);
    return status || !by_columns ? status : count_rows(source, error);
}

mg_status mg_source_read_ends(mg_source *source, int64_t first, int64_t end, mg_error *error) {
    if (source->parts) return mg_source_parts_read_ends(source, first, end, error);
    mg_source_ends *ends = &source->ends;
    if (!ends->array) return MG_OK;
    mg_status status =
        mg_h5_array_read_some_int64(ends->array, first, end - first + 1, &source->own_indptr, error);
    mg_h5_array_close(ends->array);
    *ends = (mg_source_ends){first, end - first, NULL};
    if (status) return status;
    source->indptr = source->own_indptr;
    return check_indptr(source, first, end, source->rows, error);
}

static mg_status open_source(mg_h5 *file, const char *name, mg_preparation preparation, bool later,
                             mg_source **out, mg_error *error);

// If the files store cells of different types, all rows in memory have the type that holds all of them.
static void settle_cell(mg_source *source) {
    mg_source_parts *parts = source->parts;
    source->cell = parts->source[0]->cell;
    for (int i = 1; i < parts->count; i++)
        if (parts->source[i]->cell != source->cell) source->cell = MG_CELL_F32;
    for (int i = 0; i < parts->count; i++) parts->source[i]->cell = source->cell;
}

static mg_status open_parts(mg_source *source, bool later, mg_error *error) {
    mg_source_parts *parts;
    int count = mg_h5_parts(source->file);
    mg_status status = mg_memory_zeroed(&parts, 1, sizeof *parts, error);
    if (status) return status;
    source->parts = parts;
    status = mg_memory_zeroed(&parts->source, (size_t)count, sizeof(mg_source *), error);
    if (!status) status = mg_memory_zeroed(&parts->first, (size_t)count + 1, sizeof *parts->first, error);
    for (int i = 0; !status && i < count; i++) {
        status = open_source(mg_h5_part(source->file, i), source->name, source->preparation, later,
                             &parts->source[i], error);
        if (status) break;
        parts->count++;
        if (i) status = mg_source_parts_check(parts->source[0], parts->source[i], error);
        parts->first[i + 1] = parts->first[i] + parts->source[i]->rows;
    }
    if (status) return status;
    source->layout = parts->source[0]->layout;
    source->features = parts->source[0]->features;
    source->rows = parts->first[count];
    settle_cell(source);
    return MG_OK;
}

static void close_parts(const mg_source *source) {
    mg_source_parts *parts = source->parts;
    if (!parts) return;
    for (int i = 0; i < parts->count; i++) {
        parts->source[i]->align = (mg_align){0}; // that of `source`
        mg_source_close(parts->source[i]);
    }
    mg_memory_free(parts->source);
    mg_memory_free(parts->first);
    mg_memory_free(parts->select);
    mg_memory_free(parts);
}

static mg_status open_source(mg_h5 *file, const char *name, mg_preparation preparation, bool later,
                             mg_source **out, mg_error *error) {
    *out = NULL;
    mg_source *source;
    mg_status status = mg_memory_zeroed(&source, 1, sizeof *source, error);
    if (status) return status;
    source->file = file;
    source->preparation = preparation;
    source->layout = mg_h5_find(file, name) == MG_H5_GROUP ? MG_CSR : MG_DENSE;
    status = mg_memory_text(&source->name, name, error);
    if (!status && mg_h5_parts(file) > 1) status = open_parts(source, later, error);
    else if (!status)
        status = source->layout == MG_CSR ? open_csr(source, later, error) : open_dense(source, error);
    if (!status && (source->rows == 0 || source->features == 0))
        status = mg_fail(error, MG_DATA, "%s: %s is empty (%lld rows, %lld features)", mg_h5_path(file), name,
                         (long long)source->rows, (long long)source->features);
    if (status) mg_source_close(source);
    else *out = source;
    return status;
}

mg_status mg_source_open(mg_h5 *file, const char *name, mg_preparation preparation, mg_source **out,
                         mg_error *error) {
    return open_source(file, name, preparation, false, out, error);
}

mg_status mg_source_open_without_ends(mg_h5 *file, const char *name, mg_preparation preparation,
                                      mg_source **out, mg_error *error) {
    return open_source(file, name, preparation, true, out, error);
}

void mg_source_close(mg_source *source) {
    if (!source) return;
    close_parts(source);
    mg_h5_array_close(source->data);
    mg_h5_array_close(source->indices);
    mg_h5_array_close(source->ends.array);
    mg_transpose_close(source->transpose);
    mg_memory_free(source->own_indptr);
    mg_memory_free(source->slab.at);
    mg_memory_free(source->index_slab.at);
    mg_memory_free(source->pairs.at);
    mg_memory_free(source->wide);
    mg_rounding_clear(&source->rounding);
    mg_memory_free(source->line);
    mg_align_clear(&source->align);
    mg_memory_free(source->name);
    mg_memory_free(source);
}
