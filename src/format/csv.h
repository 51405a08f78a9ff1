// csv.h - one table of numbers in the reading: what its pieces share. csv.c reads records, csv_guess.c
// settles delimiter and label column, csv_header.c whether there is a header, csv_columns.c the columns left
// out and the doubts about a guess.
#ifndef MG_FORMAT_CSV_H
#define MG_FORMAT_CSV_H

#include "format/fields.h"
#include "format/format.h"
#include "format/header.h"

typedef struct mg_csv_options {
    char *delimiter;     // "auto", a name or one character
    const char *header;  // "auto", "yes", "no"
    char *label;         // "auto", "first", "last", "none", a name of the header, a column counted from 1
    char *drop;          // NULL, or columns by name or number, commas between; MG_CSV_FEATURES: a recipe's
    const char *decimal; // "point", "comma"
} mg_csv_options;

// Begins a recipe's list of columns left out, which are counted without the label's.
#define MG_CSV_FEATURES "features:"

// Values of one column as the first pass meets them.
typedef struct mg_csv_values {
    uint64_t *seen;   // open table of digests; 0 is free. NULL: not watched
    int64_t distinct; // in `seen`; past its limit no more are counted
    bool fractions;   // a value that is no whole number
    bool words;       // a value that is no number
} mg_csv_values;

// What a field is. RUBBISH is a word that begins like a number, PAIR is index:value.
typedef enum mg_csv_sort {
    MG_CSV_NUMBER,
    MG_CSV_WORD,
    MG_CSV_RUBBISH,
    MG_CSV_PAIR,
    MG_CSV_ABSENT
} mg_csv_sort;

typedef struct mg_csv_first {
    mg_csv_sort *first, *second; // [columns] of the first two records; alike when there is no second
    double *values;              // [2 * columns] numbers of the two
    bool one;                    // there is no second record
} mg_csv_first;

typedef struct mg_csv {
    mg_record record;
    mg_csv_options *options;
    mg_tell tell;
    const mg_format_like *like;
    mg_header names;
    bool header, guessed_header;
    bool comma;             // numbers have a decimal comma
    int64_t columns, label; // fields of a record; index of the label's, -1 without labels
    bool *dropped;          // [columns]
    int64_t features;
    bool by_place;         // the label's column was guessed by where it stands
    mg_csv_values ends[2]; // of the first and the last column
    int64_t counting;      // first value of a first column that counts the rows, -1 when it does not
    uint64_t first_label;  // digest of the label of line 1, where it may be a name; 0: not watched
    int64_t rows;
    float *cells; // [columns] of one row
} mg_csv;

// Delimiter, header, number of columns and place of the label from the first two records; notes what was
// guessed.
mg_status mg_csv_settle(mg_csv *r, mg_guesses *guesses, mg_error *error);

mg_status mg_csv_first_record(mg_csv *r, mg_error *error);

// Is the first record a header? Sorts of the first two; those of the first record of data in `second`.
mg_status mg_csv_find_header(mg_csv *r, mg_csv_first *f, mg_guesses *guesses, mg_error *error);

// 0 when the name is not one.
char mg_csv_delimiter(const char *name);

// Could the first line of the head be cut by one of the usual delimiters?
int mg_csv_probe(const char *head, size_t bytes);

// Column of the header called `name`, or -1. Case counts only when `exact`.
mg_status mg_csv_find_name(mg_csv *r, const char *name, bool exact, int64_t *column, mg_error *error);

enum { MG_CSV_SHOWN = 64 };

// "column 4 'target'" for messages.
const char *mg_csv_column_text(mg_csv *r, int64_t column, char out[MG_CSV_SHOWN * 2]);

// Is the field a number, with the decimal mark of the table? A comma becomes a point.
bool mg_csv_number(const mg_csv *r, mg_span *field, double *value);

// Which columns --drop names, once the label is known.
mg_status mg_csv_find_dropped(mg_csv *r, mg_error *error);

// The label's place and the columns left out as later files need them, without names.
mg_status mg_csv_keep(mg_csv *r, mg_error *error);

// The header, which must be that of the file of --like when that had one.
mg_status mg_csv_keep_header(mg_csv *r, mg_error *error);

// First pass: a field of the label's column, and the features of a row.
void mg_csv_watch_label(mg_csv *r, const mg_span *field);
void mg_csv_watch_row(mg_csv *r);
mg_status mg_csv_watch_begin(mg_csv *r, mg_error *error);
void mg_csv_watch_end(mg_csv *r);

// After the first pass: refuses a guess that another column contradicts, warns of doubtful columns.
mg_status mg_csv_judge(mg_csv *r, mg_error *error);

#endif
