// softmax.c - multinomial logistic regression (M9). It does not use delta.
#include "loss/lanes.h"
#include "loss/loss.h"

// (M9) loss = log(sum over k of exp(s_k - s_y)); coef_k = p_k - 1(k = y), where p is the softmax of the
// scores. The coefficients sum to 0. Exponentials are computed in double and then rounded: versions of the
// mathematics library differ in the last bits of a double, but then agree on the float.
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    (void)delta;
    float most = mg_fours_max(lanes, scores, -1);
    double sum = 0;
    for (int64_t k = 0; k < lanes; k++) {
        double e = exp((double)scores[k] - (double)most);
        coef[k] = (float)e;
        sum += (double)coef[k];
    }
    float scale = (float)(1 / sum);
    double rivals = 0; // sum of the rivals' p; subtracting a p_y near 1 from 1 would lose most digits
    for (int64_t k = 0; k < lanes; k++) {
        coef[k] *= scale;
        rivals += k != y ? (double)coef[k] : 0;
    }
    coef[y] = -(float)rivals;
    return (float)(log(sum) + (double)most - (double)scores[y]);
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    (void)delta;
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < classes; k++) most = fmax(most, scores[k]);
    for (int64_t k = 0; k < classes; k++) sum += exp(scores[k] - most);
    return log(sum) + most - scores[y];
}

static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    (void)classes, (void)scores, (void)y, (void)delta;
    return INFINITY;
}

// (M31) The derivative of p with respect to the scores is diag(p) - p p'. Because p sums to 1, it has the
// form D - D 1 1'D / (1'D 1) with D = diag(p).
static void slope(int64_t lanes, const float *coef, int64_t y, float *slope) {
    for (int64_t k = 0; k < lanes; k++) slope[k] = coef[k];
    slope[y] = coef[y] + 1;
}

static void probabilities(int64_t classes, const float *scores, float *to) {
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < classes; k++)
        if ((double)scores[k] > most)
            most = (double)scores[k]; // not fmax: gcc 12 for ARM crashes on fmax of widened floats
    for (int64_t k = 0; k < classes; k++) sum += exp((double)scores[k] - most);
    for (int64_t k = 0; k < classes; k++) to[k] = (float)(exp((double)scores[k] - most) / sum);
}

const mg_loss mg_loss_softmax = {
    .name = "softmax",
    .help = "multinomial logistic loss: log of the sum over k of exp(s_k - s_y); delta is not used",
    .row = row,
    .value = value,
    .kink = kink,
    .slope = slope,
    .probabilities = probabilities,
};
