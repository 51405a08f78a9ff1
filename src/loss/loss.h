// loss.h - the registry of losses. A loss turns one row of scores into its value and one row of coefficients.
// It does not know what coefficients are used for (a gradient, a dual step).
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

    // The same loss in double from `classes` scores, by the formula, for certificates and gradient checks.
    double (*value)(int64_t classes, const double *scores, int64_t y, double delta);

    // The smallest change of a single score that leads to a point without a derivative; INFINITY if there is
    // no such point.
    double (*kink)(int64_t classes, const double *scores, int64_t y, double delta);

    // Its dual (M25), for solvers that certify. NULL: it has none of that form.
    const mg_prox *dual;

    // For losses without a dual whose coefficients are smooth in the scores: the diagonal D of their
    // derivative D - D 1 1'D / (1'D 1) (M31) from a row of coefficients, 0 in the padding lanes. NULL for all
    // other losses.
    void (*slope)(int64_t lanes, const float *coef, int64_t y, float *slope);

    // The probability of every class, if the loss is the negative logarithm of one. NULL: scores are not
    // probabilities.
    void (*probabilities)(int64_t classes, const float *scores, float *to);
} mg_loss;

const mg_loss *mg_loss_at(int i);              // NULL after the last
const mg_loss *mg_loss_find(const char *name); // NULL if unknown
const char *mg_loss_name(int i);               // for option rows

#endif
