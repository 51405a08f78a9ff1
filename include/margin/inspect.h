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
 * Writes a description of a data, model or checkpoint file to `file`. `features` and `labels` are the data
 * sets of a data file; NULL: "X" and "y". Errors: MG_IO, MG_DATA, MG_MEMORY.
 */
mg_status mg_inspect(const char *path, const char *features, const char *labels, FILE *file, mg_error *error);

/*
 * Writes the same description as one line of JSON (docs/commands.md). Errors: those of mg_inspect.
 */
mg_status mg_inspect_json(const char *path, const char *features, const char *labels, FILE *file,
                          mg_error *error);

/*
 * Writes the label of each class of a model, or the label and the number of rows of each class of a data file
 * (`features` and `labels` as for mg_inspect), one class on a line. Errors: MG_IO, MG_DATA, MG_MEMORY.
 */
mg_status mg_inspect_classes(const char *path, const char *features, const char *labels, FILE *file,
                             mg_error *error);

/*
 * Checks the seal of a model or checkpoint, which shows whether any byte has changed. *bytes becomes the size
 * of the file. Errors: MG_IO; MG_DATA with the reason, if the seal is missing or does not fit; MG_MEMORY.
 */
mg_status mg_inspect_seal(const char *path, int64_t *bytes, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
