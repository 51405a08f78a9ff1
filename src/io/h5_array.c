// h5_array.c - data sets: what is accepted, and rows of them into memory, by pread where the bytes lie plainly in the file.
#include "io/h5_file.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CHUNK_CACHE = 256 << 20, MOST_CHUNK = 1 << 30 };

struct mg_h5_array {
    mg_h5 *file;
    char *name;
    hid_t set;
    hid_t memory; // type rows are read as
    mg_h5_type type;
    int rank;
    int64_t rows, columns, chunk_rows;
    int fd;         // the file's, for direct reads, else -1
    int64_t offset; // of the first byte in the file
};

size_t mg_h5_type_size(mg_h5_type type) {
    static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, 0};
    return sizes[type];
}

const char *mg_h5_type_name(mg_h5_type type) {
    static const char *const names[] = {"int8",  "uint8",  "int16",   "uint16",  "int32",   "uint32",
                                        "int64", "uint64", "float16", "float32", "float64", "text"};
    return names[type];
}

static bool classify(hid_t type, mg_h5_type *out) {
    size_t size = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_STRING: *out = MG_H5_TEXT; return true;
    case H5T_FLOAT:
        *out = size == 2 ? MG_H5_F16 : size == 4 ? MG_H5_F32 : MG_H5_F64;
        return size == 2 || size == 4 || size == 8;
    case H5T_ENUM: // h5py writes booleans so; wider ones the library will not convert to numbers
        if (size != 1) return false; // fall through
    case H5T_INTEGER: {
        int width = size == 1 ? 0 : size == 2 ? 2 : size == 4 ? 4 : 6;
        *out = (mg_h5_type)(width + (H5Tget_sign(type) == H5T_SGN_NONE));
        return size == 1 || size == 2 || size == 4 || size == 8;
    }
    default: return false;
    }
}

hid_t mg_h5_half_type(void) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

static hid_t memory_type(mg_h5_type type, hid_t stored) {
    const hid_t types[] = {H5T_NATIVE_INT8,   H5T_NATIVE_UINT8, H5T_NATIVE_INT16,  H5T_NATIVE_UINT16,
                           H5T_NATIVE_INT32,  H5T_NATIVE_UINT32, H5T_NATIVE_INT64, H5T_NATIVE_UINT64};
    if (type == MG_H5_TEXT || H5Tget_class(stored) == H5T_ENUM) return H5Tcopy(stored);
    if (type == MG_H5_F16) return mg_h5_half_type();
    if (type == MG_H5_F32) return H5Tcopy(H5T_NATIVE_FLOAT);
    if (type == MG_H5_F64) return H5Tcopy(H5T_NATIVE_DOUBLE);
    return H5Tcopy(types[type]);
}

// A chunk is unpacked as a whole, and a thousandth of its size in the file is enough for it.
static mg_status check_chunk(const mg_h5_array *array, hid_t plist, hid_t stored, mg_error *error) {
    hsize_t chunk[2] = {1, 1};
    H5Pget_chunk(plist, array->rank, chunk);
    hsize_t bytes = chunk[0] * chunk[1] * H5Tget_size(stored); // HDF5 keeps it below 2^32
    if (bytes <= MOST_CHUNK) return MG_OK;
    return mg_fail(error, MG_DATA, "%s: data set %s has chunks of %llu bytes (at most %d are allowed): repack it with h5repack",
                   array->file->path, array->name, (unsigned long long)bytes, MOST_CHUNK);
}

// Filters that cannot hide anything: deflate, shuffle, fletcher32.
static mg_status check_filters(const mg_h5_array *array, hid_t plist, mg_error *error) {
    int count = H5Pget_nfilters(plist);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        char name[64] = "";
        H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof name, name, &config);
        if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32)
            return mg_fail(error, MG_DATA,
                           "%s: data set %s uses the filter %s (%d); deflate, shuffle and fletcher32 are allowed: repack it with h5repack",
                           array->file->path, array->name, *name ? name : "?", (int)id);
    }
    return MG_OK;
}

static mg_status check_shape(mg_h5_array *array, mg_error *error) {
    hid_t space = H5Dget_space(array->set);
    hsize_t dims[2] = {0, 1};
    array->rank = H5Sget_simple_extent_ndims(space);
    bool fine = (array->rank == 1 || array->rank == 2) && H5Sget_simple_extent_type(space) == H5S_SIMPLE;
    if (fine) H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    if (!fine)
        return mg_fail(error, MG_DATA, "%s: data set %s has rank %d (1 or 2 are allowed)", array->file->path, array->name,
                       array->rank);
    const hsize_t most = (hsize_t)1 << 48;
    if (dims[0] > most || dims[1] > most || (dims[0] && dims[1] > ((hsize_t)1 << 56) / dims[0]))
        return mg_fail(error, MG_DATA, "%s: data set %s declares %llu x %llu cells, more than any machine holds",
                       array->file->path, array->name, (unsigned long long)dims[0], (unsigned long long)dims[1]);
    array->rows = (int64_t)dims[0];
    array->columns = (int64_t)dims[1];
    return MG_OK;
}

// Is every chunk stored? (H5Dget_space_status compares bytes, so compressed chunks and chunks over the edge deceive it.)
static bool all_chunks_there(mg_h5_array *array, hid_t plist) {
    hsize_t chunk[2] = {1, 1}, there = 0;
    H5Pget_chunk(plist, array->rank, chunk);
    array->chunk_rows = (int64_t)chunk[0];
    hsize_t rows = (hsize_t)array->rows, columns = (hsize_t)array->columns;
    hsize_t needed = (rows / chunk[0] + (rows % chunk[0] != 0)) * (columns / chunk[1] + (columns % chunk[1] != 0));
    hid_t space = H5Dget_space(array->set);
    herr_t failed = H5Dget_num_chunks(array->set, space, &there);
    H5Sclose(space);
    return failed >= 0 && there == needed;
}

// Bytes declared must be bytes stored: a file of a kilobyte can declare petabytes, and unwritten storage reads as whatever was there.
static mg_status check_storage(mg_h5_array *array, hid_t plist, hid_t stored, mg_error *error) {
    const char *path = array->file->path, *name = array->name;
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT)
        return mg_fail(error, MG_DATA, "%s: data set %s is virtual; contiguous or chunked are allowed", path, name);
    if (H5Pget_external_count(plist) > 0)
        return mg_fail(error, MG_DATA, "%s: data set %s lies in other files (external storage), which is not allowed", path, name);
    mg_status status = check_filters(array, plist, error);
    if (!status && layout == H5D_CHUNKED) status = check_chunk(array, plist, stored, error);
    if (status || array->rows == 0 || array->columns == 0) return status;
    hsize_t bytes = H5Dget_storage_size(array->set);
    if (bytes == 0 || (layout == H5D_CHUNKED && !all_chunks_there(array, plist)))
        return mg_fail(error, MG_DATA, "%s: data set %s was declared (%lld x %lld) but not wholly written", path, name,
                       (long long)array->rows, (long long)array->columns);
    hsize_t need = (hsize_t)array->rows * (hsize_t)array->columns * H5Tget_size(stored);
    if (layout != H5D_CHUNKED && bytes < need)
        return mg_fail(error, MG_DATA, "%s: data set %s holds %llu of %llu bytes", path, name, (unsigned long long)bytes,
                       (unsigned long long)need);
    bool plain = layout == H5D_CONTIGUOUS && array->type != MG_H5_TEXT && H5Tequal(stored, array->memory) > 0;
    haddr_t offset = plain ? H5Dget_offset(array->set) : HADDR_UNDEF;
    if (offset != HADDR_UNDEF) {
        array->fd = array->file->fd; // the same open file; one in memory has none, and the library reads
        array->offset = (int64_t)offset;
    }
    return MG_OK;
}

// The chunk cache must hold a row of chunks, else every slab decompresses each chunk again (38 times slower when measured).
static hid_t open_with_cache(const mg_h5 *file, const char *name) {
    hid_t set = H5Dopen2(file->file, name, H5P_DEFAULT);
    if (set < 0) return set;
    hid_t plist = H5Dget_create_plist(set), space = H5Dget_space(set), type = H5Dget_type(set);
    int rank = H5Sget_simple_extent_ndims(space);
    hsize_t chunk[2] = {1, 1}, dims[2] = {1, 1};
    if (H5Pget_layout(plist) == H5D_CHUNKED && (rank == 1 || rank == 2)) {
        H5Pget_chunk(plist, rank, chunk);
        H5Sget_simple_extent_dims(space, dims, NULL);
        double across = rank == 2 ? (double)((dims[1] + chunk[1] - 1) / chunk[1]) : 1;
        double bytes = 2 * across * (double)chunk[0] * (double)chunk[1] * (double)H5Tget_size(type);
        if (bytes > (1 << 20) && bytes <= MOST_CHUNK_CACHE) {
            hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
            H5Pset_chunk_cache(access, 12421, (size_t)bytes, 1.0);
            H5Dclose(set);
            set = H5Dopen2(file->file, name, access);
            H5Pclose(access);
        }
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(plist);
    return set;
}

mg_status mg_h5_array_open(mg_h5 *file, const char *name, mg_h5_array **out, mg_error *error) {
    *out = NULL;
    mg_h5_kind kind = mg_h5_find(file, name);
    if (kind != MG_H5_ARRAY)
        return mg_fail(error, MG_DATA, "%s: data set %s %s", file->path, name,
                       kind == MG_H5_MISSING ? "is missing" : kind == MG_H5_GROUP ? "is a group" : "is a link, which is not followed");
    mg_h5_array *array;
    mg_status status = mg_memory_zeroed(&array, 1, sizeof *array, error);
    if (status) return status;
    array->file = file;
    array->fd = -1;
    array->memory = -1;
    status = mg_memory_text(&array->name, name, error);
    array->set = status ? -1 : open_with_cache(file, name);
    hid_t stored = array->set < 0 ? -1 : H5Dget_type(array->set);
    hid_t plist = array->set < 0 ? -1 : H5Dget_create_plist(array->set);
    char reason[256];
    if (!status && array->set < 0)
        status = mg_fail(error, MG_DATA, "%s: data set %s cannot be opened: %s", file->path, name, mg_h5_reason(reason, sizeof reason));
    if (!status && !classify(stored, &array->type))
        status = mg_fail(error, MG_DATA, "%s: data set %s is neither numbers of 1 to 8 bytes (enumerations: of 1) nor text", file->path, name);
    if (!status) array->memory = memory_type(array->type, stored);
    if (!status) status = check_shape(array, error);
    if (!status) status = check_storage(array, plist, stored, error);
    if (plist >= 0) H5Pclose(plist);
    if (stored >= 0) H5Tclose(stored);
    if (status) mg_h5_array_close(array);
    else *out = array;
    return status;
}

void mg_h5_array_close(mg_h5_array *array) {
    if (!array) return;
    mg_h5_quiet();
    if (array->memory >= 0) H5Tclose(array->memory);
    if (array->set >= 0) H5Dclose(array->set);
    mg_memory_free(array->name);
    mg_memory_free(array);
}

int mg_h5_array_rank(const mg_h5_array *array) {
    return array->rank;
}

int64_t mg_h5_array_rows(const mg_h5_array *array) {
    return array->rows;
}

int64_t mg_h5_array_columns(const mg_h5_array *array) {
    return array->columns;
}

mg_h5_type mg_h5_array_type(const mg_h5_array *array) {
    return array->type;
}

int64_t mg_h5_array_chunk_rows(const mg_h5_array *array) {
    return array->chunk_rows;
}

void mg_h5_array_storage(const mg_h5_array *array, char *out, size_t size) {
    mg_h5_quiet();
    hid_t plist = H5Dget_create_plist(array->set);
    H5D_layout_t layout = H5Pget_layout(plist);
    hsize_t chunk[2] = {1, 1};
    snprintf(out, size, "%s", layout == H5D_CONTIGUOUS ? "contiguous" : "compact");
    if (layout == H5D_CHUNKED && H5Pget_chunk(plist, array->rank, chunk) > 0)
        snprintf(out, size, array->rank == 2 ? "chunks of %llu x %llu" : "chunks of %llu", (unsigned long long)chunk[0],
                 (unsigned long long)chunk[1]);
    for (int i = 0; i < H5Pget_nfilters(plist); i++) {
        unsigned flags, config;
        size_t values = 0, used = strlen(out);
        char name[64] = "";
        H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof name, name, &config);
        snprintf(out + used, size - used, ", %s", name);
    }
    H5Pclose(plist);
}

bool mg_h5_array_direct(const mg_h5_array *array) {
    return array->fd >= 0;
}

mg_status mg_h5_array_map(const mg_h5_array *array, mg_map **out, mg_error *error) {
    *out = NULL;
    size_t cell = mg_h5_type_size(array->type);
    const mg_map_place place = {array->file->path, array->name, array->fd, array->offset, array->rows, (size_t)array->columns * cell};
    return array->fd >= 0 && array->offset % (int64_t)cell == 0 ? mg_map_create(&place, out, error) : MG_OK;
}

static mg_status read_direct(const mg_h5_array *array, int64_t first, int64_t count, char *to, mg_error *error) {
    size_t row = (size_t)array->columns * mg_h5_type_size(array->type), left = (size_t)count * row;
    off_t at = (off_t)(array->offset + first * (int64_t)row);
    while (left) {
        ssize_t got = pread(array->fd, to, left, at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return mg_fail(error, got ? MG_IO : MG_DATA, "%s: data set %s, rows from %lld: %s", array->file->path, array->name,
                           (long long)first, got ? strerror(errno) : "the file ends too early: it was cut");
        to += got;
        at += got;
        left -= (size_t)got;
    }
    return MG_OK;
}

static mg_status read_library(const mg_h5_array *array, int64_t first, int64_t count, void *to, mg_error *error) {
    mg_h5_quiet();
    hsize_t start[2] = {(hsize_t)first, 0}, extent[2] = {(hsize_t)count, (hsize_t)array->columns};
    hid_t space = H5Dget_space(array->set), memory = H5Screate_simple(array->rank, extent, NULL);
    herr_t failed = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
    if (failed >= 0) failed = H5Dread(array->set, array->memory, memory, space, H5P_DEFAULT, to);
    char reason[256];
    if (failed < 0) mg_h5_reason(reason, sizeof reason); // the next call forgets it
    H5Sclose(memory);
    H5Sclose(space);
    if (failed >= 0) return MG_OK;
    return mg_fail(error, MG_DATA, "%s: data set %s, rows %lld to %lld cannot be read: %s", array->file->path, array->name,
                   (long long)first, (long long)(first + count - 1), reason);
}

mg_status mg_h5_array_read(mg_h5_array *array, int64_t first, int64_t count, void *to, mg_error *error) {
    if (count <= 0 || array->columns == 0) return MG_OK;
    return array->fd >= 0 ? read_direct(array, first, count, to, error) : read_library(array, first, count, to, error);
}

mg_status mg_h5_array_read_int64(mg_h5_array *array, int64_t **out, mg_error *error) {
    *out = NULL;
    if (array->type > MG_H5_U64 || array->rank != 1)
        return mg_fail(error, MG_DATA, "%s: data set %s must be a vector of integers, not %s of rank %d", array->file->path,
                       array->name, mg_h5_type_name(array->type), array->rank);
    mg_h5_quiet();
    mg_status status = mg_memory_zeroed(out, (size_t)array->rows, sizeof **out, error);
    hid_t stored = H5Dget_type(array->set), whole = array->type == MG_H5_U64 ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
    bool is_enum = H5Tget_class(stored) == H5T_ENUM;
    H5Tclose(stored);
    if (!status && array->rows && is_enum) { // the library will not convert an enumeration to an integer
        int8_t *codes;
        status = mg_memory_zeroed(&codes, (size_t)array->rows, 1, error);
        if (!status) status = mg_h5_array_read(array, 0, array->rows, codes, error);
        for (int64_t i = 0; !status && i < array->rows; i++) (*out)[i] = array->type == MG_H5_U8 ? (uint8_t)codes[i] : codes[i];
        mg_memory_free(codes);
    } else if (!status && array->rows && H5Dread(array->set, whole, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0) {
        char reason[256];
        status = mg_fail(error, MG_DATA, "%s: data set %s cannot be read: %s", array->file->path, array->name,
                         mg_h5_reason(reason, sizeof reason));
    }
    for (int64_t i = 0; !status && array->type == MG_H5_U64 && i < array->rows; i++)
        if ((*out)[i] < 0) // the library would fold all of them into the largest
            status = mg_fail(error, MG_DATA, "%s: %s[%lld] is %llu; at most 2^63 - 1 is allowed", array->file->path, array->name,
                             (long long)i, (unsigned long long)(*out)[i]);
    if (status) {
        mg_memory_free(*out);
        *out = NULL;
    }
    return status;
}

static mg_status read_variable_texts(mg_h5_array *array, char **texts, mg_error *error) {
    char **raw;
    size_t count = (size_t)array->rows;
    mg_status status = mg_memory_zeroed(&raw, count, sizeof *raw, error);
    if (status) return status;
    if (H5Dread(array->set, array->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) < 0)
        status = mg_fail(error, MG_DATA, "%s: data set %s cannot be read", array->file->path, array->name);
    for (size_t i = 0; !status && i < count; i++) status = mg_memory_text(&texts[i], raw[i] ? raw[i] : "", error);
    hid_t space = H5Dget_space(array->set);
    H5Dvlen_reclaim(array->memory, space, H5P_DEFAULT, raw);
    H5Sclose(space);
    mg_memory_free(raw);
    return status;
}

static mg_status read_fixed_texts(mg_h5_array *array, char **texts, mg_error *error) {
    size_t width = H5Tget_size(array->memory), count = (size_t)array->rows;
    bool spaces = H5Tget_strpad(array->memory) == H5T_STR_SPACEPAD;
    char *raw, *text;
    mg_status status = mg_memory_zeroed(&raw, count, width, error);
    if (!status) status = mg_h5_array_read(array, 0, array->rows, raw, error);
    for (size_t i = 0; !status && i < count; i++) {
        size_t length = strnlen(raw + i * width, width);
        while (spaces && length && raw[i * width + length - 1] == ' ') length--;
        status = mg_memory_zeroed(&text, length + 1, 1, error);
        if (!status) memcpy(text, raw + i * width, length);
        texts[i] = text;
    }
    mg_memory_free(raw);
    return status;
}

mg_status mg_h5_array_read_texts(mg_h5_array *array, char ***out, mg_error *error) {
    *out = NULL;
    if (array->type != MG_H5_TEXT || array->rank != 1)
        return mg_fail(error, MG_DATA, "%s: data set %s must be a vector of texts", array->file->path, array->name);
    mg_h5_quiet();
    mg_status status = mg_memory_zeroed(out, (size_t)array->rows, sizeof **out, error);
    if (!status && array->rows)
        status = H5Tis_variable_str(array->memory) > 0 ? read_variable_texts(array, *out, error)
                                                       : read_fixed_texts(array, *out, error);
    if (status) {
        mg_h5_free_texts(*out, array->rows);
        *out = NULL;
    }
    return status;
}

void mg_h5_free_texts(char **texts, int64_t count) {
    for (int64_t i = 0; texts && i < count; i++) mg_memory_free(texts[i]);
    mg_memory_free(texts);
}
