// test_columns.c - compares names and recipes, and reads them from model files with arbitrary content.
#include "support.h"

#include "base/memory.h"
#include "data/columns.h"
#include "model/columns.h"
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static mg_names list(int64_t count, const char *const *text) {
    mg_names names = {0};
    mg_error error;
    const mg_names from = {count, (char **)(uintptr_t)text};
    assert_int_equal(mg_names_copy(&from, &names, &error), MG_OK);
    return names;
}

static void expect_difference(int64_t n, const char *const *known, int64_t m, const char *const *other,
                              const char *expected) {
    const mg_names_parties parties = {"f.h5", "in m.h5", "do"};
    mg_names a = list(n, known), b = list(m, other);
    mg_error error = {0};
    mg_status status = mg_names_compare(&a, &b, &parties, &error);
    assert_int_equal(status, expected ? MG_DATA : MG_OK);
    if (expected) assert_string_equal(error.text, expected);
    mg_names_clear(&a);
    mg_names_clear(&b);
}

static void lists_differ_by_the_first_name(void **state) {
    (void)state;
    const char *const abc[] = {"a", "b", "c"}, *const acb[] = {"a", "c", "b"}, *const abd[] = {"a", "b", "d"},
                      *const aab[] = {"a", "a", "b"};
    expect_difference(3, abc, 3, abc, NULL);
    expect_difference(3, aab, 3, aab, NULL); // repeated names are compared by position
    expect_difference(3, abc, 3, acb,
                      "f.h5: feature 2 is 'c' but 'b' in m.h5 (the same names in another order): do");
    expect_difference(3, abc, 3, abd,
                      "f.h5: feature 3 is 'd' but 'c' in m.h5 (1 of 3 names are missing, and 1 are new): do");
    expect_difference(3, aab, 3, abc,
                      "f.h5: feature 2 is 'b' but 'a' in m.h5 (1 of 3 names are missing, and 1 are new): do");
    expect_difference(3, abc, 2, abc,
                      "f.h5: has 2 features; feature 3, 'c' in m.h5, is missing (1 of 3 names are missing, "
                      "and 0 are new): do");
    expect_difference(2, abc, 3, abc,
                      "f.h5: feature 3 is 'c', but there are only 2 features in m.h5 (0 of 2 names are "
                      "missing, and 1 are new): do");
    char name[80];
    memset(name, 'x', 63);
    strcpy(name + 63, "\u00e4\u00e4\u00e4"); // a character that is not completely within the part shown
    const char *const lengthy[] = {name};
    char expected[200];
    snprintf(expected, sizeof expected,
             "f.h5: feature 1 is '%.63s...' but 'a' in m.h5 (1 of 1 names are missing, and 1 are new): do",
             name);
    expect_difference(1, abc, 1, lengthy, expected);
}

static void repeats_are_found(void **state) {
    (void)state;
    const char *const text[] = {"x", "b", "a", "b", "x"};
    mg_names names = list(5, text);
    mg_error error;
    bool found;
    int64_t first, second;
    assert_int_equal(mg_names_repeat(&names, &found, &first, &second, &error), MG_OK);
    assert_true(found && first == 1 && second == 3);
    mg_names_clear(&names);
    names = list(3, text);
    assert_int_equal(mg_names_repeat(&names, &found, &first, &second, &error), MG_OK);
    assert_false(found);
    mg_names_clear(&names);
}

static void recipes_are_looked_up_by_whole_words(void **state) {
    (void)state;
    const char *recipe = "format: csv\nlabel_name: a\nlabel: last\nempty: \n";
    assert_true(mg_recipe_is(recipe, "label", "last"));
    assert_false(mg_recipe_is(recipe, "label", "las"));
    assert_true(mg_recipe_is(recipe, "empty", ""));
    size_t bytes;
    assert_null(mg_recipe_find(recipe, "abel", &bytes));
    assert_null(mg_recipe_find(recipe, "base", &bytes));
    assert_null(mg_recipe_find(NULL, "base", &bytes));
    assert_null(mg_recipe_find("format", "format", &bytes));
}

// Reads a model whose names and recipe were written by `fill`; the result must be `expected`.
static void expect_columns(void (*fill)(mg_h5_image *image), const char *expected) {
    mg_h5_image *image;
    mg_h5 *file;
    mg_error error = {0};
    mg_columns columns;
    const char *path = support_path("columns.h5");
    assert_int_equal(mg_h5_image_create(&image, &error), MG_OK);
    fill(image);
    support_write_image(image, path);
    assert_int_equal(mg_h5_open(path, &file, &error), MG_OK);
    mg_status status = mg_model_columns_take(file, 3, 3, &columns, &error);
    assert_int_equal(status, expected ? MG_DATA : MG_OK);
    if (expected && !strstr(error.text, expected)) fail_msg("'%s' is not in: %s", expected, error.text);
    if (expected) assert_true(!columns.names.text && !columns.recipe && !columns.names_from);
    mg_columns_clear(&columns);
    mg_h5_close(file);
}

static const int64_t three[] = {3, 2}, two[] = {2}, numbers[6];

static void put_nothing(mg_h5_image *image) { (void)image; }

static void put_good(mg_h5_image *image) {
    mg_h5_image_texts(image, "names", 3, (const char *const[]){"a", "", "\u00e4"});
    mg_h5_image_attribute_text(image, "/", "recipe", "format: csv\n");
}

static void put_fewer(mg_h5_image *image) {
    mg_h5_image_texts(image, "names", 2, (const char *const[]){"a", "b"});
}

static void put_numbers(mg_h5_image *image) {
    mg_h5_image_array(image, "names", MG_H5_I64, 1, three, numbers);
}

static void put_rank(mg_h5_image *image) { mg_h5_image_array(image, "names", MG_H5_U8, 2, three, numbers); }

static void put_short_numbers(mg_h5_image *image) {
    mg_h5_image_array(image, "names", MG_H5_F32, 1, two, numbers);
}

static void put_group(mg_h5_image *image) { mg_h5_image_group(image, "names"); }

static void put_bytes(mg_h5_image *image) {
    mg_h5_image_texts(image, "names", 3, (const char *const[]){"a", "\xff", "c"});
}

static void put_long(mg_h5_image *image) {
    char name[MG_NAME_LONGEST + 2];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    mg_h5_image_texts(image, "names", 3, (const char *const[]){"a", "b", name});
}

static void put_number_as_recipe(mg_h5_image *image) { mg_h5_image_attribute_int64(image, "/", "recipe", 7); }

static void put_recipe_of_bytes(mg_h5_image *image) {
    put_good(image);
    mg_h5_image_attribute_text(image, "/", "names_from", "\xc3(");
}

static void put_long_recipe(mg_h5_image *image) {
    static char text[MG_RECIPE_LONGEST + 2];
    memset(text, 'x', sizeof text - 1);
    mg_h5_image_attribute_text(image, "/", "recipe", text);
}

static void models_may_hold_anything(void **state) {
    (void)state;
    expect_columns(put_nothing, NULL);
    expect_columns(put_good, NULL);
    expect_columns(put_fewer, "data set names must be a vector of 3 strings");
    expect_columns(put_numbers, "data set names must be a vector of 3 strings");
    expect_columns(put_rank, "data set names must be a vector of 3 strings");
    expect_columns(put_short_numbers, "data set names must be a vector of 3 strings");
    expect_columns(put_group, "names is a group");
    expect_columns(put_bytes, "names[1] is a name that is not UTF-8");
    expect_columns(put_long, "names[2] is a name of 1001 bytes; at most 1000 are allowed");
    expect_columns(put_number_as_recipe, "attribute recipe");
    expect_columns(put_recipe_of_bytes, "attribute names_from is not a UTF-8 string");
    expect_columns(put_long_recipe, "attribute recipe is not a UTF-8 string of at most");
}

// A run adds up this memory before it begins.
static void a_copy_takes_the_bytes_that_were_counted(void **state) {
    (void)state;
    enum { COUNT = 10000 };
    static char text[COUNT][200];
    static const char *pointers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "%0*d", 1 + i % 190, i);
        pointers[i] = text[i];
    }
    int64_t before = mg_memory_live();
    mg_names names = list(COUNT, pointers);
    double taken = (double)(mg_memory_live() - before), counted = mg_names_bytes(&names);
    assert_true(counted >= taken && counted < 2 * taken);
    mg_names_clear(&names);
}

// Reads a model with weights for `count` features of `width`, listed in `list`. It must be refused with a
// text that contains `expected`.
static void expect_used(const int64_t *list, int64_t count, int64_t width, const char *expected) {
    mg_h5_image *image;
    mg_h5 *file;
    mg_error error = {0};
    mg_used used;
    const char *path = support_path("used.h5");
    assert_int_equal(mg_h5_image_create(&image, &error), MG_OK);
    if (width != 0) mg_h5_image_attribute_int64(image, "/", "features_count", width);
    if (list) mg_h5_image_array(image, "used_features", MG_H5_I64, 1, &count, list);
    support_write_image(image, path);
    assert_int_equal(mg_h5_open(path, &file, &error), MG_OK);
    mg_status status = mg_model_used_take(file, 3, &used, &error);
    assert_int_equal(status, expected ? MG_DATA : MG_OK);
    if (expected && !strstr(error.text, expected)) fail_msg("'%s' is not in: %s", expected, error.text);
    if (expected) assert_true(!used.width && !used.word);
    else
        for (int64_t i = 0; i < count; i++) assert_int_equal(mg_used_column(&used, i), list[i]);
    mg_used_clear(&used);
    mg_h5_close(file);
}

static void used_features_are_checked(void **state) {
    (void)state;
    const int64_t good[] = {0, 7, 99}, falling[] = {0, 7, 6}, twice[] = {0, 7, 7}, below[] = {-1, 7, 8},
                  beyond[] = {0, 7, 100};
    expect_used(good, 3, 100, NULL);
    expect_used(good, 2, 100, "used_features has rank 1 and 2 values, but must have rank 1 and 3");
    expect_used(falling, 3, 100, "used_features[2] is 6 (0 to 99 are allowed, in ascending order)");
    expect_used(twice, 3, 100, "used_features[2] is 7");
    expect_used(below, 3, 100, "used_features[0] is -1");
    expect_used(beyond, 3, 100, "used_features[2] is 100");
    expect_used(good, 3, 2, "features_count is 2 (3 to 4294967295 are allowed)");
    expect_used(good, 3, (int64_t)1 << 33, "features_count is 8589934592");
    expect_used(good, 3, 0, "features_count");
    expect_used(NULL, 3, 100, "used_features");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_differ_by_the_first_name),
        cmocka_unit_test(repeats_are_found),
        cmocka_unit_test(recipes_are_looked_up_by_whole_words),
        cmocka_unit_test(models_may_hold_anything),
        cmocka_unit_test(a_copy_takes_the_bytes_that_were_counted),
        cmocka_unit_test(used_features_are_checked),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
