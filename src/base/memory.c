// memory.c - the only place that allocates memory for the library. Refuses blocks that do not fit into
// memory.
#include "base/memory.h"

#include "base/arithmetic.h"
#include "base/cgroup.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// UNSEEN: the free memory is checked again after so many bytes were allocated in small blocks.
enum { LINE = 64, HUGE_PAGE = 2 << 20, UNSEEN = 16 << 20 };

static _Atomic int64_t live;   // bytes of all blocks that are not freed
static _Atomic int64_t unseen; // bytes allocated since the free memory was last checked
static _Thread_local bool deferred;
static _Thread_local int64_t own; // bytes that this thread has allocated, minus those that it has freed

static _Atomic int64_t fail_countdown;
static _Atomic bool fail_for_ever;
static _Atomic int64_t failures;

int64_t mg_memory_fail_at(int64_t k, bool for_ever) {
    atomic_store(&fail_for_ever, for_ever);
    atomic_store(&fail_countdown, k);
    return atomic_exchange(&failures, 0);
}

static bool told_to_fail(void) {
    if (atomic_load(&fail_countdown) <= 0) return false;
    int64_t left = atomic_fetch_sub(&fail_countdown, 1) - 1;
    if (left > 0) return false;
    if (atomic_load(&fail_for_ever)) atomic_store(&fail_countdown, 1);
    atomic_fetch_add(&failures, 1);
    return true;
}

int64_t mg_memory_live(void) { return atomic_load(&live); }

int64_t mg_memory_own(void) { return own; }

void mg_memory_defer(bool on) { deferred = on; }

// The system counts a block as used only when it is touched. So bytes that are allocated but not touched are
// subtracted from what the system reports as free.
int64_t mg_memory_room(void) {
    int64_t held = mg_memory_live(), touched = mg_cgroup_own_memory("");
    int64_t system = mg_cgroup_system_memory(""), group = mg_cgroup_memory_at_most(""),
            limit = mg_cgroup_memory_limit("");
    int64_t untouched = touched >= 0 && held > touched ? held - touched : 0,
            room = mg_min(system, group) - untouched;
    return mg_min(limit - held, room);
}

static bool fits(size_t bytes, int64_t *room) {
    if (deferred) return true;
    if (bytes < UNSEEN && atomic_fetch_add(&unseen, (int64_t)bytes) + (int64_t)bytes < UNSEEN) return true;
    *room = mg_memory_room();
    if (*room < (int64_t)bytes) return false;
    atomic_store(&unseen, 0);
    return true;
}

// Blocks are rounded up and padded, so that vector loads may read beyond the end of a row without leaving the
// block.
static size_t rounded_up(size_t bytes) { return (bytes + LINE - 1) / LINE * LINE + LINE; }

size_t mg_memory_block(size_t bytes) { return rounded_up(bytes) + LINE; }

static void count_bytes(int64_t bytes) {
    atomic_fetch_add(&live, bytes);
    own += bytes;
}

mg_status mg_memory_get(void *out, size_t count, size_t size, mg_error *error) {
    void *block = NULL;
    memcpy(out, &block, sizeof block);
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > MG_MOST_BYTES)
        return mg_fail(error, MG_MEMORY, "out of memory: %zu elements of %zu bytes cannot be addressed",
                       count, size);
    size_t rounded = rounded_up(bytes);
    size_t alignment = rounded >= 2 * HUGE_PAGE ? HUGE_PAGE : LINE;
    // Linux allocates more memory than it has, and later kills a process that uses it. So blocks that do not
    // fit are refused here, where an error message is still possible.
    int64_t room;
    if (!fits(rounded, &room))
        return mg_fail(error, MG_MEMORY, "out of memory: %zu bytes are needed, %lld are available", bytes,
                       (long long)(room > 0 ? room : 0));
    if (told_to_fail() || posix_memalign(&block, alignment, rounded) != 0)
        return mg_fail(error, MG_MEMORY, "out of memory: %zu bytes are needed", bytes);
    if (alignment == HUGE_PAGE) madvise(block, rounded, MADV_HUGEPAGE);
    count_bytes((int64_t)malloc_usable_size(block));
    memcpy(out, &block, sizeof block);
    return MG_OK;
}

mg_status mg_memory_zeroed(void *out, size_t count, size_t size, mg_error *error) {
    mg_status status = mg_memory_get(out, count, size, error);
    if (status) return status;
    void *block;
    memcpy(&block, out, sizeof block);
    size_t bytes = count * size, dropped = bytes >= 2 * HUGE_PAGE ? bytes / HUGE_PAGE * HUGE_PAGE : 0;
    // Zeroes large blocks by discarding their pages, which read as zeros when they are touched again. Then a
    // page is placed near the thread that touches it first, and is never allocated if no thread does.
    if (dropped && madvise(block, dropped, MADV_DONTNEED)) dropped = 0;
    memset((char *)block + dropped, 0, bytes - dropped);
    return MG_OK;
}

mg_status mg_memory_grow(void *array, size_t *capacity, size_t need, size_t size, mg_error *error) {
    if (need <= *capacity) return MG_OK;
    size_t larger = need > *capacity * 2 ? need : *capacity * 2;
    if (larger < 16) larger = 16;
    void *old, *fresh;
    memcpy(&old, array, sizeof old);
    mg_status status = mg_memory_get(&fresh, larger, size, error);
    if (status) return status;
    if (old) memcpy(fresh, old, *capacity * size);
    mg_memory_free(old);
    memcpy(array, &fresh, sizeof fresh);
    *capacity = larger;
    return MG_OK;
}

mg_status mg_memory_text(char **out, const char *text, mg_error *error) {
    size_t bytes = strlen(text) + 1;
    mg_status status = mg_memory_get(out, bytes, 1, error);
    if (!status) memcpy(*out, text, bytes);
    return status;
}

void mg_memory_free(void *block) {
    if (block) count_bytes(-(int64_t)malloc_usable_size(block));
    free(block);
}
