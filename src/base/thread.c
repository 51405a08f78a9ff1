// thread.c - starts threads with a stack of fixed size.
#include "base/thread.h"

#include <stddef.h>

enum { STACK_BYTES = 4 << 20 };

bool mg_thread_start(pthread_t *thread, void *(*run)(void *context), void *context) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return false;
    bool started = !pthread_attr_setstacksize(&attributes, STACK_BYTES) &&
                   !pthread_create(thread, &attributes, run, context);
    pthread_attr_destroy(&attributes);
    return started;
}
