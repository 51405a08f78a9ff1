// test_float_mode.c - margin computes in its own floating-point environment, and afterwards restores every
// bit of the host's.
#include "base/float_mode.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
enum { STICKY = 0x3f };
static const uint64_t odd_modes[] = {0x8000, 0x0040, 0x4000,
                                     0xe040}; // flush to zero, denormals are zero, round up, towards zero

static uint64_t control(void) { return _mm_getcsr() & ~(unsigned)STICKY; }

static void set_control(uint64_t value) { _mm_setcsr((unsigned)value | 0x1f80); }
#elif defined(__aarch64__)
// Flush to zero, default NaNs, the alternative half-precision format, round up; and all of them with rounding
// towards zero.
static const uint64_t odd_modes[] = {1u << 24, 1u << 25, 1u << 26, 1u << 22, 31u << 22};

static uint64_t control(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static void set_control(uint64_t value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }
#else
static const uint64_t odd_modes[] = {FE_TOWARDZERO};

static uint64_t control(void) { return (uint64_t)fegetround(); }

static void set_control(uint64_t value) { fesetround((int)value); }
#endif

// Not inlined: otherwise the compiler could move the arithmetic across a change of the environment.
__attribute__((noinline)) static float half_of(volatile float x) { return x * 0.5f; }

__attribute__((noinline)) static float third_of(volatile float x) { return x / 3; }

static void test_own_mode_and_back(void **unused) {
    (void)unused;
    const uint64_t usual = control();
    const float denormal = half_of(FLT_MIN), third = third_of(1);
    assert_true(denormal > 0);
    for (size_t m = 0; m < sizeof odd_modes / sizeof *odd_modes; m++) {
        set_control(odd_modes[m]);
        const uint64_t host = control(); // the processor may ignore a bit
        mg_float_mode mode = mg_float_enter();
        const uint64_t own = control();
        const float own_denormal = half_of(FLT_MIN), own_third = third_of(1);
        mg_float_leave(&mode);
        const uint64_t after = control();
        set_control(usual);
        if (host == usual)
            fail_msg("mode 0x%llx: the processor ignores it", (unsigned long long)odd_modes[m]);
        if (own != usual)
            fail_msg("mode 0x%llx: margin computes in 0x%llx", (unsigned long long)odd_modes[m],
                     (unsigned long long)own);
        if (after != host)
            fail_msg("mode 0x%llx: 0x%llx was restored", (unsigned long long)host, (unsigned long long)after);
        assert_true(own_denormal == denormal && own_third == third);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_mode_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
