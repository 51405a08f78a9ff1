// test_ngrams.c - texts become counts of n-grams by a hash that must never change. A later file is converted
// by the recipe of the first.
#include "convert_files.h"

#include <margin/convert.h>

#include "format/ngram.h"

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

// Texts.

// The bucket of an n-gram: 64-bit FNV-1a over its bytes, then the finaliser of MurmurHash3, then the low
// bits.
static int32_t bucket_of(const char *gram, int bits) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *gram; gram++) hash = (hash ^ (unsigned char)*gram) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (int32_t)((hash ^ hash >> 33) & ((UINT64_C(1) << bits) - 1));
}

static void expect_row(const char *const *grams, const double *weights, int count, int bits) {
    float data[128];
    int32_t indices[128];
    hsize_t dims[1];
    read_into("X/data", H5T_NATIVE_FLOAT, data, dims, 1);
    read_into("X/indices", H5T_NATIVE_INT32, indices, dims, 1);
    assert_int_equal(dims[0], count);
    for (int i = 0; i < count; i++) {
        int32_t bucket = bucket_of(grams[i], bits);
        int at = 0;
        while (at < count && indices[at] != bucket) at++;
        if (at == count) fail_msg("'%s' is missing", grams[i]);
        assert_true(fabs((double)data[at] - weights[i]) < 1e-6);
    }
}

static void the_hash_never_changes(void **state) {
    (void)state;
    // These numbers were computed by another program, from the published definitions.
    assert_int_equal(bucket_of("", 28), 177809702);
    assert_int_equal(bucket_of("a", 28), 163499611);
    assert_int_equal(bucket_of("hello world", 28), 191817173);
    assert_int_equal(bucket_of("\xc3\xa4\xc3\xb6", 18), 84115);
}

static void texts_become_ngrams(void **state) {
    (void)state;
    put_text(0, "x\tTo be, or  to BE\n");
    const char *const grams[] = {"to", "be", "or", "to be", "be or", "or to"};
    const double counts[] = {2, 2, 1, 2, 1, 1}, length = sqrt(4 + 4 + 1 + 4 + 1 + 1);
    double unit[6];
    for (int i = 0; i < 6; i++) unit[i] = counts[i] / length;
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

// A text with more n-grams than can be sorted at once is counted in a table. The counts must be the same.
static void very_long_texts(void **state) {
    (void)state;
    enum { WORDS = 300000 };
    char *text = malloc(WORDS * 8 + 16);
    size_t bytes = (size_t)sprintf(text, "x\t");
    for (int i = 0; i < WORDS; i++) bytes += (size_t)sprintf(text + bytes, "w%d ", i % 3);
    put(0, text, bytes);
    put_gzip(1, "y\tw1\n", 5);
    free(text);
    converted(1, "format=text ngrams=word:1 unit=no");
    const char *const grams[] = {"w0", "w1", "w2"};
    const double counts[] = {WORDS / 3, WORDS / 3, WORDS / 3};
    expect_row(grams, counts, 3, 18);
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
    expect_texts(1, seven); // read as texts, because the first file has texts
    unlink(output);
    snprintf(settings, sizeof settings, "like=%s bits=7", names[2]);
    refused(1, settings, MG_USAGE, "does not agree");
    snprintf(settings, sizeof settings, "like=%s", names[2]);
    put_text(0, "1,2,3\n");
    refused(1, settings, MG_DATA, "no tab between label and text"); // read in the format of the first file
    put_text(0, "1 0:1 5:1\n");
    converted(1, "");
    copy_output(2);
    put_text(0, "1 3:1\n");
    const double row[6] = {0, 0, 0, 1, 0, 0};
    converted(1, settings);
    expect_sparse(1, 6, 1, row);
    unlink(output);
    put_text(0, "1 6:1\n");
    refused(1, settings, MG_DATA, ":1:3: index 6 is above 5");
    put_text(0, "word 3:1\n");
    refused(1, settings, MG_DATA, "is not a whole number, but all labels of");
    put_text(0, "x\ta\n");
    refused(1, settings, MG_DATA, "was not made from texts");
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_never_changes),
        cmocka_unit_test(texts_become_ngrams),
        cmocka_unit_test(tables_of_texts),
        cmocka_unit_test(very_long_texts),
        cmocka_unit_test(later_files_follow_the_first),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
