// ring.c - a circular buffer with a mutex and a condition variable. Items are passed so rarely that nothing
// faster is needed.
#include "base/ring.h"

#include "base/memory.h"

#include <pthread.h>

struct mg_ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int capacity, first, count;
    bool closed;
    void *items[];
};

mg_status mg_ring_create(int capacity, mg_ring **out, mg_error *error) {
    mg_status status = mg_memory_zeroed(out, 1, sizeof **out + (size_t)capacity * sizeof(void *), error);
    if (status) return status;
    (*out)->capacity = capacity;
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->changed, NULL);
    return MG_OK;
}

void mg_ring_destroy(mg_ring *ring) {
    if (!ring) return;
    pthread_cond_destroy(&ring->changed);
    pthread_mutex_destroy(&ring->lock);
    mg_memory_free(ring);
}

bool mg_ring_push(mg_ring *ring, void *item) {
    pthread_mutex_lock(&ring->lock);
    while (ring->count == ring->capacity && !ring->closed) pthread_cond_wait(&ring->changed, &ring->lock);
    bool open = !ring->closed;
    if (open) ring->items[(ring->first + ring->count++) % ring->capacity] = item;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    return open;
}

bool mg_ring_pop(mg_ring *ring, void **item) {
    pthread_mutex_lock(&ring->lock);
    while (!ring->count && !ring->closed) pthread_cond_wait(&ring->changed, &ring->lock);
    bool there = ring->count > 0;
    if (there) {
        *item = ring->items[ring->first];
        ring->first = (ring->first + 1) % ring->capacity;
        ring->count--;
    }
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    return there;
}

void mg_ring_close(mg_ring *ring) {
    pthread_mutex_lock(&ring->lock);
    ring->closed = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

void mg_ring_reopen(mg_ring *ring) {
    pthread_mutex_lock(&ring->lock);
    ring->closed = false;
    ring->first = ring->count = 0;
    pthread_mutex_unlock(&ring->lock);
}
