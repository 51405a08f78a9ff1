// weston_watkins.c - the loss is the sum of the margin violations of all rivals (M3).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M3) loss = sum over j != y of [m_j]_+ with m_j = s_j - s_y + delta; coef_j = 1(m_j > 0), coef_y = -(number
// of violations).
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float base = delta - scores[y], own = scores[y];
    mg_four sum[MG_FOURS] = {0}, count[MG_FOURS] = {0};
    scores[y] = -INFINITY; // the true class is no rival of itself
    for (int64_t j = 0; j < lanes; j += MG_LANES)
        for (int v = 0; v < MG_FOURS; v++) {
            mg_four margin = mg_four_load(scores + j + 4 * v) + mg_four_all(base);
            mg_four violation = mg_four_keep(margin > 0, mg_four_all(1));
            sum[v] += mg_four_hinge(margin);
            count[v] += violation;
            mg_four_store(coef + j + 4 * v, violation);
        }
    scores[y] = own;
    coef[y] = -mg_fours_fold(count);
    return mg_fours_fold(sum);
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    double loss = 0;
    for (int64_t j = 0; j < classes; j++)
        if (j != y) loss += mg_hinge(scores[j] - scores[y] + delta);
    return loss;
}

static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    double nearest = INFINITY;
    for (int64_t j = 0; j < classes; j++)
        if (j != y) nearest = fmin(nearest, fabs(scores[j] - scores[y] + delta));
    return nearest;
}

static const mg_prox dual = {
    .joint = true, .rival_most = 1, .own_least = -INFINITY, .rival_curve = 0, .own_curve = 0}; // (M25)

const mg_loss mg_loss_weston_watkins = {
    .name = "weston-watkins",
    .help = "sum of the hinges of all rivals: sum over j != y of max(0, s_j - s_y + delta)",
    .row = row,
    .value = value,
    .kink = kink,
    .dual = &dual,
};
