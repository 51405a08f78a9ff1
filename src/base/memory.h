// memory.h - the only allocator: aligned blocks, overflow-checked sizes, and a hook that lets a test fail the
// k-th call.
#ifndef MG_BASE_MEMORY_H
#define MG_BASE_MEMORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Largest size of one block. MG_NARROW makes it small, so that a test reaches the limit.
#ifdef MG_NARROW
#define MG_MOST_BYTES ((size_t)4 << 20)
#else
#define MG_MOST_BYTES (SIZE_MAX / 2)
#endif

// Allocates `count` * `size` bytes at *out, not initialised, 64-byte aligned (large blocks: 2 MiB aligned,
// with huge pages). A count of zero gives a valid pointer. On failure *out is NULL. Errors: MG_MEMORY with
// the number of bytes requested.
mg_status mg_memory_get(void *out, size_t count, size_t size, mg_error *error);

// The same, zeroed.
mg_status mg_memory_zeroed(void *out, size_t count, size_t size, mg_error *error);

// Grows the array at *array, which has room for *capacity elements of `size` bytes, to hold at least `need`
// elements; the capacity at least doubles. *array may be NULL if *capacity is 0. On failure the old array is
// kept.
mg_status mg_memory_grow(void *array, size_t *capacity, size_t need, size_t size, mg_error *error);

// Copies `text` to a new block at *out.
mg_status mg_memory_text(char **out, const char *text, mg_error *error);

// NULL is allowed.
void mg_memory_free(void *block);

// Bytes of memory that a block for `bytes` takes, with what rounds and aligns it.
size_t mg_memory_block(size_t bytes);

// Bytes of all blocks that are not freed yet.
int64_t mg_memory_live(void);

// Bytes that this thread has allocated, less those that it has freed. Differences count what a thread needs
// while other runs in the process allocate too.
int64_t mg_memory_own(void);

// Bytes that can still be allocated: what the machine and the control group have left, minus what was granted
// but is not touched yet. May be negative after mg_memory_defer.
int64_t mg_memory_room(void);

// While on, blocks of this thread are granted without checking free memory. For callers that create large
// blocks, do not touch them, and then compare their total size with the room measured before.
void mg_memory_defer(bool on);

// For tests: makes the k-th allocation from now fail (k >= 1), only once or, if `for_ever`, that one and all
// later ones. 0 switches the hook off. Returns how many allocations have failed since the last call.
int64_t mg_memory_fail_at(int64_t k, bool for_ever);

#endif
