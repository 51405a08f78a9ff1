// test_format.c - `mg_convert` from end to end: what each format becomes is read back with the HDF5 library
// itself, what is damaged is refused in the words of a table, and no failure leaves anything behind.
#include <margin/convert.h>

#include "base/memory.h"
#include "format/ngram.h"
#include "io/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/margin-format-XXXXXX";
static char output[128], names[4][128];

static int set_up(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(output, sizeof output, "%s/out.h5", folder);
    for (int i = 0; i < 4; i++)
        snprintf(names[i], sizeof names[i], "%s/in%d", folder, i);
    return 0;
}

static int entries(void) {
    int count = 0;
    DIR *dir = opendir(folder);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static int tear_down(void **state) {
    (void)state;
    unlink(output);
    for (int i = 0; i < 4; i++)
        unlink(names[i]);
    return rmdir(folder);
}

static void put(int i, const void *bytes, size_t size) {
    FILE *file = fopen(names[i], "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void put_text(int i, const char *text) {
    put(i, text, strlen(text));
}

static void put_gzip(int i, const void *bytes, size_t size) {
    gzFile file = gzopen(names[i], "wb");
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

// Options as one text, "bits=4 label=none"; the special names format, like and overwrite are the call's own.
static mg_status convert(int inputs, const char *settings, mg_convert_report *report, mg_error *error) {
    const char *paths[4] = {names[0], names[1], names[2], names[3]};
    mg_convert_setting all[8];
    mg_convert_options options = {.inputs = paths, .input_count = inputs, .output = output, .settings = all};
    char copy[512];
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *rest, *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        if (!strcmp(word, "format"))
            options.format = value;
        else if (!strcmp(word, "like"))
            options.like = value;
        else if (!strcmp(word, "overwrite"))
            options.overwrite = true;
        else
            all[options.setting_count++] = (mg_convert_setting){word, value};
    }
    return mg_convert(&options, report, error);
}

static mg_convert_report converted(int inputs, const char *settings) {
    mg_convert_report report;
    mg_error error = {.text = ""};
    unlink(output);
    if (convert(inputs, settings, &report, &error)) fail_msg("%s", error.text);
    return report;
}

static void refused(int inputs, const char *settings, mg_status expected, const char *part) {
    mg_error error = {.text = ""};
    int before = entries();
    mg_status status = convert(inputs, settings, NULL, &error);
    if (status != expected || !strstr(error.text, part))
        fail_msg("status %d instead of %d, or '%s' is not in: %s", (int)status, (int)expected, part,
                 error.text);
    assert_int_equal(entries(), before);
}

// Reading back.

static void read_into(const char *name, hid_t type, void *out, hsize_t *dims, int rank) {
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

static void expect_dense(int64_t rows, int64_t columns, const double *values) {
    double read[4096];
    hsize_t dims[2];
    read_into("X", H5T_NATIVE_DOUBLE, read, dims, 2);
    assert_int_equal(dims[0], rows);
    assert_int_equal(dims[1], columns);
    for (int64_t i = 0; i < rows * columns; i++)
        if (read[i] != values[i]) fail_msg("X[%d] is %g, not %g", (int)i, read[i], values[i]);
}

// `values` [rows][columns], zero where nothing is stored.
static void expect_sparse(int64_t rows, int64_t columns, int64_t stored, const double *values) {
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

static void expect_integers(int64_t rows, const int64_t *labels) {
    int64_t read[512];
    hsize_t dims[1];
    read_into("y", H5T_NATIVE_INT64, read, dims, 1);
    assert_int_equal(dims[0], rows);
    for (int64_t i = 0; i < rows; i++)
        assert_int_equal(read[i], labels[i]);
}

static void expect_texts(int64_t rows, const char *const *labels) {
    char read[64][64];
    hsize_t dims[1];
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 64);
    H5Tset_cset(type, H5T_CSET_UTF8);
    read_into("y", type, read, dims, 1);
    H5Tclose(type);
    assert_int_equal(dims[0], rows);
    for (int64_t i = 0; i < rows; i++)
        assert_string_equal(read[i], labels[i]);
}

static void expect_type(const char *name, hid_t type) {
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t stored = H5Dget_type(set);
    assert_true(H5Tequal(stored, type) > 0);
    H5Tclose(stored);
    H5Dclose(set);
    H5Fclose(file);
}

static bool has(const char *name) {
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool found = H5Lexists(file, name, H5P_DEFAULT) > 0;
    H5Fclose(file);
    return found;
}

// IDX.

static size_t idx(unsigned char *out, int type, int dimensions, const uint32_t *dims, const void *cells,
                  size_t count, size_t size) {
    size_t at = 0;
    out[at++] = 0;
    out[at++] = 0;
    out[at++] = (unsigned char)type;
    out[at++] = (unsigned char)dimensions;
    for (int i = 0; i < dimensions; i++)
        for (int b = 3; b >= 0; b--)
            out[at++] = (unsigned char)(dims[i] >> 8 * b);
    for (size_t i = 0; i < count; i++)
        for (size_t b = size; b-- > 0;)
            out[at++] = ((const unsigned char *)cells)[i * size + b];
    return at;
}

static void idx_of_every_type(void **state) {
    (void)state;
    const uint32_t dims[] = {2, 3, 2}, two = 2;
    const double values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 100, 9, 10, 127};
    const int8_t labels[2] = {-3, 7};
    const int64_t expected[2] = {-3, 7};
    uint8_t u8[12];
    int8_t i8[12];
    int16_t i16[12];
    int32_t i32[12];
    float f32[12];
    for (int i = 0; i < 12; i++) {
        u8[i] = (uint8_t)values[i], i8[i] = (int8_t)values[i], i16[i] = (int16_t)values[i];
        i32[i] = (int32_t)values[i], f32[i] = (float)values[i];
    }
    const struct {
        int code;
        const void *cells;
        size_t size;
        hid_t type;
    } cases[] = {{0x08, u8, 1, H5T_STD_U8LE},    {0x09, i8, 1, H5T_STD_I8LE},
                 {0x0b, i16, 2, H5T_STD_I16LE},  {0x0c, i32, 4, H5T_STD_I32LE},
                 {0x0d, f32, 4, H5T_IEEE_F32LE}, {0x0e, values, 8, H5T_IEEE_F64LE}};
    unsigned char bytes[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = idx(bytes, cases[i].code, 3, dims, cases[i].cells, 12, cases[i].size);
        if (i % 2)
            put(0, bytes, size);
        else
            put_gzip(0, bytes, size);
        put(1, bytes, idx(bytes, 0x09, 1, &two, labels, 2, 1));
        mg_convert_report report = converted(2, i % 2 ? "" : "format=idx");
        assert_string_equal(report.format, "idx");
        assert_int_equal(report.classes, 2);
        expect_dense(2, 6, values);
        expect_type("X", cases[i].type);
        expect_integers(2, expected);
    }
    converted(1, "");
    assert_false(has("y"));
}

static void damaged_idx_is_refused(void **state) {
    (void)state;
    const uint32_t dims[] = {2, 3}, two = 2, three = 3, none[] = {0, 3},
                   huge[] = {0xffffffff, 0xffffffff, 0xffffffff};
    const float nan_cells[6] = {0, 1, 2, 3, NAN, 5};
    unsigned char rows[512], labels[512], bytes[512];
    size_t size = idx(rows, 8, 2, dims, "abcdef", 6, 1), label_size = idx(labels, 8, 1, &two, "\1\2", 2, 1);
    unlink(output);
    put(1, labels, label_size);
    for (size_t cut = 0; cut < size; cut++) {
        put(0, rows, cut);
        refused(2, "format=idx", MG_DATA, "truncated");
        put_gzip(0, rows, cut);
        refused(2, "format=idx", MG_DATA, "truncated");
    }
    rows[size] = 'g';
    put(0, rows, size + 1);
    refused(2, "", MG_DATA, "after the data");
    put(0, rows, size);
    for (size_t cut = 4; cut < label_size; cut++) {
        put(1, labels, cut);
        refused(2, "", MG_DATA, "truncated");
    }
    put(1, bytes, idx(bytes, 8, 1, &three, "\1\2\3", 3, 1));
    refused(2, "", MG_DATA, "3 labels for the 2 images");
    put(1, bytes, idx(bytes, 0x0d, 1, &two, nan_cells, 2, 4));
    refused(2, "", MG_DATA, "whole numbers");
    put(1, rows, size);
    refused(2, "", MG_DATA, "one dimension");
    put(1, rows, size);
    put(0, labels, label_size);
    refused(2, "", MG_DATA, "images come first");
    put(0, bytes, idx(bytes, 8, 2, none, "", 0, 1));
    refused(1, "", MG_DATA, "no rows");
    put(0, bytes, idx(bytes, 8, 3, huge, "", 0, 1));
    refused(1, "", MG_DATA, "2^63");
    put(0, bytes, idx(bytes, 8, 2, huge, "", 0, 1));
    refused(1, "", MG_DATA, "truncated");
    put(0, bytes, idx(bytes, 0x0d, 2, dims, nan_cells, 6, 4));
    refused(1, "", MG_DATA, "row 1, column 1");
    rows[2] = 0x0a;
    put(0, rows, size);
    refused(1, "format=idx", MG_DATA, "begins with 00 00 0a 02");
    refused(3, "format=idx", MG_USAGE, "IMAGES [LABELS]");
}

// NPY.

static size_t npy(unsigned char *out, const char *type, bool fortran, const char *shape, const void *cells,
                  size_t size) {
    char header[256];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type,
                          fortran ? "True" : "False", shape);
    while ((10 + length + 1) % 64)
        header[length++] = ' ';
    header[length++] = '\n';
    memcpy(out, "\x93NUMPY\1", 8);
    out[8] = (unsigned char)length;
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + 10, header, (size_t)length);
    memcpy(out + 10 + length, cells, size);
    return 10 + (size_t)length + size;
}

static void npy_of_every_type(void **state) {
    (void)state;
    const double values[6] = {0, 1, 2, 3, -4, 5}, labels[3] = {1, 0, 2};
    const int64_t expected[3] = {1, 0, 2}, i64[6] = {0, 1, 2, 3, -4, 5};
    const float f32[6] = {0, 1, 2, 3, -4, 5};
    const uint16_t f16[6] = {0, 0x3c00, 0x4000, 0x4200, 0xc400, 0x4500};
    const int8_t i8[6] = {0, 1, 2, 3, -4, 5};
    const int16_t i16[6] = {0, 1, 2, 3, -4, 5};
    const int32_t i32[6] = {0, 1, 2, 3, -4, 5};
    const struct {
        const char *type, *shape;
        const void *cells;
        size_t size;
    } cases[] = {{"<f8", "(3, 2)", values, 8}, {"<f4", "(3, 2)", f32, 4},    {"<f2", "(3, 2)", f16, 2},
                 {"|i1", "(3, 2)", i8, 1},     {"<i2", "(3, 1, 2)", i16, 2}, {"<i4", "(3, 2)", i32, 4},
                 {"<i8", "(3,2)", i64, 8}};
    unsigned char bytes[1024];
    put(1, bytes, npy(bytes, "<f8", false, "(3,)", labels, sizeof labels));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(0, bytes, npy(bytes, cases[i].type, false, cases[i].shape, cases[i].cells, 6 * cases[i].size));
        mg_convert_report report = converted(2, "");
        assert_string_equal(report.format, "npy");
        expect_dense(3, 2, values);
        expect_integers(3, expected);
    }
    const uint32_t unicode[9] = {'a', 0, 0, 0xe9, 0x20ac, 0x1f600, 'b', 0, 0};
    const char *const texts[] = {"a", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "b"}, *const plain[] = {
                                                                                        "x", "yz", "x"};
    put(1, bytes, npy(bytes, "<U3", false, "(3, 1)", unicode, sizeof unicode));
    converted(2, "");
    expect_texts(3, texts);
    put_gzip(1, bytes, npy(bytes, "|S2", false, "(3,)", "x\0yzx\0", 6));
    converted(2, "");
    expect_texts(3, plain);
}

static void damaged_npy_is_refused(void **state) {
    (void)state;
    const float cells[6] = {0, 1, 2, INFINITY, 4, 5}, good[6] = {0, 1, 2, 3, 4, 5};
    const double halves[3] = {0, 0.5, 1};
    const uint32_t surrogate[3] = {'a', 0xd800, 'b'};
    unsigned char bytes[1024];
    unlink(output);
    size_t size = npy(bytes, "<f4", false, "(3, 2)", good, sizeof good);
    for (size_t cut = 1; cut < size; cut += 5) {
        put(0, bytes, cut);
        refused(1, "format=npy", MG_DATA, "truncated");
    }
    put(0, bytes, size + 1);
    refused(1, "", MG_DATA, "after the data");
    static const struct {
        const char *type;
        bool fortran;
        const char *shape, *part;
    } headers[] = {
        {">f4", false, "(3, 2)", "big-endian"},   {"<f4", true, "(3, 2)", "Fortran"},
        {"<c8", false, "(3, 2)", "is not read"},  {"|O", false, "(3, 2)", "is not read"},
        {"<f4", false, "(6,)", "two or more"},    {"<f4", false, "()", "two or more"},
        {"<f4", false, "(0, 2)", "no rows"},      {"<f4", false, "(3, 0)", "no features"},
        {"<f4", false, "(3, -2)", "'shape'"},     {"<f4", false, "(3, 99999999999999999999)", "'shape'"},
        {"<f4", false, "(3, 2000)", "truncated"}, {"<U2", false, "(3, 2)", "two or more"}};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        put(0, bytes, npy(bytes, headers[i].type, headers[i].fortran, headers[i].shape, good, sizeof good));
        refused(1, "", MG_DATA, headers[i].part);
    }
    put(0, bytes, npy(bytes, "<f4", false, "(3, 2)", cells, sizeof cells));
    refused(1, "", MG_DATA, "row 1, column 1");
    put(0, bytes, npy(bytes, "<f4", false, "(3, 2)", good, sizeof good));
    put(1, bytes, npy(bytes, "<f8", false, "(3,)", halves, sizeof halves));
    refused(2, "", MG_DATA, "label 1 (from 0) is not a whole number");
    put(1, bytes, npy(bytes, "<U1", false, "(3,)", surrogate, sizeof surrogate));
    refused(2, "", MG_DATA, "no Unicode");
    put(1, bytes, npy(bytes, "<f8", false, "(2,)", halves, 16));
    refused(2, "", MG_DATA, "2 labels for the 3 rows");
    put(1, bytes, npy(bytes, "<f8", false, "(3, 2)", halves, 24));
    refused(2, "", MG_DATA, "one dimension");
    put(1, bytes, npy(bytes, "|S0", false, "(3,)", "", 0));
    refused(2, "", MG_DATA, "empty");
    bytes[6] = 9;
    put(0, bytes, 128);
    refused(1, "", MG_DATA, "version 9");
}

// svmlight.

static void svmlight_rows(void **state) {
    (void)state;
    const double values[4 * 7] = {0, .5, 0, 2, 0, 0, 0,    0, 0, 0,  0, 0, 0, 0,
                                  1, 0,  0, 0, 0, 0, 1e-3, 0, 0, -7, 0, 0, 0, 0};
    const int64_t labels[4] = {1, -1, 1, 3};
    const char *text = "# comment\n+1 2:0.5 4:2 # more\n\n-1\n1.0 7:1e-3 1:1\n3\t3:-7  \r\n";
    put_text(0, text);
    mg_convert_report report = converted(1, "");
    assert_string_equal(report.format, "svmlight");
    assert_int_equal(report.rows, 4);
    assert_int_equal(report.classes, 3);
    assert_int_equal(report.stored, 5);
    expect_sparse(4, 7, 5, values);
    expect_integers(4, labels);
    expect_type("X/data", H5T_IEEE_F32LE);
    expect_type("X/indices", H5T_STD_I32LE);
    put_gzip(0, text, strlen(text));
    converted(1, "layout=dense");
    double floats[28];
    for (int i = 0; i < 28; i++)
        floats[i] = (double)(float)values[i];
    expect_dense(4, 7, floats);
    put_text(0, "a 0:1 3:2\nb 1:1");
    const double zero_based[10] = {1, 0, 0, 2, 0, 0, 1, 0, 0, 0};
    const char *const words[] = {"a", "b"};
    converted(1, "features=5");
    expect_sparse(2, 5, 3, zero_based);
    expect_texts(2, words);
    put_text(0, "1 4294967295:1\n");
    converted(1, "");
    expect_type("X/indices", H5T_STD_U32LE);
}

static void long_unsorted_rows_are_sorted(void **state) {
    (void)state;
    char text[8192] = "1", *at = text + 1;
    double values[256] = {0};
    for (int i = 0; i < 200; i++)
        at += sprintf(at, " %d:%d", i * 77 % 211 + 1, i + 1);
    strcpy(at, "\n");
    put_text(0, text);
    mg_convert_report report = converted(1, "layout=dense");
    for (int i = 0; i < 200; i++)
        values[i * 77 % 211] = i + 1;
    expect_dense(1, report.features, values);
}

// Text in tables.

static void csv_dialects(void **state) {
    (void)state;
    const double values[4] = {1, 2.5, -3, 4000};
    const char *const words[] = {"x", "y"};
    const int64_t numbers[] = {7, 8};
    static const struct {
        const char *text, *settings;
        int labels; // 0 none, 1 words, 2 numbers
    } cases[] = {
        {"1,2.5,x\n-3,4e3,y\n", "", 1},
        {"x,1,2.5\ny,-3,4e3\n", "", 1},
        {"1,2.5,7\n-3,4e3,8", "", 2},
        {"a,b,c\n1,2.5,x\n-3,4e3,y\n", "", 1},
        {"label,b,c\n7,1,2.5\n8,-3,4e3\n", "", 2},
        {"a,Class,c\n1,7,2.5\n-3,8,4e3\n", "", 2},
        {"1\t2.5\tx\r\n-3\t4e3\ty\r\n", "", 1},
        {"1;2.5;x\n-3;4e3;y\n", "", 1},
        {"  1  2.5 7\n -3 4e3   8  \n", "", 2},
        {" 1, 2.5, 7\n-3, 4e3, 8\n", "", 2},
        {"\"1\",\"2.5\",\"x\"\n\"-3\",4e3,y\n", "", 1},
        {"1|2.5|x\n-3|4e3|y\n", "delimiter=pipe", 1},
        {"1!2.5!x\n-3!4e3!y\n", "delimiter=!", 1},
        {"7,1,2.5\n8,-3,4e3\n", "label=first", 2},
        {"1,7,2.5\n-3,8,4e3\n", "label=2", 2},
        {"a,b,c\n1,7,2.5\n-3,8,4e3\n", "label=b", 2},
        {"1,2,3\n1,2.5,7\n-3,4e3,8\n", "header=yes", 2},
        {"1,2.5\n-3,4e3\n", "label=none", 0},
        {"\xef\xbb\xbf"
         "a,b,c\n1,2.5,x\n-3,4e3,y\n",
         "", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i % 2)
            put_text(0, cases[i].text);
        else
            put_gzip(0, cases[i].text, strlen(cases[i].text));
        mg_convert_report report = converted(1, cases[i].settings);
        assert_string_equal(report.format, "csv");
        expect_dense(2, 2, values);
        if (cases[i].labels == 1) expect_texts(2, words);
        if (cases[i].labels == 2) expect_integers(2, numbers);
        assert_int_equal(has("y"), cases[i].labels > 0);
    }
    put_text(0, "1,2,\"first\nsecond\"\n");
    unlink(output);
    refused(1, "", MG_DATA, "control character");
    put_text(0, "5,6,7\n");
    converted(1, "");
    const double one[2] = {5, 6};
    expect_dense(1, 2, one);
}

static void one_matrix_in_every_format(void **state) {
    (void)state;
    enum { ROWS = 7, COLUMNS = 5 };
    float cells[ROWS * COLUMNS];
    double values[ROWS * COLUMNS];
    const uint32_t dims[] = {ROWS, COLUMNS};
    char text[4096] = "", shape[32];
    unsigned char bytes[2048];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        cells[i] = (float)(i * i - 100) / 37;
        values[i] = (double)cells[i];
        sprintf(text + strlen(text), "%.9g%s", values[i], i % COLUMNS == COLUMNS - 1 ? "\n" : ",");
    }
    put_text(0, text);
    converted(1, "label=none");
    expect_dense(ROWS, COLUMNS, values);
    snprintf(shape, sizeof shape, "(%d, %d)", ROWS, COLUMNS);
    put(0, bytes, npy(bytes, "<f4", false, shape, cells, sizeof cells));
    converted(1, "");
    expect_dense(ROWS, COLUMNS, values);
    put(0, bytes, idx(bytes, 0x0d, 2, dims, cells, ROWS * COLUMNS, 4));
    converted(1, "");
    expect_dense(ROWS, COLUMNS, values);
}

// Texts.

static void expect_row(const char *const *grams, const double *weights, int count, int bits) {
    float data[128];
    int32_t indices[128];
    hsize_t dims[1];
    read_into("X/data", H5T_NATIVE_FLOAT, data, dims, 1);
    read_into("X/indices", H5T_NATIVE_INT32, indices, dims, 1);
    assert_int_equal(dims[0], count);
    for (int i = 0; i < count; i++) {
        int32_t bucket = (int32_t)mg_ngram_bucket(grams[i], strlen(grams[i]), bits);
        int at = 0;
        while (at < count && indices[at] != bucket)
            at++;
        if (at == count) fail_msg("'%s' is missing", grams[i]);
        assert_true(fabs((double)data[at] - weights[i]) < 1e-6);
    }
}

static void the_hash_never_changes(void **state) {
    (void)state;
    // Computed from the published definitions, outside this program.
    assert_int_equal(mg_ngram_bucket("", 0, 28), 177809702);
    assert_int_equal(mg_ngram_bucket("a", 1, 28), 163499611);
    assert_int_equal(mg_ngram_bucket("hello world", 11, 28), 191817173);
    assert_int_equal(mg_ngram_bucket("\xc3\xa4\xc3\xb6", 4, 18), 84115);
}

static void texts_become_ngrams(void **state) {
    (void)state;
    put_text(0, "x\tTo be, or  to BE\n");
    const char *const grams[] = {"to", "be", "or", "to be", "be or", "or to"};
    const double counts[] = {2, 2, 1, 2, 1, 1}, length = sqrt(4 + 4 + 1 + 4 + 1 + 1);
    double unit[6];
    for (int i = 0; i < 6; i++)
        unit[i] = counts[i] / length;
    mg_convert_report report = converted(1, "");
    assert_string_equal(report.format, "text");
    assert_int_equal(report.features, 1 << 18);
    expect_row(grams, unit, 6, 18);
    converted(1, "unit=no");
    expect_row(grams, counts, 6, 18);
    const double ones[] = {1, 1, 1, 1, 1, 1, 1};
    converted(1, "unit=no weighting=binary");
    expect_row(grams, ones, 6, 18);
    put_text(0, "x\t\xc3\xa4 b\n");
    const char *const characters[] = {"\xc3\xa4", "b", " \xc3\xa4", "\xc3\xa4 ", " b", "b "};
    converted(1, "ngrams=char:1:2");
    const double equal[] = {1 / sqrt(6), 1 / sqrt(6), 1 / sqrt(6), 1 / sqrt(6), 1 / sqrt(6), 1 / sqrt(6)};
    expect_row(characters, equal, 6, 18);
    put_text(0, "x\tAB\n");
    const char *const large[] = {"A", "B"}, *const small[] = {"a", "b"};
    converted(1, "ngrams=char:1 unit=no");
    expect_row(large, ones, 2, 18);
    converted(1, "ngrams=char:1 unit=no lowercase=yes bits=20");
    expect_row(small, ones, 2, 20);
    put_text(0, "plain line without label\n");
    converted(1, "format=text label=none ngrams=word:1 bits=10");
    assert_false(has("y"));
    put_text(0, "x\t...\ny\tb\n");
    report = converted(1, "format=text bits=10");
    assert_int_equal(report.stored, 1);
}

static void tables_of_texts(void **state) {
    (void)state;
    const char *const labels[] = {"b", "c"};
    put_text(0, "id,text,label\n1,\"one, \"\"two\"\"\nthree\",b\n2,four,c\n");
    mg_convert_report report = converted(1, "text=text ngrams=word:1 unit=no");
    assert_int_equal(report.rows, 2);
    const char *const grams[] = {"one", "two", "three", "four"};
    const double ones[] = {1, 1, 1, 1};
    expect_row(grams, ones, 4, 18);
    expect_texts(2, labels);
    put_text(0, "kind;body\nb;one two three\nc;four\n");
    converted(1, "text=body label=kind ngrams=word:1 unit=no");
    expect_row(grams, ones, 4, 18);
    expect_texts(2, labels);
}

// A row with more n-grams than are sorted at once goes through a table; the counts must be the same.
static void very_long_texts(void **state) {
    (void)state;
    enum { WORDS = 300000 };
    char *text = malloc(WORDS * 8 + 16);
    size_t bytes = (size_t)sprintf(text, "x\t");
    for (int i = 0; i < WORDS; i++)
        bytes += (size_t)sprintf(text + bytes, "w%d ", i % 3);
    put(0, text, bytes);
    put_gzip(1, "y\tw1\n", 5);
    free(text);
    converted(1, "format=text ngrams=word:1 unit=no");
    const char *const grams[] = {"w0", "w1", "w2"};
    const double counts[] = {WORDS / 3, WORDS / 3, WORDS / 3};
    expect_row(grams, counts, 3, 18);
}

static void copy_output(int i) {
    char bytes[1 << 18];
    FILE *file = fopen(output, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size < sizeof bytes);
    put(i, bytes, size);
}

static void later_files_follow_the_first(void **state) {
    (void)state;
    char settings[256];
    snprintf(settings, sizeof settings, "like=%s", names[2]);
    put_text(0, "x\ta b\ny\ta c\n");
    converted(1, "bits=6 weighting=tf-idf ngrams=word:1 unit=no");
    const char *const grams[] = {"a", "d", "b"};
    const double frequent = log(3.0 / 3) + 1, unseen = log(3.0 / 1) + 1, once = log(3.0 / 2) + 1;
    const double weights[] = {frequent, unseen, 2 * once};
    copy_output(2);
    put_text(0, "7\tb d a b\n");
    mg_convert_report report = converted(1, settings);
    assert_int_equal(report.features, 64);
    expect_row(grams, weights, 3, 6);
    const char *const seven[] = {"7"};
    expect_texts(1, seven); // as texts, because those of the first file are
    unlink(output);
    snprintf(settings, sizeof settings, "like=%s bits=7", names[2]);
    refused(1, settings, MG_USAGE, "does not agree");
    snprintf(settings, sizeof settings, "like=%s", names[2]);
    put_text(0, "1,2,3\n");
    refused(1, settings, MG_DATA, "no tab between label and text"); // read as what the first file was
    put_text(0, "1 0:1 5:1\n");
    converted(1, "");
    copy_output(2);
    put_text(0, "1 3:1\n");
    const double row[6] = {0, 0, 0, 1, 0, 0};
    converted(1, settings);
    expect_sparse(1, 6, 1, row);
    unlink(output);
    put_text(0, "1 6:1\n");
    refused(1, settings, MG_DATA, ":1:3: index 6 is past 5");
    put_text(0, "word 3:1\n");
    refused(1, settings, MG_DATA, "is no whole number, but all labels of");
    put_text(0, "x\ta\n");
    refused(1, settings, MG_DATA, "was not made from texts");
}

// The table of everything that is refused.

static const struct {
    const char *file, *settings;
    mg_status status;
    const char *part;
} corpus[] = {
    {"svmlight/no_label.svm", "", MG_DATA, ":2:1: the line begins with '2:3'"},
    {"svmlight/repeated.svm", "", MG_DATA, ":2:11: feature 3 is given twice"},
    {"svmlight/repeated_next.svm", "", MG_DATA, ":1:7: feature 2 is given twice"},
    {"svmlight/no_colon.svm", "", MG_DATA, ":2:7: 'seven' is not index:value"},
    {"svmlight/no_value.svm", "", MG_DATA, ":1:9: ''"},
    {"svmlight/no_index.svm", "format=svmlight", MG_DATA, ":1:3: ':5' is not index:value"},
    {"svmlight/negative_index.svm", "format=svmlight", MG_DATA, ":1:3: '-3:5'"},
    {"svmlight/query.svm", "", MG_DATA, "qid"},
    {"svmlight/several_labels.svm", "", MG_DATA, "several labels"},
    {"svmlight/rubbish_value.svm", "", MG_DATA, ":2:5: '1.5x' is not a number"},
    {"svmlight/nan_value.svm", "", MG_DATA,
     ":1:5: 'nan': missing values are not supported: fill or drop them"},
    {"svmlight/infinite_value.svm", "", MG_DATA, "missing values are not supported"},
    {"svmlight/large_value.svm", "", MG_DATA, "1e39 does not fit"},
    {"svmlight/overflowing_value.svm", "", MG_DATA, "1e999 does not fit"},
    {"svmlight/hexadecimal_value.svm", "", MG_DATA, "'0x10' is not a number"},
    {"svmlight/large_index.svm", "", MG_DATA, "is past 4294967295"},
    {"svmlight/past_index.svm", "", MG_DATA, "index 4294967296 is past 4294967295"},
    {"svmlight/zero_index.svm", "base=1", MG_DATA, ":2:3: index 0, but indices begin at 1"},
    {"svmlight/zero_index.svm", "features=4", MG_DATA, ":2:7: index 4 is past 3"},
    {"svmlight/zero_index.svm", "features=0", MG_CONFIG, "svmlight.features: 0 is not allowed"},
    {"svmlight/zero_index.svm", "features=70000000 layout=dense", MG_DATA, "has 70000000 features (at most 67108864 are"},
    {"svmlight/zero_index.svm", "base=2", MG_CONFIG, "svmlight.base"},
    {"svmlight/zero_index.svm", "bits=2", MG_USAGE, "--bits is an option of format text"},
    {"svmlight/zero_index.svm", "laoyut=dense", MG_USAGE, "did you mean --layout"},
    {"svmlight/zero_index.svm", "format=svm", MG_USAGE, "format 'svm' is not known"},
    {"svmlight/fraction_label.svm", "", MG_DATA, ":2:1: label 0.5 is no whole number"},
    {"svmlight/latin1_label.svm", "", MG_DATA, ":1:1: the label is not UTF-8 (byte fc)"},
    {"svmlight/control_label.svm", "", MG_DATA, "control character (byte 01)"},
    {"svmlight/only_comments.svm", "format=svmlight", MG_DATA, "has no rows"},
    {"svmlight/no_features.svm", "format=svmlight", MG_DATA, "has 0 features"},
    {"svmlight/zero_byte.svm", "", MG_DATA, ":2:5: "},
    {"svmlight/empty.svm", "", MG_DATA, "is empty"},
    {"svmlight/empty.svm", "format=svmlight", MG_DATA, "has no rows"},
    {"csv/rubbish_number.csv", "", MG_DATA, ":2:3: '4x' is not a number"},
    {"csv/rubbish_first.csv", "", MG_DATA, ":1:3: '4x' is not a number"},
    {"csv/empty_cell.csv", "", MG_DATA, ":2:3: '': missing values are not supported: fill or drop them"},
    {"csv/nan_cell.csv", "", MG_DATA, ":2:1: 'NaN': missing values"},
    {"csv/question_cell.csv", "", MG_DATA, ":2:3: '?': missing values"},
    {"csv/large_number.csv", "", MG_DATA, ":2:3: 4e38 does not fit"},
    {"csv/short_record.csv", "delimiter=comma", MG_DATA, ":2:"},
    {"csv/long_record.csv", "delimiter=comma", MG_DATA, ":2:8: the record has 4 fields, the first one has 3"},
    {"csv/trailing_delimiter.csv", "", MG_DATA, ":1:7: the label is empty"},
    {"csv/open_quote.csv", "", MG_DATA, ":2:1: a quoted field that begins in this record never ends"},
    {"csv/after_quote.csv", "", MG_DATA, ":2:8: text follows a closing quote"},
    {"csv/one_column.csv", "format=csv", MG_DATA, "has 1 columns"},
    {"csv/only_header.csv", "header=yes", MG_DATA, "has no rows"},
    {"csv/empty_label.csv", "", MG_DATA, ":2:5: the label is empty"},
    {"csv/fraction_label.csv", "", MG_DATA, ":2:5: label 5.5 is no whole number"},
    {"csv/two_words.csv", "", MG_DATA, "neither the first nor the last column is a number"},
    {"csv/two_words.csv", "label=5", MG_USAGE, "has no column '5'"},
    {"csv/two_words.csv", "label=kind", MG_USAGE, "has no column 'kind'"},
    {"csv/middle_word.csv", "", MG_DATA, ":1:3: 'x' is not a number"},
    {"csv/middle_word.csv", "delimiter=ab", MG_CONFIG, "csv.delimiter"},
    {"csv/utf16.csv", "format=csv", MG_DATA, "UTF-16"},
    {"csv/latin1_label.csv", "", MG_DATA,
     ":1:5: the label is not UTF-8 (byte fc); make it so: iconv -f"},
    {"csv/empty.csv", "format=csv", MG_DATA, "has no rows"},
    {"text/no_tab.tsv", "", MG_DATA, ":2:1: the line has no tab"},
    {"text/empty_label.tsv", "format=text", MG_DATA, ":1:1: the label is empty"},
    {"text/latin1.tsv", "", MG_DATA, ":2:7: byte f6 is not UTF-8; make it so: iconv -f"},
    {"text/overlong.tsv", "", MG_DATA, ":1:3: byte c0 is not UTF-8"},
    {"text/surrogate.tsv", "", MG_DATA, ":1:4: byte ed is not UTF-8"},
    {"text/zero_byte.tsv", "format=text", MG_DATA, ":1:4: byte 00 is not UTF-8"},
    {"text/no_columns.csv", "text=text", MG_DATA,
     "does not name the columns 'text' (--text) and 'label' (--label)"},
    {"text/short_record.csv", "text=text", MG_DATA, ":3:1: the record has too few fields"},
    {"text/no_tab.tsv", "label=x", MG_USAGE, "--label x needs --text"},
    {"text/no_tab.tsv", "ngrams=word:3:2", MG_CONFIG, "text.ngrams"},
    {"text/no_tab.tsv", "ngrams=char:0:2", MG_CONFIG, "text.ngrams"},
    {"text/no_tab.tsv", "bits=29", MG_CONFIG, "text.bits: 29 is not allowed"},
    {"text/empty.tsv", "format=text", MG_DATA, "has no rows"},
};

static void damaged_texts_are_refused(void **state) {
    (void)state;
    unlink(output);
    for (size_t i = 0; i < sizeof corpus / sizeof *corpus; i++) {
        char bytes[4096], path[512];
        snprintf(path, sizeof path, "%s/corpus/%s", MG_TEST_DATA, corpus[i].file);
        FILE *file = fopen(path, "rb");
        if (!file) fail_msg("%s is missing", path);
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        put(0, bytes, size);
        refused(1, corpus[i].settings, corpus[i].status, corpus[i].part);
        if (size == 0 || corpus[i].status != MG_DATA) continue;
        put_gzip(0, bytes, size);
        refused(1, corpus[i].settings, corpus[i].status, corpus[i].part);
    }
}

// Files.

static void outputs_are_not_harmed(void **state) {
    (void)state;
    char settings[256];
    put_text(0, "1,2,3\n");
    put_text(3, "precious");
    assert_int_equal(rename(names[3], output), 0);
    refused(1, "", MG_IO, "exists already");
    put_text(0, "1,2x,3\n");
    refused(1, "overwrite=yes", MG_DATA, "2x");
    char kept[9] = "";
    FILE *file = fopen(output, "rb");
    assert_int_equal(fread(kept, 1, 8, file), 8);
    fclose(file);
    assert_string_equal(kept, "precious");
    put_text(0, "1,2,3\n");
    mg_error error;
    assert_int_equal(convert(1, "overwrite=yes", NULL, &error), MG_OK);
    const double row[2] = {1, 2};
    expect_dense(1, 2, row);
    unlink(output);
    assert_int_equal(link(names[0], output), 0);
    refused(1, "overwrite=yes", MG_USAGE, "input and output at once");
    unlink(output);
    snprintf(settings, sizeof settings, "like=%s", output);
    refused(1, settings, MG_IO, "cannot be opened");
    put_text(1, "1,2,3\n");
    refused(2, "", MG_USAGE, "takes FILE");
    unlink(names[1]);
    unlink(names[0]);
    refused(1, "", MG_IO, "No such file");
    assert_int_equal(mkdir(names[0], 0777), 0);
    refused(1, "", MG_IO, "directory");
    rmdir(names[0]);
}

static void same_input_same_bytes(void **state) {
    (void)state;
    static const char *const inputs[][2] = {
        {"x\tone two\ny\ttwo\n", "weighting=tf-idf bits=8"}, {"1 1:1 2:3\n", ""}, {"1,2,a\n", ""}};
    static char first[1 << 18], second[1 << 18];
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        size_t sizes[2];
        for (int run = 0; run < 2; run++) {
            put_text(0, inputs[i][0]);
            converted(1, inputs[i][1]);
            if (run == 0 && i == 0) sleep(1); // a time stamp would show
            FILE *file = fopen(output, "rb");
            sizes[run] = fread(run ? second : first, 1, sizeof first, file);
            fclose(file);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(first, second, sizes[0]);
    }
}

// Failures on the way: the k-th call of one kind fails.

static mg_file_ops real_calls;
static int calls_left;
static int failing_errno;

static bool fails(void) {
    if (--calls_left != 0) return false;
    errno = failing_errno;
    return true;
}

static int failing_open(int directory, const char *name, int flags, mode_t mode) {
    return fails() ? -1 : real_calls.open(directory, name, flags, mode);
}
static ssize_t failing_write(int fd, const void *bytes, size_t size) {
    return fails() ? -1 : real_calls.write(fd, bytes, size);
}
static ssize_t short_write(int fd, const void *bytes, size_t size) {
    return real_calls.write(fd, bytes, size > 7 ? 7 : size);
}
static int failing_fsync(int fd) {
    return fails() ? -1 : real_calls.fsync(fd);
}
static int failing_close(int fd) {
    real_calls.close(fd);
    return fails() ? -1 : 0;
}
static int failing_rename(int directory, const char *from, const char *to, bool replace) {
    return fails() ? -1 : real_calls.rename(directory, from, to, replace);
}

static void failed_writes_leave_nothing(void **state) {
    (void)state;
    static const char *const text = "x\tone two three\ny\ttwo\n";
    real_calls = mg_file_calls;
    const mg_file_ops failing = {failing_open,  failing_write,  failing_fsync,
                                 failing_close, failing_rename, real_calls.unlink};
    const int reasons[] = {ENOSPC, EIO, EDQUOT};
    put_text(0, text);
    mg_file_calls = failing;
    int failures = 0;
    for (size_t r = 0; r < 3; r++) {
        for (int k = 1; k < 60; k++) {
            mg_error error = {.text = ""};
            unlink(output);
            int before = entries();
            calls_left = k;
            failing_errno = reasons[r];
            mg_status status = convert(1, "weighting=tf-idf bits=8", NULL, &error);
            if (calls_left > 0) {
                assert_int_equal(status, MG_OK);
                break;
            }
            failures++;
            // Only the last sync, of the directory, comes after the file has its name.
            if (access(output, F_OK) == 0)
                assert_true(status == MG_OK || strstr(error.text, "directory"));
            else
                assert_int_equal(status, MG_IO);
            assert_int_equal(entries(), before + (access(output, F_OK) == 0));
        }
    }
    assert_true(failures > 20);
    mg_file_calls = real_calls;
    mg_file_calls.write = short_write;
    unlink(output);
    mg_error error;
    assert_int_equal(convert(1, "weighting=tf-idf bits=8", NULL, &error), MG_OK);
    mg_file_calls = real_calls;
    const char *const labels[] = {"x", "y"};
    expect_texts(2, labels);
}

static void failed_allocations_leave_nothing(void **state) {
    (void)state;
    unsigned char bytes[256];
    const float cells[4] = {1, 2, 3, 4};
    static const char *const inputs[][2] = {
        {"x\tone two three\ny\ttwo\n", "weighting=tf-idf bits=8 ngrams=char:1:3"},
        {"1 3:1 2:3\n", ""},
        {"a,b,\"la\"\"bel\"\n1,2,\"a\"\"b\"\n", ""},
        {NULL, ""}};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (inputs[i][0])
            put_text(0, inputs[i][0]);
        else
            put_gzip(0, bytes, npy(bytes, "<f4", false, "(2, 2)", cells, sizeof cells));
        bool failed = true;
        for (int k = 2; failed; k++) { // each once, then with all after it
            mg_error error = {.text = ""};
            unlink(output);
            int before = entries();
            mg_memory_fail_at(k / 2, k % 2);
            mg_status status = convert(1, inputs[i][1], NULL, &error);
            failed = mg_memory_fail_at(0, false) > 0;
            assert_int_equal(status, failed ? MG_MEMORY : MG_OK);
            if (!failed) break;
            assert_non_null(strstr(error.text, "memory"));
            assert_int_equal(entries(), before);
            assert_true(k < 1000);
        }
    }
}

static volatile sig_atomic_t stop_now;
static double told;

static void never_back(void *context, int64_t rows, double fraction) {
    (void)context, (void)rows;
    assert_true(fraction >= told && fraction <= 1);
    told = fraction;
}

static void progress_never_goes_back(void **state) {
    (void)state;
    enum { ROWS = 3 << 20 };
    unsigned char *bytes = calloc(ROWS + 1024, 1);
    char shape[32];
    const char *const inputs[] = {names[0], names[1]};
    mg_convert_options options = {
        .inputs = inputs, .input_count = 2, .output = output, .progress = never_back};
    mg_error error;
    snprintf(shape, sizeof shape, "(%d, 1)", ROWS);
    put(0, bytes, npy(bytes, "|u1", false, shape, bytes + 1024, 0) + ROWS);
    put(1, bytes, npy(bytes, "|u1", false, shape, bytes + 1024, 0) + ROWS);
    free(bytes);
    unlink(output);
    told = 0;
    assert_int_equal(mg_convert(&options, NULL, &error), MG_OK);
    assert_true(told == 1);
    told = 0;
}

static void stop_after_half(void *context, int64_t rows, double fraction) {
    (void)context, (void)rows;
    assert_true(fraction >= told && fraction <= 1);
    told = fraction;
    stop_now = fraction > 0.5;
}

static void a_signal_ends_the_work(void **state) {
    (void)state;
    enum { SIZE = 8 << 20 };
    char *text = malloc(SIZE);
    size_t bytes = 0;
    while (bytes + 16 < SIZE)
        bytes += (size_t)sprintf(text + bytes, "%zu,2,3\n", bytes);
    put(0, text, bytes);
    free(text);
    unlink(output);
    const char *const inputs[] = {names[0]};
    mg_convert_options options = {
        .inputs = inputs, .input_count = 1, .output = output, .progress = stop_after_half, .stop = &stop_now};
    mg_error error;
    int before = entries();
    assert_int_equal(mg_convert(&options, NULL, &error), MG_STOPPED);
    assert_true(told > 0.5);
    assert_int_equal(entries(), before);
}

static void rows_of_help(void **state) {
    (void)state;
    mg_convert_format format;
    mg_convert_option option;
    int formats = 0, options = 0;
    while (mg_convert_format_at(formats, &format)) {
        assert_true(*format.name && *format.help && *format.arguments);
        formats++;
    }
    while (mg_convert_option_at(options, &option)) {
        assert_true(*option.format && *option.name && *option.kind);
        assert_int_equal(option.help[strlen(option.help) - 1], '.');
        options++;
    }
    assert_true(formats >= 5 && options >= 13);
    assert_false(mg_convert_format_at(-1, &format));
    assert_false(mg_convert_option_at(-1, &option));
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_of_every_type),
        cmocka_unit_test(damaged_idx_is_refused),
        cmocka_unit_test(npy_of_every_type),
        cmocka_unit_test(damaged_npy_is_refused),
        cmocka_unit_test(svmlight_rows),
        cmocka_unit_test(long_unsorted_rows_are_sorted),
        cmocka_unit_test(csv_dialects),
        cmocka_unit_test(one_matrix_in_every_format),
        cmocka_unit_test(the_hash_never_changes),
        cmocka_unit_test(texts_become_ngrams),
        cmocka_unit_test(tables_of_texts),
        cmocka_unit_test(very_long_texts),
        cmocka_unit_test(later_files_follow_the_first),
        cmocka_unit_test(damaged_texts_are_refused),
        cmocka_unit_test(outputs_are_not_harmed),
        cmocka_unit_test(same_input_same_bytes),
        cmocka_unit_test(failed_writes_leave_nothing),
        cmocka_unit_test(failed_allocations_leave_nothing),
        cmocka_unit_test(progress_never_goes_back),
        cmocka_unit_test(a_signal_ends_the_work),
        cmocka_unit_test(rows_of_help),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
