// float_mode.c - sets and restores the floating-point environment with fenv.h, and the control bits of x86-64
// and 64-bit ARM that fenv.h does not cover.
#include "base/float_mode.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
// All exceptions masked, round to nearest, neither flush-to-zero nor denormals-are-zero.
enum { DEFAULT_MXCSR = 0x1f80 };
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
    // fesetenv leaves some bits unchanged, among them the one that selects ARM's alternative half-precision
    // format.
    write_control(0);
#endif
    return mode;
}

void mg_float_leave(const mg_float_mode *mode) {
    fesetenv(&mode->host);
#if defined(__aarch64__)
    write_control(mode->control);
#endif
}
