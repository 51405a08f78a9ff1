// process.c - what a program calls at its start.
#include "io/h5.h"

#include <margin/process.h>

// The sanitizer for addresses reports what libhdf5 does not free at the end.
#ifdef __SANITIZE_ADDRESS__
#define LEAKS_ARE_REPORTED
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_REPORTED
#endif
#endif

void mg_process_begin(void) {
#ifndef LEAKS_ARE_REPORTED
    mg_h5_leave_at_exit();
#endif
}
