/* convert.h - converts data files of other formats to HDF5 files for training (docs/formats.md). */
#ifndef MARGIN_CONVERT_H
#define MARGIN_CONVERT_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The value of one option of a format, as text, such as {"bits", "20"}. */
typedef struct mg_convert_setting {
    const char *name;
    const char *value;
} mg_convert_setting;

typedef struct mg_convert_options {
    const char *format;        /* name of the format; NULL: guessed from the first input */
    const char *const *inputs; /* [input_count] plain or gzip files */
    int input_count;
    const char *output; /* path of the HDF5 file */
    /* an earlier output, or a model, whose recipe, features and kind of labels are used; NULL: none */
    const char *like;
    const char *names; /* a text with the names of the features, one on a line; NULL: those of the inputs */
    const char
        *labels;  /* a file of labels: one a line, or a name of a row and its label in each; NULL: none */
    double split; /* fraction of the rows for a test, of every class; 0: all rows are in `output` */
    const char *split_output;           /* with split: path of the HDF5 file with the test rows */
    uint64_t seed;                      /* with split: which rows */
    bool overwrite;                     /* replace an output that exists */
    const mg_convert_setting *settings; /* [setting_count] options of the format */
    int setting_count;
    /* Called from time to time: rows read so far, and the complete fraction of the work. May be NULL. */
    void (*progress)(void *context, int64_t rows, double fraction);
    /* Called with one line of text: a guess ("guessed: ...") or a warning ("warning: ..."). May be NULL. */
    void (*message)(void *context, const char *line);
    void *context;                     /* first argument of progress and message */
    const volatile sig_atomic_t *stop; /* a flag that ends the call with MG_STOPPED; may be NULL */
} mg_convert_options;

enum { MG_CONVERT_MOST_CLASSES = 1 << 20 };

typedef struct mg_convert_report {
    const char *format;
    int64_t rows;      /* also those for the test */
    int64_t test_rows; /* rows in options->split_output */
    int64_t features;
    int64_t classes; /* distinct labels, counted up to MG_CONVERT_MOST_CLASSES; 0 if there are no labels */
    int64_t stored;  /* stored values in the output; rows * features if it is dense */
    int64_t bytes;   /* size of the input files */
    bool sparse;
    bool labelled;
    bool text_labels;   /* labels are strings; otherwise integers */
    int64_t unlabelled; /* rows without a label: training needs data.unlabelled: drop */
    double seconds;
} mg_convert_report;

/*
 * Converts the inputs to options->output (and options->split_output), which appears only when it is complete.
 * On success fills *report; `report` may be NULL. Errors: MG_USAGE, MG_DATA with file:line, MG_IO, MG_MEMORY,
 * MG_STOPPED.
 */
mg_status mg_convert(const mg_convert_options *options, mg_convert_report *report, mg_error *error);

typedef struct mg_convert_format {
    const char *name;
    const char *arguments; /* its inputs, as in a usage line */
    const char *help;
} mg_convert_format;

typedef struct mg_convert_option {
    const char *format;
    const char *name;
    const char *kind;   /* "whole number", "text", ... */
    const char *preset; /* default value; "" if there is none */
    const char *help;
    char allowed[160]; /* allowed values */
} mg_convert_option;

/* Set *out to the i-th format, or to the i-th option of all formats, from 0; false after the last. The texts
 * are constants. */
bool mg_convert_format_at(int i, mg_convert_format *out);
bool mg_convert_option_at(int i, mg_convert_option *out);

#ifdef __cplusplus
}
#endif
#endif
