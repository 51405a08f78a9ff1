// thread.h - starting threads, where the system may refuse to.
#ifndef MG_BASE_THREAD_H
#define MG_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

// Starts a thread with a stack that is large enough whatever the limit on stacks says. false: the system
// grants no more threads (a limit on processes, of a control group, of memory): the caller does the work
// itself.
bool mg_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
