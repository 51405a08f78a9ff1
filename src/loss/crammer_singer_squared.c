// crammer_singer_squared.c - the loss is the square of the strongest rival's margin violation (M6).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M6) loss = [m]_+^2 with m as in (M4); coef is +2 [m]_+ for the strongest rival, -2 [m]_+ for y.
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    int64_t rival;
    float margin = mg_strongest_rival(lanes, scores, y, &rival) + (delta - scores[y]);
    mg_fours_zero(lanes, coef);
    if (!(margin > 0)) return margin == margin ? 0.0f : margin;
    coef[rival] = 2 * margin;
    coef[y] = -2 * margin;
    return margin * margin;
}

static double margin_of(int64_t classes, const double *scores, int64_t y, double delta) {
    double most = -INFINITY;
    for (int64_t j = 0; j < classes; j++)
        if (j != y && (scores[j] > most || isnan(scores[j]))) most = scores[j];
    return most - scores[y] + delta;
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    double hinge = mg_hinge(margin_of(classes, scores, y, delta));
    return hinge * hinge;
}

// The loss has no derivative where two rivals violate the margin equally. The loss is smooth where the margin
// is just met. So a kink needs both a violation and two equal rivals, and the distance to it is the larger of
// the distances to these two.
static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    double margin = margin_of(classes, scores, y, delta);
    double most = -INFINITY, second = -INFINITY;
    for (int64_t j = 0; j < classes; j++) {
        if (j == y) continue;
        second = fmax(second, fmin(most, scores[j]));
        most = fmax(most, scores[j]);
    }
    return fmax(-margin, most - second);
}

static const mg_prox dual = {.joint = true,
                             .rival_most = INFINITY,
                             .own_least = -INFINITY,
                             .rival_curve = 0,
                             .own_curve = 0.5f}; // (M25)

const mg_loss mg_loss_crammer_singer_squared = {
    .name = "crammer-singer-squared",
    .help = "squared hinge of the strongest rival: max(0, max over j != y of (s_j - s_y) + delta)^2",
    .row = row,
    .value = value,
    .kink = kink,
    .dual = &dual,
};
