// evaluate.h - losses and metrics of weights over a data set, the same bits for any number of threads.
#ifndef MG_TRAIN_EVALUATE_H
#define MG_TRAIN_EVALUATE_H

#include "data/stream.h"
#include "solver/pass.h"

// What to do when training or its weights become non-finite.
#define MG_ADVICE_NONFINITE "lower sgd.eta, or scale the data (data.scale)"

enum { MG_EVALUATE_BATCH = 4096, MG_EVALUATE_PART = 128, MG_TOP = 10 };

typedef struct mg_scorer {
    const mg_kernel *kernel;
    const mg_loss *loss;
    mg_team *team;
    float delta;
} mg_scorer;

typedef struct mg_evaluation {
    int64_t rows;    // with a known label
    int64_t skipped; // with an unknown one
    double loss;     // weighted mean
    int64_t correct;
    int64_t top[MG_TOP]; // top[k-1]: rows whose class is among the k highest scores
    bool overflow;       // it failed at a row whose scores or loss are beyond float32
    int64_t *confusion;  // [classes][classes] true by predicted, NULL unless asked for; the caller's
} mg_evaluation;

// What the caller may do with each scored batch: scores [count][lanes], best class per row. May be NULL.
typedef struct mg_evaluate_visit {
    void *context;
    mg_status (*rows)(void *context, int64_t count, int64_t classes, int64_t lanes, const float *scores,
                      const int32_t *best, mg_error *error);
    bool (*stop)(void *context); // true: give up, MG_STOPPED
} mg_evaluate_visit;

// Bytes one pass takes for scratch memory, windows of streamed rows left out; it is tried.
double mg_evaluate_scratch(const mg_dataset *dataset, int64_t classes);

// One pass in file order. Weights for CSR rows score dense rows too, in the order of sparse ones. Errors:
// those of reading; MG_STOPPED; MG_DATA naming a row whose scores or loss are not finite; MG_NONFINITE when
// that is because the weights are not.
mg_status mg_evaluate(const mg_scorer *scorer, mg_dataset *dataset, const mg_weights *weights,
                      const mg_evaluate_visit *visit, mg_evaluation *result, mg_error *error);

#endif
