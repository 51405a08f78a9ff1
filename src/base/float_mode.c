// float_mode.c - fenv.h, and the bits of x86-64 and of 64-bit ARM that it does not name.
#include "base/float_mode.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
enum {
    DEFAULT_MXCSR = 0x1f80
}; // exceptions masked, rounding to nearest, neither flush-to-zero nor denormals-are-zero
#endif

#if defined(__aarch64__)
static uint64_t read_control(void) {
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}

static void write_control(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
#endif

mg_float_mode mg_float_enter(void) {
    mg_float_mode mode = {0};
    fegetenv(&mode.host);
#if defined(__aarch64__)
    mode.control = read_control();
#endif
    fesetenv(FE_DFL_ENV);
#if defined(__x86_64__)
    _mm_setcsr(DEFAULT_MXCSR);
#elif defined(__aarch64__)
    write_control(0); // fesetenv leaves some bits as they are, among them the one for the other format of
                      // half-precision numbers
#endif
    return mode;
}

void mg_float_leave(const mg_float_mode *mode) {
    fesetenv(&mode->host);
#if defined(__aarch64__)
    write_control(mode->control);
#endif
}
