// memory.h - the only allocator: aligned, overflow-checked, with a hook that lets a test fail the k-th call.
#ifndef MG_BASE_MEMORY_H
#define MG_BASE_MEMORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes of one block; with MG_NARROW few, so that a test reaches the end.
#ifdef MG_NARROW
#define MG_MOST_BYTES ((size_t)4 << 20)
#else
#define MG_MOST_BYTES (SIZE_MAX / 2)
#endif

// `count` * `size` bytes at *out, 64-byte aligned (2 MiB and huge pages for large blocks), not initialised;
// *out is NULL on failure. A count of zero gives a valid pointer. Errors: MG_MEMORY, with the number of bytes
// asked for.
mg_status mg_memory_get(void *out, size_t count, size_t size, mg_error *error);

// The same, zeroed.
mg_status mg_memory_zeroed(void *out, size_t count, size_t size, mg_error *error);

// Grows the array at *array (capacity *capacity elements of `size` bytes) to hold at least `need` elements,
// at least doubling it. *array may be NULL with *capacity 0. On failure the old array stands.
mg_status mg_memory_grow(void *array, size_t *capacity, size_t need, size_t size, mg_error *error);

// A copy of `text`.
mg_status mg_memory_text(char **out, const char *text, mg_error *error);

// NULL is fine.
void mg_memory_free(void *block);

// Bytes of all blocks that were not freed.
int64_t mg_memory_live(void);

// Bytes that can still be granted: what the machine and the control group have left, less what was granted
// but is not yet touched. May be below 0 after mg_memory_defer.
int64_t mg_memory_room(void);

// While on, blocks are granted without a look at what is left: for whoever creates large blocks, does not
// touch them, and then compares their sum with the room there was before.
void mg_memory_defer(bool on);

// Tests: the k-th allocation from now fails (k >= 1), once or for ever; 0 switches the hook off. Returns how
// many have failed since the last call.
int64_t mg_memory_fail_at(int64_t k, bool for_ever);

#endif
