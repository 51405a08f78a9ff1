// raw.h - reads files and lines of any input format by the recipe of a model. The rows of a file are
// converted to a temporary HDF5 file, as `convert --like` would, and then read like those of any other file.
#ifndef MG_DATA_RAW_H
#define MG_DATA_RAW_H

#include "data/columns.h"
#include "data/labels.h"

#include <signal.h>

// What a model says about the data that it needs.
typedef struct mg_raw_model {
    const char *path;          // for messages
    const mg_columns *columns; // names, recipe and idf table
    int64_t features;
    const mg_classes *classes;
    bool of_run;      // it is the training file of a run, whose options do not say how other files are read
    bool skip_labels; // labels are not needed; otherwise they are, for files
} mg_raw_model;

typedef struct mg_raw_request {
    mg_raw_model model;
    const char *path;     // plain or gzip; of lines, their name for messages
    const char *labels;   // the column of the labels, or the file that holds them; NULL: as in the recipe
    const char *features; // name of the array of the features; NULL: as in the recipe
    const char *names;    // whether the first line holds names: "header" or "none"; NULL: this is found out
    const char *id;       // the column of the ids, which becomes the data set of ids.h, or the name that the
                          // format has for ids (mg_format_shape.id_name); NULL: none
    bool allow_unknown;   // labels may be of another kind than those of the model
    bool drop_unlabelled; // rows may have no label
    bool complete;        // of lines: all features of the model must be there
    const volatile sig_atomic_t *stop; // may be NULL
} mg_raw_request;

enum { MG_RAW_TEXT = 1200 };
typedef struct mg_raw {
    mg_h5 *file;            // X and, if labels are needed, y
    int64_t unknown;        // columns of a table that the model does not have
    char text[MG_RAW_TEXT]; // what was done
} mg_raw;

// Opens a file once, if its rows can be read from HDF5 as they are. Otherwise *file becomes NULL: for a file
// of another format, for a folder, and for an HDF5 file of Cell Ranger that has no data set `features`. If
// `features` is NULL, a file of Cell Ranger is opened too. Errors: those of mg_h5_open.
mg_status mg_raw_open_unless(const char *path, const char *features, mg_h5 **file, mg_error *error);

// Converts a file. The caller closes out->file. Errors: MG_DATA (the format or the columns are not those of
// the recipe; a fault with file:line), MG_USAGE, MG_IO, MG_MEMORY, MG_STOPPED.
mg_status mg_raw_open(const mg_raw_request *request, mg_raw *out, mg_error *error);

// Lines of text, each of which is a row.
typedef struct mg_raw_lines mg_raw_lines;

enum { MG_RAW_LINES_TEXT = 800 };

// True if the model was trained on texts or on a table. Lines of models that were not are pairs of index and
// value.
bool mg_raw_has_lines(const mg_columns *columns);
// Each text in the request must outlive the lines.
mg_status mg_raw_lines_open(const mg_raw_request *request, mg_raw_lines **out, mg_error *error);
void mg_raw_lines_close(mg_raw_lines *lines);

// Describes, for the user, how the lines so far were read, and what was done to their values; "" if there is
// nothing to say. Errors: MG_DATA if a header was the only line.
mg_status mg_raw_lines_end(const mg_raw_lines *lines, char out[MG_RAW_LINES_TEXT], mg_error *error);

// One line of `name`, and its row: the values that are not 0, by ascending column.
typedef struct mg_raw_line {
    const char *name;
    int64_t number;
    const char *text;
    size_t bytes;
    bool header; // the line was a header, which names the fields of later lines; there is no row
    int64_t count;
    uint32_t *indices; // [count], valid until the next call
    float *values;
} mg_raw_line;

// Reads a line. Errors: MG_DATA with name:line if it is not a row of the kind that the model was trained on.
mg_status mg_raw_line_read(mg_raw_lines *lines, mg_raw_line *line, mg_error *error);

#endif
