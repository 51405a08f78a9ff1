// h5_array.c - opens data sets, after checking that they can be read, and reads their rows; with pread if
// they are contiguous and have the machine's own types.
#include "io/h5_file.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CHUNK_CACHE = 256 << 20 };

size_t mg_h5_type_size(mg_h5_type type) {
    static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, 0};
    return sizes[type];
}

const char *mg_h5_type_name(mg_h5_type type) {
    static const char *const names[] = {"int8",  "uint8",  "int16",   "uint16",  "int32",   "uint32",
                                        "int64", "uint64", "float16", "float32", "float64", "text"};
    return names[type];
}

// Finds the smallest type that holds every value of a float type of 2, 4 or 8 bytes. The size alone does not
// say it: bfloat16 has the exponents of float32.
static bool classify_float(hid_t type, size_t size, mg_h5_type *out) {
    static const struct {
        mg_h5_type type;
        int bits, least, most; // of the mantissa; exponents
    } kinds[] = {{MG_H5_F16, 10, -14, 15}, {MG_H5_F32, 23, -126, 127}, {MG_H5_F64, 52, -1022, 1023}};
    size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
    if ((size != 2 && size != 4 && size != 8) ||
        H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0 ||
        exponent_bits > 11)
        return false;
    int least = 1 - (int)H5Tget_ebias(type), most = least + (1 << exponent_bits) - 3;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *out = kinds[i].type;
        if ((int)mantissa_bits <= kinds[i].bits && least >= kinds[i].least && most <= kinds[i].most)
            return true;
    }
    return false;
}

static bool classify(hid_t type, mg_h5_type *out) {
    size_t size = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_STRING: *out = MG_H5_TEXT; return true;
    case H5T_FLOAT: return classify_float(type, size, out);
    case H5T_ENUM: // h5py stores booleans as an enumeration
    case H5T_INTEGER: {
        static const mg_h5_type of_size[] = {
            [1] = MG_H5_I8, [2] = MG_H5_I16, [4] = MG_H5_I32, [8] = MG_H5_I64};
        if (size != 1 && size != 2 && size != 4 && size != 8) return false;
        *out = (mg_h5_type)((int)of_size[size] +
                            // the enumerator of the unsigned type follows that of the signed one
                            (H5Tget_sign(type) == H5T_SGN_NONE));
        return true;
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
    const hid_t types[] = {H5T_NATIVE_INT8,  H5T_NATIVE_UINT8,  H5T_NATIVE_INT16, H5T_NATIVE_UINT16,
                           H5T_NATIVE_INT32, H5T_NATIVE_UINT32, H5T_NATIVE_INT64, H5T_NATIVE_UINT64};
    if (type == MG_H5_TEXT) return H5Tcopy(stored);
    if (H5Tget_class(stored) == H5T_ENUM)
        // The native type of an enumeration is still an enumeration; it is not converted to numbers.
        return H5Tget_native_type(stored, H5T_DIR_ASCEND);
    if (type == MG_H5_F16) return mg_h5_half_type();
    if (type == MG_H5_F32) return H5Tcopy(H5T_NATIVE_FLOAT);
    if (type == MG_H5_F64) return H5Tcopy(H5T_NATIVE_DOUBLE);
    return H5Tcopy(types[type]);
}

static mg_status check_shape(mg_h5_array *array, mg_error *error) {
    hid_t space = H5Dget_space(array->set);
    array->rank = H5Sget_simple_extent_ndims(space);
    bool fine =
        array->rank >= 1 && array->rank <= H5S_MAX_RANK && H5Sget_simple_extent_type(space) == H5S_SIMPLE;
    if (fine) H5Sget_simple_extent_dims(space, array->dims, NULL);
    H5Sclose(space);
    if (!fine)
        return mg_fail(error, MG_DATA, "%s: data set %s has rank %d: rows are needed, not a single value",
                       array->file->path, array->name, array->rank);
    const hsize_t most = (hsize_t)1 << 48;
    hsize_t rows = array->dims[0], columns = 1;
    bool countable = rows <= most;
    for (int d = 1; countable && d < array->rank; d++) {
        countable = array->dims[d] <= most && (!array->dims[d] || columns <= most / array->dims[d]);
        columns *= array->dims[d];
    }
    array->rows = (int64_t)rows;
    array->columns = (int64_t)columns;
    if (countable && (!rows || columns <= ((hsize_t)1 << 56) / rows)) return MG_OK;
    char shape[MG_H5_SHAPE];
    return mg_fail(
        error, MG_DATA,
        "%s: data set %s declares the shape %s, which is impossible: the file is damaged; write it again",
        array->file->path, array->name, mg_h5_array_shape(array, shape));
}

// Returns true if every chunk is stored. H5Dget_space_status cannot be used: it compares bytes, which is
// wrong for compressed chunks and for chunks that extend beyond the edge.
static bool all_chunks_there(mg_h5_array *array, hid_t plist) {
    hsize_t chunk[H5S_MAX_RANK], there = 0, needed = 1;
    H5Pget_chunk(plist, array->rank, chunk);
    array->chunk_rows = (int64_t)chunk[0];
    for (int d = 0; d < array->rank; d++)
        needed *= array->dims[d] / chunk[d] + (array->dims[d] % chunk[d] != 0);
    hid_t space = H5Dget_space(array->set);
    herr_t failed = H5Dget_num_chunks(array->set, space, &there);
    H5Sclose(space);
    return failed >= 0 && there == needed;
}

// Unpacked bytes of a chunk; HDF5 limits them to 2^32. A text of variable length takes 16 bytes in the chunk:
// its length, address and index.
static size_t bytes_of_chunk(const mg_h5_array *array, hid_t plist, hid_t stored) {
    hsize_t chunk[H5S_MAX_RANK], bytes = H5Tis_variable_str(stored) > 0 ? 16 : H5Tget_size(stored);
    if (H5Pget_layout(plist) != H5D_CHUNKED) return 0;
    H5Pget_chunk(plist, array->rank, chunk);
    for (int d = 0; d < array->rank; d++) bytes *= chunk[d];
    return bytes;
}

// Checks that all declared bytes are stored. A file of a kilobyte can declare petabytes, and storage that was
// never written reads as arbitrary bytes.
static mg_status check_storage(mg_h5_array *array, hid_t plist, hid_t stored, mg_error *error) {
    const char *path = array->file->path, *name = array->name;
    char shape[MG_H5_SHAPE];
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT)
        return mg_fail(error, MG_DATA,
                       "%s: data set %s is virtual; its rows are stored elsewhere: copy them with `h5repack "
                       "-l %s:CONTI OLD.h5 NEW.h5`",
                       path, name, name);
    if (H5Pget_external_count(plist) > 0)
        return mg_fail(error, MG_DATA,
                       "%s: data set %s is stored in other files (external storage): copy it into one with "
                       "`h5repack -l %s:CONTI OLD.h5 NEW.h5`",
                       path, name, name);
    array->chunk_bytes = bytes_of_chunk(array, plist, stored);
    mg_status status = mg_h5_check_filters(array, plist, error);
    if (status || array->rows == 0 || array->columns == 0) return status;
    hsize_t bytes = H5Dget_storage_size(array->set);
    if (bytes == 0 || (layout == H5D_CHUNKED && !all_chunks_there(array, plist)))
        return mg_fail(error, MG_DATA,
                       "%s: data set %s was declared %s but not completely written: write it again", path,
                       name, mg_h5_array_shape(array, shape));
    hsize_t need = (hsize_t)array->rows * (hsize_t)array->columns * H5Tget_size(stored);
    if (layout != H5D_CHUNKED && bytes < need)
        return mg_fail(error, MG_DATA,
                       "%s: data set %s holds %llu of %llu bytes: the file is not complete: write it again",
                       path, name, (unsigned long long)bytes, (unsigned long long)need);
    bool plain = layout == H5D_CONTIGUOUS && array->type != MG_H5_TEXT && H5Tequal(stored, array->memory) > 0;
    haddr_t offset = plain ? H5Dget_offset(array->set) : HADDR_UNDEF;
    if (offset != HADDR_UNDEF) {
        // The descriptor of the open file; -1 for a file in memory, which is then read through the library.
        array->fd = array->file->fd;
        array->offset = (int64_t)offset;
    }
    return MG_OK;
}

// Opens a data set with a chunk cache that holds one row of chunks. With a smaller cache every read would
// decompress each chunk again (measured: 38 times slower).
static hid_t open_with_cache(const mg_h5 *file, const char *name) {
    hid_t set = H5Dopen2(file->file, name, H5P_DEFAULT);
    if (set < 0) return set;
    hid_t plist = H5Dget_create_plist(set), space = H5Dget_space(set), type = H5Dget_type(set);
    int rank = H5Sget_simple_extent_ndims(space);
    hsize_t chunk[H5S_MAX_RANK], dims[H5S_MAX_RANK];
    if (H5Pget_layout(plist) == H5D_CHUNKED && rank >= 1 && rank <= H5S_MAX_RANK) {
        H5Pget_chunk(plist, rank, chunk);
        H5Sget_simple_extent_dims(space, dims, NULL);
        double bytes = 2 * (double)H5Tget_size(type) * (double)chunk[0];
        for (int d = 1; d < rank; d++)
            bytes *= (double)((dims[d] + chunk[d] - 1) / chunk[d]) * (double)chunk[d];
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

static mg_status refuse_type(const mg_h5_array *array, hid_t stored, mg_error *error) {
    static const char *const kinds[H5T_NCLASSES] = {
        [H5T_INTEGER] = "integers of another width than 8 to 64 bits",
        [H5T_FLOAT] = "floats wider than 64 bits or of an unusual form",
        [H5T_TIME] = "times",
        [H5T_BITFIELD] = "bit fields",
        [H5T_OPAQUE] = "opaque bytes",
        [H5T_REFERENCE] = "references",
        [H5T_ENUM] = "an enumeration of another width than 8 to 64 bits",
        [H5T_VLEN] = "lists of variable length",
        [H5T_ARRAY] = "arrays in every cell"};
    H5T_class_t class = H5Tget_class(stored);
    char columns[200];
    if (class == H5T_COMPOUND)
        return mg_fail(error, MG_DATA,
                       "%s: data set %s is a table (compound) with the columns %s: name one, as in %s/COLUMN",
                       array->file->path, array->name, mg_h5_columns(stored, columns, sizeof columns),
                       array->name);
    return mg_fail(
        error, MG_DATA,
        "%s: data set %s holds %s; only numbers of 1 to 8 bytes and text can be read: convert the values",
        array->file->path, array->name,
        class >= 0 && kinds[class] ? kinds[class] : "values of an unknown type");
}

// The type of the values of a data set; if `column` is not NULL, of that column.
static hid_t type_of_values(hid_t stored, const char *column) {
    return column ? H5Tget_member_type(stored, (unsigned)H5Tget_member_index(stored, column))
                  : H5Tcopy(stored);
}

static hid_t type_of_rows(hid_t value, const char *column) {
    if (!column) return H5Tcopy(value);
    hid_t row = H5Tcreate(H5T_COMPOUND, H5Tget_size(value));
    H5Tinsert(row, column, 0, value);
    return row;
}

static mg_status open_set(mg_h5_array *array, const char *set, const char *column, mg_error *error) {
    char reason[256];
    array->set = open_with_cache(array->file, set);
    if (array->set < 0)
        return mg_fail(error, MG_DATA, "%s: data set %s cannot be opened: %s", array->file->path, array->name,
                       mg_h5_reason(reason, sizeof reason));
    hid_t stored = H5Dget_type(array->set), plist = H5Dget_create_plist(array->set),
          value = type_of_values(stored, column);
    mg_status status = classify(value, &array->type) ? MG_OK : refuse_type(array, value, error);
    if (!status) {
        array->value = memory_type(array->type, value);
        array->memory = type_of_rows(array->value, column);
        status = check_shape(array, error);
    }
    if (!status) status = check_storage(array, plist, stored, error);
    H5Tclose(value);
    H5Pclose(plist);
    H5Tclose(stored);
    return status;
}

mg_status mg_h5_array_open(mg_h5 *file, const char *name, mg_h5_array **out, mg_error *error) {
    *out = NULL;
    if (file->arrays) return mg_h5_memory_open(file, name, out, error);
    char table[MG_H5_NAME];
    const char *column = NULL;
    mg_h5_kind kind = mg_h5_find(file, name);
    if (kind == MG_H5_MISSING && mg_h5_split_column(file, name, table, &column)) kind = MG_H5_ARRAY;
    if (kind == MG_H5_MISSING) return mg_h5_refuse_missing(file, name, error);
    mg_status status = MG_OK;
    if (kind != MG_H5_ARRAY)
        status = mg_fail(error, MG_DATA, "%s: data set %s %s", file->path, name,
                         kind == MG_H5_GROUP ? "is a group" : "is a link, which is not followed");
    if (status) return mg_h5_blame(file, status, error);
    mg_h5_array *array;
    status = mg_memory_zeroed(&array, 1, sizeof *array, error);
    if (status) return status;
    array->file = file;
    array->fd = -1;
    array->set = array->value = array->memory = -1;
    status = mg_memory_text(&array->name, name, error);
    if (!status) status = open_set(array, column ? table : name, column, error);
    if (status) mg_h5_array_close(array);
    else *out = array;
    return mg_h5_blame(file, status, error);
}

void mg_h5_array_close(mg_h5_array *array) {
    if (!array) return;
    mg_h5_quiet();
    if (array->memory >= 0) H5Tclose(array->memory);
    if (array->value >= 0) H5Tclose(array->value);
    if (array->set >= 0) H5Dclose(array->set);
    mg_memory_free(array->name);
    mg_memory_free(array);
}

int mg_h5_array_rank(const mg_h5_array *array) { return array->rank; }

const char *mg_h5_array_shape(const mg_h5_array *array, char out[MG_H5_SHAPE]) {
    size_t used = 0;
    for (int d = 0; d < array->rank && used < MG_H5_SHAPE; d++)
        used += (size_t)snprintf(out + used, MG_H5_SHAPE - used, "%s%llu", d ? ", " : "[",
                                 (unsigned long long)array->dims[d]);
    if (used < MG_H5_SHAPE) snprintf(out + used, MG_H5_SHAPE - used, "]");
    return out;
}

int64_t mg_h5_array_rows(const mg_h5_array *array) { return array->rows; }

int64_t mg_h5_array_columns(const mg_h5_array *array) { return array->columns; }

mg_h5_type mg_h5_array_type(const mg_h5_array *array) { return array->type; }

int64_t mg_h5_array_chunk_rows(const mg_h5_array *array) { return array->chunk_rows; }

double mg_h5_array_chunk_bytes(const mg_h5_array *array) {
    return (double)array->chunk_rows * (double)array->columns * (double)mg_h5_type_size(array->type);
}

void mg_h5_array_storage(const mg_h5_array *array, char *out, size_t size) {
    mg_h5_quiet();
    hid_t plist = H5Dget_create_plist(array->set);
    H5D_layout_t layout = H5Pget_layout(plist);
    hsize_t chunk[H5S_MAX_RANK];
    snprintf(out, size, "%s", layout == H5D_CONTIGUOUS ? "contiguous" : "compact");
    if (layout == H5D_CHUNKED && H5Pget_chunk(plist, array->rank, chunk) > 0) {
        size_t used = (size_t)snprintf(out, size, "chunks of %llu", (unsigned long long)chunk[0]);
        for (int d = 1; d < array->rank && used < size; d++)
            used += (size_t)snprintf(out + used, size - used, " x %llu", (unsigned long long)chunk[d]);
    }
    for (int i = 0; i < H5Pget_nfilters(plist); i++) {
        unsigned flags, config;
        size_t values = 0, used = strlen(out);
        char name[64] = "";
        H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof name, name, &config);
        snprintf(out + used, size - used, ", %s", name);
    }
    H5Pclose(plist);
}

mg_status mg_h5_array_map(const mg_h5_array *array, mg_map **out, mg_error *error) {
    *out = NULL;
    size_t cell = mg_h5_type_size(array->type);
    const mg_map_place place = {array->file->path, array->name, array->fd,
                                array->offset,     array->rows, (size_t)array->columns * cell};
    return array->fd >= 0 && array->offset % (int64_t)cell == 0 ? mg_map_create(&place, out, error) : MG_OK;
}

static mg_status read_direct(const mg_h5_array *array, int64_t first, int64_t count, char *to,
                             mg_error *error) {
    size_t row = (size_t)array->columns * mg_h5_type_size(array->type), left = (size_t)count * row;
    off_t at = (off_t)(array->offset + first * (int64_t)row);
    while (left) {
        ssize_t got = pread(array->fd, to, left, at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return mg_fail(error, got ? MG_IO : MG_DATA, "%s: data set %s, rows from %lld: %s",
                           array->file->path, array->name, (long long)first,
                           got ? strerror(errno) : "the file ends too early: it was truncated");
        to += got;
        at += got;
        left -= (size_t)got;
    }
    return MG_OK;
}

static mg_status read_library(const mg_h5_array *array, int64_t first, int64_t count, void *to,
                              mg_error *error) {
    mg_h5_quiet();
    hsize_t start[H5S_MAX_RANK] = {(hsize_t)first}, extent[H5S_MAX_RANK];
    memcpy(extent, array->dims, sizeof extent);
    extent[0] = (hsize_t)count;
    hid_t space = H5Dget_space(array->set), memory = H5Screate_simple(array->rank, extent, NULL);
    herr_t failed = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
    mg_h5_expect_chunks(array->chunk_bytes);
    if (failed >= 0) failed = H5Dread(array->set, array->memory, memory, space, H5P_DEFAULT, to);
    char reason[256];
    if (failed < 0) mg_h5_reason(reason, sizeof reason); // must be read before the next call clears it
    H5Sclose(memory);
    H5Sclose(space);
    if (failed >= 0) return MG_OK;
    mg_status status =
        mg_fail(error, MG_DATA, "%s: data set %s, rows %lld to %lld cannot be read: %s", array->file->path,
                array->name, (long long)first, (long long)(first + count - 1), reason);
    return mg_h5_blame(array->file, status, error);
}

mg_status mg_h5_array_read(mg_h5_array *array, int64_t first, int64_t count, void *to, mg_error *error) {
    if (count <= 0 || array->columns == 0) return MG_OK;
    if (array->given) mg_h5_memory_read(array, first, count, to);
    if (array->given) return MG_OK;
    return array->fd >= 0 ? read_direct(array, first, count, to, error)
                          : read_library(array, first, count, to, error);
}
