// smooth.c - the rows of a smooth loss (M31). Their coefficients depend on the scores alone: there is no
// proximal term, nothing is kept from one step to the next, and every row with a positive weight is free.
#include "solver/newton/newton.h"

void mg_newton_fill_smooth(mg_newton *newton, int64_t part, int64_t first, int64_t end) {
    const mg_resident *resident = newton->resident;
    const mg_problem *problem = resident->problem;
    int64_t lanes = resident->lanes;
    mg_newton_sums *sums = &newton->part[part];
    for (int64_t row = first; row < end; row++) {
        float *s = newton->rows.scores + row * lanes, *a = newton->rows.coef + row * lanes,
              weight = (float)mg_resident_weight(resident, row);
        int64_t y = resident->all.label[row];
        double inner = 0;
        newton->rows.is_free[row] = weight != 0;
        if (weight == 0) continue;
        double loss = (double)problem->loss->row(lanes, s, y, problem->delta, a);
        float *slope = newton->rows.slope + row * lanes;
        problem->loss->slope(lanes, a, y, slope);
        newton->rows.total[row] = mg_newton_total(newton, slope);
        for (int64_t k = 0; k < problem->classes; k++) inner += (double)s[k] * (double)a[k];
        sums->loss += (double)weight * loss;
        sums->value += (double)weight * (loss - inner);
        float *coef = mg_newton_take(newton, part, row);
        for (int64_t k = 0; k < lanes; k++) coef[k] = weight * a[k];
    }
    mg_newton_add_taken(newton, part);
}

void mg_newton_slope_smooth(void *context, int64_t part) {
    mg_newton *newton = context;
    const mg_resident *resident = newton->resident;
    const mg_problem *problem = resident->problem;
    int64_t lanes = resident->lanes;
    float *a = newton->scratch + part * 4 * lanes, *s = a + lanes, t = (float)newton->trial;
    double sum = 0;
    const int64_t *begin = newton->shards.row + newton->shards.present;
    MG_EACH_OF_PART (i, begin[1] - begin[0], MG_NEWTON_PARTS, part) {
        int64_t row = begin[0] + i;
        const float *scores = newton->rows.scores + row * lanes, *move = newton->rows.move + row * lanes;
        double weight = mg_resident_weight(resident, row), inner = 0;
        if (weight == 0) continue;
        for (int64_t k = 0; k < lanes; k++) s[k] = scores[k] + t * move[k];
        problem->loss->row(lanes, s, resident->all.label[row], problem->delta, a);
        for (int64_t k = 0; k < lanes; k++) inner += (double)a[k] * (double)move[k];
        sum += weight * inner;
    }
    newton->part_slope[part] = sum;
}
