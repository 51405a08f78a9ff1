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
 * Opens `path` for writing to *file and follows symbolic links. If the path is a regular file or does not
 * exist, a temporary file beside it is written, which takes the name when the output is closed. A device, a
 * FIFO (which waits for a reader) or a descriptor of this process (/dev/stdout, /dev/fd/N) is written
 * directly. Errors: MG_IO, MG_MEMORY.
 */
mg_status mg_output_open(const char *path, mg_output **out, FILE **file, mg_error *error);

/* Is the output written directly, so that a reader may wait for every line? */
bool mg_output_is_direct(const mg_output *output);

/*
 * Closes the output and its *file. `status` is the result of the work that wrote it. If it is MG_OK, the file
 * is synced and takes its name; otherwise the old file is kept. Returns `status`, or MG_IO if the output
 * failed.
 */
mg_status mg_output_close(mg_output *output, mg_status status, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
