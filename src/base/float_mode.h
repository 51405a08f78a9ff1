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

// Sets the environment of the calling thread, and returns the previous one for mg_float_leave. A new thread
// inherits the environment of the thread that starts it.
mg_float_mode mg_float_enter(void);
void mg_float_leave(const mg_float_mode *mode);

// The first line of every function that a host calls, and of every function that runs in a thread which
// margin did not start. It sets the environment, and restores the host's when the function returns.
#define MG_FLOAT_SCOPE                                                                                       \
    const mg_float_mode float_mode __attribute__((cleanup(mg_float_leave), unused)) = mg_float_enter()

#endif
