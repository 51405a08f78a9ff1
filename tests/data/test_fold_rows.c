// test_fold_rows.c - folds are stratified, disjoint, cover all rows, and depend only on the seed.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "data/folds.h"

#include <string.h>

enum { ROWS = 203, FEATURES = 20, CLASSES = 4 };

// Labels of classes with 2, 3, 29 and all other rows, mixed.
static void uneven_labels(int32_t *label) {
    for (int i = 0; i < ROWS; i++) label[i] = i % 7 == 3 ? 2 : 3;
    label[0] = label[100] = 0;
    label[50] = label[51] = label[ROWS - 1] = 1;
}

static mg_classes four_classes(void) {
    static int64_t number[CLASSES] = {-5, 0, 1, 7};
    return (mg_classes){.count = CLASSES, .number = number};
}

static mg_status deal_rows(const int32_t *label, int64_t rows, int64_t folds, uint64_t seed, int32_t *fold,
                           mg_error *error) {
    const mg_classes classes = four_classes();
    const mg_split_request request = {
        .name = "x.h5", .label = label, .rows = rows, .classes = &classes, .folds = folds, .seed = seed};
    return mg_folds_deal(&request, fold, error);
}

static void deal(const int32_t *label, int64_t folds, uint64_t seed, int32_t *fold) {
    mg_error error;
    if (deal_rows(label, ROWS, folds, seed, fold, &error)) fail_msg("%s", error.text);
}

static void check_even(const int32_t *label, const int32_t *fold, int folds) {
    for (int k = -1; k < CLASSES; k++) { // -1: all classes together
        int count[ROWS] = {0}, least = ROWS, most = 0;
        for (int i = 0; i < ROWS; i++) {
            assert_in_range(fold[i], 0, folds - 1);
            count[fold[i]] += k < 0 || label[i] == k;
        }
        for (int f = 0; f < folds; f++) {
            least = count[f] < least ? count[f] : least;
            most = count[f] > most ? count[f] : most;
        }
        if (most - least > 1) fail_msg("%d folds, class %d: from %d to %d rows", folds, k, least, most);
    }
}

static void test_folds_are_even(void **unused) {
    (void)unused;
    int32_t label[ROWS], fold[ROWS], again[ROWS], other[ROWS];
    uneven_labels(label);
    for (int folds = 2; folds <= ROWS; folds += folds < 12 ? 1 : 37) {
        deal(label, folds, 1, fold);
        check_even(label, fold, folds);
        deal(label, folds, 1, again);
        assert_memory_equal(fold, again, sizeof fold);
        deal(label, folds, 2, other);
        int moved = 0;
        for (int i = 0; i < ROWS; i++) moved += fold[i] != other[i];
        assert_true(moved > ROWS / 4); // with another seed the folds differ
    }
    deal(label, 5, 1, fold);
    int in_order = 0;
    for (int i = 5; i < ROWS; i++) in_order += fold[i] == fold[i - 5];
    assert_true(in_order < ROWS / 2); // folds do not follow the order of the file
}

static void test_folds_refused(void **unused) {
    (void)unused;
    int32_t label[ROWS], fold[ROWS];
    mg_error error;
    uneven_labels(label);
    assert_int_equal(deal_rows(label, ROWS, ROWS + 1, 1, fold, &error), MG_USAGE);
    assert_string_equal(error.text, "--folds: 204 folds are not allowed for 203 rows (at most as many folds "
                                    "as rows, and 4294967295 rows)");
    assert_int_equal(deal_rows((int32_t[]){0, 1, 2, 2}, 4, 3, 1, fold, &error), MG_USAGE);
    assert_string_equal(error.text, "--folds: 3 folds need at least 3 rows, not counting classes of one row, "
                                    "but x.h5 has 2: use fewer folds or more rows");
}

// The only row of a class is in no fold, so it is a training row of every fold.
static void test_class_of_one(void **unused) {
    (void)unused;
    int32_t label[ROWS], fold[ROWS];
    mg_error error;
    uneven_labels(label);
    label[100] = 3;
    assert_int_equal(deal_rows(label, ROWS, 3, 1, fold, &error), MG_OK);
    int dealt[3] = {0};
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(fold[i] == MG_NO_FOLD, i == 0);
        if (fold[i] != MG_NO_FOLD) dealt[fold[i]]++;
    }
    for (int f = 0; f < 3; f++) assert_true(dealt[f] == (ROWS - 1) / 3 || dealt[f] == (ROWS + 1) / 3);
}

// For every fold, the two selections are disjoint and cover all rows.
static void test_selections(void **unused) {
    (void)unused;
    const char *data = support_path("selections.h5");
    mg_error error;
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 1);
    int held[ROWS] = {0};
    for (int f = 0; f < 5; f++) {
        mg_dataset_request request = {.path = data,
                                      .features = "X",
                                      .labels = "y",
                                      .selection = MG_SELECT_KEPT,
                                      .folds = 5,
                                      .fold = f,
                                      .seed = 9,
                                      .window_bytes = 1 << 20};
        mg_dataset *kept, *out;
        assert_int_equal(mg_dataset_open(&request, &kept, &error), MG_OK);
        request.selection = MG_SELECT_HELD_OUT;
        request.known = &kept->classes;
        assert_int_equal(mg_dataset_open(&request, &out, &error), MG_OK);
        assert_int_equal(kept->count + out->count, ROWS);
        int seen[ROWS] = {0};
        for (int64_t i = 0; i < kept->count; i++) seen[kept->select[i]]++;
        for (int64_t i = 0; i < out->count; i++) seen[out->select[i]]++, held[out->select[i]]++;
        for (int i = 0; i < ROWS; i++) assert_int_equal(seen[i], 1);
        mg_dataset_close(kept);
        mg_dataset_close(out);
    }
    for (int i = 0; i < ROWS; i++) assert_int_equal(held[i], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_are_even),
        cmocka_unit_test(test_folds_refused),
        cmocka_unit_test(test_class_of_one),
        cmocka_unit_test(test_selections),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
