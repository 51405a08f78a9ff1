// csv.h - the state of reading one table, which the files src/format/csv*.c share. csv.c reads records;
// csv_guess.c finds the delimiter and the label column; csv_find.c finds the columns that options name;
// csv_header.c finds out whether there is a header; csv_columns.c handles dropped columns and checks guesses
// against the values; csv_hot.c encodes columns of texts (--one-hot); csv_missing.c fills missing values
// (--missing); csv_advice.c refuses records with advice.
#ifndef MG_FORMAT_CSV_H
#define MG_FORMAT_CSV_H

#include "format/category.h"
#include "format/distinct.h"
#include "format/fields.h"
#include "format/format.h"
#include "format/header.h"
#include "rows/rounding.h"

typedef struct mg_csv_options {
    char *delimiter;    // "auto", a name or one character
    const char *header; // "auto", "yes", "no"
    char *label;        // "auto", "first", "last", "none", a name in the header, or a column number from 1
    // NULL, or column names or numbers, separated by commas; in a recipe it begins with MG_CSV_FEATURES
    char *drop;
    char *id;            // NULL, or the name or number of the column of ids
    const char *decimal; // "point", "comma"
    // NULL, or column names or numbers, separated by commas; in a recipe MG_CSV_FEATURES and NUMBER=NAME, ...
    char *one_hot;
    const char *missing; // NULL ("error"), "median", "mean", "zero"
} mg_csv_options;

// Begins the list of dropped or one-hot columns in a recipe, whose numbers do not count the label column.
#define MG_CSV_FEATURES "features:"

// What the first pass has found in the values of one column.
typedef struct mg_csv_values {
    mg_distinct distinct; // used only if the label column was guessed from its position
    double low, high;     // smallest and largest number
    bool fractions;       // at least one value is not a whole number
    bool words;           // at least one value is not a number
} mg_csv_values;

// Kind of a field. MG_CSV_RUBBISH: a word that begins like a number. MG_CSV_PAIR: index:value.
typedef enum mg_csv_sort {
    MG_CSV_NUMBER,
    MG_CSV_WORD,
    MG_CSV_RUBBISH,
    MG_CSV_PAIR,
    MG_CSV_ABSENT
} mg_csv_sort;

typedef struct mg_csv_first {
    mg_csv_sort *first, *second; // [columns] of the first two records; equal if there is only one
    double *values;              // [2 * columns] their numbers
    bool one;                    // there is no second record
} mg_csv_first;

// The columns that remain after --drop, and the one of --id.
typedef struct mg_csv_kept {
    bool *dropped;         // [columns] true for columns that are left out
    bool *special;         // [columns] true for all columns that are not read as numbers
    int64_t numbers;       // columns that are read as numbers, each of which is a feature
    int64_t features;      // known after the first pass, if there are one-hot columns
    int64_t id;            // index of the column of ids, which is also left out; -1: none
    char *id_name;         // its name in the header, or NULL
    const char *by_number; // before numbers of columns in advice: "column:" if names are numbers, else ""
    int64_t unknown;       // columns that are left out because the model does not have them
} mg_csv_kept;

// A column of texts. Each of its values is a feature, NAME=VALUE, in the order of their bytes.
typedef struct mg_csv_hot {
    int64_t column;
    int64_t before; // columns of numbers before it
    char *name;     // in the header; without one, the number of the column, not counting that of the labels
    mg_categories values;
    int64_t now; // the value in the current record; -1: none of them
} mg_csv_hot;

typedef struct mg_csv_hots {
    mg_csv_hot *list; // [count] by ascending column
    int64_t count;
    size_t room;
    float *row; // [features] the whole row; `cells` of the table if no column is one-hot
} mg_csv_hots;

typedef struct mg_csv_fill mg_csv_fill;

// The passes over a table: the first one, one that only looks at the values, and the one that writes.
typedef enum mg_csv_pass { MG_CSV_SURVEY, MG_CSV_LOOK, MG_CSV_PUT } mg_csv_pass;

// What the first pass observes to check the guesses.
typedef struct mg_csv_watch {
    mg_csv_values ends[2]; // the first and the last column
    int64_t counting;      // if the values of the first column may be row numbers: the first of them;
                           // otherwise -1
    uint64_t first_label;  // digest of the label in line 1, if that line may be a header; otherwise 0
    bool own_name;         // line 1 was guessed to be a header, and its name of the labels is also a label
} mg_csv_watch;

typedef struct mg_csv_place {
    int64_t label; // index of the label column; -1: there is none
    bool trained;  // it is known only from the place in the training table
} mg_csv_place;

typedef struct mg_csv {
    mg_record record;
    mg_csv_options *options;
    mg_tell tell;
    const mg_format_like *like;
    const uint8_t *held; // [rows] see mg_format_request
    mg_facts *facts;
    mg_header names;
    bool header, guessed_header;
    bool comma;             // numbers are written with a decimal comma
    int64_t columns, label; // number of fields of a record; index of the label column, -1 if there are no
                            // labels
    bool by_place;          // the label column was guessed from its position
    mg_csv_place place;     // rows for a model: the label column
    bool line;              // rows for a model: a line, which may be a header alone
    mg_csv_kept kept;
    mg_csv_watch watch;
    mg_csv_hots hots;
    mg_csv_fill *fill; // NULL: a missing value is an error
    int64_t absent;    // missing numbers in the current record
    mg_csv_pass pass;
    int64_t rows;
    double *wide; // [columns] numbers of one row
    float *cells; // [columns] the same in single precision
    mg_rounding rounding;
} mg_csv;

// If `first` can be the start of row or column numbers, returns it; otherwise -1.
static inline int64_t mg_csv_counts_from(double first) {
    return first == 0 || first == 1 ? (int64_t)first : -1;
}

// Finds delimiter, header, number of columns and label column from the first two records. Adds what was
// guessed to `guesses`.
mg_status mg_csv_settle(mg_csv *r, mg_guesses *guesses, mg_error *error);

mg_status mg_csv_first_record(mg_csv *r, mg_error *error);

// Decides whether the first record is a header. f->second becomes the kinds of the fields in the first record
// of data.
mg_status mg_csv_find_header(mg_csv *r, mg_csv_first *f, mg_guesses *guesses, mg_error *error);

// The character of a delimiter that is given by name; 0 if the name is unknown.
char mg_csv_delimiter(const char *name);
const char *mg_csv_delimiter_name(char delimiter, char buffer[2]);

// Return the error, with advice, that a field is not a feature; that a record of `fields` fields is not a
// row.
mg_status mg_csv_refuse_cell(mg_csv *r, int64_t column, const mg_span *field, mg_error *error);
mg_status mg_csv_refuse_count(const mg_csv *r, int64_t fields, mg_error *error);

// Refuses a first line that is no record: a title, a comment, or a delimiter for spreadsheets.
mg_status mg_csv_check_top(mg_csv *r, mg_error *error);

// Returns 1 if a usual delimiter occurs in the first line of the head, otherwise 0.
int mg_csv_probe(const char *head, size_t bytes);

// Finds the column named `name` in the header; *column becomes -1 if there is none. Errors: MG_DATA if there
// are two.
mg_status mg_csv_find_name(mg_csv *r, const char *name, int64_t *column, mg_error *error);

// Finds the first two columns named `name`, or -1. Ignores case unless `exact`.
mg_status mg_csv_find_both(mg_csv *r, const char *name, bool exact, int64_t found[2], mg_error *error);

// Finds what advice puts before the numbers of columns.
mg_status mg_csv_by_number(mg_csv *r, const char **out, mg_error *error);

// The name of a column in the header; "" if it is too long for a feature.
mg_status mg_csv_name_of(mg_csv *r, int64_t column, char out[MG_NAME_LONGEST + 1], mg_error *error);

enum { MG_CSV_SHOWN = 64 };

// Returns text for messages, such as "column 4 'target'".
const char *mg_csv_column_text(mg_csv *r, int64_t column, char out[MG_CSV_SHOWN * 2]);

// Parses the field as a number with the decimal mark of the table. Replaces a decimal comma in it by a point.
bool mg_csv_number(const mg_csv *r, mg_span *field, double *value);

// Finds the columns that --drop and --id name. The label column must be known.
mg_status mg_csv_find_dropped(mg_csv *r, mg_error *error);

// Finds the column that an item of a list of columns names; *column becomes -1 if there is none. In a recipe
// the item is a number that does not count the label column. Errors: MG_USAGE if it may be two columns.
mg_status mg_csv_column_of(mg_csv *r, const char *item, bool recipe, int64_t *column, mg_error *error);

// Finds the columns that --one-hot names, and takes their values from the file of --like. The label column
// must be known.
mg_status mg_csv_hot_find(mg_csv *r, mg_error *error);
// The number of columns that the features of the file of --like were made from.
mg_status mg_csv_hot_like_columns(const mg_csv *r, int64_t *columns, mg_error *error);
// Takes the value in the current record.
mg_status mg_csv_hot_take(mg_csv *r, mg_csv_hot *hot, const mg_span *field, mg_error *error);
// After the first pass, or before it with --like: the number of features, and their names.
mg_status mg_csv_hot_settle(mg_csv *r, mg_error *error);
// Puts the numbers and the one-hot values of the current record into hots.row.
void mg_csv_hot_spread(mg_csv *r);
// Writes the columns to options->one_hot, as a recipe has them.
mg_status mg_csv_hot_keep(mg_csv *r, mg_error *error);
void mg_csv_hot_clear(mg_csv *r);

// Fills missing values. `learn` takes the numbers of a row of the first pass; `finish` computes the values to
// fill in, or takes those of --like; it may read the table again. `row` fills the current record.
mg_status mg_csv_fill_begin(mg_csv *r, mg_error *error);
void mg_csv_fill_learn(mg_csv *r);
mg_status mg_csv_fill_finish(mg_csv *r, mg_error *error);
void mg_csv_fill_row(mg_csv *r);
const float *mg_csv_fill_values(const mg_csv *r); // [features], or NULL
void mg_csv_fill_end(mg_csv_fill *fill);          // NULL is allowed

// Reads all records.
mg_status mg_csv_walk(mg_csv *r, mg_sink *sink, mg_csv_pass pass, mg_error *error);

// Rows for a model: true if its features are found by their names.
bool mg_csv_follows_names(const mg_csv *r);

// Rows for a model: decides by the names of its features whether the first record is a header. *decided
// becomes false if they say nothing. Errors: MG_DATA if it may be both.
mg_status mg_csv_follow_header(mg_csv *r, const mg_csv_first *f, bool *decided, bool *header,
                               mg_error *error);

// Refuses a header if the rows are for a model whose table had none, and no names.
mg_status mg_csv_check_header(const mg_csv *r, mg_error *error);

// Rows for a model: finds the delimiter that divides the first line into most names of features; 0 if there
// are none.
mg_status mg_csv_follow_delimiter(mg_csv *r, char *found, mg_error *error);

// Finds the label column that the option, or a usual name in the header, names. *found becomes false if there
// is no such name.
mg_status mg_csv_label_by_option(mg_csv *r, int64_t *label, mg_error *error);
mg_status mg_csv_label_by_name(mg_csv *r, bool *found, mg_error *error);

// Rows for a model: finds the label column. *found becomes false for other rows.
mg_status mg_csv_follow_label(mg_csv *r, bool *found, mg_csv_place *out, mg_error *error);

// Rows for a model: refuses a field in the place of the labels that is no label of the model.
mg_status mg_csv_check_label(const mg_csv *r, const mg_span *field, mg_error *error);

// Rows for a model: refuses a column of ids that is a feature.
mg_status mg_csv_follow_id(const mg_csv *r, mg_error *error);

// Rows for a model: leaves out the columns that are not features of the model.
mg_status mg_csv_drop_unknown(mg_csv *r, mg_csv_kept *kept, mg_error *error);

// Replaces names in the options by what a recipe contains: the position of the label column, and the numbers
// of the dropped columns.
mg_status mg_csv_keep(mg_csv *r, mg_error *error);

// Reads the header.
mg_status mg_csv_keep_header(mg_csv *r, mg_error *error);
// If the file of --like has names too, the two must agree.
mg_status mg_csv_compare_names(const mg_csv *r, mg_error *error);

// First pass: records what is needed to check guesses, from a field of the label column and from the features
// of a row.
void mg_csv_watch_label(mg_csv *r, const mg_span *field);
void mg_csv_watch_row(mg_csv *r);
mg_status mg_csv_watch_begin(mg_csv *r, mg_error *error);
void mg_csv_watch_end(mg_csv *r);

// After the first pass: refuses a guess that the values of another column contradict, and warns about
// doubtful columns.
mg_status mg_csv_judge(mg_csv *r, mg_error *error);

#endif
