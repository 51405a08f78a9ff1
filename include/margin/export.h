/* export.h - writes a model in formats that other programs read (docs/formats.md). */
#ifndef MARGIN_EXPORT_H
#define MARGIN_EXPORT_H

#include <margin/model.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The i-th format, from 0, and what it is; NULL past the last. */
const char *mg_export_format_name(int i);
const char *mg_export_format_help(int i);

/* The format that the name of a file ends with, such as onnx for "model.onnx"; NULL: none. */
const char *mg_export_format_of(const char *path);

/*
 * Writes the model to the file `path`, which appears only when it is complete. Errors: MG_USAGE (unknown
 * format), MG_CONFIG (what the format cannot hold), MG_IO, MG_MEMORY.
 */
mg_status mg_model_export(const mg_model *model, const char *format, const char *path, mg_error *error);

/* Receives the content of a file. Any status but MG_OK, with *error filled, ends the work. */
typedef struct mg_export_sink {
    mg_status (*write)(void *context, const char *bytes, size_t count, mg_error *error);
    void *context;
} mg_export_sink;

/* Gives the whole content of the file to the sink, in one call. Errors: as above, and those of the sink. */
mg_status mg_model_export_to(const mg_model *model, const char *format, const mg_export_sink *sink,
                             mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
