// weston_watkins_squared.c - the loss is the sum of the squared margin violations of all rivals (M5).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M5) loss = sum over j != y of [m_j]_+^2; coef_j = 2 [m_j]_+, coef_y = -(sum of the other coefficients).
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float base = delta - scores[y], own = scores[y];
    mg_four square[MG_FOURS] = {0}, sum[MG_FOURS] = {0};
    scores[y] = -INFINITY;
    for (int64_t j = 0; j < lanes; j += MG_LANES)
        for (int v = 0; v < MG_FOURS; v++) {
            mg_four hinge = mg_four_hinge(mg_four_load(scores + j + 4 * v) + mg_four_all(base)),
                    slope = hinge + hinge;
            square[v] += hinge * hinge;
            sum[v] += slope;
            mg_four_store(coef + j + 4 * v, slope);
        }
    scores[y] = own;
    coef[y] = -mg_fours_fold(sum);
    return mg_fours_fold(square);
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    double loss = 0;
    for (int64_t j = 0; j < classes; j++) {
        double hinge = j == y ? 0 : mg_hinge(scores[j] - scores[y] + delta);
        loss += hinge * hinge;
    }
    return loss;
}

static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    (void)classes, (void)scores, (void)y, (void)delta;
    return INFINITY; // the square of a hinge has a derivative everywhere
}

static const mg_prox dual = {.joint = true,
                             .rival_most = INFINITY,
                             .own_least = -INFINITY,
                             .rival_curve = 0.5f,
                             .own_curve = 0}; // (M25)

const mg_loss mg_loss_weston_watkins_squared = {
    .name = "weston-watkins-squared",
    .help = "sum of the squared hinges of all rivals: sum over j != y of max(0, s_j - s_y + delta)^2",
    .row = row,
    .value = value,
    .kink = kink,
    .dual = &dual,
};
