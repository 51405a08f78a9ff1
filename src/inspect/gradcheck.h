// gradcheck.h - a sample of real rows with random weights, with scores computed in double from their
// definition, and the check of one loss with this sample.
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
    int64_t count;        // number of rows
    mg_store store;       // the rows, as training stores them
    int32_t *label;       // [count]
    float *weight;        // [count], NULL: all 1
    mg_weights weights;   // random, with scores about as large as delta
    double weight_size;   // root mean square of W
    double *scores;       // [count][classes] W x' + bias, computed from x' itself, not by (M19)
    double *noise;        // [count] largest difference between these scores and the kernel's
    double forward_error; // see mg_gradcheck_report
} mg_gradsample;

// Draws `rows` rows of the training set, or all rows if there are fewer. `problem` must outlive the sample.
// Errors: MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_gradsample_create(mg_dataset *train, const mg_problem *problem, int64_t rows, uint64_t seed,
                               mg_gradsample *sample, mg_error *error);
void mg_gradsample_destroy(mg_gradsample *sample);

// (M19) Feature d of row i as the model uses it: scale * (x - center).
double mg_gradsample_feature(const mg_gradsample *sample, int64_t i, int64_t d);

// Feature d of row i as it is stored.
double mg_gradsample_cell(const mg_gradsample *sample, int64_t i, int64_t d);

// The weight W of feature d for class k; feature D is the constant feature. 0 if the column has scale 0.
double mg_gradsample_weight(const mg_gradsample *sample, const mg_weights *weights, int64_t k, int64_t d);

// Checks one loss: its coefficients, and a step of the solver with it. Errors: MG_MEMORY.
mg_status mg_gradcheck_loss(const mg_gradsample *sample, const mg_loss *loss, mg_gradcheck_result *result,
                            mg_error *error);

// Checks every loss of the registry. Errors: MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_gradcheck_run(const mg_setup *setup, int64_t rows, uint64_t seed, mg_gradcheck_report *report,
                           mg_error *error);

#endif
