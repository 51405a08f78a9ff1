// convert.h - the state of a conversion, which the files src/data/convert*.c share. The public function is in
// <margin/convert.h>.
#ifndef MG_DATA_CONVERT_H
#define MG_DATA_CONVERT_H

#include <margin/convert.h>

#include "data/columns.h"
#include "data/convert_label_file.h"
#include "data/convert_labels.h"
#include "data/convert_split.h"
#include "data/raw.h"
#include "format/format.h"
#include "io/h5_write.h"

// The labels that come from a file of their own, and what is known about the ids of the rows.
typedef struct mg_own_labels {
    mg_label_file *labels; // file that --labels names; otherwise NULL
    int64_t found;         // number of rows for which it has a label
    bool header;           // its first line is a header
    int64_t count;         // number of rows with an id, in the current pass
    char first[64];        // id of the first row, shortened
    size_t width;          // bytes of the longest id, at least 1
} mg_own_labels;

// What was read from the file that --like names, or from the recipe of a model.
typedef struct mg_followed {
    mg_h5 *file;
    mg_columns columns;
    char *label_name, *delimiter, *label, *header, *labels; // of the recipe
} mg_followed;

// An output file.
typedef struct mg_target {
    const char *path;
    mg_h5_writer *writer;
    int x, indices, indptr, y, ids; // indices of the writer's arrays; x is that of X or X/data
    int64_t rows, stored;           // number of rows, and of stored values of sparse ones
    int64_t end;                    // number of stored values written so far
} mg_target;

// The sinks of the first and of the second pass; one that counts the values of each target; one that ignores
// everything.
enum { MG_SINK_COUNT, MG_SINK_WRITE, MG_SINK_MEASURE, MG_SINK_SILENT, MG_SINKS };

// One part of the inputs, which has a reader of its own. Formats that read any number of files have only one.
typedef struct mg_convert_part {
    const char *inputs[2];
    int64_t rows;
} mg_convert_part;

typedef struct mg_convert_parts {
    mg_convert_part *list; // [count]
    int count;
    mg_names names; // of the features, if there are several parts
    char *ids;      // name of the column of ids
    bool mute;      // warnings are not passed on, because they were before
} mg_convert_parts;

// Where the conversion is.
typedef struct mg_course {
    int pass;            // 0: the inputs are counted; 1: rows are written
    double fraction;     // last reported progress, from 0 to 1
    bool unlabelled;     // labels are skipped
    bool labels_unused;  // the file has labels, which are skipped
    int64_t rows, cells; // number of rows, and bytes of cells, that were written so far
} mg_course;

// The rows of --split.
typedef struct mg_holdout {
    bool on;
    mg_strata strata; // labels of all rows
    uint8_t *held;    // [rows] 1: the row is one of the second target; NULL: there is none
} mg_holdout;

typedef struct mg_conversion {
    const mg_convert_options *options;
    const mg_format *format;
    void *values; // values of the format's options
    mg_format_like like;
    mg_followed followed;    // what `like` points to
    const mg_columns *known; // the columns to follow: followed.columns, or those of a model; NULL: none
    mg_names names;          // read from options->names
    mg_watch watch;
    mg_course course;
    mg_convert_parts parts;
    void *reader; // of the current part
    mg_format_shape shape;
    mg_facts facts;
    mg_census labels;
    mg_own_labels own;
    mg_holdout holdout;
    mg_target targets[2];
    mg_sink sinks[MG_SINKS];
} mg_conversion;

// Does the work of mg_convert. like: the model that options->like names; NULL: that is an output, or NULL.
mg_status mg_convert_run(const mg_convert_options *options, const mg_raw_model *like,
                         mg_convert_report *report, mg_error *error);

// The steps of mg_convert_run, for conversions to a file that is not kept too (raw.h). A conversion that has
// begun must be ended, whatever the result of the steps.
void mg_convert_begin(mg_conversion *conversion, const mg_convert_options *options);
mg_status mg_convert_choose_format(mg_conversion *conversion, mg_error *error);
mg_status mg_convert_first_pass(mg_conversion *conversion, mg_error *error);
mg_status mg_convert_second_pass(mg_conversion *conversion, mg_error *error);
void mg_convert_end(mg_conversion *conversion);

// Follows the recipe of a model instead of a file of --like: the rows are for this model. The format becomes
// that of the recipe, NULL if it has none.
mg_status mg_convert_follow_model(mg_conversion *conversion, const mg_raw_model *model, mg_error *error);

// The formats that convert reads; NULL after the last.
const mg_format *mg_convert_reads(int i);

// Sets the sinks (convert_rows.c).
void mg_convert_sinks(mg_conversion *conversion);

// With --split, after the first pass: selects the rows of the second target, and lets the format learn from
// the others alone.
mg_status mg_convert_split(mg_conversion *conversion, mg_error *error);

// Divides the inputs into parts. The format must be known. Errors: MG_USAGE if it does not read so many
// files.
mg_status mg_convert_divide(mg_conversion *conversion, mg_error *error);

// Pass the inputs of all parts to a sink, in their order. The first time, the survey finds the shape.
mg_status mg_convert_survey(mg_conversion *conversion, mg_sink *sink, mg_error *error);
mg_status mg_convert_read(mg_conversion *conversion, mg_sink *sink, mg_error *error);

// Opens the reader of a part, and closes that of another one.
mg_status mg_convert_open_reader(mg_conversion *conversion, int part, mg_error *error);

// Only for rows that a model will score: their labels are skipped, and not written. If it is not certain that
// a column has labels, its texts must be labels of the model.
void mg_convert_skip_labels(mg_conversion *conversion);

// Reads the names of the features from the file that the user gave; shape.names refers to them then. The
// shape must be known. Errors: MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_convert_read_names(mg_conversion *conversion, mg_error *error);

// Returns the value of an option as the user would write it; NULL if it is not set.
const char *mg_convert_value_text(const mg_option *option, const void *values, char *number, size_t size);

// Opens the file that --like names and reads its columns. mg_convert_close_like must be called afterwards,
// also after a failure.
mg_status mg_convert_open_like(mg_conversion *conversion, mg_error *error);
// Uses a model in its place.
mg_status mg_convert_like_model(mg_conversion *conversion, const mg_raw_model *model, mg_error *error);
void mg_convert_close_like(mg_conversion *conversion);

// If --like is given, uses the format of its file instead of a guess. `sure`: the guess is certain. Errors:
// MG_USAGE or MG_DATA if the two formats conflict.
// True if an input of this format can be recognised with certainty, by a magic number or by index:value
// pairs. Tables cannot: for them, an option or the file of --like decides.
bool mg_convert_tells_itself(const mg_format *format);
mg_status mg_convert_follow_like(mg_conversion *conversion, bool sure, mg_error *error);

// Sets the options of the format: first presets, then settings that the user gave, then the values of --like.
mg_status mg_convert_read_options(mg_conversion *conversion, mg_error *error);

// True if --labels names an array of the input, because the format has named arrays and no file has this
// name.
bool mg_convert_labels_are_array(const mg_conversion *conversion);

// Opens the file that --labels names, if there is one.
mg_status mg_convert_open_labels(mg_conversion *conversion, mg_error *error);

// Takes the id of a row, and its label, if there is a file of labels with ids.
mg_status mg_convert_take_id(mg_conversion *conversion, const char *id, size_t bytes, mg_error *error);

// Take the labels of a file without ids, in the first and in the second pass. The first also checks that
// the file of labels fits the rows.
mg_status mg_convert_survey_labels(mg_conversion *conversion, mg_error *error);
mg_status mg_convert_write_labels(mg_conversion *conversion, mg_error *error);

// Writes that a row has no label.
mg_status mg_convert_no_label(mg_conversion *conversion, mg_error *error);

// Declares the arrays and attributes of an output, and starts writing. The shape must be known.
mg_status mg_convert_plan(mg_conversion *conversion, mg_target *target, mg_error *error);

#endif
