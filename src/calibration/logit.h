// logit.h - what the softmax is taken of: a temperature divides the scores, a sigmoid takes logarithms of
// probabilities of the single classes. Only this folder includes it.
#ifndef MG_CALIBRATION_LOGIT_H
#define MG_CALIBRATION_LOGIT_H

#include "calibration/calibration.h"

#include <math.h>

// log(1 + exp(z)) without overflow.
static inline double mg_softplus(double z) { return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

// What the sigmoid of class k depends on: its score or, of two classes, how far it is above the other's. So
// two classes have one sigmoid (M35).
static inline double mg_sigmoid_input(int64_t classes, const float *scores, int64_t k) {
    return classes == 2 ? (double)scores[k] - (double)scores[1 - k] : (double)scores[k];
}

static inline double mg_logit(const mg_calibration *c, int64_t classes, const float *scores, int64_t k) {
    if (c->method == MG_CALIBRATION_TEMPERATURE) return (double)scores[k] / c->temperature;
    if (c->method == MG_CALIBRATION_NONE) return (double)scores[k];
    return -mg_softplus(c->slope[k] * mg_sigmoid_input(classes, scores, k) + c->intercept[k]);
}

// The largest logit, and the sum of exp(logit - largest).
static inline double mg_logit_sum(const mg_calibration *c, int64_t classes, const float *scores,
                                  double *most) {
    double sum = 0;
    *most = -INFINITY;
    for (int64_t k = 0; k < classes; k++) {
        double logit = mg_logit(c, classes, scores, k);
        if (logit > *most) *most = logit;
    }
    for (int64_t k = 0; k < classes; k++) sum += exp(mg_logit(c, classes, scores, k) - *most);
    return sum;
}

#endif
