// format.h - the registry of input formats. A format reads its files twice, in the same order: once to count
// rows and labels, and once to pass them to a sink, which stores them.
#ifndef MG_FORMAT_FORMAT_H
#define MG_FORMAT_FORMAT_H

#include "base/names.h"
#include "base/option.h"
#include "io/h5.h"
#include "io/text.h"
#include "rows/rows.h"

// Properties of the training data that the data of --like must share.
typedef struct mg_format_like {
    const char *path;       // path of the HDF5 file of the training data
    int64_t features;       // number of columns of its X
    const float *scale;     // [features] idf table, from its array "<format>/idf"; NULL if there is none
    const float *fill;      // [features] what replaces missing values, from "<format>/fill"; NULL: none
    const mg_names *names;  // names of its columns; `count` is 0 if they are unknown
    const char *label_name; // name of its label column, or NULL
    const char *delimiter;  // of its table, as the option names it, or NULL
    // The rows are for a model. The options of the format have only what the user gave; what the recipe says
    // about labels and header, which may be missing here, is in `label` and `header` (NULL: nothing). Columns
    // of a table are found by name, if there are names, and others are left out.
    bool raw;
    const char *label, *header;
    // Name of the array of its labels, for formats with named arrays; a file may lack it. NULL: unknown.
    const char *labels;
    // True if a text is the label of a class, or stands for a missing label. NULL: labels are read, and need
    // no such check. Otherwise each line gets an answer, so that none may be skipped.
    bool (*is_label)(const void *context, const char *text, size_t bytes);
    const void *context;
    // For messages: how the user says whether line 1 is a header, and where the labels are.
    const char *settle_header, *settle_label;
    const char *settle_name; // the same for the name of an array, before "--features"; NULL: with that option
} mg_format_like;

// Receives lines for the user: warnings and guesses.
typedef struct mg_tell {
    void (*line)(void *context, const char *line);
    void *context;
} mg_tell;

// Formats a line; does nothing if `tell` has no function.
void mg_tell_line(const mg_tell *tell, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Refuses the blank line `line` of a file of rows for a model: its answers would not belong to the lines.
mg_status mg_format_refuse_blank(const mg_text *text, int64_t line, mg_error *error);

// Warns if values of the file are too small for float32. Call it after the whole file was read.
void mg_tell_lost(const mg_tell *tell, const mg_text *text);

// The same for a format whose values are not text: `row` is the first row (from 0) with such a value.
void mg_tell_lost_values(const mg_tell *tell, const char *path, int64_t row, int64_t values);

// What was guessed about an input, as one line. `flags` lists the options that override the guesses.
typedef struct mg_guesses {
    char text[600], flags[100];
} mg_guesses;

// Adds one guess, and the option (without dashes; may be NULL) that overrides it.
void mg_guess(mg_guesses *guesses, const char *flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// What a reader did to values. It adds to the numbers.
typedef struct mg_facts {
    int64_t filled;  // missing values that were replaced
    int64_t unseen;  // values of one-hot columns that the training data does not have
    char with[16];   // by what missing values were replaced
    char first[200]; // the first unseen value
} mg_facts;

// Describes them; "" if there are none.
enum { MG_FACTS_TEXT = 480 };
const char *mg_facts_text(const mg_facts *facts, char out[MG_FACTS_TEXT]);

typedef struct mg_format_request {
    const char *const *inputs; // [input_count]
    int input_count;
    // A line of text, instead of a file: inputs[0] is its name for messages.
    const char *line;
    size_t line_bytes;
    int64_t line_number;
    void *options;              // values of the format's section; `survey` replaces "auto" by what it has
                                // found
    const mg_format_like *like; // NULL without --like
    const mg_watch *watch;      // reports progress of reading, for every input
    mg_tell tell;               // receives warnings
    mg_facts *facts;            // may be NULL
    // [rows] 1: a test row, from which the reader must not learn (idf, one-hot values, values to fill in).
    // NULL: there are none.
    const uint8_t *held;
} mg_format_request;

// Opens the text of the first input. Errors: those of mg_text_open.
mg_status mg_format_open_text(const mg_format_request *request, mg_text **out, mg_error *error);

typedef struct mg_format_shape {
    int64_t rows, features;
    int64_t stored; // number of stored values; only for MG_CSR
    mg_layout layout;
    mg_h5_type cell; // type of X; only for MG_DENSE
    bool labelled;
    const float *scale; // [features] idf table, to be stored as "<format>/idf"; NULL if there is none. Owned
                        // by the reader
    const float *fill;  // [features] what replaces missing values, to be stored as "<format>/fill"; or NULL
    // Names of the columns, and the name of the label column. Owned by the reader; NULL if unknown.
    const mg_names *names;
    const char *label_name;
    int64_t unknown;     // columns of a table that were left out because the model does not have them
    bool header;         // the first line is a header
    bool ids;            // there is an id for each row
    const char *id_name; // name of the column of ids, or NULL. Owned by the reader
    mg_guesses guesses;  // what was guessed
} mg_format_shape;

// Receives rows and labels, each in the order of the file; labels may come later or earlier than their rows.
typedef struct mg_sink mg_sink;
struct mg_sink {
    // Cells of rows, little-endian. One call may pass any number of bytes.
    mg_status (*dense)(mg_sink *sink, const void *cells, size_t bytes, mg_error *error);
    // One row; indices must ascend.
    mg_status (*sparse)(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                        mg_error *error);
    // One label, as text or as an integer. Error messages lack file:line.
    mg_status (*label)(mg_sink *sink, const char *text, size_t bytes, mg_error *error);
    mg_status (*code)(mg_sink *sink, int64_t label, mg_error *error);
    // The id of a row, as text. Error messages lack file:line.
    mg_status (*id)(mg_sink *sink, const char *text, size_t bytes, mg_error *error);
};

enum { MG_PROBE_BYTES = 64 << 10, MG_FORMAT_MOST_INPUTS = 1 << 20 };

typedef struct mg_format {
    const char *name;
    const char *arguments; // its inputs, in the form of a usage line
    const char *help;
    // The most files that one reader reads. 2: rows, and labels if there are any. With 1 or 2, several
    // readers give the rows of one data set. MG_FORMAT_MOST_INPUTS: one reader reads any number.
    int most_inputs;
    // Its options. Those that change the result are stored in the output, so that --like can use them.
    const mg_section *section;
    size_t options_size;
    // Names of further options that are stored, although another file may differ in them; NULL-terminated, or
    // NULL.
    const char *const *remembered;

    // Sets *is to whether the path is of this format, although its first bytes do not show it: a folder, or
    // an HDF5 file with certain groups. NULL is allowed. Errors: MG_MEMORY.
    mg_status (*claims)(const char *path, bool *is, mg_error *error);
    // How likely a file is of this format, from the first bytes of the unpacked file (the whole file if bytes
    // < MG_PROBE_BYTES): 0 no, 1 possible, 2 certain.
    int (*probe)(const char *head, size_t bytes);
    mg_status (*open)(void **reader, const mg_format_request *request, mg_error *error);
    // True if the survey learns from the rows, with these options; see mg_format_request.held. NULL: never.
    bool (*learns)(const void *options);
    // If most_inputs is 2: sets *is to whether the file has the shape of labels.
    mg_status (*holds_labels)(const char *path, bool *is, mg_error *error);
    // First pass: finds the shape, and passes every label to the sink. It need not pass rows.
    mg_status (*survey)(void *reader, mg_sink *sink, mg_format_shape *shape, mg_error *error);
    // Second pass: passes every row and every label.
    mg_status (*read)(void *reader, mg_sink *sink, mg_error *error);
    void (*close)(void *reader); // NULL is allowed
} mg_format;

const mg_format *mg_format_at(int i);              // NULL after the last
const mg_format *mg_format_find(const char *name); // NULL if unknown

// Finds the most likely format of the file at `path`; NULL if no format is possible. *sure becomes true if it
// is certain. Errors: MG_DATA if the file is empty, or of a known kind that cannot be read (foreign.h).
mg_status mg_format_guess(const char *path, const mg_format **out, bool *sure, mg_error *error);

// Sets *is to whether a format reads the path as a whole, although it is a folder. Errors: MG_MEMORY.
mg_status mg_format_claimed(const char *path, bool *is, mg_error *error);

// Refuses a file that no format can read, even if the user has given a format: compressed, an archive, HDF5,
// UTF-16. Errors: MG_DATA.
mg_status mg_format_check(const char *path, mg_error *error);

// Refuses a file that the guessed `format` (NULL: none) would read wrongly. `like`: the format is confirmed
// by that of another file. Errors: MG_DATA.
mg_status mg_format_doubt(const char *path, const mg_format *format, bool like, mg_error *error);

// The format that has an option of this name; NULL if there is none, or more than one.
const mg_format *mg_format_with_option(const char *name);

// The options of formats with named arrays that are remembered: features and labels.
extern const char *const mg_format_arrays[];

// True if the option is stored in the output; *binding becomes true if other files must have the same value.
bool mg_format_stores(const mg_format *format, const mg_option *option, bool *binding);

// If the user has not given a text option, sets it to the name that was found. So the output stores the name,
// and other files are read in the same way.
mg_status mg_format_keep_name(char **option, const char *name, size_t bytes, mg_error *error);

// Advice for messages: how to name an array.
const char *mg_format_settle_name(const mg_format_like *like);

// The choices "auto", "yes", "no" for options.
const char *mg_format_auto_yes_no(int i);

#endif
