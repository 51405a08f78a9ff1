// logit.h - the logits of a calibration, whose softmax gives the probabilities. With one temperature, or with
// one for each row, they are the scores divided by it. With sigmoids, they are the logarithms of the values
// of the sigmoids. Only this folder includes this file.
#ifndef MG_CALIBRATION_LOGIT_H
#define MG_CALIBRATION_LOGIT_H

#include "calibration/calibration.h"

#include <math.h>

// log(1 + exp(z)) without overflow.
static inline double mg_softplus(double z) { return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

// The input of the sigmoid of class k (M35): its score or, if there are two classes, the difference to the
// score of the other. So two classes have essentially one sigmoid.
static inline double mg_sigmoid_input(int64_t classes, const float *scores, int64_t k) {
    return classes == 2 ? (double)scores[k] - (double)scores[1 - k] : (double)scores[k];
}

// (M40) The factor of a row's temperature: r^exponent, where r is how far the highest score is above the mean
// of all. It is 1 if all scores are equal.
static inline double mg_row_factor(double exponent, int64_t classes, const float *scores) {
    double most = -INFINITY, sum = 0;
    if (exponent == 0) return 1;
    for (int64_t k = 0; k < classes; k++) {
        sum += (double)scores[k];
        if ((double)scores[k] > most) most = (double)scores[k];
    }
    double reach = most - sum / (double)classes;
    return reach > 0 ? pow(reach, exponent) : 1;
}

// What all scores of a row are divided by; sigmoids do not use it.
static inline double mg_row_temperature(const mg_calibration *c, int64_t classes, const float *scores) {
    if (c->method == MG_CALIBRATION_TEMPERATURE) return c->temperature;
    if (c->method == MG_CALIBRATION_ADAPTIVE)
        return c->temperature * mg_row_factor(c->exponent, classes, scores);
    return 1;
}

// `temperature`: that of the row.
static inline double mg_logit(const mg_calibration *c, double temperature, int64_t classes,
                              const float *scores, int64_t k) {
    if (c->method != MG_CALIBRATION_SIGMOID) return (double)scores[k] / temperature;
    return -mg_softplus(c->slope[k] * mg_sigmoid_input(classes, scores, k) + c->intercept[k]);
}

// Returns the sum of exp(logit - largest logit); *most becomes the largest logit.
static inline double mg_logit_sum(const mg_calibration *c, double temperature, int64_t classes,
                                  const float *scores, double *most) {
    double sum = 0;
    *most = -INFINITY;
    for (int64_t k = 0; k < classes; k++) {
        double logit = mg_logit(c, temperature, classes, scores, k);
        if (logit > *most) *most = logit;
    }
    for (int64_t k = 0; k < classes; k++) sum += exp(mg_logit(c, temperature, classes, scores, k) - *most);
    return sum;
}

#endif
