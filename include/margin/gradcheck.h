/* gradcheck.h - compares the gradients that training uses with finite differences of the objective, on rows
 * of the training data. */
#ifndef MARGIN_GRADCHECK_H
#define MARGIN_GRADCHECK_H

#include <margin/config.h>
#include <margin/status.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MG_GRADCHECK_ALLOWED 1e-5
#define MG_GRADCHECK_FORWARD_ALLOWED 1e-6

enum { MG_GRADCHECK_LOSSES = 64, MG_GRADCHECK_MOST_ROWS = 100000 };

/* The result for one loss. Errors are relative to the norm of the gradient. */
typedef struct mg_gradcheck_result {
    const char *loss;
    int64_t rows;       /* number of rows checked */
    int64_t skipped;    /* rows left out, because the loss has no derivative near their scores */
    double score_error; /* error of d loss / d score, largest over the rows */
    int64_t weights;    /* number of weights checked */
    /* error of d objective / d W as a step of the solver uses it, over all weights checked */
    double weight_error;
    /* largest weight_error that passes: MG_GRADCHECK_ALLOWED, or the rounding error of float32 if that is
     * larger */
    double weight_allowed;
    bool passed;
} mg_gradcheck_result;

typedef struct mg_gradcheck_report {
    int64_t rows, features, classes;
    const char *layout, *kernel;
    /* largest error of a score of the kernel, relative to the sum of the magnitudes of its terms; at most
     * MG_GRADCHECK_FORWARD_ALLOWED passes */
    double forward_error;
    int count;
    mg_gradcheck_result results[MG_GRADCHECK_LOSSES]; /* [count] */
    bool passed;
} mg_gradcheck_report;

/*
 * Checks every loss with `rows` training rows (1 to MG_GRADCHECK_MOST_ROWS), which train.seed selects, and
 * random weights. If a gradient is wrong, the call returns MG_OK, but report->passed is false. Errors:
 * MG_USAGE, MG_CONFIG, MG_DATA, MG_IO, MG_MEMORY.
 */
mg_status mg_gradcheck(const mg_config *config, int64_t rows, mg_gradcheck_report *report, mg_error *error);

/*
 * Writes the calculation of a gradient step by step: rows, weights, scores, margins, indicators, losses,
 * coefficients and gradient of a few training rows, with the random weights of the check and the loss of the
 * configuration. Errors: as mg_gradcheck.
 */
mg_status mg_gradcheck_show(const mg_config *config, FILE *file, mg_error *error);

/* Writes the same for the worked example of docs/math.md, for every loss. Errors: MG_IO, MG_MEMORY. */
mg_status mg_gradcheck_example(FILE *file, mg_error *error);

/* Writes the report as one JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_gradcheck_print_json(const mg_gradcheck_report *report, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
