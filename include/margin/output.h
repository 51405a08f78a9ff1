/* output.h - a file of answers, which appears under its name only when it is complete. */
#ifndef MARGIN_OUTPUT_H
#define MARGIN_OUTPUT_H

#include <margin/status.h>

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_output mg_output;

/* Opens `path` for writing to *file. Symbolic links are followed. A regular file, or a name that is free, is
 * replaced as a whole when the output is closed: until then a temporary file beside it is written. Anything
 * else is written as it is: a device, a FIFO (which waits for a reader), a descriptor of this process
 * (/dev/stdout, /dev/fd/N), which goes on where it is. Errors: MG_IO, MG_MEMORY. */
mg_status mg_output_open(const char *path, mg_output **out, FILE **file, mg_error *error);

/* Is it written as it is, so that a reader may be waiting for every line? */
bool mg_output_is_direct(const mg_output *output);

/* Closes *file and the output. `status`: what became of the work. After MG_OK the file is synced and gets its
 * name; otherwise the one that was there stands. Returns `status`, or MG_IO when the output itself failed. */
mg_status mg_output_close(mg_output *output, mg_status status, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
