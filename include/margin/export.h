/* export.h - writes a model in formats that other programs read (docs/formats.md). */
#ifndef MARGIN_EXPORT_H
#define MARGIN_EXPORT_H

#include <margin/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The i-th format, from 0, and what it is; NULL past the last. */
const char *mg_export_format_name(int i);
const char *mg_export_format_help(int i);

/*
 * Writes the model to the file `path`, which appears only when it is complete. Errors: MG_USAGE (unknown
 * format), MG_CONFIG (what the format cannot hold), MG_IO, MG_MEMORY.
 */
mg_status mg_model_export(const mg_model *model, const char *format, const char *path, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
