// activity.c - owns the current activity of the process.
#include "base/activity.h"

#include <stdatomic.h>
#include <stddef.h>

// Set one after the other: a progress line may show numbers of two activities for a moment.
static _Atomic(const char *) what_now;
static _Atomic int64_t done_now, total_now;

void mg_activity_get(mg_activity *out) {
    *out = (mg_activity){.what = atomic_load(&what_now),
                         .done = atomic_load_explicit(&done_now, memory_order_relaxed),
                         .total = atomic_load_explicit(&total_now, memory_order_relaxed)};
}

bool mg_activity_begin(const char *what, int64_t total) {
    const char *nothing = NULL;
    if (!atomic_compare_exchange_strong(&what_now, &nothing, what)) return false;
    atomic_store_explicit(&done_now, 0, memory_order_relaxed);
    atomic_store_explicit(&total_now, total, memory_order_relaxed);
    return true;
}

void mg_activity_advance(bool began, int64_t count) {
    if (began) atomic_fetch_add_explicit(&done_now, count, memory_order_relaxed);
}

void mg_activity_end(const bool *began) {
    if (*began) atomic_store(&what_now, NULL);
}
