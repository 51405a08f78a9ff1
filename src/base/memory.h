// memory.h - the only allocator: aligned blocks, overflow-checked sizes, and a hook that lets a test fail the
// k-th call.
#ifndef MG_BASE_MEMORY_H
#define MG_BASE_MEMORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Largest size of one block. Tests define MG_NARROW, a lower limit that they can reach.
#ifdef MG_NARROW
#define MG_MOST_BYTES ((size_t)4 << 20)
#else
#define MG_MOST_BYTES (SIZE_MAX / 2)
#endif

// Allocates `count` * `size` bytes at *out. They are not initialised. The block is 64-byte aligned; large
// blocks are 2 MiB aligned and have huge pages. A count of zero gives a valid pointer. On failure *out is
// NULL. Errors: MG_MEMORY with the number of bytes requested.
mg_status mg_memory_get(void *out, size_t count, size_t size, mg_error *error);

// The same, zeroed.
mg_status mg_memory_zeroed(void *out, size_t count, size_t size, mg_error *error);

// Grows the array at *array, which has memory for *capacity elements of `size` bytes, so that it can hold at
// least `need` elements; the capacity at least doubles. *array may be NULL if *capacity is 0. On failure the
// old array is kept. Errors: MG_MEMORY.
mg_status mg_memory_grow(void *array, size_t *capacity, size_t need, size_t size, mg_error *error);

// Copies `text` to a new block at *out. Errors: MG_MEMORY.
mg_status mg_memory_text(char **out, const char *text, mg_error *error);

// Frees a block; NULL is allowed.
void mg_memory_free(void *block);

// Bytes of memory that a block for `bytes` takes, including rounding and alignment.
size_t mg_memory_block(size_t bytes);

// Bytes of all blocks that are not freed.
int64_t mg_memory_live(void);

// Bytes that this thread has allocated, minus those that it has freed. The difference of two calls is what
// the thread used in between, even if other threads allocate at the same time.
int64_t mg_memory_own(void);

// Bytes that can still be allocated: what the machine and the control group have left, minus blocks that were
// allocated but not used yet. It may be negative after mg_memory_defer.
int64_t mg_memory_room(void);

// While it is on, allocations of this thread do not check the free memory. For callers that create large
// blocks and then compare their total size with mg_memory_room before they use them.
void mg_memory_defer(bool on);

// For tests: the k-th allocation from now on (k >= 1) fails; if `for_ever`, all later ones too. 0 switches
// this off. Returns the number of allocations that have failed since the last call.
int64_t mg_memory_fail_at(int64_t k, bool for_ever);

#endif
