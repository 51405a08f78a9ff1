// test_binary.c - IDX and NPY files of every type are read correctly; damaged headers are refused.
#include "convert_files.h"

#include <margin/convert.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
        if (i % 2) put(0, bytes, size);
        else put_gzip(0, bytes, size);
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
    refused(2, "", MG_DATA, "more bytes than its header");
    put(0, rows, size);
    for (size_t cut = 4; cut < label_size; cut++) {
        put(1, labels, cut);
        refused(2, "", MG_DATA, "truncated");
    }
    put(1, bytes, idx(bytes, 8, 1, &three, "\1\2\3", 3, 1));
    refused(2, "", MG_DATA, "3 labels for the 2 images");
    put(1, bytes, idx(bytes, 0x0d, 1, &two, nan_cells, 2, 4));
    refused(2, "", MG_DATA, "whole numbers");
    put(1, bytes, idx(bytes, 0x0d, 2, dims, nan_cells, 6, 4));
    refused(2, "", MG_DATA, "all files need the same type");
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
    refused(1, "", MG_DATA, "more bytes than its header");
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
    put(1, bytes, npy(bytes, "<f4", false, "(2, 3)", good, sizeof good));
    refused(2, "", MG_DATA, "has 3 features, but");
    refused(2, "", MG_DATA, "labels need one dimension");
    put(1, bytes, npy(bytes, "|S0", false, "(3,)", "", 0));
    refused(2, "", MG_DATA, "empty");
    bytes[6] = 9;
    put(0, bytes, 128);
    refused(1, "", MG_DATA, "version 9");
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_of_every_type),
        cmocka_unit_test(damaged_idx_is_refused),
        cmocka_unit_test(npy_of_every_type),
        cmocka_unit_test(damaged_npy_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
