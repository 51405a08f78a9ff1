// answers.h - what predict answers: the order of the classes of a row, and the text of the answers, as lines
// or as a table with a header.
#ifndef MG_TRAIN_ANSWERS_H
#define MG_TRAIN_ANSWERS_H

#include "base/writer.h"
#include "data/labels.h"
#include "data/ids.h"

typedef struct mg_answers {
    const mg_classes *classes;
    char delimiter;     // of a table; 0: lines, in which labels are printable
    bool values;        // the values of all classes follow the label
    const char *value;  // "score" or "probability"
    int64_t top;        // number of classes, with their values, that follow each other instead; 0: one label
    int32_t *leader;    // [top] classes of the present row, best first
    char *reject_label; // NULL if no row is rejected
    char *header;       // names of the first columns, separated by commas, or NULL
    const char *label;  // default name of the column of labels
    mg_ids ids;
    int64_t rows;  // number of rows added
    mg_writer out; // text that was not taken yet
} mg_answers;      // must be zero before its first use

// The answer to one row.
typedef struct mg_answer {
    int64_t best;       // the class; -1: none, the answer is reject_label
    const float *order; // [classes] the higher, the better
    const float *shown; // [classes] scores or probabilities
} mg_answer;

void mg_answers_clear(mg_answers *answers);

// Finds the `top` best classes, best first; of equal ones, the lowest first. Returns their number.
int64_t mg_answers_lead(mg_answers *answers, const float *order);

// Refuses a header with more names than the table has columns. Errors: MG_USAGE.
mg_status mg_answers_check(const mg_answers *answers, bool ids, mg_error *error);

// Adds the header of a table; does nothing for lines.
void mg_answers_begin(mg_answers *answers);

// Adds the answer to the next row.
void mg_answers_add(mg_answers *answers, const mg_answer *answer);

#endif
