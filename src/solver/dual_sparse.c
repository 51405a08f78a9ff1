// dual_sparse.c - rounds of sparse rows: their scores side by side, then the weights by owners of feature ranges, each taking the rows
// in order, so that no sum depends on the threads.
#include "solver/dual.h"

#include <string.h>

enum { FETCH_ENTRIES = 48 }; // of the row after next that are asked for early

static int64_t owner_begin(const mg_dual_state *dual, int64_t owner) {
    return dual->problem->features * owner / MG_DUAL_OWNERS;
}

// Entries of a row, columns scaled; `to` has room for those of any row.
static const float *values_of(const mg_dual_state *dual, int64_t row, float *to) {
    const mg_rows *rows = &dual->all.rows;
    int64_t from = rows->indptr[row], n = rows->indptr[row + 1] - from;
    if (!dual->problem->scale) return rows->values + from;
    for (int64_t e = 0; e < n; e++) to[e] = rows->values[from + e] * dual->problem->scale[rows->indices[from + e]];
    return to;
}

static void find_cuts(mg_dual_state *dual, int64_t r) {
    const mg_rows *rows = &dual->all.rows;
    int64_t from = rows->indptr[dual->row[r]], end = rows->indptr[dual->row[r] + 1];
    int32_t *cuts = dual->cuts + r * (MG_DUAL_OWNERS + 1);
    cuts[0] = 0;
    for (int64_t o = 1; o < MG_DUAL_OWNERS; o++)
        cuts[o] = (int32_t)(mg_rows_lower_bound(rows->indices, from + cuts[o - 1], end, owner_begin(dual, o)) - from);
    cuts[MG_DUAL_OWNERS] = (int32_t)(end - from);
}

// The lines of a row that will be wanted: where its entries are, and its dual variables.
static void fetch_row(const mg_dual_state *dual, int64_t r) {
    if (r >= dual->count) return;
    const mg_rows *rows = &dual->all.rows;
    int64_t from = rows->indptr[dual->row[r]];
    for (int64_t e = 0; e < FETCH_ENTRIES; e += 16) {
        __builtin_prefetch(rows->indices + from + e, 0, 3);
        __builtin_prefetch(rows->values + from + e, 0, 3);
    }
    mg_dual_rows_fetch(dual->rows, dual->row[r]);
    __builtin_prefetch(dual->norm + dual->row[r], 0, 3);
    __builtin_prefetch(dual->all.label + dual->row[r], 0, 3);
}

static void score_part(void *context, int64_t part) {
    mg_dual_state *dual = context;
    const mg_rows *rows = &dual->all.rows;
    const mg_weights *w = &dual->weights;
    int64_t end = (part + 1) * MG_DUAL_ROUND_PART;
    if (end > dual->count) end = dual->count;
    float *scaled = dual->values ? dual->values + part * dual->problem->most_entries : NULL;
    for (int64_t r = part * MG_DUAL_ROUND_PART; r < end; r++) {
        int64_t row = dual->row[r], from = rows->indptr[row], n = rows->indptr[row + 1] - from;
        int64_t next = r + 1 < dual->count ? dual->row[r + 1] : row, next_from = rows->indptr[next];
        fetch_row(dual, r + 3);
        dual->problem->kernel->csr_scores(n, rows->indices + from, values_of(dual, row, scaled), w->line, w->v, w->offset,
                                          dual->scores + r * dual->lanes, next == row ? 0 : rows->indptr[next + 1] - next_from,
                                          rows->indices + next_from);
        if (dual->problem->bias > 0) continue;
        mg_dual_row_step(dual, r, dual->z + part * dual->lanes);
        if (dual->changed[r] != 0) find_cuts(dual, r);
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
        mg_dual_row_step(dual, r, dual->z);
        if (dual->changed[r] == 0) continue;
        find_cuts(dual, r);
        for (int64_t k = 0; k < dual->lanes; k++) dual->shift[k] += square * u[k];
    }
}

void mg_dual_sparse_scores(mg_dual_state *dual) {
    int64_t parts = (dual->count + MG_DUAL_ROUND_PART - 1) / MG_DUAL_ROUND_PART;
    mg_team_for(dual->problem->team, parts, score_part, dual);
    if (dual->problem->bias > 0) step_in_turn(dual);
}

static void update_owner(void *context, int64_t owner) {
    mg_dual_state *dual = context;
    const mg_rows *rows = &dual->all.rows;
    mg_weights *w = &dual->weights;
    double square = 0;
    // Behind the scratch of the parts that score: owners work when those are done.
    float *scaled = dual->values ? dual->values + owner * dual->problem->most_entries : NULL;
    for (int64_t r = 0; r < dual->count; r++) {
        if (dual->changed[r] == 0) continue;
        const int32_t *cuts = dual->cuts + r * (MG_DUAL_OWNERS + 1);
        int64_t from = rows->indptr[dual->row[r]];
        const float *values = values_of(dual, dual->row[r], scaled);
        square += (double)dual->problem->kernel->csr_update(cuts[owner + 1] - cuts[owner], rows->indices + from + cuts[owner],
                                                            values + cuts[owner], w->line, dual->u + r * dual->lanes, w->v);
    }
    dual->owner_square[owner] = square;
}

double mg_dual_sparse_update(mg_dual_state *dual) {
    mg_weights *w = &dual->weights;
    float bias = (float)dual->problem->bias;
    double square = 0;
    mg_team_for(dual->problem->team, MG_DUAL_OWNERS, update_owner, dual);
    for (int o = 0; o < MG_DUAL_OWNERS; o++) square += dual->owner_square[o];
    for (int64_t k = 0; bias > 0 && k < w->classes; k++) {
        double before = (double)w->bias[k];
        for (int64_t r = 0; r < dual->count; r++)
            if (dual->changed[r] != 0) w->bias[k] += bias * dual->u[r * dual->lanes + k];
        square += ((double)w->bias[k] - before) * ((double)w->bias[k] + before);
        w->offset[k] = bias * w->bias[k];
    }
    return square;
}

void mg_dual_sparse_shrink(mg_dual_state *dual, float factor) {
    for (int64_t r = 0; r < dual->count; r++)
        for (int64_t k = 0; dual->changed[r] != 0 && k < dual->lanes; k++) dual->u[r * dual->lanes + k] *= factor;
    mg_dual_sparse_update(dual);
}
