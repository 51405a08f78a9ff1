// csv.h - the state of reading one table, which the files src/format/csv*.c share. csv.c reads records,
// csv_guess.c decides on delimiter and label column, csv_header.c on the header, csv_columns.c handles
// dropped columns and checks guesses against the values, csv_advice.c refuses records with advice.
#ifndef MG_FORMAT_CSV_H
#define MG_FORMAT_CSV_H

#include "format/distinct.h"
#include "format/fields.h"
#include "format/format.h"
#include "format/header.h"

typedef struct mg_csv_options {
    char *delimiter;    // "auto", a name or one character
    const char *header; // "auto", "yes", "no"
    char *label;        // "auto", "first", "last", "none", a name of the header, or a column number from 1
    // NULL, or column names or numbers separated by commas; begins with MG_CSV_FEATURES in a recipe.
    char *drop;
    const char *decimal; // "point", "comma"
} mg_csv_options;

// Starts a recipe's list of dropped columns, which are numbered without the label column.
#define MG_CSV_FEATURES "features:"

// What the first pass has seen of one column's values.
typedef struct mg_csv_values {
    mg_distinct distinct; // counted only if the label column is guessed from its place
    double low, high;     // of the numbers
    bool fractions;       // some value is not a whole number
    bool words;           // some value is not a number
} mg_csv_values;

// Kind of a field. RUBBISH is a word that begins like a number, PAIR is index:value.
typedef enum mg_csv_sort {
    MG_CSV_NUMBER,
    MG_CSV_WORD,
    MG_CSV_RUBBISH,
    MG_CSV_PAIR,
    MG_CSV_ABSENT
} mg_csv_sort;

typedef struct mg_csv_first {
    mg_csv_sort *first, *second; // [columns] of the first two records; equal if there is only one
    double *values;              // [2 * columns] the numbers in them
    bool one;                    // there is no second record
} mg_csv_first;

// The columns that --drop leaves.
typedef struct mg_csv_kept {
    bool *dropped; // [columns] left out
    int64_t features;
} mg_csv_kept;

// What the first pass watches.
typedef struct mg_csv_watch {
    mg_csv_values ends[2]; // the first and the last column
    int64_t counting;      // start value if the first column counts the rows, otherwise -1
    uint64_t first_label;  // digest of the label in line 1 if it may be a header; 0: not watched
} mg_csv_watch;

typedef struct mg_csv {
    mg_record record;
    mg_csv_options *options;
    mg_tell tell;
    const mg_format_like *like;
    mg_header names;
    bool header, guessed_header;
    bool comma;             // numbers have a decimal comma
    int64_t columns, label; // fields of a record; index of the label column, -1 without labels
    bool by_place;          // the label column was guessed from its place
    mg_csv_kept kept;
    mg_csv_watch watch;
    int64_t rows;
    float *cells; // [columns] of one row
} mg_csv;

// The start value if numbers that begin with `first` may count rows or columns, otherwise -1.
static inline int64_t mg_csv_counts_from(double first) {
    return first == 0 || first == 1 ? (int64_t)first : -1;
}

// Finds delimiter, header, number of columns and label column from the first two records; adds what was
// guessed to `guesses`.
mg_status mg_csv_settle(mg_csv *r, mg_guesses *guesses, mg_error *error);

mg_status mg_csv_first_record(mg_csv *r, mg_error *error);

// Decides whether the first record is a header. f->second receives the kinds of the first record of data.
mg_status mg_csv_find_header(mg_csv *r, mg_csv_first *f, mg_guesses *guesses, mg_error *error);

// The character of a delimiter's name; 0 if the name is unknown.
char mg_csv_delimiter(const char *name);

// Report why a field is not a feature, or why a record of `fields` fields is not a row, with advice.
mg_status mg_csv_refuse_cell(mg_csv *r, int64_t column, const mg_span *field, mg_error *error);
mg_status mg_csv_refuse_count(const mg_csv *r, int64_t fields, mg_error *error);

// Refuses a first line that is a title, a comment or a delimiter for spreadsheets.
mg_status mg_csv_check_top(mg_csv *r, mg_error *error);

// Returns 1 if a usual delimiter occurs in the first line of the head, otherwise 0.
int mg_csv_probe(const char *head, size_t bytes);

// Finds the column named `name` in the header; -1 if there is none. Case matters only if `exact`.
mg_status mg_csv_find_name(mg_csv *r, const char *name, bool exact, int64_t *column, mg_error *error);

enum { MG_CSV_SHOWN = 64 };

// "column 4 'target'" for messages.
const char *mg_csv_column_text(mg_csv *r, int64_t column, char out[MG_CSV_SHOWN * 2]);

// Parses the field as a number with the table's decimal mark; replaces a decimal comma by a point.
bool mg_csv_number(const mg_csv *r, mg_span *field, double *value);

// Finds the columns of --drop; the label column must be known.
mg_status mg_csv_find_dropped(mg_csv *r, mg_error *error);

// Stores the label's place and the dropped columns in the options without names, in the form that the recipe
// keeps.
mg_status mg_csv_keep(mg_csv *r, mg_error *error);

// Reads the header. If the file of --like has a header, both must agree.
mg_status mg_csv_keep_header(mg_csv *r, mg_error *error);

// First pass: watches a field of the label column, or the features of a row.
void mg_csv_watch_label(mg_csv *r, const mg_span *field);
void mg_csv_watch_row(mg_csv *r);
mg_status mg_csv_watch_begin(mg_csv *r, mg_error *error);
void mg_csv_watch_end(mg_csv *r);

// After the first pass: refuses a guess that another column contradicts, and warns about doubtful columns.
mg_status mg_csv_judge(mg_csv *r, mg_error *error);

#endif
