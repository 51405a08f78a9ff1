// test_labels.c - labels of every kind become classes in sorted order; an unknown label is never mapped to
// another class.
#include "base/memory.h"
#include "data/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>

typedef struct read_labels {
    mg_status status;
    mg_error error;
    int32_t *label;
    mg_classes classes;
} read_labels;

static read_labels read_some(int64_t rows, const int64_t *select, int64_t count, const mg_classes *known,
                             bool allow_unknown) {
    read_labels out = {0};
    mg_h5 *file;
    assert_int_equal(mg_h5_open(test_file, &file, NULL), MG_OK);
    const mg_labels_request request = {"y", rows, select, count, known, allow_unknown};
    out.status = mg_labels_read(file, &request, &out.label, &out.classes, &out.error);
    mg_h5_close(file);
    if (out.status) assert_true(!out.label && !out.classes.text && !out.classes.number);
    return out;
}

static void clear(read_labels *labels) {
    mg_memory_free(labels->label);
    mg_classes_clear(&labels->classes);
}

// Reads the labels of `rows` rows, and checks their texts and the classes.
static void expect(int64_t rows, const char *const *label, int64_t count, const char *const *classes) {
    read_labels got = read_some(rows, NULL, rows, NULL, false);
    if (got.status) fail_msg("%s", got.error.text);
    char buffer[MG_LABEL_BUFFER];
    assert_int_equal(got.classes.count, count);
    for (int64_t k = 0; k < count; k++) {
        assert_string_equal(mg_classes_label(&got.classes, k, buffer), classes[k]);
        assert_int_equal(mg_classes_find(&got.classes, classes[k]), k);
    }
    for (int64_t i = 0; i < rows; i++)
        assert_string_equal(mg_classes_label(&got.classes, got.label[i], buffer), label[i]);
    assert_int_equal(mg_classes_find(&got.classes, "no such label"), -1);
    clear(&got);
}

static void expect_failure(int64_t rows, const char *message) {
    read_labels got = read_some(rows, NULL, rows, NULL, false);
    if (got.status != MG_DATA) fail_msg("status %d, not MG_DATA: %s", got.status, message);
    if (!strstr(got.error.text, message)) fail_msg("\"%s\" is not in: %s", message, got.error.text);
    if (!strstr(got.error.text, "t.h5: ")) fail_msg("no file name in: %s", got.error.text);
    clear(&got);
}

#define LIST(...)                                                                                            \
    (const char *const[]) { __VA_ARGS__ }

// ---- numbers ------------------------------------------------------------------------------------

static void write_numbers(hid_t type, hid_t memory, hsize_t n, const void *values) {
    hid_t file = create_file(test_file);
    put_vector(file, "y", type, n, memory, values);
    H5Fclose(file);
}

static void test_integers(void **unused) {
    (void)unused;
    const hid_t with_sign[] = {H5T_STD_I8LE, H5T_STD_I16BE, H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_I64BE};
    const hid_t without[] = {H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32BE, H5T_STD_U64LE};
    for (int t = 0; t < 5; t++) {
        write_numbers(with_sign[t], H5T_NATIVE_INT, 5, (int[]){100, -2, 5, 100, -128});
        expect(5, LIST("100", "-2", "5", "100", "-128"), 4, LIST("-128", "-2", "5", "100"));
    }
    for (int t = 0; t < 4; t++) {
        write_numbers(without[t], H5T_NATIVE_INT, 4, (int[]){255, 10, 9, 10});
        expect(4, LIST("255", "10", "9", "10"), 3, LIST("9", "10", "255"));
    }
    write_numbers(H5T_STD_I64LE, H5T_NATIVE_INT64, 3, (int64_t[]){INT64_MAX, INT64_MIN, 0});
    expect(3, LIST("9223372036854775807", "-9223372036854775808", "0"), 3,
           LIST("-9223372036854775808", "0", "9223372036854775807"));
}

// Numbers that do not fit in an int64 are refused, because the library would convert all of them to the same
// one.
static void test_too_large(void **unused) {
    (void)unused;
    write_numbers(H5T_STD_U64LE, H5T_NATIVE_UINT64, 3, (uint64_t[]){1, UINT64_C(1) << 63, UINT64_MAX});
    expect_failure(3, "y[1] is 9223372036854775808");
}

static void test_whole_floats(void **unused) {
    (void)unused;
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE};
    for (int t = 0; t < 4; t++) {
        write_numbers(types[t], H5T_NATIVE_DOUBLE, 4, (double[]){3, -1, 3, 0});
        expect(4, LIST("3", "-1", "3", "0"), 3, LIST("-1", "0", "3"));
        write_numbers(types[t], H5T_NATIVE_DOUBLE, 3, (double[]){3, 1.5, 0});
        expect_failure(3, "y[1] is 1.5; a label must be a whole number");
        write_numbers(types[t], H5T_NATIVE_DOUBLE, 3, (double[]){3, 1, NAN});
        expect_failure(3, "y[2] is not a label (it is nan), 1 of 3 rows have none");
        write_numbers(types[t], H5T_NATIVE_DOUBLE, 2, (double[]){-INFINITY, 1});
        expect_failure(2, "y[0] is -inf");
        write_numbers(types[t], H5T_NATIVE_DOUBLE, 2, (double[]){1e30, 1});
        expect_failure(2, "y[0] is 1e+30");
    }
}

// h5py writes booleans as an enumeration of FALSE and TRUE.
static void test_booleans(void **unused) {
    (void)unused;
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    H5Tenum_insert(type, "FALSE", (int8_t[]){0});
    H5Tenum_insert(type, "TRUE", (int8_t[]){1});
    write_numbers(type, type, 4, (int8_t[]){1, 0, 0, 1});
    H5Tclose(type);
    expect(4, LIST("1", "0", "0", "1"), 2, LIST("0", "1"));
}

// ---- texts --------------------------------------------------------------------------------------

static void test_texts(void **unused) {
    (void)unused;
    const char *const texts[] = {"zebra", "Ärger", "ant", "nine", "zebra", "ant cow"};
    const char *const sorted[] = {"ant", "ant cow", "nine", "zebra", "Ärger"}; // by bytes
    hid_t file = create_file(test_file);
    put_texts(file, "y", 6, texts);
    H5Fclose(file);
    expect(6, texts, 5, sorted);
    const H5T_str_t pads[] = {H5T_STR_NULLTERM, H5T_STR_NULLPAD, H5T_STR_SPACEPAD};
    for (int p = 0; p < 3; p++)
        for (size_t width = 8; width < 20; width += 5) {
            file = create_file(test_file);
            put_fixed_texts(file, "y", 6, texts, width, pads[p]);
            H5Fclose(file);
            expect(6, texts, 5, sorted);
        }
    file = create_file(test_file); // texts that fill their cells, without a terminating zero
    put_fixed_texts(file, "y", 3, LIST("abc", "abd", "ab"), 3, H5T_STR_NULLPAD);
    H5Fclose(file);
    expect(3, LIST("abc", "abd", "ab"), 3, LIST("ab", "abc", "abd"));
}

// ---- categorical groups -------------------------------------------------------------------------

static void write_categorical(hid_t code_type, hsize_t n, const int *codes, hsize_t count,
                              const char *const *categories, bool fixed) {
    hid_t file = create_file(test_file);
    put_group(file, "y");
    put_vector(file, "y/codes", code_type, n, H5T_NATIVE_INT, codes);
    if (fixed) put_fixed_texts(file, "y/categories", count, categories, 12, H5T_STR_NULLPAD);
    else put_texts(file, "y/categories", count, categories);
    H5Fclose(file);
}

static void test_categorical(void **unused) {
    (void)unused;
    // The categories are not sorted, and some are not used. Only those that occur become classes, in sorted
    // order.
    const char *const categories[] = {"monocyte", "unused", "B cell", "T cell", "a cell"};
    const int codes[] = {3, 0, 2, 3, 4};
    const hid_t types[] = {H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32BE, H5T_STD_I64LE};
    for (int t = 0; t < 4; t++) {
        write_categorical(types[t], 5, codes, 5, categories, t % 2);
        expect(5, LIST("T cell", "monocyte", "B cell", "T cell", "a cell"), 4,
               LIST("B cell", "T cell", "a cell", "monocyte"));
    }
    write_categorical(H5T_STD_I8LE, 3, (int[]){0, -1, 1}, 5, categories, false);
    expect_failure(3, "y[1] is not a label (its code is -1), 1 of 3 rows have none");
    write_categorical(H5T_STD_I8LE, 3, (int[]){0, 1, 5}, 5, categories, false);
    expect_failure(3, "y/codes[2] is 5 (0 to 4 are allowed, and -1 for none)");
    expect_failure(4, "y/codes have shape [3] but there are 4 rows");
}

static void test_categorical_numbers(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file);
    put_group(file, "y");
    put_vector(file, "y/codes", H5T_STD_I8LE, 4, H5T_NATIVE_INT, (int[]){1, 0, 1, 2});
    put_vector(file, "y/categories", H5T_STD_I64LE, 4, H5T_NATIVE_INT, (int[]){30, 4, -7, 99});
    H5Fclose(file);
    expect(4, LIST("4", "30", "4", "-7"), 3, LIST("-7", "4", "30"));
}

static void test_categorical_incomplete(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file);
    put_group(file, "y");
    H5Fclose(file);
    expect_failure(2, "y/codes is missing");
    file = create_file(test_file);
    put_group(file, "y");
    put_vector(file, "y/codes", H5T_STD_I8LE, 2, H5T_NATIVE_INT, (int[]){0, 0});
    H5Fclose(file);
    expect_failure(2, "y/categories is missing");
    file = create_file(test_file);
    put_group(file, "y");
    put_vector(file, "y/codes", H5T_IEEE_F32LE, 2, H5T_NATIVE_INT, (int[]){0, 0});
    put_texts(file, "y/categories", 1, LIST("a"));
    H5Fclose(file);
    expect_failure(2, "y/codes must be a vector of integers");
    file = create_file(test_file); // two categories with the same name
    put_group(file, "y");
    put_vector(file, "y/codes", H5T_STD_I8LE, 2, H5T_NATIVE_INT, (int[]){0, 2});
    put_texts(file, "y/categories", 3, LIST("a", "b", "a"));
    H5Fclose(file);
    expect_failure(2, "y/categories[0] and [2] are both a; categories must differ");
}

// ---- selections and known classes ---------------------------------------------------------------

static void test_selection(void **unused) {
    (void)unused;
    const int64_t select[] = {0, 2, 5};
    char buffer[MG_LABEL_BUFFER];
    for (int kind = 0; kind < 2; kind++) {
        hid_t file = create_file(test_file);
        if (kind) put_texts(file, "y", 6, LIST("7", "1", "3", "9", "9", "7"));
        else put_vector(file, "y", H5T_STD_I32LE, 6, H5T_NATIVE_INT, (int[]){7, 1, 3, 9, 9, 7});
        H5Fclose(file);
        read_labels got = read_some(6, select, 3, NULL, false);
        assert_int_equal(got.status, MG_OK);
        assert_int_equal(got.classes.count, 2); // only those of the selected rows
        assert_string_equal(mg_classes_label(&got.classes, 0, buffer), "3");
        assert_true(got.label[0] == 1 && got.label[1] == 0 && got.label[2] == 1);
        clear(&got);
    }
}

// Rows of another file are mapped to the model's classes; labels and classes may be numbers or texts.
static void test_known(void **unused) {
    (void)unused;
    for (int kind = 0; kind < 4; kind++) {
        mg_classes known = {.count = 3, .texts = kind & 1};
        char *const texts[] = {"1", "20", "3"};
        int64_t numbers[] = {1, 3, 20};
        known.text = known.texts ? (char **)texts : NULL;
        known.number = known.texts ? NULL : numbers;
        hid_t file = create_file(test_file);
        if (kind & 2) put_texts(file, "y", 4, LIST("3", "20", "4", "1"));
        else put_vector(file, "y", H5T_STD_I32LE, 4, H5T_NATIVE_INT, (int[]){3, 20, 4, 1});
        H5Fclose(file);
        read_labels got = read_some(4, NULL, 4, &known, false);
        assert_int_equal(got.status, MG_DATA);
        assert_non_null(strstr(got.error.text, "y[2] is 4, which is not one of the 3 classes (1 to "));
        clear(&got);
        got = read_some(4, NULL, 4, &known, true);
        assert_int_equal(got.status, MG_OK);
        assert_int_equal(got.classes.count, 3);
        assert_true(got.label[0] == (known.texts ? 2 : 1) && got.label[1] == (known.texts ? 1 : 2));
        assert_true(got.label[2] == -1 && got.label[3] == 0);
        clear(&got);
    }
}

static void test_shapes(void **unused) {
    (void)unused;
    write_numbers(H5T_STD_I32LE, H5T_NATIVE_INT, 3, (int[]){1, 2, 3});
    expect_failure(4, "labels y have shape [3] but there are 4 rows of features");
    expect_failure(2, "labels y have shape [3] but there are 2 rows of features");
    hid_t file = create_file(test_file);
    put_matrix(file, "y", H5T_STD_I32LE, 2, 2, H5T_NATIVE_INT, (int[]){1, 2, 3, 4});
    H5Fclose(file);
    expect_failure(2, "labels y have shape [2, 2]");
    file = create_file(test_file);
    H5Fclose(file);
    expect_failure(2, "data set y is missing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_whole_floats),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_categorical),
        cmocka_unit_test(test_categorical_numbers),
        cmocka_unit_test(test_categorical_incomplete),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
