// input.h - the bytes of one file, unpacked on the way when it is gzip. Refuses directories, pipes, and gzip
// data that is cut short, damaged or followed by something else.
#ifndef MG_IO_INPUT_H
#define MG_IO_INPUT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Called about once a MiB with the fraction of the file (as stored) that was read; anything but MG_OK ends
// the reading.
typedef struct mg_watch {
    mg_status (*beat)(void *context, double fraction, mg_error *error);
    void *context;
} mg_watch;

typedef struct mg_input mg_input;

// `path` and `watch` (may be NULL) are borrowed until close.
mg_status mg_input_open(mg_input **out, const char *path, const mg_watch *watch, mg_error *error);

// Up to `bytes` bytes; fewer only when *got says so, 0 at the end.
mg_status mg_input_read(mg_input *input, void *out, size_t bytes, size_t *got, mg_error *error);

// Exactly `bytes` bytes, or MG_DATA: the file ends inside `what`.
mg_status mg_input_exact(mg_input *input, void *out, size_t bytes, const char *what, mg_error *error);

// MG_DATA unless every byte was read.
mg_status mg_input_finish(mg_input *input, mg_error *error);

// Back to the first byte.
mg_status mg_input_rewind(mg_input *input, mg_error *error);

const char *mg_input_path(const mg_input *input);

// Is the file gzip?
bool mg_input_packed(const mg_input *input);

// The most bytes that can come out of the file: its size, or for gzip what its size could unpack to.
int64_t mg_input_most(const mg_input *input);

// Version of the library that unpacks gzip.
const char *mg_input_zlib_version(void);

// NULL is fine.
void mg_input_close(mg_input *input);

#endif
