/* inspect.h - what a file holds, what this build and this machine offer. */
#ifndef MARGIN_INSPECT_H
#define MARGIN_INSPECT_H

#include <margin/status.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Describes a data, model or checkpoint file. `features` and `labels` name what to look at in a data file;
 * NULL: "X" and "y". Errors: MG_IO, MG_DATA, MG_MEMORY.
 */
mg_status mg_inspect(const char *path, const char *features, const char *labels, FILE *file, mg_error *error);

/* Is every byte as margin wrote it? *bytes is the size of the file. Errors: MG_IO; MG_DATA with the reason.
 */
mg_status mg_inspect_seal(const char *path, int64_t *bytes, mg_error *error);

/* The i-th kind of thing that can be listed: "losses", "solvers", ...; NULL past the last. */
const char *mg_list_kind(int i);

/* What there is of one kind, or of all kinds when `kind` is NULL. Errors: MG_USAGE, MG_IO, MG_MEMORY. */
mg_status mg_list_print(const char *kind, FILE *file, mg_error *error);

/* Versions of margin and its libraries, the compiler, the kernel chosen, the threads that may be used. 512
 * bytes suffice. */
mg_status mg_version_text(char *out, size_t size, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
