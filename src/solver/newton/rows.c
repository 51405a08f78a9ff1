// rows.c - the rows of a loss with a dual (M28): their coefficients at given scores, which of them are free,
// and the slope along a direction.
#include "solver/newton/newton.h"

#include <math.h>
#include <string.h>

#define ROUNDING 1e-5f // error of a lead after a few updates, relative to the scores

// Computes A of one row from its scores and its coefficients A0 (`before`). z: scratch memory.
static void find_coefficients(const mg_newton *newton, int64_t row, const float *s, const float *before,
                              float *z, float *a) {
    const mg_problem *problem = newton->resident->problem;
    int64_t y = newton->resident->all.label[row];
    memcpy(a, before, (size_t)newton->resident->lanes * sizeof *a);
    mg_dual_row dual = {problem->loss->dual, newton->resident->lanes, s, y, problem->delta};
    problem->kernel->dual_step(&dual, (float)(1 / newton->sigma), z, a);
    mg_dual_rows_balance(newton->iterate->duals, row, newton->resident->lanes, a);
}

// Computes D_F of one row. Returns false if the row is not free. Whether the own class is at its bound is
// decided by the multiplier theta, computed from a free rival. The sum of the rivals would be too inexact,
// because it is rounded.
static bool find_slope(const mg_newton *newton, int64_t row, const float *s, const float *before,
                       const float *a, float *slope) {
    const mg_problem *problem = newton->resident->problem;
    const mg_prox *prox = problem->loss->dual;
    int64_t y = newton->resident->all.label[row];
    float q = (float)(1 / newton->sigma), shrink = 1 / (q + prox->rival_curve), theta = 0;
    int free = 0;
    for (int64_t k = 0; k < newton->resident->lanes; k++) {
        bool inside = k != y && a[k] > 0 && a[k] < prox->rival_most;
        slope[k] = inside ? shrink : 0;
        if (inside && free++ == 0)
            theta = s[k] + problem->delta + q * before[k] - (q + prox->rival_curve) * a[k];
    }
    if (!prox->joint) {
        bool inside = a[y] < 0 && a[y] > prox->own_least;
        slope[y] = inside ? 1 / (q + prox->own_curve) : 0;
        return free > 0 || inside;
    }
    if (free == 0) return false;
    float own = (s[y] + q * before[y] - theta) / (q + prox->own_curve);
    if (own < 0 && own > prox->own_least) {
        slope[y] = 1 / (q + prox->own_curve);
        free++;
    }
    return free > 1;
}

// The largest difference between a rival and the own class, in scores or in their changes. For losses without
// a joint dual, classes do not compete: it is the largest of the rivals' scores and minus the own score.
static float gain_of(const mg_newton *newton, const float *s, int64_t y) {
    bool joint = newton->resident->problem->loss->dual->joint;
    float most = joint ? -INFINITY : -s[y], own = joint ? s[y] : 0;
    for (int64_t k = 0; k < newton->resident->problem->classes; k++) {
        float gain = s[k] - own;
        if (k != y && gain > most) most = gain;
    }
    return most;
}

// True if the row has neither loss nor coefficients after a step of length t: its A0 and A are zero, and its
// lead stays above delta. (Rows with coefficients have the lead -INFINITY.)
static bool is_quiet(const mg_newton *newton, int64_t row, float t) {
    return newton->rows.lead[row] - t * newton->rows.reach[row] > newton->resident->problem->delta;
}

static float lead_of(const mg_newton *newton, const float *s, int64_t y) {
    float gain = gain_of(newton, s, y);
    return -gain - ROUNDING * (fabsf(s[y]) + fabsf(gain) + 1);
}

// A row without a positive lead is never quiet, so its reach is not needed. It becomes 0, because the reach
// of an earlier direction would make mg_newton_move change the lead.
static void reach_part(void *context, int64_t part) {
    mg_newton *newton = context;
    const mg_resident *resident = newton->resident;
    MG_EACH_OF_PART (row, resident->rows, MG_NEWTON_PARTS, part) {
        const float *move = newton->rows.move + row * resident->lanes;
        newton->rows.reach[row] =
            newton->rows.lead[row] > 0 ? gain_of(newton, move, resident->all.label[row]) : 0;
    }
}

void mg_newton_reach(mg_newton *newton) {
    mg_team_for(newton->resident->problem->team, MG_NEWTON_PARTS, reach_part, newton);
}

static void move_part(void *context, int64_t part) {
    mg_newton *newton = context;
    int64_t lanes = newton->resident->lanes;
    float t = (float)newton->trial;
    MG_EACH_OF_PART (row, newton->resident->rows, MG_NEWTON_PARTS, part) {
        float *s = newton->rows.scores + row * lanes;
        const float *move = newton->rows.move + row * lanes;
        for (int64_t k = 0; k < lanes; k++) s[k] += t * move[k];
        newton->rows.lead[row] -= t * newton->rows.reach[row];
    }
}

void mg_newton_move(mg_newton *newton, double t) {
    newton->trial = t;
    mg_team_for(newton->resident->problem->team, MG_NEWTON_PARTS, move_part, newton);
}

static void fill_changes(mg_newton *newton, int64_t part, int64_t first, int64_t end) {
    const mg_resident *resident = newton->resident;
    const mg_problem *problem = resident->problem;
    int64_t lanes = resident->lanes;
    float *z = newton->scratch + part * 4 * lanes, *before = z + lanes, *a = before + lanes;
    mg_newton_sums *sums = &newton->part[part];
    for (int64_t row = first; row < end; row++) {
        float *s = newton->rows.scores + row * lanes, *old = newton->rows.coef + row * lanes,
              weight = (float)mg_resident_weight(resident, row);
        int64_t y = resident->all.label[row];
        newton->rows.is_free[row] = 0;
        if (weight == 0 || is_quiet(newton, row, 0)) continue;
        sums->loss += (double)weight * (double)problem->loss->row(lanes, s, y, problem->delta, z);
        mg_dual_rows_get(newton->iterate->duals, row, lanes, before);
        find_coefficients(newton, row, s, before, z, a);
        if (a[y] != 0 || !problem->loss->dual->joint) {
            float *slope = newton->rows.slope + row * lanes;
            newton->rows.is_free[row] = find_slope(newton, row, s, before, a, slope);
            newton->rows.total[row] = mg_newton_total(newton, slope);
            sums->value += (double)weight * mg_resident_dual_value(resident, a, y);
        }
        newton->rows.lead[row] =
            mg_all_zero(before, lanes) && mg_all_zero(a, lanes) ? lead_of(newton, s, y) : -INFINITY;
        if (memcmp(before, a, (size_t)lanes * sizeof *a)) {
            double distance = 0;
            for (int64_t k = 0; k < lanes; k++)
                distance += ((double)a[k] - (double)before[k]) * ((double)a[k] - (double)before[k]);
            sums->distance += (double)weight * distance;
        }
        if (!memcmp(old, a, (size_t)lanes * sizeof *a)) continue;
        float *coef = mg_newton_take(newton, part, row);
        for (int64_t k = 0; k < lanes; k++) coef[k] = weight * (a[k] - old[k]);
        memcpy(old, a, (size_t)lanes * sizeof *a);
    }
    mg_newton_add_taken(newton, part);
}

enum { LOSS, VALUE, DISTANCE, FREE }; // the numbers of a shard

static void take_parts(mg_newton *newton, int64_t s) {
    double *numbers = mg_newton_numbers(newton, s);
    numbers[LOSS] = numbers[VALUE] = numbers[DISTANCE] = numbers[FREE] = 0;
    for (int p = 0; p < MG_NEWTON_PARTS; p++) {
        numbers[LOSS] += newton->part[p].loss;
        numbers[VALUE] += newton->part[p].value;
        numbers[DISTANCE] += newton->part[p].distance;
    }
    memset(newton->part, 0, sizeof newton->part);
}

static mg_newton_sums add_shards(mg_newton *newton) {
    mg_newton_fold(newton);
    const double *all = newton->shards.folded;
    return (mg_newton_sums){.loss = all[LOSS], .value = all[VALUE], .distance = all[DISTANCE]};
}

static void list_free(mg_newton *newton) {
    mg_newton_shards *shards = &newton->shards;
    newton->free.count = 0;
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++) {
        shards->free[s] = newton->free.count;
        for (int64_t row = shards->row[s]; row < shards->row[s + 1]; row++)
            if (newton->rows.is_free[row]) newton->free.row[newton->free.count++] = (uint32_t)row;
        shards->free[s + 1] = newton->free.count;
        mg_newton_numbers(newton, s)[FREE] = (double)(newton->free.count - shards->free[s]);
    }
}

mg_newton_sums mg_newton_evaluate(mg_newton *newton) {
    bool has_duals = mg_resident_has_duals(newton->resident);
    if (!has_duals) memset(newton->sum, 0, (size_t)newton->length * sizeof *newton->sum);
    mg_newton_sum(newton, has_duals ? fill_changes : mg_newton_fill_smooth, take_parts, newton->sum);
    list_free(newton);
    mg_newton_sums sums = add_shards(newton);
    newton->free.all = newton->shards.folded[FREE];
    return sums;
}

static void fill_all(mg_newton *newton, int64_t part, int64_t first, int64_t end) {
    const mg_resident *resident = newton->resident;
    int64_t lanes = resident->lanes;
    float *z = newton->scratch + part * 4 * lanes;
    mg_newton_sums *sums = &newton->part[part];
    for (int64_t row = first; row < end; row++) {
        int64_t y = resident->all.label[row];
        double weight = mg_resident_weight(resident, row);
        float *a = newton->rows.coef + row * lanes;
        mg_dual_rows_get(newton->iterate->duals, row, lanes, a);
        newton->rows.lead[row] = -INFINITY;
        if (weight == 0) continue;
        sums->loss += weight * (double)resident->problem->loss->row(lanes, newton->rows.scores + row * lanes,
                                                                    y, resident->problem->delta, z);
        sums->value += weight * mg_resident_dual_value(resident, a, y);
        if (mg_all_zero(a, lanes)) {
            newton->rows.lead[row] = lead_of(newton, newton->rows.scores + row * lanes, y);
            continue;
        }
        float *coef = mg_newton_take(newton, part, row);
        for (int64_t k = 0; k < lanes; k++) coef[k] = (float)weight * a[k];
    }
    mg_newton_add_taken(newton, part);
}

mg_newton_sums mg_newton_restore(mg_newton *newton) {
    memset(newton->sum, 0, (size_t)newton->length * sizeof *newton->sum);
    mg_newton_sum(newton, mg_resident_has_duals(newton->resident) ? fill_all : mg_newton_fill_smooth,
                  take_parts, newton->sum);
    return add_shards(newton);
}

static void slope_part(void *context, int64_t part) {
    mg_newton *newton = context;
    const mg_resident *resident = newton->resident;
    int64_t lanes = resident->lanes;
    float *z = newton->scratch + part * 4 * lanes, *before = z + lanes, *a = before + lanes, *s = a + lanes,
          t = (float)newton->trial;
    const int64_t *begin = newton->shards.row + newton->shards.present;
    double sum = 0;
    MG_EACH_OF_PART (i, begin[1] - begin[0], MG_NEWTON_PARTS, part) {
        int64_t row = begin[0] + i;
        const float *scores = newton->rows.scores + row * lanes, *move = newton->rows.move + row * lanes;
        double weight = mg_resident_weight(resident, row), inner = 0;
        if (weight == 0 || is_quiet(newton, row, t)) continue;
        for (int64_t k = 0; k < lanes; k++) s[k] = scores[k] + t * move[k];
        mg_dual_rows_get(newton->iterate->duals, row, lanes, before);
        find_coefficients(newton, row, s, before, z, a);
        for (int64_t k = 0; k < lanes; k++) inner += (double)a[k] * (double)move[k];
        sum += weight * inner;
    }
    newton->part_slope[part] = sum;
}

double mg_newton_slope_at(mg_newton *newton, double t) {
    newton->trial = t;
    return mg_newton_sum_parts(newton,
                               mg_resident_has_duals(newton->resident) ? slope_part : mg_newton_slope_smooth);
}
