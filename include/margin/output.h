/* output.h - an output file that appears under its name only when it is complete. */
#ifndef MARGIN_OUTPUT_H
#define MARGIN_OUTPUT_H

#include <margin/status.h>

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_output mg_output;

/*
 * Opens an output: the caller writes to *file. Symbolic links are followed. If `path` is a regular file or
 * does not exist, *file is a temporary file in the same directory, which gets the name when the output is
 * closed. Closing replaces only the file that is at the path now: a file that appears there or changes
 * meanwhile is kept, and closing fails with MG_IO. If `path` is a device, a FIFO (which waits for a reader)
 * or a descriptor of this process
 * (/dev/stdout, /dev/fd/N), it is written directly. Every output that was opened must be closed. Errors:
 * MG_IO, MG_MEMORY.
 */
mg_status mg_output_open(const char *path, mg_output **out, FILE **file, mg_error *error);

/* True if the output is written directly. Then a reader may be waiting for every line. */
bool mg_output_is_direct(const mg_output *output);

/*
 * Closes the output and its *file. `status`: the result of the work that wrote the file. If it is MG_OK, the
 * file is synced and gets its name; otherwise it is deleted, and a file that was at the path is kept. Returns
 * `status`, or MG_IO if writing failed.
 */
mg_status mg_output_close(mg_output *output, mg_status status, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
