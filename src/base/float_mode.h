// float_mode.h - the floating-point environment in which margin computes: round to nearest, denormals kept,
// no traps. A host program or a library built with -ffast-math may have set another one, which would change
// the weights.
#ifndef MG_BASE_FLOAT_MODE_H
#define MG_BASE_FLOAT_MODE_H

#include <fenv.h>
#include <stdint.h>

typedef struct mg_float_mode {
    fenv_t host;
    uint64_t control; // 64-bit ARM: the whole register FPCR; fesetenv restores only a part of it
} mg_float_mode;

// Sets the environment of the calling thread and returns the previous one. Threads inherit the environment of
// the thread that starts them.
mg_float_mode mg_float_enter(void);
void mg_float_leave(const mg_float_mode *mode);

// First line of every function that a host calls, or that runs in a thread margin did not start: the host's
// environment is restored when the function returns.
#define MG_FLOAT_SCOPE                                                                                       \
    const mg_float_mode float_mode __attribute__((cleanup(mg_float_leave), unused)) = mg_float_enter()

#endif
