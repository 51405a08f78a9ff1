/* gradcheck.h - compares the gradients of training with finite differences of the objective, on real rows. */
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

/* One loss. Errors are relative to the norm of the gradient. */
typedef struct mg_gradcheck_result {
    const char *loss;
    int64_t rows;       /* checked */
    int64_t skipped;    /* rows too close to a kink of the loss, where it has no derivative */
    double score_error; /* of d loss / d score, on the worst row */
    int64_t weights;    /* checked */
    /* of d objective / d W as a step of the solver uses it, over all checked weights */
    double weight_error;
    /* MG_GRADCHECK_ALLOWED, or the rounding error of float32 on these columns if that is larger */
    double weight_allowed;
    bool passed;
} mg_gradcheck_result;

typedef struct mg_gradcheck_report {
    int64_t rows, features, classes;
    const char *layout, *kernel;
    /* largest error of the kernel's scores, relative to the sum of the magnitudes of their terms */
    double forward_error;
    int count;
    mg_gradcheck_result results[MG_GRADCHECK_LOSSES]; /* [count] */
    bool passed;
} mg_gradcheck_report;

/*
 * Checks every loss on `rows` training rows (1 to MG_GRADCHECK_MOST_ROWS) chosen by train.seed, at random
 * weights. A wrong gradient is not an error: report->passed is then false. Errors: MG_USAGE, MG_CONFIG,
 * MG_DATA, MG_IO, MG_MEMORY.
 */
mg_status mg_gradcheck(const mg_config *config, int64_t rows, mg_gradcheck_report *report, mg_error *error);

/* Writes the report as one JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_gradcheck_print_json(const mg_gradcheck_report *report, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
