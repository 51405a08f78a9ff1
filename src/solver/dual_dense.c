// dual_dense.c - blocks of dense rows: scores and products of all rows at once, then one row after the other as if each had seen the
// steps of those before it, then the weights.
#include "solver/dual.h"

#include <string.h>

enum { CLASS_GROUP = 2 }; // classes whose weights one thread updates at a time

void mg_dual_dense_row(const mg_dual_state *dual, int64_t row, float *to) {
    const mg_problem *problem = dual->problem;
    const mg_rows *rows = &dual->all.rows;
    int64_t line = rows->stride, at = row * line;
    if (rows->cell == MG_CELL_F32) memcpy(to, (const float *)rows->dense + at, (size_t)line * sizeof *to);
    else if (rows->cell == MG_CELL_U8) problem->kernel->widen_u8(line, (const uint8_t *)rows->dense + at, to);
    else problem->kernel->widen_i8(line, (const int8_t *)rows->dense + at, to);
    if (problem->center)
        for (int64_t d = 0; d < problem->features; d++) to[d] = problem->scale[d] * (to[d] - problem->center[d]);
    else if (problem->scale)
        for (int64_t d = 0; d < problem->features; d++) to[d] *= problem->scale[d];
}

static int64_t part_end(const mg_dual_state *dual, int64_t part) {
    int64_t end = (part + 1) * MG_DUAL_BLOCK_PART;
    return end < dual->count ? end : dual->count;
}

static void take_and_score(void *context, int64_t part) {
    mg_dual_state *dual = context;
    int64_t line = dual->weights.line, first = part * MG_DUAL_BLOCK_PART, end = part_end(dual, part);
    for (int64_t r = first; r < end; r++) mg_dual_dense_row(dual, dual->row[r], dual->wide + r * line);
    dual->problem->kernel->dense_scores(end - first, line, dual->x + first, dual->weights.classes, dual->weights.v, dual->weights.offset,
                                        dual->scores + first * dual->lanes, dual->lanes);
}

// Products of the part's rows with every row before them.
static void multiply_rows(void *context, int64_t part) {
    mg_dual_state *dual = context;
    int64_t line = dual->weights.line, first = part * MG_DUAL_BLOCK_PART, end = part_end(dual, part);
    dual->problem->kernel->dense_scores(end - first, line, dual->x + first, end, dual->wide, dual->zeros,
                                        dual->gram + first * MG_DUAL_BLOCK, MG_DUAL_BLOCK);
}

static void update_classes(void *context, int64_t group) {
    mg_dual_state *dual = context;
    int64_t first = group * CLASS_GROUP, left = dual->weights.classes - first, line = dual->weights.line;
    dual->problem->kernel->dense_accumulate(dual->count, line, dual->x, left < CLASS_GROUP ? left : CLASS_GROUP, dual->u + first,
                                            dual->lanes, dual->weights.v + first * line);
}

// The rows after `r` see its step in their scores.
static void pass_on(mg_dual_state *dual, int64_t r, float constant) {
    const float *u = dual->u + r * dual->lanes;
    for (int64_t j = r + 1; j < dual->count; j++) {
        float product = dual->gram[j * MG_DUAL_BLOCK + r] + constant, *s = dual->scores + j * dual->lanes;
        for (int64_t k = 0; k < dual->lanes; k++) s[k] += u[k] * product;
    }
}

void mg_dual_dense_block(mg_dual_state *dual) {
    const mg_problem *problem = dual->problem;
    mg_weights *w = &dual->weights;
    int64_t parts = (dual->count + MG_DUAL_BLOCK_PART - 1) / MG_DUAL_BLOCK_PART;
    float constant = (float)(problem->bias * problem->bias);
    mg_team_for(problem->team, parts, take_and_score, dual);
    mg_team_for(problem->team, parts, multiply_rows, dual);
    bool moved = false;
    for (int64_t r = 0; r < dual->count; r++) {
        mg_dual_row_step(dual, r, dual->z);
        if (dual->changed[r] == 0) {
            memset(dual->u + r * dual->lanes, 0, (size_t)dual->lanes * sizeof *dual->u);
            continue;
        }
        moved = true;
        pass_on(dual, r, constant);
        for (int64_t k = 0; k < w->classes; k++) w->bias[k] += (float)problem->bias * dual->u[r * dual->lanes + k];
    }
    if (!moved) return;
    mg_team_for(problem->team, (w->classes + CLASS_GROUP - 1) / CLASS_GROUP, update_classes, dual);
    for (int64_t k = 0; k < w->classes; k++) w->offset[k] = (float)problem->bias * w->bias[k];
}
