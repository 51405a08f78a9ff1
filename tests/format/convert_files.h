// convert_files.h - functions that tests of `mg_convert` share: they write inputs of any bytes, convert them,
// and read the output with the HDF5 library itself.
#ifndef MG_TEST_CONVERT_FILES_H
#define MG_TEST_CONVERT_FILES_H

#include <margin/convert.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/margin-format-XXXXXX";
static char output[128], names[4][128];

static inline int set_up(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(output, sizeof output, "%s/out.h5", folder);
    for (int i = 0; i < 4; i++) snprintf(names[i], sizeof names[i], "%s/in%d", folder, i);
    return 0;
}

static inline int entries(void) {
    int count = 0;
    DIR *dir = opendir(folder);
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 2;
}

static inline int tear_down(void **state) {
    (void)state;
    unlink(output);
    for (int i = 0; i < 4; i++) unlink(names[i]);
    return rmdir(folder);
}

static inline void put(int i, const void *bytes, size_t size) {
    FILE *file = fopen(names[i], "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static inline void put_text(int i, const char *text) { put(i, text, strlen(text)); }

static inline void put_gzip(int i, const void *bytes, size_t size) {
    gzFile file = gzopen(names[i], "wb");
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

// Converts. `settings` is one text, such as "bits=4 label=none". The names format, like and overwrite in it
// are options of mg_convert; all others belong to the format.
static inline mg_status convert(int inputs, const char *settings, mg_convert_report *report,
                                mg_error *error) {
    const char *paths[4] = {names[0], names[1], names[2], names[3]};
    mg_convert_setting all[8];
    mg_convert_options options = {.inputs = paths, .input_count = inputs, .output = output, .settings = all};
    char copy[512];
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *rest, *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        if (!strcmp(word, "format")) options.format = value;
        else if (!strcmp(word, "like")) options.like = value;
        else if (!strcmp(word, "overwrite")) options.overwrite = true;
        else all[options.setting_count++] = (mg_convert_setting){word, value};
    }
    return mg_convert(&options, report, error);
}

static inline mg_convert_report converted(int inputs, const char *settings) {
    mg_convert_report report;
    mg_error error = {.text = ""};
    unlink(output);
    if (convert(inputs, settings, &report, &error)) fail_msg("%s", error.text);
    return report;
}

static inline void refused(int inputs, const char *settings, mg_status expected, const char *part) {
    mg_error error = {.text = ""};
    int before = entries();
    mg_status status = convert(inputs, settings, NULL, &error);
    if (status != expected || !strstr(error.text, part))
        fail_msg("status %d instead of %d, or '%s' is not in: %s", (int)status, (int)expected, part,
                 error.text);
    assert_int_equal(entries(), before);
}

// Reading the output.

static inline void read_into(const char *name, hid_t type, void *out, hsize_t *dims, int rank) {
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    hid_t space = H5Dget_space(set), plist = H5Dget_create_plist(set);
    assert_int_equal(H5Sget_simple_extent_ndims(space), rank);
    H5Sget_simple_extent_dims(space, dims, NULL);
    assert_int_equal(H5Pget_layout(plist), H5D_CONTIGUOUS);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
    H5Pclose(plist);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
}

static inline void expect_dense(int64_t rows, int64_t columns, const double *values) {
    double read[4096];
    hsize_t dims[2];
    read_into("X", H5T_NATIVE_DOUBLE, read, dims, 2);
    assert_int_equal(dims[0], rows);
    assert_int_equal(dims[1], columns);
    for (int64_t i = 0; i < rows * columns; i++)
        if (read[i] != values[i]) fail_msg("X[%d] is %g, not %g", (int)i, read[i], values[i]);
}

// Checks that the output has these values [rows][columns], and that zeros are not stored.
static inline void expect_sparse(int64_t rows, int64_t columns, int64_t stored, const double *values) {
    double data[512];
    int64_t indices[512], indptr[512], shape[2];
    hsize_t dims[2];
    read_into("X/data", H5T_NATIVE_DOUBLE, data, dims, 1);
    assert_int_equal(dims[0], stored);
    read_into("X/indices", H5T_NATIVE_INT64, indices, dims, 1);
    assert_int_equal(dims[0], stored);
    read_into("X/indptr", H5T_NATIVE_INT64, indptr, dims, 1);
    assert_int_equal(dims[0], rows + 1);
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t attribute = H5Aopen_by_name(file, "X", "shape", H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Aread(attribute, H5T_NATIVE_INT64, shape) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_int_equal(shape[0], rows);
    assert_int_equal(shape[1], columns);
    assert_int_equal(indptr[0], 0);
    for (int64_t r = 0; r < rows; r++) {
        double row[64] = {0};
        for (int64_t e = indptr[r]; e < indptr[r + 1]; e++) {
            assert_true(e == indptr[r] || indices[e] > indices[e - 1]);
            row[indices[e]] = data[e];
        }
        for (int64_t k = 0; k < columns; k++)
            if (row[k] != (double)(float)values[r * columns + k])
                fail_msg("X[%d][%d] is %g", (int)r, (int)k, row[k]);
    }
    assert_int_equal(indptr[rows], stored);
}

static inline void expect_integers(int64_t rows, const int64_t *labels) {
    int64_t read[512];
    hsize_t dims[1];
    read_into("y", H5T_NATIVE_INT64, read, dims, 1);
    assert_int_equal(dims[0], rows);
    for (int64_t i = 0; i < rows; i++) assert_int_equal(read[i], labels[i]);
}

static inline void expect_texts(int64_t rows, const char *const *labels) {
    char read[64][64];
    hsize_t dims[1];
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 64);
    H5Tset_cset(type, H5T_CSET_UTF8);
    read_into("y", type, read, dims, 1);
    H5Tclose(type);
    assert_int_equal(dims[0], rows);
    for (int64_t i = 0; i < rows; i++) assert_string_equal(read[i], labels[i]);
}

static inline void expect_type(const char *name, hid_t type) {
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t stored = H5Dget_type(set);
    assert_true(H5Tequal(stored, type) > 0);
    H5Tclose(stored);
    H5Dclose(set);
    H5Fclose(file);
}

static inline bool has(const char *name) {
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool found = H5Lexists(file, name, H5P_DEFAULT) > 0;
    H5Fclose(file);
    return found;
}

// IDX.

static inline size_t idx(unsigned char *out, int type, int dimensions, const uint32_t *dims,
                         const void *cells, size_t count, size_t size) {
    size_t at = 0;
    out[at++] = 0;
    out[at++] = 0;
    out[at++] = (unsigned char)type;
    out[at++] = (unsigned char)dimensions;
    for (int i = 0; i < dimensions; i++)
        for (int b = 3; b >= 0; b--) out[at++] = (unsigned char)(dims[i] >> 8 * b);
    for (size_t i = 0; i < count; i++)
        for (size_t b = size; b-- > 0;) out[at++] = ((const unsigned char *)cells)[i * size + b];
    return at;
}

// NPY.

static inline size_t npy(unsigned char *out, const char *type, bool fortran, const char *shape,
                         const void *cells, size_t size) {
    char header[256];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type,
                          fortran ? "True" : "False", shape);
    while ((10 + length + 1) % 64) header[length++] = ' ';
    header[length++] = '\n';
    memcpy(out, "\x93NUMPY\1", 8);
    out[8] = (unsigned char)length;
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + 10, header, (size_t)length);
    memcpy(out + 10 + length, cells, size);
    return 10 + (size_t)length + size;
}

static inline void copy_output(int i) {
    char bytes[1 << 18];
    FILE *file = fopen(output, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size < sizeof bytes);
    put(i, bytes, size);
}

#endif
