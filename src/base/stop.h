// stop.h - lets a caller stop long work. The work calls a function between its pieces, which returns whether
// it should end.
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

// True if `flag` is not NULL and set. A signal handler or another thread may set it.
static inline bool mg_stop_flagged(const volatile sig_atomic_t *flag) {
    return flag && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

// The `asked` of an mg_stop whose context is the address of a pointer to such a flag.
static inline bool mg_stop_by_flag(const void *context) {
    return mg_stop_flagged(*(const volatile sig_atomic_t *const *)context);
}

#endif
