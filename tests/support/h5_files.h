// h5_files.h - writes HDF5 files for tests, with the library itself: with every type, layout and defect that
// a user's file may have.
#ifndef MG_TEST_H5_FILES_H
#define MG_TEST_H5_FILES_H

#include <hdf5.h>

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char test_directory[200];
static char test_file[240]; // the file that most tests write

static inline int make_directory(void **unused) {
    (void)unused;
    const char *base = getenv("TMPDIR");
    snprintf(test_directory, sizeof test_directory, "%.150s/margin-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(test_directory)) return -1;
    snprintf(test_file, sizeof test_file, "%s/t.h5", test_directory);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return 0;
}

static inline int remove_directory(void **unused) {
    (void)unused;
    const char *const names[] = {"t.h5", "other.h5", "outside.bin"};
    char path[300];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", test_directory, names[i]);
        unlink(path);
    }
    return rmdir(test_directory);
}

static inline const char *in_directory(const char *name) {
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", test_directory, name);
    return path;
}

typedef struct storage {
    const char *name;
    hsize_t chunk_rows, chunk_columns; // 0: contiguous
    int deflate, shuffle, fletcher32, compact;
} storage;

static const storage storages[] = {
    {.name = "contiguous"},
    {.name = "compact", .compact = 1},
    {.name = "chunked", .chunk_rows = 2, .chunk_columns = 3},
    {.name = "compressed", .chunk_rows = 3, .chunk_columns = 2, .deflate = 6, .shuffle = 1, .fletcher32 = 1},
    {.name = "one chunk", .chunk_rows = 50, .chunk_columns = 50, .deflate = 1, .fletcher32 = 1},
};
enum { STORAGES = sizeof storages / sizeof *storages };

static inline hid_t create_file(const char *path) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert(file >= 0);
    return file;
}

static inline hid_t storage_plist(const storage *how, int rank) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[3] = {how->chunk_rows, how->chunk_columns, 1};
    if (how->compact) H5Pset_layout(plist, H5D_COMPACT);
    if (how->chunk_rows) H5Pset_chunk(plist, rank, chunk);
    if (how->shuffle) H5Pset_shuffle(plist);
    if (how->deflate) H5Pset_deflate(plist, (unsigned)how->deflate);
    if (how->fletcher32) H5Pset_fletcher32(plist);
    return plist;
}

// Numbers in memory: their type, and where they are.
typedef struct memory_data {
    hid_t type;
    const void *data;
} memory_data;

// Writes a data set of dims[rank]. If from.data is NULL, it is declared but never written.
static inline void put(hid_t file, const char *name, hid_t stored, int rank, const hsize_t *dims,
                       memory_data from, const storage *how) {
    hsize_t most[3] = {H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED};
    hid_t plist = storage_plist(how, rank),
          space = H5Screate_simple(rank, dims, how->chunk_rows ? most : NULL);
    hid_t set = H5Dcreate2(file, name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert(set >= 0);
    if (from.data && H5Dwrite(set, from.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, from.data) < 0) abort();
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plist);
}

static inline void put_vector(hid_t file, const char *name, hid_t stored, hsize_t n, hid_t memory,
                              const void *data) {
    put(file, name, stored, 1, &n, (memory_data){memory, data}, &storages[0]);
}

static inline void put_matrix(hid_t file, const char *name, hid_t stored, hsize_t rows, hsize_t columns,
                              hid_t memory, const void *data) {
    put(file, name, stored, 2, (hsize_t[]){rows, columns}, (memory_data){memory, data}, &storages[0]);
}

static inline void put_group(hid_t file, const char *name) {
    H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static inline void put_texts(hid_t file, const char *name, hsize_t n, const char *const *texts) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    put_vector(file, name, type, n, type, texts);
    H5Tclose(type);
}

// Writes texts of `width` bytes; pad: H5T_STR_NULLTERM, _NULLPAD or _SPACEPAD.
static inline void put_fixed_texts(hid_t file, const char *name, hsize_t n, const char *const *texts,
                                   size_t width, H5T_str_t pad) {
    char *cells = calloc(n, width + 1);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_strpad(type, pad);
    for (hsize_t i = 0; i < n; i++) {
        size_t length = strlen(texts[i]);
        memset(cells + i * width, pad == H5T_STR_SPACEPAD ? ' ' : 0, width);
        memcpy(cells + i * width, texts[i], length < width ? length : width);
    }
    put_vector(file, name, type, n, type, cells);
    H5Tclose(type);
    free(cells);
}

static inline void put_attribute_int64(hid_t file, const char *object, const char *name, hsize_t n,
                                       const int64_t *values) {
    hid_t space = H5Screate_simple(1, &n, NULL), set = H5Oopen(file, object, H5P_DEFAULT);
    hid_t attribute = H5Acreate2(set, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, values);
    H5Aclose(attribute);
    H5Oclose(set);
    H5Sclose(space);
}

static inline void put_attribute_text(hid_t file, const char *object, const char *name, const char *value) {
    hid_t space = H5Screate(H5S_SCALAR), set = H5Oopen(file, object, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t attribute = H5Acreate2(set, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &value);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Oclose(set);
    H5Sclose(space);
}

typedef struct csr_types {
    hid_t values, indices, indptr;
} csr_types;

typedef struct csr_rows {
    int64_t rows, features;
    const int64_t *indptr, *indices;
    const double *values;
} csr_rows;

// Writes a CSR group as AnnData does.
static inline void put_csr(hid_t file, const char *name, csr_rows from, csr_types types, const storage *how) {
    char at[100];
    hsize_t entries = (hsize_t)from.indptr[from.rows], ends = (hsize_t)from.rows + 1;
    put_group(file, name);
    snprintf(at, sizeof at, "%s/data", name);
    put(file, at, types.values, 1, &entries, (memory_data){H5T_NATIVE_DOUBLE, from.values}, how);
    snprintf(at, sizeof at, "%s/indices", name);
    put(file, at, types.indices, 1, &entries, (memory_data){H5T_NATIVE_INT64, from.indices}, how);
    snprintf(at, sizeof at, "%s/indptr", name);
    put(file, at, types.indptr, 1, &ends, (memory_data){H5T_NATIVE_INT64, from.indptr}, how);
    put_attribute_int64(file, name, "shape", 2, (int64_t[]){from.rows, from.features});
    put_attribute_text(file, name, "encoding-type", "csr_matrix");
}

// IEEE half precision, as h5py stores numpy.float16.
static inline hid_t half_precision(int big_endian) {
    hid_t type = H5Tcopy(big_endian ? H5T_IEEE_F32BE : H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

#endif
