// weston_watkins_squared.c - every rival pushes back in proportion to its violation (M5).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M5) loss = sum over j != y of [m_j]_+^2; coef_j = 2 [m_j]_+, coef_y = -(sum of the others)
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float base = delta - scores[y], own = scores[y];
    float square[MG_LOSS_LANES] = {0}, sum[MG_LOSS_LANES] = {0};
    scores[y] = -INFINITY;
    for (int64_t j = 0; j < lanes; j += MG_LOSS_LANES)
        for (int l = 0; l < MG_LOSS_LANES; l++) {
            float margin = scores[j + l] + base;
            float hinge = margin <= 0 ? 0.0f : margin; // so written, a NaN comes out
            square[l] += hinge * hinge;
            sum[l] += 2 * hinge;
            coef[j + l] = 2 * hinge;
        }
    scores[y] = own;
    coef[y] = -mg_lanes_fold(sum);
    return mg_lanes_fold(square);
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
    return INFINITY; // the square is differentiable where the hinge is not
}

const mg_loss mg_loss_weston_watkins_squared = {
    .name = "weston-watkins-squared",
    .help = "sum of the squared hinges of all rivals: sum over j != y of max(0, s_j - s_y + delta)^2",
    .row = row,
    .value = value,
    .kink = kink,
};
