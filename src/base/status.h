// status.h - filling in an mg_error where the fault is found.
#ifndef MG_BASE_STATUS_H
#define MG_BASE_STATUS_H

#include <margin/status.h>

// Writes the one-line message into *error (may be NULL) and returns `status`, so that a finder can `return mg_fail(...)`.
mg_status mg_fail(mg_error *error, mg_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
