// ring.h - a bounded queue of pointers between two threads.
#ifndef MG_BASE_RING_H
#define MG_BASE_RING_H

#include "base/status.h"

#include <stdbool.h>

typedef struct mg_ring mg_ring;

// Creates a ring for up to `capacity` items. Errors: MG_MEMORY.
mg_status mg_ring_create(int capacity, mg_ring **out, mg_error *error);
void mg_ring_destroy(mg_ring *ring);

// Waits until there is space, then adds the item. Returns false if the ring is closed; then the caller still
// owns the item.
bool mg_ring_push(mg_ring *ring, void *item);

// Waits for an item and takes it. Returns false if the ring is closed and empty.
bool mg_ring_pop(mg_ring *ring, void **item);

// Ends the queue: all waiting calls on both sides return.
void mg_ring_close(mg_ring *ring);

// Opens a closed ring again, and discards the items in it.
void mg_ring_reopen(mg_ring *ring);

#endif
