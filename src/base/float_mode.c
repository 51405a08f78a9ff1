// float_mode.c - fenv.h, and the bits of x86-64 that it does not name.
#include "base/float_mode.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
enum { DEFAULT_MXCSR = 0x1f80 }; // exceptions masked, rounding to nearest, neither flush-to-zero nor denormals-are-zero
#endif

mg_float_mode mg_float_enter(void) {
    mg_float_mode mode;
    fegetenv(&mode.host);
    fesetenv(FE_DFL_ENV);
#if defined(__x86_64__)
    _mm_setcsr(DEFAULT_MXCSR);
#endif
    return mode;
}

void mg_float_leave(const mg_float_mode *mode) {
    fesetenv(&mode->host);
}
