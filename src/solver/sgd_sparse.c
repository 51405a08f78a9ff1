// sgd_sparse.c - the step that costs time in proportion to the stored values of the batch. Each part owns a range of features
// and alone writes their weights; rows are split for the scores only. Nothing of size D x K is formed or swept.
#include "solver/sgd.h"

#include <string.h>

static int64_t lower_bound(const uint32_t *indices, int64_t from, int64_t to, uint32_t feature) {
    while (from < to) {
        int64_t middle = from + (to - from) / 2;
        if (indices[middle] < feature) from = middle + 1;
        else to = middle;
    }
    return from;
}

// (M23) Decay owed by feature f since it was last settled, as one implicit step over the sum of the rates.
static void settle(mg_sgd *sgd, uint32_t f) {
    double owed = sgd->rate_sum - sgd->settled[f];
    if (owed <= 0) return;
    sgd->settled[f] = sgd->rate_sum;
    float rate = (float)sgd->eta, none = 0;
    mg_optim_step base = {.eta = rate, .momentum = sgd->momentum};
    if (sgd->rule->rates) sgd->rule->rates(&base, 1, &none, sgd->memory + f, &rate);
    float decay = (float)(1 / (1 + sgd->problem->lambda * (double)rate * owed));
    float *v = sgd->weights.v + (int64_t)f * sgd->weights.line;
    for (int64_t k = 0; k < sgd->weights.line; k++) v[k] *= decay;
}

// Phase 1, by owner: which features does the batch touch, and bring them up to date.
static void find_touched(void *context, int64_t p) {
    mg_sgd *sgd = context;
    const mg_rows *rows = &sgd->batch->rows;
    mg_sgd_owner *owner = &sgd->owners[p];
    int64_t stride = sgd->problem->parts + 1;
    uint32_t stamp = (uint32_t)(sgd->step + 1);
    owner->count = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t row = mg_rows_stored(rows, i), end = rows->indptr[row + 1];
        int64_t from = lower_bound(rows->indices, rows->indptr[row], end, owner->from);
        int64_t e = from;
        for (; e < end && rows->indices[e] < owner->to; e++) {
            uint32_t f = rows->indices[e];
            if (sgd->mark[f] == stamp) continue;
            sgd->mark[f] = stamp;
            owner->touched[owner->count++] = f;
        }
        sgd->cuts[i * stride + p] = from;
        if (p == sgd->problem->parts - 1) sgd->cuts[i * stride + p + 1] = end;
    }
    for (int64_t t = 0; t < owner->count; t++) {
        settle(sgd, owner->touched[t]);
        memset(sgd->grad + (int64_t)owner->touched[t] * sgd->weights.line, 0, (size_t)sgd->weights.line * sizeof(float));
    }
}

// Phase 2, by rows: scores and coefficients (M1, M3..M9).
static void part_coefficients(void *context, int64_t p) {
    mg_sgd *sgd = context;
    const mg_problem *problem = sgd->problem;
    const mg_batch *batch = sgd->batch;
    mg_sgd_part *part = &sgd->parts[p];
    mg_pass *pass = &part->pass;
    memset(part->coef_sum, 0, (size_t)pass->lanes * sizeof(double));
    part->loss = 0;
    int64_t end = mg_sgd_begin(sgd, p + 1);
    for (int64_t first = mg_sgd_begin(sgd, p); first < end; first += pass->block_rows) {
        int64_t count = end - first < pass->block_rows ? end - first : pass->block_rows;
        mg_pass_scores(pass, problem->kernel, &sgd->weights, &batch->rows, first, count);
        part->loss += mg_pass_losses(pass, problem->loss, problem->delta, &batch->rows, batch->label, batch->weight, first, count);
        memcpy(sgd->coef + first * pass->lanes, pass->coef, (size_t)(count * pass->lanes) * sizeof(float));
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = 0; k < pass->lanes; k++) part->coef_sum[k] += (double)pass->coef[i * pass->lanes + k];
    }
}

static bool all_zero(const float *coef, int64_t lanes) {
    for (int64_t k = 0; k < lanes; k++)
        if (coef[k] != 0) return false;
    return true;
}

// (M10) Phase 3, by owner: gradients of the touched features in row order, then their step and decay.
static void update_touched(void *context, int64_t p) {
    mg_sgd *sgd = context;
    const mg_problem *problem = sgd->problem;
    const mg_rows *rows = &sgd->batch->rows;
    mg_sgd_owner *owner = &sgd->owners[p];
    int64_t stride = problem->parts + 1, line = sgd->weights.line, lanes = sgd->weights.lanes;
    for (int64_t i = 0; i < rows->count; i++) {
        const float *coef = sgd->coef + i * lanes;
        int64_t from = sgd->cuts[i * stride + p], n = sgd->cuts[i * stride + p + 1] - from;
        if (n && !all_zero(coef, lanes))
            problem->kernel->csr_accumulate(n, rows->indices + from, rows->values + from, line, coef, sgd->grad);
    }
    mg_optim_step step = mg_sgd_rule_step(sgd);
    float mean = 1 / (float)rows->count;
    double after = sgd->rate_sum + sgd->factor;
    for (int64_t t = 0; t < owner->count; t++) {
        uint32_t f = owner->touched[t];
        float *g = sgd->grad + (int64_t)f * line, *v = sgd->weights.v + (int64_t)f * line;
        float scale = problem->scale ? problem->scale[f] : 1, square = 0, rate = step.eta;
        for (int64_t k = 0; k < line; k++) {
            float scaled = g[k] * (mean * scale);
            square += scaled * scaled;
            g[k] = scaled * scale;
        }
        if (sgd->rule->rates) sgd->rule->rates(&step, 1, &square, sgd->memory + f, &rate);
        sgd->rule->apply(&step, line, &rate, true, g, sgd->velocity ? sgd->velocity + (int64_t)f * line : NULL, v);
        float decay = 1 / (1 + (float)problem->lambda * rate); // (M12)
        for (int64_t k = 0; k < line; k++) v[k] *= decay;
        sgd->settled[f] = after;
    }
}

void mg_sgd_step_sparse(mg_sgd *sgd) {
    const mg_problem *problem = sgd->problem;
    mg_team_for(problem->team, problem->parts, find_touched, sgd);
    mg_team_for(problem->team, problem->parts, part_coefficients, sgd);
    for (int64_t p = 1; p < problem->parts; p++)
        for (int64_t k = 0; k < sgd->weights.lanes; k++) sgd->parts[0].coef_sum[k] += sgd->parts[p].coef_sum[k];
    mg_team_for(problem->team, problem->parts, update_touched, sgd);
    mg_sgd_step_bias(sgd);
}

static void settle_owner(void *context, int64_t p) {
    mg_sgd *sgd = context;
    for (uint32_t f = sgd->owners[p].from; f < sgd->owners[p].to; f++) settle(sgd, f);
}

void mg_sgd_settle(mg_sgd *sgd) {
    if (sgd->sparse) mg_team_for(sgd->problem->team, sgd->problem->parts, settle_owner, sgd);
}
