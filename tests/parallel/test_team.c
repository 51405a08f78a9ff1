// test_team.c - every item of every job is run exactly once, for any number of threads and items; when the
// call returns, all items have been run.
#include "parallel/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

typedef struct job {
    mg_team *team;
    int64_t count;
    _Atomic int *times; // [count] how often each item was run
    _Atomic int64_t sum;
    _Atomic int beyond; // number of calls with an item that the job does not have
} job;

static mg_team team_of(int threads) {
    mg_team team = {0};
    char warning[256];
    mg_team_open(&team, threads, 0, warning, sizeof warning);
    assert_true(team.threads >= 1 && team.threads <= threads);
    return team;
}

static void take(void *context, int64_t item) {
    job *j = context;
    if (item < 0 || item >= j->count) {
        j->beyond++;
        return;
    }
    j->times[item]++;
    j->sum += item;
}

static void expect_once(job *j, int64_t count) {
    j->count = count;
    j->sum = 0;
    for (int64_t i = 0; i < count; i++) j->times[i] = 0;
    mg_team_for(j->team, count, take, j);
    assert_int_equal(j->beyond, 0);
    assert_int_equal(j->sum, count * (count - 1) / 2);
    for (int64_t i = 0; i < count; i++) assert_int_equal(j->times[i], 1);
}

enum { MOST = 5000 };

// Tries numbers of items near those where the team claims items in another way, in consecutive jobs, which
// must not mix.
static void every_count(void *context) {
    job *j = context;
    static const int64_t counts[] = {0,  1,    2,   MG_TEAM_FEW - 1, MG_TEAM_FEW, MG_TEAM_FEW + 1, 63, 64,
                                     65, 1000, MOST};
    for (int turn = 0; turn < 20; turn++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) expect_once(j, counts[c]);
    for (int turn = 0; turn < 2000; turn++) expect_once(j, turn % 5);
}

static void test_every_item_once(void **unused) {
    (void)unused;
    for (int threads = 1; threads <= 9; threads += threads < 3 ? 1 : 3) {
        mg_team team = team_of(threads);
        job j = {.team = &team, .times = calloc(MOST, sizeof *j.times)};
        assert_non_null(j.times);
        every_count(&j); // outside of mg_team_run the caller runs all items
        mg_team_run(&team, every_count, &j);
        mg_team_run(&team, every_count, &j); // the same team can run again
        free(j.times);
    }
}

typedef struct shared {
    mg_team *team;
    int64_t slots[MOST];
    int joined;
} shared;

static void write_slot(void *context, int64_t item) {
    shared *s = context;
    s->slots[item]++;
}

// What an item has written is visible to the caller, and to the items of the next job, without more
// synchronisation.
static void write_and_read(void *context) {
    shared *s = context;
    for (int turn = 1; turn <= 300; turn++) {
        int64_t count = turn % 2 ? 200 : 7;
        mg_team_for(s->team, count, write_slot, s);
    }
    for (int64_t i = 0; i < 200; i++) assert_int_equal(s->slots[i], i < 7 ? 300 : 150);
}

static void test_results_are_seen(void **unused) {
    (void)unused;
    static shared s;
    mg_team team = team_of(4);
    s.team = &team;
    mg_team_run(&team, write_and_read, &s);
}

static void joined(void *context) {
    shared *s = context;
    s->joined++;
    mg_team_for(s->team, 3, write_slot, s);
}

static void join_inside(void *context) {
    shared *s = context;
    mg_team_join(s->team, joined, s); // the threads are already running: this only calls the function
}

static void test_join(void **unused) {
    (void)unused;
    static shared s;
    mg_team team = team_of(3);
    s.team = &team;
    mg_team_join(&team, joined, &s);
    mg_team_run(&team, join_inside, &s);
    assert_int_equal(s.joined, 2);
    for (int i = 0; i < 3; i++) assert_int_equal(s.slots[i], 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_results_are_seen),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
