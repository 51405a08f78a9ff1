// worked.h - scores, margins, coefficients and gradient of a few rows, as tables for people who learn.
#ifndef MG_INSPECT_WORKED_H
#define MG_INSPECT_WORKED_H

#include "base/writer.h"
#include "loss/loss.h"

#include <stdbool.h>

enum { MG_WORKED_ROWS = 4, MG_WORKED_FEATURES = 8, MG_WORKED_CLASSES = 10 }; // the most that are printed

typedef struct mg_worked {
    int64_t rows, features, classes; // of the arrays
    const double *x, *w, *scores;    // [rows][features], [classes][features], [rows][classes]
    const int32_t *label;            // [rows]
    const int64_t *feature;          // [features] their numbers in the data; NULL: 0, 1, ...
    double delta, bias;              // bias: value of the constant feature
} mg_worked;

// Adds the tables of one loss, with their equations in docs/math.md. Errors: MG_MEMORY.
mg_status mg_worked_loss(const mg_worked *worked, const mg_loss *loss, mg_writer *out, mg_error *error);

// Adds the tables of rows, weights and scores.
void mg_worked_scores(const mg_worked *worked, mg_writer *out);

#endif
