// loss.h - the registry of losses. A loss turns one row of scores into its value and one row of coefficients.
// It does not know whether the coefficients serve a gradient or a dual step. The rivals of a row are all
// classes but its own. The margin violation of a rival is its score minus that of the own class, plus delta
// (M3).
#ifndef MG_LOSS_LOSS_H
#define MG_LOSS_LOSS_H

#include "base/prox.h"

#include <stdint.h>

typedef struct mg_loss {
    const char *name;
    const char *help;

    // Loss of one row (M3..M9) and coef[k] = d loss / d score_k, in the precision of training. `lanes` is
    // classes rounded up to 16. Scores of the padding lanes are -INFINITY, for which every loss gives the
    // coefficient 0. scores[y] may be overwritten during the call and is restored.
    float (*row)(int64_t lanes, float *scores, int64_t y, float delta, float *coef);

    // The same loss in double from `classes` scores, computed directly from its formula. Certificates and
    // gradient checks use it.
    double (*value)(int64_t classes, const double *scores, int64_t y, double delta);

    // The distance to the nearest kink: the smallest change of a single score that leads to a point without a
    // derivative. INFINITY if there is no such point.
    double (*kink)(int64_t classes, const double *scores, int64_t y, double delta);

    // The dual of the loss (M25), for solvers with certificates. NULL if the loss has no dual of that form.
    const mg_prox *dual;

    // For losses without a dual whose coefficients are smooth functions of the scores: computes, from a row
    // of coefficients, the diagonal D of their derivative D - D 1 1'D / (1'D 1) (M31); 0 in the padding
    // lanes. NULL for all other losses.
    void (*slope)(int64_t lanes, const float *coef, int64_t y, float *slope);

    // Converts scores to probabilities. NULL unless the loss is the negative logarithm of a probability.
    void (*probabilities)(int64_t classes, const float *scores, float *to);
} mg_loss;

const mg_loss *mg_loss_at(int i);              // NULL after the last
const mg_loss *mg_loss_find(const char *name); // NULL if unknown
const char *mg_loss_name(int i);               // for option rows

#endif
