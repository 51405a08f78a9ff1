// gradcheck.h - a sample of real rows at a random point, scored by the definition in double, and the check of
// one loss on it.
#ifndef MG_INSPECT_GRADCHECK_H
#define MG_INSPECT_GRADCHECK_H

#include "data/dataset.h"
#include "solver/problem.h"
#include "solver/weights.h"
#include "train/setup.h"

#include <margin/gradcheck.h>

typedef struct mg_gradsample {
    const mg_problem *problem;
    uint64_t key;
    int64_t count;        // rows
    mg_store store;       // as training sees them
    int32_t *label;       // [count]
    float *weight;        // [count], NULL: all 1
    mg_weights weights;   // the random point: scores are of the order of delta
    double weight_size;   // root mean square of W
    double *scores;       // [count][classes]: W x' + bias, with x' formed row by row (M19 is not used)
    double *noise;        // [count] largest difference of the kernel's scores from these
    double forward_error; // see mg_gradcheck_report
} mg_gradsample;

// Draws `rows` rows of the training set, or all when there are fewer. The problem is borrowed. Errors:
// MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_gradsample_create(mg_dataset *train, const mg_problem *problem, int64_t rows, uint64_t seed,
                               mg_gradsample *sample, mg_error *error);
void mg_gradsample_destroy(mg_gradsample *sample);

// (M19) Feature d of row i as the model is linear in it: scale * (x - center).
double mg_gradsample_feature(const mg_gradsample *sample, int64_t i, int64_t d);

// Feature d of row i as it is stored.
double mg_gradsample_cell(const mg_gradsample *sample, int64_t i, int64_t d);

// Weight W of feature d for class k; feature D is the constant one. 0 for a column that scaling switches off.
double mg_gradsample_weight(const mg_gradsample *sample, const mg_weights *weights, int64_t k, int64_t d);

// Checks one loss: its coefficients, and a step the solver takes with it. Errors: MG_MEMORY.
mg_status mg_gradcheck_loss(const mg_gradsample *sample, const mg_loss *loss, mg_gradcheck_result *result,
                            mg_error *error);

// Every loss of the registry. Errors: MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_gradcheck_run(const mg_setup *setup, int64_t rows, uint64_t seed, mg_gradcheck_report *report,
                           mg_error *error);

#endif
