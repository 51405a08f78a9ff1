// format.h - the registry of input formats. A format turns files into rows and labels, twice in the same
// order: once to be counted, once to be written. What becomes of them is the sink's business.
#ifndef MG_FORMAT_FORMAT_H
#define MG_FORMAT_FORMAT_H

#include "base/names.h"
#include "base/option.h"
#include "io/h5.h"
#include "io/text.h"
#include "rows/rows.h"

// What training data said that other data must be read with.
typedef struct mg_format_like {
    const char *path;       // of the HDF5 file it comes from
    int64_t features;       // columns of its X
    const float *scale;     // [features] of its array "<format>/idf", or NULL
    const mg_names *names;  // of its columns; none: they are not known
    const char *label_name; // of the column of its labels, or NULL
} mg_format_like;

// Lines for whoever called: warnings, and what was guessed.
typedef struct mg_tell {
    void (*line)(void *context, const char *line);
    void *context;
} mg_tell;

// Does nothing when `tell` has no function.
void mg_tell_line(const mg_tell *tell, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A warning when values of the file are too small for float32, once all of it was read.
void mg_tell_lost(const mg_tell *tell, const mg_text *text);

// What was guessed of an input, for one line; `flags` are the options that settle it otherwise.
typedef struct mg_guesses {
    char text[600], flags[100];
} mg_guesses;

// Adds one guess and the option (without its dashes, may be NULL) that overrides it.
void mg_guess(mg_guesses *guesses, const char *flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef struct mg_format_request {
    const char *const *inputs; // [input_count]
    int input_count;
    void *options;              // values of the format's section; survey replaces "auto" by what it found
    const mg_format_like *like; // NULL when there is none
    const mg_watch *watch;      // for every input that is opened
    mg_tell tell;               // for warnings
} mg_format_request;

typedef struct mg_format_shape {
    int64_t rows, features;
    int64_t stored; // values, MG_CSR
    mg_layout layout;
    mg_h5_type cell; // of X, MG_DENSE
    bool labelled;
    const float *scale; // [features] to be kept as "<format>/idf", owned by the reader; or NULL
    // of the columns, and what the column of the labels is called; the reader's, or NULL
    const mg_names *names;
    const char *label_name;
    mg_guesses guesses; // what the reader guessed
} mg_format_shape;

// Where rows go. Labels come in the order of the rows, not necessarily with them.
typedef struct mg_sink mg_sink;
struct mg_sink {
    // Any number of bytes of rows of little-endian cells.
    mg_status (*dense)(mg_sink *sink, const void *cells, size_t bytes, mg_error *error);
    // One row, indices ascending.
    mg_status (*sparse)(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                        mg_error *error);
    // One label: as text, or known to be an integer. The text of a failure is without a place.
    mg_status (*label)(mg_sink *sink, const char *text, size_t bytes, mg_error *error);
    mg_status (*code)(mg_sink *sink, int64_t label, mg_error *error);
};

enum { MG_PROBE_BYTES = 64 << 10 };

typedef struct mg_format {
    const char *name;
    const char *arguments; // its inputs, as in a usage line
    const char *help;
    int inputs_low, inputs_high;
    // its options; those that change the result are kept in the output for later files
    const mg_section *section;
    size_t options_size;

    // How sure it is of the first bytes of an unpacked file (whole when bytes < MG_PROBE_BYTES): 0 no, 1
    // possible, 2 sure.
    int (*probe)(const char *head, size_t bytes);
    mg_status (*open)(void **reader, const mg_format_request *request, mg_error *error);
    // First pass: everything about the shape, every label to the sink; rows need not be.
    mg_status (*survey)(void *reader, mg_sink *sink, mg_format_shape *shape, mg_error *error);
    // Second pass: every row and every label.
    mg_status (*read)(void *reader, mg_sink *sink, mg_error *error);
    void (*close)(void *reader); // NULL is fine
} mg_format;

const mg_format *mg_format_at(int i);              // NULL past the last
const mg_format *mg_format_find(const char *name); // NULL when unknown

// The format that is surest of the file at `path`, NULL when none is; *sure: was it more than possible?
// Errors: MG_DATA when the file is empty or of a kind that is known and not read (foreign.h).
mg_status mg_format_guess(const char *path, const mg_format **out, bool *sure, mg_error *error);

// Refuses (MG_DATA) a file that no format reads, whatever was said of it: packed, an archive, HDF5, UTF-16.
mg_status mg_format_check(const char *path, mg_error *error);

// Refuses (MG_DATA) what the guess `format` (NULL: none) would read as something else than it is; like:
// another file says that it is the right one.
mg_status mg_format_doubt(const char *path, const mg_format *format, bool like, mg_error *error);

// The only format with an option of this name; NULL when there is none or several.
const mg_format *mg_format_with_option(const char *name);

// "auto", "yes", "no" for option rows.
const char *mg_format_auto_yes_no(int i);

#endif
