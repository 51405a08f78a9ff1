// h5_values.c - reads whole vectors of a file as integers or texts.
#include "io/h5_file.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { SLAB_ROWS = 1 << 20 };

// Returns true for an enumeration of FALSE = 0 and TRUE = 1, the form in which h5py stores booleans.
static bool is_boolean(hid_t type) {
    char name[2][8] = {{0}};
    uint64_t raw[2] = {0};
    bool so = H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2;
    for (unsigned i = 0; so && i < 2; i++) {
        so = H5Tget_member_value(type, i, &raw[i]) >= 0 && (raw[i] & 0xff) < 2;
        char *member = H5Tget_member_name(type, i);
        if (so && member) snprintf(name[raw[i] & 1], sizeof name[0], "%s", member);
        H5free_memory(member);
    }
    return so && !strcmp(name[0], "FALSE") && !strcmp(name[1], "TRUE");
}

bool mg_h5_array_boolean(const mg_h5_array *array) {
    mg_h5_quiet();
    return !array->given && is_boolean(array->value);
}

bool mg_h5_array_named(const mg_h5_array *array) {
    mg_h5_quiet();
    return !array->given && H5Tget_class(array->value) == H5T_ENUM && !is_boolean(array->value);
}

// Elements first .. first + count of a vector of texts, and their texts.
typedef struct span {
    int64_t first, count;
    char **texts; // [count]
} span;

int64_t mg_h5_integer(mg_h5_type type, const void *cells, int64_t i) {
    switch (type) {
    case MG_H5_I8: return ((const int8_t *)cells)[i];
    case MG_H5_U8: return ((const uint8_t *)cells)[i];
    case MG_H5_I16: return ((const int16_t *)cells)[i];
    case MG_H5_U16: return ((const uint16_t *)cells)[i];
    case MG_H5_I32: return ((const int32_t *)cells)[i];
    case MG_H5_U32: return ((const uint32_t *)cells)[i];
    case MG_H5_U64:
    case MG_H5_I64: return ((const int64_t *)cells)[i];
    default: return -1;
    }
}

// Reads a slab at a time, so that the values as they are stored take little memory. A chunk is not unpacked
// twice.
mg_status mg_h5_array_read_some_int64(mg_h5_array *array, int64_t first, int64_t count, int64_t **out,
                                      mg_error *error) {
    *out = NULL;
    if (array->type > MG_H5_U64 || array->columns != 1 || mg_h5_array_named(array)) {
        char shape[MG_H5_SHAPE];
        return mg_fail(error, MG_DATA, "%s: data set %s must be a vector of integers, not %s of shape %s",
                       array->file->path, array->name,
                       mg_h5_array_named(array) ? "an enumeration" : mg_h5_type_name(array->type),
                       mg_h5_array_shape(array, shape));
    }
    mg_h5_quiet();
    int64_t slab = array->chunk_rows > SLAB_ROWS ? array->chunk_rows : SLAB_ROWS;
    if (slab > count) slab = count;
    void *cells = NULL;
    mg_status status = mg_memory_zeroed(out, (size_t)count, sizeof **out, error);
    if (!status) status = mg_memory_zeroed(&cells, (size_t)slab, mg_h5_type_size(array->type), error);
    for (int64_t done = 0; !status && done < count; done += slab) {
        int64_t rows = count - done < slab ? count - done : slab, *to = *out + done;
        status = mg_h5_array_read(array, first + done, rows, cells, error);
        for (int64_t i = 0; !status && i < rows; i++) {
            to[i] = mg_h5_integer(array->type, cells, i);
            if (array->type == MG_H5_U64 && to[i] < 0)
                status = mg_fail(error, MG_DATA, "%s: %s[%lld] is %llu; at most 2^63 - 1 is allowed",
                                 array->file->path, array->name, (long long)(first + done + i),
                                 (unsigned long long)to[i]);
        }
    }
    mg_memory_free(cells);
    if (status) {
        mg_memory_free(*out);
        *out = NULL;
    }
    return status;
}

mg_status mg_h5_array_read_int64(mg_h5_array *array, int64_t **out, mg_error *error) {
    return mg_h5_array_read_some_int64(array, 0, array->rows, out, error);
}

static mg_status read_variable_texts(mg_h5_array *array, const span *of, mg_error *error) {
    char **raw;
    hsize_t count = (hsize_t)of->count;
    mg_status status = mg_memory_zeroed(&raw, (size_t)count, sizeof *raw, error);
    if (status) return status;
    status = mg_h5_array_read(array, of->first, of->count, raw, error);
    for (hsize_t i = 0; !status && i < count; i++)
        status = mg_memory_text(&of->texts[i], raw[i] ? raw[i] : "", error);
    hid_t space = H5Screate_simple(1, &count, NULL);
    H5Dvlen_reclaim(array->memory, space, H5P_DEFAULT, raw);
    H5Sclose(space);
    mg_memory_free(raw);
    return status;
}

// Checks that the bytes after a text's first zero, where it ends, are all zero. Other bytes would be lost,
// and two different texts could become equal.
static mg_status check_padding(const mg_h5_array *array, int64_t i, const char *rest, size_t bytes,
                               mg_error *error) {
    for (size_t b = 0; b < bytes; b++)
        if (rest[b])
            return mg_fail(error, MG_DATA,
                           "%s: %s[%lld] has a zero byte within the string: write the strings without it",
                           array->file->path, array->name, (long long)i);
    return MG_OK;
}

static mg_status read_fixed_texts(mg_h5_array *array, const span *of, mg_error *error) {
    size_t width = H5Tget_size(array->value), count = (size_t)of->count;
    H5T_str_t pad = H5Tget_strpad(array->value);
    bool spaces = pad == H5T_STR_SPACEPAD;
    char *raw, *text;
    mg_status status = mg_memory_zeroed(&raw, count, width, error);
    if (!status) status = mg_h5_array_read(array, of->first, of->count, raw, error);
    for (size_t i = 0; !status && i < count; i++) {
        size_t length = strnlen(raw + i * width, width);
        while (spaces && length && raw[i * width + length - 1] == ' ') length--;
        if (pad == H5T_STR_NULLPAD)
            status =
                check_padding(array, of->first + (int64_t)i, raw + i * width + length, width - length, error);
        if (!status) status = mg_memory_zeroed(&text, length + 1, 1, error);
        if (status) break;
        memcpy(text, raw + i * width, length);
        of->texts[i] = text;
    }
    mg_memory_free(raw);
    return status;
}

static mg_status read_names(mg_h5_array *array, const span *of, mg_error *error) {
    size_t width = H5Tget_size(array->value), count = (size_t)of->count;
    char *raw, name[1024];
    mg_status status = mg_memory_zeroed(&raw, count, width, error);
    if (!status) status = mg_h5_array_read(array, of->first, of->count, raw, error);
    for (size_t i = 0; !status && i < count; i++) {
        const void *value = raw + i * width;
        int64_t number = mg_h5_integer(array->type, value, 0);
        if (H5Tenum_nameof(array->value, value, name, sizeof name) >= 0)
            status = mg_memory_text(&of->texts[i], name, error);
        else
            status = mg_fail(error, MG_DATA,
                             "%s: %s[%lld] is %lld, which has no name in the enumeration: write the file "
                             "again",
                             array->file->path, array->name, (long long)of->first + (long long)i,
                             (long long)number);
    }
    mg_memory_free(raw);
    return status;
}

mg_status mg_h5_array_read_some_texts(mg_h5_array *array, int64_t first, int64_t count, char ***out,
                                      mg_error *error) {
    *out = NULL;
    bool named = mg_h5_array_named(array);
    if ((array->type != MG_H5_TEXT && !named) || array->columns != 1)
        return mg_fail(error, MG_DATA, "%s: data set %s must be a vector of strings", array->file->path,
                       array->name);
    mg_h5_quiet();
    span of = {first, count, NULL};
    mg_status status = mg_memory_zeroed(&of.texts, (size_t)count, sizeof *of.texts, error);
    bool variable = !named && !array->given && H5Tis_variable_str(array->value) > 0;
    if (!status && count) {
        if (array->given) status = mg_h5_memory_texts(array, first, count, of.texts, error);
        else if (named) status = read_names(array, &of, error);
        else if (variable) status = read_variable_texts(array, &of, error);
        else status = read_fixed_texts(array, &of, error);
    }
    if (status) mg_h5_free_texts(of.texts, count);
    else *out = of.texts;
    return status;
}

mg_status mg_h5_array_read_texts(mg_h5_array *array, char ***out, mg_error *error) {
    return mg_h5_array_read_some_texts(array, 0, array->rows, out, error);
}

mg_status mg_h5_field_texts(mg_h5 *file, const char *table, const char *field, int64_t count, char ***out,
                            mg_error *error) {
    char name[MG_H5_NAME], same[MG_H5_NAME];
    const char *column;
    mg_h5_array *array;
    *out = NULL;
    if (snprintf(name, sizeof name, "%s/%s", table, field) >= MG_H5_NAME ||
        !mg_h5_split_column(file, name, same, &column))
        return MG_OK;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status == MG_DATA)
        return mg_fail(error, MG_DATA,
                       "%s: table %s is stored in other files, is virtual, or is packed by a filter or in "
                       "chunks that are not allowed: "
                       "repack it with h5repack, or set data.names (eval, predict: --names) to none",
                       file->path, table);
    if (status) return status;
    if (array->type == MG_H5_TEXT && (array->rows != count || array->columns != 1))
        status = mg_fail(error, MG_DATA,
                         "%s: table %s has %lld rows, but it must be a vector of %lld: write the file again",
                         file->path, table, (long long)array->rows, (long long)count);
    else if (array->type == MG_H5_TEXT) status = mg_h5_array_read_texts(array, out, error);
    mg_h5_array_close(array);
    return status;
}

void mg_h5_free_texts(char **texts, int64_t count) {
    for (int64_t i = 0; texts && i < count; i++) mg_memory_free(texts[i]);
    mg_memory_free(texts);
}
