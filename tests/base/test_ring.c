// test_ring.c - every item is popped once, in the order in which items were pushed: across the end of the
// ring; when it is full, empty or closed; and when both sides wait for each other.
#include "base/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

enum { CAPACITY = 3, MANY = 20000 };

static mg_ring *ring_of(int capacity) {
    mg_ring *ring;
    mg_error error;
    if (mg_ring_create(capacity, &ring, &error)) fail_msg("%s", error.text);
    return ring;
}

static void *number(intptr_t value) { return (void *)value; }

static intptr_t pop(mg_ring *ring) {
    void *item = NULL;
    assert_true(mg_ring_pop(ring, &item));
    return (intptr_t)item;
}

// Two items are pushed and one is popped, so that rounds begin at every position of the ring.
static void test_wrap_around(void **unused) {
    (void)unused;
    mg_ring *ring = ring_of(CAPACITY);
    intptr_t in = 1, out = 1;
    for (int turn = 0; turn < 10 * CAPACITY; turn++) {
        for (int i = 0; i < CAPACITY; i++) assert_true(mg_ring_push(ring, number(in++)));
        for (int i = 0; i < CAPACITY; i++) assert_int_equal(pop(ring), out++);
        assert_true(mg_ring_push(ring, number(in++))); // the next round begins one position further
        assert_int_equal(pop(ring), out++);
    }
    mg_ring_destroy(ring);
}

static void test_closed(void **unused) {
    (void)unused;
    mg_ring *ring = ring_of(CAPACITY);
    void *item = NULL;
    assert_true(mg_ring_push(ring, number(1)));
    assert_true(mg_ring_push(ring, number(2)));
    mg_ring_close(ring);
    assert_false(mg_ring_push(ring, number(3))); // there is space, but the ring is closed
    assert_int_equal(pop(ring), 1);              // items that were pushed before are still popped
    assert_int_equal(pop(ring), 2);
    assert_false(mg_ring_pop(ring, &item));
    mg_ring_reopen(ring);
    assert_true(mg_ring_push(ring, number(4)));
    assert_int_equal(pop(ring), 4);
    mg_ring_destroy(ring);
    mg_ring_destroy(NULL);
}

static void *give_all(void *context) {
    for (intptr_t i = 1; i <= MANY; i++)
        if (!mg_ring_push(context, number(i))) return number(0);
    mg_ring_close(context);
    return number(1);
}

// The producer often waits for space, and the consumer often for items.
static void check_two_threads(int capacity) {
    mg_ring *ring = ring_of(capacity);
    pthread_t giver;
    void *item, *gave;
    intptr_t expected = 1;
    assert_int_equal(pthread_create(&giver, NULL, give_all, ring), 0);
    while (mg_ring_pop(ring, &item)) assert_int_equal((intptr_t)item, expected++);
    assert_int_equal(pthread_join(giver, &gave), 0);
    assert_int_equal((intptr_t)gave, 1);
    assert_int_equal(expected, MANY + 1);
    mg_ring_destroy(ring);
}

static void test_two_threads(void **unused) {
    (void)unused;
    check_two_threads(1);
    check_two_threads(CAPACITY);
    check_two_threads(2 * MANY);
}

static void *push_one(void *context) { return number(mg_ring_push(context, number(2))); }

static void *pop_one(void *context) {
    void *item;
    return number(mg_ring_pop(context, &item));
}

// Closing ends the call of the other thread, whether it is already waiting or just about to wait.
static void test_close_ends_waiting(void **unused) {
    (void)unused;
    for (int turn = 0; turn < 100; turn++) {
        mg_ring *full = ring_of(1), *empty = ring_of(1);
        pthread_t giver, taker;
        void *gave, *took;
        assert_true(mg_ring_push(full, number(1)));
        assert_int_equal(pthread_create(&giver, NULL, push_one, full), 0);
        assert_int_equal(pthread_create(&taker, NULL, pop_one, empty), 0);
        mg_ring_close(full);
        mg_ring_close(empty);
        assert_int_equal(pthread_join(giver, &gave), 0);
        assert_int_equal(pthread_join(taker, &took), 0);
        assert_int_equal((intptr_t)gave, 0);
        assert_int_equal((intptr_t)took, 0);
        mg_ring_destroy(full);
        mg_ring_destroy(empty);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_around),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_close_ends_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
