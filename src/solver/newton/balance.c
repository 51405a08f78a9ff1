// balance.c - owns the lower bound of a problem with a free bias (M37). Coefficients prove a bound only if
// they sum to zero over the rows, for each class. Those of an iteration nearly do, so they are mixed with a
// few thousandths, or far less, of reference coefficients, which make the sums exactly zero.
#include "solver/newton/newton.h"

#include "base/memory.h"

#include <math.h>

struct mg_balance {
    double *own; // a vector: minus the mean over the rows of v x' of each class (0 for rows of other classes)
    double *share; // [classes] fraction of the total weight
    double *q;     // [classes] working memory
    float *coef;   // [lanes] working memory
    mg_arena arena;
};

// Takes minus the weight of the row as the coefficient of its own class.
static void fill_own(mg_newton *newton, int64_t part, int64_t first, int64_t end) {
    const mg_resident *resident = newton->resident;
    for (int64_t row = first; row < end; row++) {
        float *coef = mg_newton_take(newton, part, row);
        for (int64_t k = 0; k < resident->lanes; k++) coef[k] = 0;
        coef[resident->all.label[row]] = -(float)mg_resident_weight(resident, row);
    }
    mg_newton_add_taken(newton, part);
}

mg_status mg_balance_create(mg_newton *newton, mg_balance **out, mg_error *error) {
    const mg_problem *problem = newton->resident->problem;
    mg_balance *b;
    mg_status status = mg_memory_zeroed(&b, 1, sizeof *b, error);
    if (status) return status;
    *out = b;
    const mg_buffer buffers[] = {
        MG_BUFFER(b->own, newton->length, 1),
        MG_BUFFER(b->share, problem->classes, 1),
        MG_BUFFER(b->q, problem->classes, 1),
        MG_BUFFER(b->coef, newton->resident->lanes, 1),
    };
    status = MG_ARENA_FILL(&b->arena, buffers, error);
    status = mg_comm_agree(newton->resident->comm, status, NULL, error);
    if (status) return status;
    mg_newton_sum(newton, fill_own, NULL, b->own);
    for (int64_t k = 0; k < problem->classes; k++)
        b->share[k] = -b->own[newton->resident->size + k] / problem->bias;
    return MG_OK;
}

void mg_balance_destroy(mg_balance *b) {
    if (!b) return;
    mg_arena_free(&b->arena);
    mg_memory_free(b);
}

// The smallest ratio of reference coefficients to others with which q is within [0, 1]. INFINITY if there is
// none, because a class has no rows of positive weight.
static double least_ratio(const mg_balance *b, const mg_newton *newton) {
    const mg_problem *problem = newton->resident->problem;
    double ratio = 0;
    for (int64_t k = 0; k < problem->classes; k++) {
        double excess = newton->sum[newton->resident->size + k] / problem->bias;
        if (excess > 0) ratio = fmax(ratio, excess / b->share[k]);
        if (excess < 0) ratio = fmax(ratio, -excess / (1 - b->share[k]));
    }
    return ratio;
}

// The mean over the rows of -l* of the coefficients q - e_y.
static double reference_value(const mg_balance *b, const mg_resident *resident) {
    const mg_problem *problem = resident->problem;
    double value = 0;
    for (int64_t y = 0; y < problem->classes; y++) {
        for (int64_t k = 0; k < problem->classes; k++) b->coef[k] = (float)(b->q[k] - (k == y));
        if (problem->loss->dual) value += b->share[y] * mg_resident_dual_value(resident, b->coef, y);
        for (int64_t k = 0; !problem->loss->dual && k < problem->classes; k++)
            value -= b->q[k] > 0 ? b->share[y] * b->q[k] * log(b->q[k]) : 0;
    }
    return value;
}

double mg_balance_bound(const mg_balance *b, const mg_newton *newton, double value) {
    const mg_resident *resident = newton->resident;
    const mg_problem *problem = resident->problem;
    int64_t classes = problem->classes, wide = resident->sparse ? resident->line : 1,
            apart = resident->sparse ? 1 : resident->line;
    double ratio = least_ratio(b, newton), mixed = ratio / (1 + ratio), square = 0;
    if (!isfinite(ratio)) return -INFINITY;
    for (int64_t k = 0; k < classes; k++) {
        double excess = newton->sum[resident->size + k] / problem->bias;
        b->q[k] = b->share[k] - (ratio > 0 ? excess / ratio : 0);
        b->q[k] = fmin(fmax(b->q[k], 0), 1); // outside by rounding only
    }
    for (int64_t d = 0; d < problem->features; d++) {
        double mean = 0;
        for (int64_t k = 0; k < classes; k++) mean -= b->own[d * wide + k * apart];
        for (int64_t k = 0; k < classes; k++) {
            int64_t j = d * wide + k * apart;
            double sum = (1 - mixed) * newton->sum[j] + mixed * (b->q[k] * mean + b->own[j]);
            square += sum * sum;
        }
    }
    return (1 - mixed) * value + mixed * reference_value(b, resident) - square / (2 * problem->lambda);
}
