// sparse.c - rounds of sparse rows. Threads own ranges of features, update their weights and score their part of every row, so that
// weights do not travel between cores; then rows are spread over the threads for their steps. No sum depends on the threads.
#include "solver/dual.h"

#include "base/memory.h"

#include <string.h>

enum { OWNER_ENTRIES = 32 };                    // of a row: with fewer each, owners cost more than they save
enum { FETCH_ENTRIES = 48, FETCH_ROWS = 3 }; // of a row soon to come that are asked for early

mg_status mg_dual_sparse_create(mg_dual_state *dual, mg_error *error) {
    const mg_problem *problem = dual->problem;
    double owners = problem->entries_per_row / OWNER_ENTRIES;
    dual->owners = owners < 2 ? 2 : owners > MG_DUAL_OWNERS ? MG_DUAL_OWNERS : (int)owners;
    size_t others = (size_t)dual->owners - 1;
    mg_status status = mg_memory_get(&dual->cuts, (size_t)problem->rows, others * sizeof *dual->cuts, error);
    if (!status) status = mg_memory_zeroed(&dual->owner_scores, others * MG_DUAL_ROUND, (size_t)dual->lanes * sizeof(float), error);
    if (!status && problem->scale)
        status = mg_memory_get(&dual->values, (size_t)dual->owners, (size_t)problem->most_entries * sizeof(float), error);
    return status;
}

void mg_dual_sparse_destroy(mg_dual_state *dual) {
    mg_memory_free(dual->cuts);
    mg_memory_free(dual->owner_scores);
    mg_memory_free(dual->values);
}

void mg_dual_sparse_cuts(void *state, int64_t item) {
    mg_dual_state *dual = state;
    const mg_rows *rows = &dual->all.rows;
    int64_t others = dual->owners - 1;
    int64_t end = (item + 1) * MG_DUAL_ITEM_ROWS < dual->problem->rows ? (item + 1) * MG_DUAL_ITEM_ROWS : dual->problem->rows;
    for (int64_t row = item * MG_DUAL_ITEM_ROWS; row < end; row++) {
        int64_t first = rows->indptr[row], at = first;
        for (int o = 1; o < dual->owners; o++) {
            at = mg_rows_lower_bound(rows->indices, at, rows->indptr[row + 1], dual->begin[o]);
            dual->cuts[row * others + o - 1] = (uint32_t)(at - first);
        }
    }
}

// An owner's entries of a row, columns scaled.
typedef struct entries {
    int64_t count;
    const uint32_t *indices;
    const float *values;
} entries;

static entries entries_of(const mg_dual_state *dual, int64_t row, int64_t owner, bool with_values) {
    const mg_rows *rows = &dual->all.rows;
    int64_t from, end;
    mg_dual_owned(dual, row, owner, &from, &end);
    entries e = {.count = end - from, .indices = rows->indices + from, .values = rows->values + from};
    if (!with_values || !dual->values) return e;
    float *to = dual->values + owner * dual->problem->most_entries;
    for (int64_t j = 0; j < e.count; j++) to[j] = e.values[j] * dual->problem->scale[e.indices[j]];
    e.values = to;
    return e;
}

static void fetch_entries(const mg_dual_state *dual, int64_t r, int64_t owner) {
    if (r >= dual->left) return;
    entries e = entries_of(dual, dual->row[r], owner, false);
    for (int64_t j = 0; j < e.count && j < FETCH_ENTRIES; j += 16) {
        __builtin_prefetch(e.indices + j, 0, 3);
        __builtin_prefetch(e.values + j, 0, 3);
    }
}

// A row's step, and at once its dual variables, where no other row's memory is concerned.
static void step_row(mg_dual_state *dual, int64_t r, float *z) {
    mg_dual_row_step(dual, r, z);
    if (!mg_dual_changed(dual, r)) return;
    bool kept = mg_dual_rows_put_few(dual->rows, dual->row[r], dual->lanes, dual->after + r * dual->lanes);
    if (kept) mg_dual_part_of(dual, r)->kept |= mg_dual_bit(r);
}

static double update_owner(mg_dual_state *dual, int64_t owner) {
    mg_weights *w = &dual->weights;
    const uint32_t *rows = dual->row - dual->owed;
    double square = 0;
    for (int64_t r = 0; r < dual->owed; r++) {
        if (!mg_dual_changed(dual, r)) continue;
        entries e = entries_of(dual, rows[r], owner, true);
        square += (double)dual->problem->kernel->csr_update(e.count, e.indices, e.values, w->line, dual->u + r * dual->lanes, w->v);
    }
    return square;
}

static void work_on_owner(void *context, int64_t owner) {
    mg_dual_state *dual = context;
    const mg_weights *w = &dual->weights;
    float *scores = owner == 0 ? dual->scores : dual->owner_scores + (owner - 1) * MG_DUAL_ROUND * dual->lanes;
    if (dual->again != 0) dual->owner[owner].square = update_owner(dual, owner);
    for (int64_t r = 0; r < dual->count; r++) {
        entries e = entries_of(dual, dual->row[r], owner, true), next = {.count = 0};
        if (r + 1 < dual->left) next = entries_of(dual, dual->row[r + 1], owner, false);
        fetch_entries(dual, r + FETCH_ROWS, owner);
        dual->problem->kernel->csr_scores(e.count, e.indices, e.values, w->line, w->v, owner == 0 ? dual->offset : dual->zeros,
                                          scores + r * dual->lanes, next.count, next.indices);
    }
}

// The constant feature's weights.
static double update_bias(mg_dual_state *dual) {
    mg_weights *w = &dual->weights;
    float bias = (float)dual->problem->bias;
    double square = 0;
    for (int64_t k = 0; k < w->classes; k++) {
        double before = (double)w->bias[k];
        for (int64_t r = 0; r < dual->owed; r++)
            if (mg_dual_changed(dual, r)) w->bias[k] += bias * dual->u[r * dual->lanes + k];
        square += ((double)w->bias[k] - before) * ((double)w->bias[k] + before);
        w->offset[k] = dual->offset[k] = bias * w->bias[k];
    }
    return square;
}

double mg_dual_sparse_scores(mg_dual_state *dual, float again) {
    double square = 0;
    dual->again = dual->owed > 0 ? again : 0;
    for (int64_t i = 0; dual->again != 0 && dual->again != 1 && i < dual->owed * dual->lanes; i++) dual->u[i] *= dual->again;
    if (dual->again != 0 && dual->problem->bias > 0) square = update_bias(dual);
    mg_team_for(dual->problem->team, dual->owners, work_on_owner, dual);
    for (int o = 0; dual->again != 0 && o < dual->owners; o++) square += dual->owner[o].square;
    return square;
}

static void fetch_row(const mg_dual_state *dual, int64_t r) {
    if (r >= dual->left) return;
    mg_dual_rows_fetch(dual->rows, dual->row[r]);
    __builtin_prefetch(dual->norm + dual->row[r], 0, 3);
    __builtin_prefetch(dual->all.label + dual->row[r], 0, 3);
}

static void step_part(void *context, int64_t part) {
    mg_dual_state *dual = context;
    int64_t lanes = dual->lanes, first = part * MG_DUAL_ROUND_PART, end = first + MG_DUAL_ROUND_PART;
    if (end > dual->count) end = dual->count;
    dual->part[part] = (mg_dual_part){.loss = 0};
    for (int o = 1; o < dual->owners; o++)
        dual->problem->kernel->add((end - first) * lanes, dual->owner_scores + ((o - 1) * MG_DUAL_ROUND + first) * lanes,
                                   dual->scores + first * lanes);
    for (int64_t r = first; r < end; r++) {
        fetch_row(dual, r + MG_DUAL_ROUND);
        if (dual->problem->bias == 0) step_row(dual, r, dual->z + part * lanes);
    }
}

// The constant feature is in every row: rows that all saw its old weights would overshoot together. So they step one after the other,
// each with the weights the one before has left.
static void step_in_turn(mg_dual_state *dual) {
    float square = (float)(dual->problem->bias * dual->problem->bias);
    memset(dual->shift, 0, (size_t)dual->lanes * sizeof *dual->shift);
    for (int64_t r = 0; r < dual->count; r++) {
        float *s = dual->scores + r * dual->lanes;
        const float *u = dual->u + r * dual->lanes;
        for (int64_t k = 0; k < dual->lanes; k++) s[k] += dual->shift[k];
        step_row(dual, r, dual->z);
        for (int64_t k = 0; mg_dual_changed(dual, r) && k < dual->lanes; k++) dual->shift[k] += square * u[k];
    }
}

void mg_dual_sparse_steps(mg_dual_state *dual) {
    mg_team_for(dual->problem->team, mg_dual_parts(dual->count), step_part, dual);
    if (dual->problem->bias > 0) step_in_turn(dual);
}
