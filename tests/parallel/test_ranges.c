// test_ranges.c - ranges of features cover all features, in order, and have about equally many stored values.
#include "parallel/cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

enum { ROWS = 3000, FEATURES = 5000, ENTRIES = 40, RANGES = 8 };

// Fills rows whose features are the rarer, the higher their number is; with `power` 1 all are equally
// frequent.
static void fill(uint32_t *indices, int64_t *indptr, int power) {
    uint64_t state = 7;
    indptr[0] = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        uint8_t seen[FEATURES] = {0};
        for (int e = 0; e < ENTRIES; e++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            double place = (double)(state >> 11) / 9007199254740992.0, at = place;
            for (int p = 1; p < power; p++) at *= place;
            seen[(int)(at * FEATURES)] = 1;
        }
        indptr[r + 1] = indptr[r];
        for (uint32_t f = 0; f < FEATURES; f++)
            if (seen[f]) indices[indptr[r + 1]++] = f;
    }
}

static void check(const mg_rows *rows, double least, double most) {
    int64_t begin[RANGES + 1], held[RANGES] = {0}, all = 0;
    mg_cut_ranges(rows, RANGES, begin);
    assert_int_equal(begin[0], 0);
    assert_int_equal(begin[RANGES], FEATURES);
    for (int r = 0; r < RANGES; r++) assert_true(begin[r] <= begin[r + 1]);
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t row = mg_rows_stored(rows, i);
        for (int64_t e = rows->indptr[row]; e < rows->indptr[row + 1]; e++) {
            int r = 0;
            while (rows->indices[e] >= begin[r + 1]) r++;
            held[r]++, all++;
        }
    }
    for (int r = 0; r < RANGES; r++) {
        double share = (double)held[r] * RANGES / (double)all;
        if (!(share >= least && share <= most)) fail_msg("range %d holds %.2f of an equal share", r, share);
    }
}

static void test_equal_shares(void **unused) {
    (void)unused;
    uint32_t *indices = malloc(ROWS * ENTRIES * sizeof *indices), order[256];
    int64_t indptr[ROWS + 1];
    for (int power = 1; power <= 3; power++) {
        fill(indices, indptr, power);
        mg_rows all = {
            .count = ROWS, .features = FEATURES, .layout = MG_CSR, .indptr = indptr, .indices = indices};
        check(&all, 0.8, 1.2);
        mg_rows batch = all; // a few rows in another order
        for (uint32_t i = 0; i < 256; i++) order[i] = i * 977 % ROWS;
        batch.index = order;
        batch.count = 256;
        check(&batch, 0.7, 1.3);
    }
    free(indices);
}

// If one feature has all values, or if there are no values, the ranges are still in order.
static void test_edges(void **unused) {
    (void)unused;
    int64_t indptr[] = {0, 1, 2, 3}, none[] = {0, 0}, begin[RANGES + 1];
    uint32_t indices[] = {4, 4, 4};
    mg_rows same = {.count = 3, .features = FEATURES, .layout = MG_CSR, .indptr = indptr, .indices = indices};
    mg_cut_ranges(&same, RANGES, begin);
    for (int r = 0; r < RANGES; r++) assert_true(begin[r] <= begin[r + 1]);
    assert_int_equal(begin[1], 4);
    mg_rows empty = {.count = 1, .features = FEATURES, .layout = MG_CSR, .indptr = none, .indices = indices};
    mg_cut_ranges(&empty, RANGES, begin);
    for (int r = 0; r <= RANGES; r++) assert_int_equal(begin[r], FEATURES * r / RANGES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal_shares), cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
