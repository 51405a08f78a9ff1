// one_vs_rest_squared.c - K independent squared binary hinges (M8).
#include "loss/lanes.h"
#include "loss/loss.h"

// (M8) loss = sum over k of [delta - t_k s_k]_+^2; coef_k = -2 t_k [delta - t_k s_k]_+
static float row(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float own = scores[y];
    mg_four sum[MG_FOURS] = {0};
    scores[y] = -INFINITY;
    for (int64_t j = 0; j < lanes; j += MG_LANES)
        for (int v = 0; v < MG_FOURS; v++) {
            mg_four hinge = mg_four_hinge(mg_four_load(scores + j + 4 * v) + mg_four_all(delta));
            sum[v] += hinge * hinge;
            mg_four_store(coef + j + 4 * v, hinge + hinge);
        }
    scores[y] = own;
    float margin = delta - own;
    float hinge = margin <= 0 ? 0.0f : margin;
    coef[y] = -2 * hinge;
    return mg_fours_fold(sum) + hinge * hinge;
}

static double value(int64_t classes, const double *scores, int64_t y, double delta) {
    double loss = 0;
    for (int64_t k = 0; k < classes; k++) {
        double hinge = mg_hinge(k == y ? delta - scores[k] : delta + scores[k]);
        loss += hinge * hinge;
    }
    return loss;
}

static double kink(int64_t classes, const double *scores, int64_t y, double delta) {
    (void)classes, (void)scores, (void)y, (void)delta;
    return INFINITY;
}

static const mg_prox dual = {.joint = false,
                             .rival_most = INFINITY,
                             .own_least = -INFINITY,
                             .rival_curve = 0.5f,
                             .own_curve = 0.5f}; // (M25)

const mg_loss mg_loss_one_vs_rest_squared = {
    .name = "one-vs-rest-squared",
    .help = "K separate squared binary hinges: sum over k of max(0, delta - t_k s_k)^2",
    .row = row,
    .value = value,
    .kink = kink,
    .dual = &dual,
};
