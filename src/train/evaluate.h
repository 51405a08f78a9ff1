// evaluate.h - losses and metrics of weights over a data set, with the same bits for any number of threads.
#ifndef MG_TRAIN_EVALUATE_H
#define MG_TRAIN_EVALUATE_H

#include "base/stop.h"
#include "data/stream.h"
#include "solver/pass.h"
#include "train/gaps.h"

// What to do when the loss or the weights become infinite or NaN.
#define MG_ADVICE_NONFINITE "lower sgd.eta, or scale the data (data.scale)"

enum { MG_EVALUATE_BATCH = 4096, MG_EVALUATE_PART = 128, MG_TOP = 10 };

typedef struct mg_scorer {
    const mg_kernel *kernel;
    const mg_loss *loss;
    mg_team *team;
    float delta;
} mg_scorer;

typedef struct mg_evaluation {
    int64_t rows;    // whose label is known
    int64_t skipped; // whose label is unknown
    double loss;     // weighted mean
    int64_t correct;
    int64_t top[MG_TOP]; // top[k-1]: rows whose class is among the k highest scores
    bool overflow;       // the evaluation failed at a row whose scores or loss exceed float32
    // [classes][classes], true by predicted class; the caller's; NULL: not wanted
    int64_t *confusion;
    mg_gaps *gaps; // of the rows whose label is known; the caller's, with room for all rows; NULL: not wanted
} mg_evaluation;

// What an evaluation calls. `rows`, which may be NULL, gets every scored minibatch: scores [count][lanes] and
// the best class of each row.
typedef struct mg_evaluate_visit {
    void *context;
    mg_status (*rows)(void *context, int64_t count, int64_t classes, int64_t lanes, const float *scores,
                      const int32_t *best, mg_error *error);
    mg_stop stop; // asked: the evaluation ends with MG_STOPPED
} mg_evaluate_visit;

// Bytes of scratch memory for one pass with weights of this layout, without windows of streamed rows. It
// allocates part of them to count them.
double mg_evaluate_scratch(const mg_dataset *dataset, mg_layout weights, int64_t classes);

// Makes one pass in file order. Rows and weights may have different layouts: weights for CSR rows score dense
// rows in the order of sparse rows; weights for dense rows are copied to those for CSR rows.
// Errors: those of reading; MG_STOPPED; MG_DATA with the row whose scores or loss are not finite;
// MG_NONFINITE if the reason is that the weights are not finite.
mg_status mg_evaluate(const mg_scorer *scorer, mg_dataset *dataset, const mg_weights *weights,
                      const mg_evaluate_visit *visit, mg_evaluation *result, mg_error *error);

#endif
