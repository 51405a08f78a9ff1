// arena.c - creates and frees the buffers of a state. Each buffer is a separate block, so that memory
// checkers detect an access beyond its end, and large ones get huge pages.
#include "base/arena.h"

#include "base/memory.h"

#include <string.h>

mg_status mg_arena_fill(mg_arena *arena, const mg_buffer *rows, size_t count, mg_error *error) {
    size_t need = arena->count + count, bytes;
    mg_status status = mg_memory_grow(&arena->block, &arena->capacity, need, sizeof *arena->block, error);
    for (size_t i = 0; !status && i < count; i++) {
        const mg_buffer *row = &rows[i];
        if (row->count == 0) continue;
        if (__builtin_mul_overflow(row->width, row->size, &bytes))
            bytes = SIZE_MAX; // too large: mg_memory_zeroed refuses it
        void **block = &arena->block[arena->count];
        status = mg_memory_zeroed(block, row->count, bytes, error);
        if (status) break;
        memcpy(row->out, block, sizeof *block);
        arena->count++;
    }
    return status;
}

void mg_arena_free(mg_arena *arena) {
    for (size_t i = 0; i < arena->count; i++) mg_memory_free(arena->block[i]);
    mg_memory_free(arena->block);
    *arena = (mg_arena){0};
}
