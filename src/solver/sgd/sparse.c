// sparse.c - the step whose cost is proportional to the number of stored values of the minibatch. The weights
// of a range of features are written by one thread only; for the scores, rows are divided among the threads.
// No step reads or writes all D x K weights.
#include "solver/sgd/sgd.h"

#include <string.h>

// how many touched features, and how many rows, are prefetched ahead. They may be anywhere in memory
enum { AHEAD = 12, ROWS_AHEAD = 4 };

// The inputs of the rule for deferred decay: the rate before the schedule, at the present number of steps.
static mg_optim_step base_step(const mg_sgd *sgd) { return mg_sgd_step_of(sgd, 1, sgd->taken); }

// Present rates of n features, without a new gradient; `none` has n zeros.
static void present_rates(const mg_sgd *sgd, int64_t n, const float *none, mg_optim_memory memory,
                          float *rate) {
    mg_optim_step base = base_step(sgd);
    if (sgd->rule->rates) sgd->rule->rates(&base, n, none, memory, rate);
    else
        for (int64_t t = 0; t < n; t++) rate[t] = base.eta;
}

static inline mg_optim_line line_of(const mg_sgd *sgd, int64_t f) {
    mg_optim_line line = mg_sgd_line(sgd, f * sgd->weights.line, sgd->weights.line);
    line.shared = true;
    line.scale = sgd->problem->scale ? sgd->problem->scale + f : NULL;
    return line;
}

// (M12, M23) Applies the decay of feature f up to the sum `sum` of schedule factors, as one implicit step
// with the given rate. strength: lambda, or lambda divided by a factor that `rate` already contains. A decay
// whose factor rounds to 1 remains deferred until it has grown.
static inline void decay_feature(mg_sgd *sgd, const mg_optim_step *step, int64_t f, float rate,
                                 double strength, double sum) {
    double times = sum - sgd->decay.until[f], decay = strength * (double)rate * times;
    if (sgd->rule->weight_rates) {
        mg_optim_line line = line_of(sgd, f);
        if (!mg_sgd_decay_weights(sgd, step, &line, strength * times)) return;
    } else {
        if (decay < MG_SGD_LEAST_DECAY) return;
        float factor = (float)(1 / (1 + decay)), *v = sgd->weights.v + f * sgd->weights.line;
        for (int64_t k = 0; k < sgd->weights.line; k++) v[k] *= factor;
    }
    sgd->decay.until[f] = sum;
}

// Returns the slot of feature f in the range. The first time that the minibatch touches the feature, it gets
// the next free slot.
static inline uint32_t slot_of(mg_sgd *sgd, mg_sgd_range *range, uint32_t f) {
    uint32_t slot = sgd->ranges.slot[f];
    if (slot < range->count && range->touched[slot] == f) return slot;
    slot = (uint32_t)range->count++;
    sgd->ranges.slot[f] = slot;
    range->touched[slot] = f;
    return slot;
}

static inline void fetch_weights(const mg_sgd *sgd, uint32_t f) {
    const float *v = sgd->weights.v + (int64_t)f * sgd->weights.line;
    for (int64_t k = 0; k < sgd->weights.line; k += 16) __builtin_prefetch(v + k, 1);
}

// Phase 0, for rows: finds where the stored values of each range begin.
static void cut_rows(void *context, int64_t p) {
    mg_sgd *sgd = context;
    const mg_rows *rows = &sgd->batch->rows;
    int64_t count = sgd->ranges.count;
    for (int64_t i = mg_sgd_begin(sgd, p); i < mg_sgd_begin(sgd, p + 1); i++) {
        int64_t row = mg_rows_stored(rows, i), e = rows->indptr[row], end = rows->indptr[row + 1],
                *cuts = sgd->ranges.cuts + i * (count + 1);
        for (int64_t r = 0; r < count; r++) {
            while (e < end && rows->indices[e] < sgd->ranges.range[r].from) e++;
            cuts[r] = e;
        }
        cuts[count] = end;
    }
}

// Prefetches the slots of those stored values of row i that belong to a range.
static void fetch_slots(const mg_sgd *sgd, int64_t p, int64_t i) {
    const mg_rows *rows = &sgd->batch->rows;
    const int64_t *cuts = sgd->ranges.cuts + i * (sgd->ranges.count + 1) + p;
    for (int64_t e = cuts[0]; e < cuts[1]; e++) __builtin_prefetch(sgd->ranges.slot + rows->indices[e], 1);
}

static mg_optim_memory slots_of(const mg_sgd *sgd, const mg_sgd_range *range) {
    return (mg_optim_memory){sgd->memory.slot, range->from};
}

// Copies the rule's arrays of the touched features into slots; store_memory copies them back.
static void load_memory(const mg_sgd *sgd, const mg_sgd_range *range) {
    for (int i = 0; i < sgd->rule->feature_count; i++) {
        const float *from = sgd->memory.feature[i];
        float *to = sgd->memory.slot[i] + range->from;
        for (int64_t t = 0; t < range->count; t++) {
            if (t + AHEAD < range->count) __builtin_prefetch(from + range->touched[t + AHEAD], 1);
            to[t] = from[range->touched[t]];
        }
    }
}

static void store_memory(const mg_sgd *sgd, const mg_sgd_range *range) {
    for (int i = 0; i < sgd->rule->feature_count; i++) {
        const float *from = sgd->memory.slot[i] + range->from;
        for (int64_t t = 0; t < range->count; t++) sgd->memory.feature[i][range->touched[t]] = from[t];
    }
}

// Phase 1, for a range: finds the features that the minibatch touches, and applies their deferred decay.
static void find_touched(void *context, int64_t p) {
    mg_sgd *sgd = context;
    const mg_rows *rows = &sgd->batch->rows;
    mg_sgd_range *range = &sgd->ranges.range[p];
    int64_t stride = sgd->ranges.count + 1, line = sgd->weights.line;
    range->count = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        const int64_t *cuts = sgd->ranges.cuts + i * stride + p;
        uint32_t *slots =
            sgd->ranges.value_slot + sgd->ranges.offset[i] - rows->indptr[mg_rows_stored(rows, i)];
        if (i + ROWS_AHEAD < rows->count) fetch_slots(sgd, p, i + ROWS_AHEAD);
        for (int64_t e = cuts[0]; e < cuts[1]; e++) slots[e] = slot_of(sgd, range, rows->indices[e]);
    }
    memset(range->grad, 0, (size_t)(range->count * line) * sizeof(float));
    memset(range->square, 0, (size_t)range->count * sizeof(float));
    load_memory(sgd, range);
    present_rates(sgd, range->count, range->square, slots_of(sgd, range), range->rate);
    mg_optim_step base = base_step(sgd);
    for (int64_t t = 0; t < range->count; t++) {
        if (t + AHEAD < range->count) {
            fetch_weights(sgd, range->touched[t + AHEAD]);
            __builtin_prefetch(sgd->decay.until + range->touched[t + AHEAD], 1);
        }
        decay_feature(sgd, &base, range->touched[t], range->rate[t], sgd->problem->lambda, sgd->decay.sum);
    }
}

// Phase 2, for rows: scores and coefficients (M1, M3..M9).
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
        int64_t count = mg_cut_next(first, end, pass->block_rows);
        mg_pass_scores(pass, problem->kernel, &sgd->weights, &batch->rows, first, count);
        part->loss += mg_pass_losses(pass, problem->loss, problem->delta, batch, first, count);
        memcpy(sgd->ranges.coef + first * pass->lanes, pass->coef,
               (size_t)(count * pass->lanes) * sizeof(float));
        mg_pass_add_coefficients(pass, count, part->coef_sum);
    }
}

// (M10) Sums the gradients of the range's touched features, in the order of the rows.
static void accumulate(mg_sgd *sgd, int64_t p) {
    const mg_rows *rows = &sgd->batch->rows;
    int64_t stride = sgd->ranges.count + 1, lanes = sgd->weights.lanes;
    for (int64_t i = 0; i < rows->count; i++) {
        const float *coef = sgd->ranges.coef + i * lanes;
        int64_t from = sgd->ranges.cuts[i * stride + p], n = sgd->ranges.cuts[i * stride + p + 1] - from;
        if (!n || mg_all_zero(coef, lanes)) continue;
        const uint32_t *slots =
            sgd->ranges.value_slot + sgd->ranges.offset[i] + (from - rows->indptr[mg_rows_stored(rows, i)]);
        mg_csr_row row = {n, slots, rows->values + from};
        sgd->problem->kernel->csr_accumulate(&row, sgd->weights.line, coef, sgd->ranges.range[p].grad);
    }
}

// Multiplies the gradients by the factors of (M19), and computes the squared norms of the gradients with
// respect to W.
static void scale_gradients(mg_sgd *sgd, mg_sgd_range *range) {
    const float *scales = sgd->problem->scale;
    int64_t line = sgd->weights.line;
    float mean = 1 / (float)sgd->batch->rows.count;
    for (int64_t t = 0; t < range->count; t++) {
        uint32_t f = range->touched[t];
        float *g = range->grad + t * line, scale = scales ? scales[f] : 1, lane[8] = {0};
        for (int64_t k = 0; k < line; k += 8)
            for (int l = 0; l < 8; l++) {
                float scaled = g[k + l] * (mean * scale);
                lane[l] += scaled * scaled;
                g[k + l] = scaled * scale; // (M19)
            }
        range->square[t] =
            ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
    }
}

// Phase 3, for a range: gradients of the touched features, then their step and decay.
static void update_touched(void *context, int64_t p) {
    mg_sgd *sgd = context;
    mg_sgd_range *range = &sgd->ranges.range[p];
    int64_t line = sgd->weights.line;
    mg_optim_step step = mg_sgd_rule_step(sgd);
    // `rate` already contains the schedule's factor of this step, but deferred decay is a sum of factors; so
    // lambda is divided by the factor.
    double after = sgd->decay.sum + sgd->factor,
           strength = sgd->factor > 0 ? sgd->problem->lambda / sgd->factor : 0;
    accumulate(sgd, p);
    scale_gradients(sgd, range);
    if (sgd->rule->rates) {
        sgd->rule->rates(&step, range->count, range->square, slots_of(sgd, range), range->rate);
        store_memory(sgd, range);
    }
    float rate;
    mg_optim_line weights = line_of(sgd, 0);
    weights.rate = &rate;
    for (int64_t t = 0; t < range->count; t++) {
        int64_t f = range->touched[t];
        rate = sgd->rule->rates ? range->rate[t] : step.eta;
        if (t + AHEAD < range->count) {
            fetch_weights(sgd, range->touched[t + AHEAD]);
            __builtin_prefetch(sgd->decay.until + range->touched[t + AHEAD], 1);
        }
        weights.memory.at = f * line;
        weights.w = sgd->weights.v + f * line;
        weights.scale = sgd->problem->scale ? sgd->problem->scale + f : NULL;
        weights.g = range->grad + t * line;
        sgd->rule->apply(&step, &weights);
        decay_feature(sgd, &step, f, rate, strength, after);
    }
}

void mg_sgd_share_features(mg_sgd *sgd) {
    int64_t line = sgd->weights.line;
    for (int64_t p = 0; p < sgd->ranges.count; p++) {
        int64_t from = sgd->ranges.begin[p];
        sgd->ranges.range[p] = (mg_sgd_range){
            .from = (uint32_t)from,
            .to = (uint32_t)sgd->ranges.begin[p + 1],
            .touched = sgd->ranges.all.touched + from,
            .grad = sgd->ranges.all.grad + from * line,
            .square = sgd->ranges.all.square + from,
            .rate = sgd->ranges.all.rate + from,
        };
    }
}

// Chooses ranges with equally many stored values of this minibatch. Later minibatches keep them, so that the
// weights of a range stay in one core's cache.
static void weigh_features(mg_sgd *sgd) {
    mg_cut_ranges(&sgd->batch->rows, sgd->ranges.count, sgd->ranges.begin);
    mg_sgd_share_features(sgd);
    sgd->ranges.weighed = true;
}

void mg_sgd_step_sparse(mg_sgd *sgd) {
    const mg_problem *problem = sgd->problem;
    if (!sgd->ranges.weighed) weigh_features(sgd);
    const mg_rows *rows = &sgd->batch->rows;
    const int64_t line_cells = 16;
    int64_t stored = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        // The rows of a minibatch may be anywhere in memory, so all of them are prefetched early.
        if (i + AHEAD < rows->count) __builtin_prefetch(rows->indptr + mg_rows_stored(rows, i + AHEAD));
        int64_t row = mg_rows_stored(rows, i), begin = rows->indptr[row], end = rows->indptr[row + 1];
        for (int64_t e = begin; e < end; e += line_cells) {
            __builtin_prefetch(rows->indices + e);
            __builtin_prefetch(rows->values + e);
        }
        sgd->ranges.offset[i] = stored;
        stored += end - begin;
    }
    mg_team_for(problem->team, problem->parts, cut_rows, sgd);
    mg_team_for(problem->team, sgd->ranges.count, find_touched, sgd);
    mg_team_for(problem->team, problem->parts, part_coefficients, sgd);
    for (int64_t p = 1; p < problem->parts; p++)
        for (int64_t k = 0; k < sgd->weights.lanes; k++)
            sgd->parts[0].coef_sum[k] += sgd->parts[p].coef_sum[k];
    mg_team_for(problem->team, sgd->ranges.count, update_touched, sgd);
    mg_sgd_step_bias(sgd);
}

static void decay_range(void *context, int64_t p) {
    enum { RUN = 256 };
    static const float none[RUN];
    mg_sgd *sgd = context;
    float rate[RUN];
    mg_optim_step base = base_step(sgd);
    for (uint32_t from = sgd->ranges.range[p].from, to; from < sgd->ranges.range[p].to; from = to) {
        to = (uint32_t)mg_cut_next(from, sgd->ranges.range[p].to, RUN) + from;
        present_rates(sgd, to - from, none, (mg_optim_memory){sgd->memory.feature, from}, rate);
        for (uint32_t f = from; f < to; f++)
            decay_feature(sgd, &base, f, rate[f - from], sgd->problem->lambda, sgd->decay.sum);
    }
}

void mg_sgd_decay_all(mg_sgd *sgd) {
    if (sgd->sparse) mg_team_for(sgd->problem->team, sgd->ranges.count, decay_range, sgd);
}
