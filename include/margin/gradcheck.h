/* gradcheck.h - the gradients training uses against finite differences of the objective, on real rows. */
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
    int64_t skipped;    /* rows too near a kink, where there is no derivative to compare with */
    double score_error; /* d loss / d score: the worst row */
    int64_t weights;    /* checked */
    /* d objective / d W, as a step of the solver took it: all checked weights together */
    double weight_error;
    /* MG_GRADCHECK_ALLOWED, or what float32 arithmetic can lose on these columns when that is more */
    double weight_allowed;
    bool passed;
} mg_gradcheck_result;

typedef struct mg_gradcheck_report {
    int64_t rows, features, classes;
    const char *layout, *kernel;
    /* worst score of the kernel against double, relative to the sum of its terms' magnitudes */
    double forward_error;
    int count;
    mg_gradcheck_result results[MG_GRADCHECK_LOSSES];
    bool passed;
} mg_gradcheck_report;

/*
 * Checks every loss on a sample of `rows` training rows drawn by train.seed, at random weights. A gradient
 * that is wrong is report->passed false, not an error. Errors: MG_CONFIG, MG_DATA, MG_IO, MG_MEMORY.
 */
mg_status mg_gradcheck(const mg_config *config, int64_t rows, mg_gradcheck_report *report, mg_error *error);

/* One JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_gradcheck_print_json(const mg_gradcheck_report *report, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
