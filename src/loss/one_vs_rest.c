// one_vs_rest.c - K independent binary hinges (M7).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M7) loss = sum over k of [delta - t_k s_k]_+ with t_y = +1 and all other t_k = -1; coef_k = -t_k where
// delta - t_k s_k > 0, else 0.
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float own = scores[y];
    mg_four sum[MG_FOURS] = {0};
    scores[y] = -INFINITY;
    for (int64_t j = 0; j < lanes; j += MG_LANES)
        for (int v = 0; v < MG_FOURS; v++) {
            mg_four margin = mg_four_load(scores + j + 4 * v) + mg_four_all(delta);
            sum[v] += mg_four_hinge(margin);
            mg_four_store(coef + j + 4 * v, mg_four_keep(margin > 0, mg_four_all(1)));
        }
    scores[y] = own;
    float margin = delta - own;
    coef[y] = margin > 0 ? -1.0f : 0.0f;
    return mg_fours_fold(sum) + (margin <= 0 ? 0.0f : margin);
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    double loss = 0;
    for (int64_t k = 0; k < classes; k++) loss += mg_hinge(k == y ? delta - scores[k] : delta + scores[k]);
    return loss;
}

static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    double nearest = INFINITY;
    for (int64_t k = 0; k < classes; k++)
        nearest = fmin(nearest, fabs(k == y ? delta - scores[k] : delta + scores[k]));
    return nearest;
}

static const mg_prox dual = {
    .joint = false, .rival_most = 1, .own_least = -1, .rival_curve = 0, .own_curve = 0}; // (M25)

const mg_loss mg_loss_one_vs_rest = {
    .name = "one-vs-rest",
    .help =
        "K separate binary hinges: sum over k of max(0, delta - t_k s_k), t = +1 for the true class, else -1",
    .row = row,
    .value = value,
    .kink = kink,
    .dual = &dual,
};
