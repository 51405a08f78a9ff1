// thread.h - starts threads, which the system may refuse.
#ifndef MG_BASE_THREAD_H
#define MG_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

// Starts a thread with a sufficient stack, whatever the system's limit on stacks is. Returns false if the
// system grants no more threads (limit on processes, control group, memory); the caller then does the work
// itself.
bool mg_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
