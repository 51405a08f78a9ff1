/* export.h - writes a model in formats that other programs read (docs/formats.md). */
#ifndef MARGIN_EXPORT_H
#define MARGIN_EXPORT_H

#include <margin/model.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The name and the description of the i-th format, from 0; NULL after the last. */
const char *mg_export_format_name(int i);
const char *mg_export_format_help(int i);

/* The name of the format to which the extension of a path belongs, such as onnx for "model.onnx"; NULL: none.
 */
const char *mg_export_format_of(const char *path);

/*
 * Writes the model to the file `path`, which appears only when it is complete. It replaces only an export, or
 * an empty file. Errors: MG_USAGE (unknown format; at `path` is a file that is not an export, such as the
 * model itself), MG_CONFIG (the format cannot express this model), MG_IO, MG_MEMORY.
 */
mg_status mg_model_export(const mg_model *model, const char *format, const char *path, mg_error *error);

/* Refuses (MG_USAGE) a path at which there is a file that is neither an export, of any format, nor empty.
 * Errors: MG_USAGE, MG_IO. */
mg_status mg_export_check(const char *path, mg_error *error);

/* Receives the content of a file. If `write` returns another status than MG_OK, it must fill *error, and the
 * call ends with that status. */
typedef struct mg_export_sink {
    mg_status (*write)(void *context, const char *bytes, size_t count, mg_error *error);
    void *context;
} mg_export_sink;

/* Passes the whole content of the file to the sink, in one call. Errors: as mg_model_export, and those of the
 * sink. */
mg_status mg_model_export_to(const mg_model *model, const char *format, const mg_export_sink *sink,
                             mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
