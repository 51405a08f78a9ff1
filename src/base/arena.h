// arena.h - the buffers of a state. A list names each buffer once, with its size; one call creates all of
// them, and one call frees them.
#ifndef MG_BASE_ARENA_H
#define MG_BASE_ARENA_H

#include "base/status.h"

#include <stddef.h>

typedef struct mg_arena {
    void **block; // [count] the buffers
    size_t count, capacity;
} mg_arena; // must be zero before mg_arena_fill

// A row of the list: a buffer of `count` vectors of `width` elements, zeroed and aligned as in base/memory.h.
// If `count` is zero, no buffer is created, and the pointer is not changed.
typedef struct mg_buffer {
    void *out; // address of the pointer to the buffer
    size_t count, width, size;
} mg_buffer;
#define MG_BUFFER(pointer, count, width)                                                                     \
    { &(pointer), (size_t)(count), (size_t)(width), sizeof *(pointer) }

// Creates the buffers of rows[0..count), in addition to those that the arena already has. Errors: MG_MEMORY;
// mg_arena_free then frees the buffers that were created.
mg_status mg_arena_fill(mg_arena *arena, const mg_buffer *rows, size_t count, mg_error *error);

// mg_arena_fill for an array of rows.
#define MG_ARENA_FILL(arena, rows, error) mg_arena_fill(arena, rows, sizeof(rows) / sizeof *(rows), error)

void mg_arena_free(mg_arena *arena);

#endif
