// crammer_singer.c - the loss is the margin violation of the strongest rival (M4).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M4) loss = [m]_+, m = max over j != y of s_j - s_y + delta. If m > 0, coef is +1 for the strongest rival
// and -1 for y; otherwise it is 0, also at the kink m = 0.
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    int64_t rival;
    float margin = mg_strongest_rival(lanes, scores, y, &rival) + (delta - scores[y]);
    mg_fours_zero(lanes, coef);
    if (!(margin > 0))
        return margin == margin ? 0.0f : margin; // keeps NaN: as 0 it would look like a row without violation
    coef[rival] = 1;
    coef[y] = -1;
    return margin;
}

static double margin_of(int64_t classes, const double *scores, int64_t y, double delta, double *second) {
    double most = -INFINITY;
    *second = -INFINITY;
    for (int64_t j = 0; j < classes; j++) {
        if (j == y) continue;
        if (scores[j] > most || isnan(scores[j])) {
            *second = most;
            most = scores[j];
        } else if (scores[j] > *second) {
            *second = scores[j];
        }
    }
    *second += delta - scores[y];
    return most - scores[y] + delta;
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    double second;
    return mg_hinge(margin_of(classes, scores, y, delta, &second));
}

static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    double second, margin = margin_of(classes, scores, y, delta, &second);
    return margin > 0 ? fmin(margin, margin - second) : -margin;
}

static const mg_prox dual = {
    .joint = true, .rival_most = INFINITY, .own_least = -1, .rival_curve = 0, .own_curve = 0}; // (M25)

const mg_loss mg_loss_crammer_singer = {
    .name = "crammer-singer",
    .help = "hinge of the strongest rival: max(0, max over j != y of (s_j - s_y) + delta)",
    .row = row,
    .value = value,
    .kink = kink,
    .dual = &dual,
};
