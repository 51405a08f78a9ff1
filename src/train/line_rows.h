// line_rows.h - reads rows from lines of text, in the form that the model was trained on: texts, records of a
// table, or pairs of index and value.
#ifndef MG_TRAIN_LINE_ROWS_H
#define MG_TRAIN_LINE_ROWS_H

#include "data/raw.h"
#include "format/pairs.h"
#include "train/scoring.h"

// What the lines are; the first one that is no comment decides.
typedef enum mg_line_form { MG_LINES_UNKNOWN, MG_LINES_PAIRS, MG_LINES_RAW } mg_line_form;

typedef struct mg_line_rows {
    const mg_model *model;
    mg_preparation preparation;
    mg_raw_request request; // how lines that are no pairs are read
    int base;               // of pairs, as the user gave it; -1: that of the training file
    mg_line_form form;
    mg_pairs pairs;
    char beyond[64];
    mg_raw_lines *raw; // NULL until the first line that is no line of pairs
    int64_t lines;     // lines read so far
    bool guessed;      // the base of pairs had to be guessed
    // The row of the last line, prepared; only the features that have weights.
    int64_t count;
    uint32_t *indices;
    float *values;
    bool fills;               // rows get the zeros that data.clip changes; they are then in these arrays
    uint32_t *filled_indices; // [features]
    float *filled_values;     // [features]
} mg_line_rows;               // must not be moved

// `scoring` and the texts of the request must outlive the rows. base: 0, 1, or -1 for that of the training
// file.
void mg_line_rows_begin(mg_line_rows *rows, const mg_scoring *scoring, const mg_raw_request *request,
                        int base);
void mg_line_rows_end(mg_line_rows *rows);

// Reads a line of `name`, without its line break. *row becomes false if it holds no row: a comment, or a
// header. Errors: MG_DATA with "name:line"; MG_MEMORY.
mg_status mg_line_rows_read(mg_line_rows *rows, const char *name, const char *line, const char *end,
                            bool *row, mg_error *error);

// Describes how the lines were read, or what had to be guessed; "" if there is nothing to say. Errors:
// MG_DATA if a header was the only line.
mg_status mg_line_rows_note(const mg_line_rows *rows, char out[MG_RAW_LINES_TEXT], mg_error *error);

// Puts "name:line:column: " before the text in *error; `at` is a position in the line.
mg_status mg_line_rows_place(const mg_line_rows *rows, const char *name, const char *line, const char *at,
                             mg_status status, mg_error *error);

#endif
