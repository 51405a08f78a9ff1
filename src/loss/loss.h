// loss.h - the registry of losses. A loss turns one row of scores into its value and one row of coefficients;
// what a coefficient becomes (a gradient, a dual step) is not its business.
#ifndef MG_LOSS_LOSS_H
#define MG_LOSS_LOSS_H

#include "base/prox.h"

#include <stdint.h>

typedef struct mg_loss {
    const char *name;
    const char *help;

    // Loss of one row (M3..M9) and coef[k] = d loss / d score_k, in the precision of training. `lanes` is
    // classes rounded up to 16; scores of the padding lanes are -INFINITY, which every loss answers with
    // coefficient 0. scores[y] may be overwritten while the call lasts; it is restored.
    float (*row)(int64_t lanes, float *scores, int64_t y, float delta, float *coef);

    // The same loss in double from `classes` scores, written from the formula: for certificates and gradient
    // checks.
    double (*value)(int64_t classes, const double *scores, int64_t y, double delta);

    // How far any one score may move, at least, before the row meets a point without a derivative; INFINITY
    // when there is none.
    double (*kink)(int64_t classes, const double *scores, int64_t y, double delta);

    // Its dual (M25), for solvers that certify; NULL when it has none of that form.
    const mg_prox *dual;

    // Of a loss without one whose coefficients are smooth in the scores: the diagonal D of their derivative D
    // - D 1 1'D / (1'D 1) (M31) from a row of coefficients, 0 in the padding lanes. NULL: of others.
    void (*slope)(int64_t lanes, const float *coef, int64_t y, float *slope);

    // Of a loss that is the negative logarithm of one: the probability of every class. NULL: its scores are
    // no such thing.
    void (*probabilities)(int64_t classes, const float *scores, float *to);
} mg_loss;

const mg_loss *mg_loss_at(int i);              // NULL past the last
const mg_loss *mg_loss_find(const char *name); // NULL when unknown
const char *mg_loss_name(int i);               // for option rows

#endif
