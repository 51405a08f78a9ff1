// scratch.h - a temporary file without a name, for data that may be larger than the memory. It disappears
// when it is closed, and when the process ends.
#ifndef MG_IO_SCRATCH_H
#define MG_IO_SCRATCH_H

#include "base/status.h"

#include <stdint.h>

typedef struct mg_scratch mg_scratch;

// At most this many bytes are kept in memory, without a file.
enum { MG_SCRATCH_IN_MEMORY = 64 << 20 };

// Creates a file for `bytes` bytes, and reserves them. It is in the directory TMPDIR of the environment, else
// in /var/tmp. `purpose`: what needs it, for messages. Errors: MG_IO.
mg_status mg_scratch_create(int64_t bytes, const char *purpose, mg_scratch **out, mg_error *error);
void mg_scratch_destroy(mg_scratch *scratch); // NULL is allowed

mg_status mg_scratch_write(mg_scratch *scratch, int64_t at, const void *data, int64_t bytes, mg_error *error);

// Reads bytes that were written before. Any thread may call it. Errors: MG_IO.
mg_status mg_scratch_read(const mg_scratch *scratch, int64_t at, void *data, int64_t bytes, mg_error *error);

#endif
