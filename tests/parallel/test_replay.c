// test_replay.c - compares computed schedules with lengths that are known, and tests that the jobs, items and
// seconds of a recorded team add up.
#include "parallel/replay.h"
#include "parallel/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const mg_replay_costs nothing = {0};

static void one_thread_takes_the_sum(void **state) {
    (void)state;
    const double items[] = {1, 2, 3, 4};
    const mg_replay_costs costs = {.claim = 10, .start = 10, .wake = 10};
    assert_float_equal(mg_replay_makespan(items, 4, 1, &costs, true), 10, 0);
    assert_float_equal(mg_replay_makespan(items, 1, 8, &costs, true), 1,
                       0); // the calling thread does it itself
    assert_float_equal(mg_replay_makespan(items, 0, 8, &costs, true), 0, 0);
}

// Up to MG_TEAM_FEW items are assigned to threads in advance: thread 0 begins with items 0 and 1, thread 1
// with items 2 and 3. A thread without items left takes the last item that is not claimed.
static void few_items_have_their_threads(void **state) {
    (void)state;
    const double even[] = {1, 2, 3, 4}, uneven[] = {1, 1, 9, 2};
    assert_float_equal(mg_replay_makespan(even, 4, 2, &nothing, false), 7, 0);   // 1 + 2 + 4 | 3
    assert_float_equal(mg_replay_makespan(uneven, 4, 2, &nothing, false), 9, 0); // 1 + 1 + 2 | 9
    assert_float_equal(mg_replay_makespan(even, 4, 64, &nothing, false), 4, 0);
}

static void many_items_go_to_the_free_thread(void **state) {
    (void)state;
    enum { MANY = 3 * MG_TEAM_FEW };
    double items[MANY];
    for (int i = 0; i < MANY; i++) items[i] = 1;
    assert_float_equal(mg_replay_makespan(items, MANY, MG_TEAM_FEW, &nothing, false), 3, 0);
    assert_float_equal(mg_replay_makespan(items, MANY, 2, &nothing, false), MANY / 2, 0);
    items[0] = MANY; // one long item: the other threads do the rest meanwhile
    assert_float_equal(mg_replay_makespan(items, MANY, 8, &nothing, false), MANY, 0);
    items[0] = 1, items[MANY - 1] = MANY; // the long item is claimed last
    assert_float_equal(mg_replay_makespan(items, MANY, 8, &nothing, false), MANY + 11, 0);
}

static void claims_and_starts_cost(void **state) {
    (void)state;
    const double items[] = {5, 5};
    const mg_replay_costs costs = {.claim = 1, .start = 2, .wake = 20};
    assert_float_equal(mg_replay_makespan(items, 2, 2, &costs, false), 8, 0); // starts at 2, claims until 3
    assert_float_equal(mg_replay_makespan(items, 2, 2, &costs, true), 12,
                       0); // the calling thread does both items before another thread wakes up
    const mg_replay_costs claims = {.claim = 3};
    assert_float_equal(mg_replay_makespan(items, 2, 2, &claims, false), 11, 0); // one claim after the other
}

// ---- recording ----------------------------------------------------------------------------------

typedef struct record {
    mg_team team;
    int64_t next;
    bool in_order;
} record;

static void work(void *context, int64_t item) {
    record *r = context;
    volatile double x = 1;
    for (int i = 0; i < 20000; i++) x = x * 1.0000001;
    r->in_order &= item == r->next++;
}

static void two_jobs(void *context) {
    record *r = context;
    mg_team_for(&r->team, 3, work, r); // before mg_replay_begin: not counted
    mg_replay_begin(r->team.replay);
    for (int job = 0; job < 2; job++) {
        r->next = 0;
        mg_team_for(&r->team, 8, work, r);
    }
    mg_replay_end(r->team.replay);
}

static void a_team_counts_its_items(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 8};
    mg_replay replay;
    mg_replay_init(&replay, threads, 3);
    assert_true(replay.costs.claim > 0 && replay.costs.start > 0 && replay.costs.wake >= replay.costs.start);
    replay.costs = nothing;
    record r = {.team = {.threads = 2, .replay = &replay}, .in_order = true};
    mg_team_run(&r.team, two_jobs, &r);
    assert_true(r.in_order);
    assert_int_equal(replay.jobs, 2);
    assert_int_equal(replay.items, 16);
    const mg_replay_team *team = replay.team;
    double all = replay.serial + replay.work;
    assert_true(replay.work > 0);
    assert_float_equal(team[0].seconds, all, 1e-9 * all);
    assert_float_equal(team[0].idle, 0, 1e-9 * all);
    assert_true(team[1].seconds < all && team[1].seconds >= replay.serial + 0.5 * replay.work * (1 - 1e-9));
    assert_true(team[2].seconds <= team[1].seconds);
    assert_true(team[2].seconds >= replay.serial + replay.work / 8 * (1 - 1e-9));
    mg_replay_clear(&replay);
}

static void outside_a_run_work_is_serial(void **state) {
    (void)state;
    static const int threads[] = {4};
    mg_replay replay;
    mg_replay_init(&replay, threads, 1);
    record r = {.team = {.threads = 2, .replay = &replay}, .in_order = true};
    two_jobs(&r);
    assert_int_equal(replay.jobs, 0);
    assert_true(replay.serial > 0);
    assert_float_equal(replay.team[0].seconds, replay.serial, 0);
    mg_replay_clear(&replay);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_takes_the_sum),         cmocka_unit_test(few_items_have_their_threads),
        cmocka_unit_test(many_items_go_to_the_free_thread), cmocka_unit_test(claims_and_starts_cost),
        cmocka_unit_test(a_team_counts_its_items),          cmocka_unit_test(outside_a_run_work_is_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
