/* inspect.h - describes data, model and checkpoint files, and checks their seals. */
#ifndef MARGIN_INSPECT_H
#define MARGIN_INSPECT_H

#include <margin/status.h>

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Writes a description of a data, model or checkpoint file. `features` and `labels` name the data sets of a
 * data file; NULL: "X" and "y". Errors: MG_IO, MG_DATA, MG_MEMORY.
 */
mg_status mg_inspect(const char *path, const char *features, const char *labels, FILE *file, mg_error *error);

/*
 * Checks the seal of a model or checkpoint: that every byte is as it was written. *bytes is the size of the
 * file. Errors: MG_IO; MG_DATA with the reason; MG_MEMORY.
 */
mg_status mg_inspect_seal(const char *path, int64_t *bytes, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
