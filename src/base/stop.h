// stop.h - the question that long work asks between its pieces: should it stop?
#ifndef MG_BASE_STOP_H
#define MG_BASE_STOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct mg_stop {
    bool (*asked)(const void *context); // NULL: work is never stopped
    const void *context;
} mg_stop;

static inline bool mg_stop_asked(const mg_stop *stop) { return stop->asked && stop->asked(stop->context); }

// True if the flag, which a signal handler or another thread sets, is there and set.
static inline bool mg_stop_flagged(const volatile sig_atomic_t *flag) {
    return flag && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

// mg_stop.asked for a pointer to such a flag, which is the context.
static inline bool mg_stop_by_flag(const void *context) {
    return mg_stop_flagged(*(const volatile sig_atomic_t *const *)context);
}

#endif
