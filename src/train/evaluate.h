// evaluate.h - losses and metrics of weights over a data set. The bits do not depend on the number of
// threads.
#ifndef MG_TRAIN_EVALUATE_H
#define MG_TRAIN_EVALUATE_H

#include "base/stop.h"
#include "data/stream.h"
#include "solver/pass.h"
#include "train/gaps.h"

// Advice for messages when the loss or the weights become infinite or NaN.
#define MG_ADVICE_NONFINITE "lower sgd.eta, or scale the data (data.scale)"

enum { MG_EVALUATE_BATCH = 4096, MG_EVALUATE_PART = 128, MG_TOP = 10 };

typedef struct mg_scorer {
    const mg_kernel *kernel;
    const mg_loss *loss;
    mg_team *team;
    float delta;
} mg_scorer;

typedef struct mg_evaluation {
    int64_t rows;    // rows whose label is known
    int64_t skipped; // rows whose label is unknown
    double loss;     // weighted mean over the rows
    int64_t correct;
    int64_t top[MG_TOP]; // top[k-1]: rows whose class is among the k highest scores
    bool overflow;       // the evaluation failed at a row whose scores or loss exceed float32
    // memory of the caller, or NULL: [classes][classes] numbers of rows, by true and predicted class
    int64_t *confusion;
    mg_gaps *gaps; // memory of the caller with room for all rows, or NULL: receives the rows whose label is
                   // known
} mg_evaluation;

// The callbacks of an evaluation. `rows` (may be NULL) receives every scored minibatch: scores
// [count][lanes], and the best class of each row.
typedef struct mg_evaluate_visit {
    void *context;
    mg_status (*rows)(void *context, int64_t count, int64_t classes, int64_t lanes, const float *scores,
                      const int32_t *best, mg_error *error);
    mg_stop stop; // asked during the evaluation; if it says stop, the result is MG_STOPPED
} mg_evaluate_visit;

// Bytes of scratch memory of a pass with weights of this layout; windows of streamed rows are not included.
// It allocates part of this memory to measure it.
double mg_evaluate_scratch(const mg_dataset *dataset, mg_layout weights, int64_t classes);

// Makes one pass over the data set, in file order. `weights` may have the layout for other rows: weights for
// CSR rows score dense rows value by value, as sparse rows; weights for dense rows are first copied to the
// layout for CSR rows. Errors: those of reading; MG_STOPPED; MG_DATA with the row whose scores or loss are
// not finite; MG_NONFINITE if the weights are not finite.
mg_status mg_evaluate(const mg_scorer *scorer, mg_dataset *dataset, const mg_weights *weights,
                      const mg_evaluate_visit *visit, mg_evaluation *result, mg_error *error);

#endif
