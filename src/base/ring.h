// ring.h - bounded hand-over of pointers between two threads; carries the first failure of the giving side.
#ifndef MG_BASE_RING_H
#define MG_BASE_RING_H

#include "base/status.h"

#include <stdbool.h>

typedef struct mg_ring mg_ring;

// A ring for up to `capacity` items. Errors: MG_MEMORY.
mg_status mg_ring_create(int capacity, mg_ring **out, mg_error *error);
void mg_ring_destroy(mg_ring *ring);

// Waits for room, then adds. False when the ring was closed meanwhile: the item stays the giver's.
bool mg_ring_push(mg_ring *ring, void *item);

// Waits for an item. False when the ring is closed and empty.
bool mg_ring_pop(mg_ring *ring, void **item);

// No more items: waiters on both sides return.
void mg_ring_close(mg_ring *ring);

// Opens an emptied ring again.
void mg_ring_reopen(mg_ring *ring);

#endif
