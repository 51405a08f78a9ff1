/* convert.h - data files of other formats into the HDF5 files margin trains from; docs/formats.md describes
 * both. */
#ifndef MARGIN_CONVERT_H
#define MARGIN_CONVERT_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One option of a format, as text: {"bits", "20"}. */
typedef struct mg_convert_setting {
    const char *name;
    const char *value;
} mg_convert_setting;

typedef struct mg_convert_options {
    const char *format;        /* NULL: guessed from the first input */
    const char *const *inputs; /* [input_count] plain or gzip files */
    int input_count;
    const char *output;
    /* an earlier output whose recipe, features and kind of labels this one shares; NULL: none */
    const char *like;
    bool overwrite;                     /* an output that exists is replaced */
    const mg_convert_setting *settings; /* [setting_count] options of the format */
    int setting_count;
    /* Called now and then with the rows seen and the part of the work done; may be NULL. */
    void (*progress)(void *context, int64_t rows, double fraction);
    /* One line each: what was guessed ("guessed: ..."), and warnings ("warning: ..."); may be NULL. */
    void (*message)(void *context, const char *line);
    void *context;                     /* of both */
    const volatile sig_atomic_t *stop; /* NULL, or ends the work with MG_STOPPED once it is not zero */
} mg_convert_options;

enum { MG_CONVERT_MOST_CLASSES = 1 << 20 };

typedef struct mg_convert_report {
    const char *format;
    int64_t rows;
    int64_t features;
    int64_t classes; /* distinct labels, counted up to MG_CONVERT_MOST_CLASSES; 0 without labels */
    int64_t stored;  /* values in the file: rows * features when dense */
    int64_t bytes;   /* of the inputs, as stored */
    bool sparse;
    bool labelled;
    bool text_labels; /* labels are texts, else integers */
    double seconds;
} mg_convert_report;

/* Writes options->output, whole or not at all; *report (may be NULL) is filled on success. */
mg_status mg_convert(const mg_convert_options *options, mg_convert_report *report, mg_error *error);

/* One row of the list of formats, and one of the list of their options. */
typedef struct mg_convert_format {
    const char *name;
    const char *arguments; /* its inputs, as in a usage line */
    const char *help;
} mg_convert_format;

typedef struct mg_convert_option {
    const char *format;
    const char *name;
    const char *kind;   /* "whole number", "text", ... */
    const char *preset; /* "" when there is none */
    const char *help;
    char allowed[160]; /* values that may be given */
} mg_convert_option;

/* The i-th from 0; false past the last. */
bool mg_convert_format_at(int i, mg_convert_format *out);
bool mg_convert_option_at(int i, mg_convert_option *out);

#ifdef __cplusplus
}
#endif
#endif
