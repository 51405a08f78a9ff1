// float_mode.h - the floating-point environment margin computes in: rounding to nearest, denormals kept, no
// traps. Hosts and libraries built with -ffast-math may have left another one, which would show in the
// weights.
#ifndef MG_BASE_FLOAT_MODE_H
#define MG_BASE_FLOAT_MODE_H

#include <fenv.h>
#include <stdint.h>

typedef struct mg_float_mode {
    fenv_t host;
    uint64_t control; // 64-bit ARM: the whole register FPCR, of which fesetenv restores only a part
} mg_float_mode;

// Sets the environment of the calling thread and returns what it was. Threads started from here on inherit
// it.
mg_float_mode mg_float_enter(void);
void mg_float_leave(const mg_float_mode *mode);

// First line of a function that margin is entered by, or that a thread of somebody else's making runs: the
// host's environment comes back when the function returns.
#define MG_FLOAT_SCOPE                                                                                       \
    const mg_float_mode float_mode __attribute__((cleanup(mg_float_leave), unused)) = mg_float_enter()

#endif
