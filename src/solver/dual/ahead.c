// ahead.c - scores the rows of a dense round one round ahead, while the rows of the round before step. Owns
// the rows of a round with their scores, and the part of a checkpoint that belongs to them.
#include "solver/dual/ascent.h"

#include <math.h>
#include <string.h>

enum {
    ITEM_FLOATS = 32 << 10, // cells of the rows of an item that has all classes
    ITEM_UNIT = 8,          // its rows are a multiple of this
    SCORE_CLASSES = 96, // classes of an item with many classes, a multiple of the classes of a kernel's tile
    MANY_CLASSES = 192
};
// curvature of rows without features: any value gives an exact step, but the step must be finite
#define SMALLEST_CURVATURE 1e-6f

// ---- scores -------------------------------------------------------------------------------------

static const mg_weights *scoring_weights(const mg_ascent *ascent) {
    return ascent->dense.raw.v ? &ascent->dense.raw : &ascent->iterate->weights;
}

// Collects what the step of row r of the next round needs: cells, q, factor, label, coordinates,
// coefficients.
static void take_row(mg_ascent *ascent, int64_t r) {
    const mg_dual_dense *d = &ascent->dense;
    const mg_dual_scored *to = &d->ahead.next;
    const mg_resident *resident = ascent->resident;
    int64_t row = to->row[r], count = d->directions.count;
    double weight = mg_resident_weight(resident, row);
    float q = (float)(weight * resident->scale * (double)resident->norm[row]), *wide;
    to->curvature[r] = q > SMALLEST_CURVATURE ? q : SMALLEST_CURVATURE;
    to->factor[r] = (float)(-weight * resident->scale);
    to->label[r] = resident->all.label[row];
    memcpy(to->z + r * count, d->directions.z + row * count, (size_t)count * sizeof *to->z);
    mg_dual_rows_get(ascent->iterate->duals, row, resident->lanes, to->before + r * resident->lanes);
    to->x[r] = d->copies ? NULL : mg_rows_dense(&resident->all.rows, row);
    if (!d->copies) return;
    to->x[r] = wide = to->wide + r * resident->line;
    if (d->scaled) mg_resident_row(resident, row, wide);
    else mg_pass_cells(resident->problem->kernel, &resident->all.rows, row, resident->line, wide);
}

static void take_item(void *context, int64_t item) {
    mg_ascent *ascent = context;
    const mg_dual_dense *d = &ascent->dense;
    int64_t end = mg_cut_end(d->ahead.next.count, d->item_rows, item);
    for (int64_t r = item * d->item_rows; r < end; r++) take_row(ascent, r);
}

static int64_t class_ranges(const mg_ascent *ascent) {
    int64_t classes = ascent->resident->problem->classes;
    return classes < MANY_CLASSES ? 1 : mg_cut_items(classes, SCORE_CLASSES);
}

int64_t mg_dual_ahead_block(const mg_ascent *ascent) {
    // with several ranges, more rows, because each item reads the weights of its classes
    if (class_ranges(ascent) > 1) return MG_BLOCK_ROWS;
    return ITEM_UNIT *
           mg_clamp(ITEM_FLOATS / (ITEM_UNIT * ascent->resident->line), 1, MG_BLOCK_ROWS / ITEM_UNIT);
}

int64_t mg_dual_ahead_items(const mg_ascent *ascent) {
    return mg_cut_items(ascent->dense.ahead.next.count, ascent->dense.ahead.score_rows) *
           class_ranges(ascent);
}

void mg_dual_ahead_score(mg_ascent *ascent, int64_t item) {
    const mg_dual_dense *d = &ascent->dense;
    const mg_dual_scored *to = &d->ahead.next;
    const mg_resident *resident = ascent->resident;
    int64_t ranges = class_ranges(ascent), classes = resident->problem->classes, block = item / ranges,
            from = item % ranges * SCORE_CLASSES, first = block * d->ahead.score_rows,
            end = mg_cut_end(to->count, d->ahead.score_rows, block);
    const void *x[2 * MG_BLOCK_ROWS];
    int64_t more = ranges == 1 && !d->copies ? mg_min(end - first, to->count - end) : 0;
    for (int64_t r = first; ranges == 1 && r < end; r++) take_row(ascent, r);
    for (int64_t r = first; r < end; r++) x[r - first] = to->x[r];
    for (int64_t i = 0; i < more; i++)
        x[end - first + i] = mg_rows_dense(&resident->all.rows, to->row[end + i]);
    mg_dense_block rows = {.cell = d->copies ? MG_CELL_F32 : resident->all.rows.cell,
                           .rows = end - first,
                           .dp = resident->line,
                           .raw = x,
                           .more = more};
    mg_kernel_weights w = mg_weights_kernel(scoring_weights(ascent));
    if (ranges > 1) w.classes = mg_cut_next(from, classes, SCORE_CLASSES);
    w.w += from * resident->line;
    w.offset += from;
    resident->problem->kernel->dense_block_scores(&rows, &w, to->scores + first * resident->lanes + from,
                                                  resident->lanes);
}

static void score_item(void *context, int64_t item) { mg_dual_ahead_score(context, item); }

// ---- the next round -----------------------------------------------------------------------------

int64_t mg_dual_ahead_count(mg_ascent *ascent, int64_t left) {
    const mg_dual_scored *next = &ascent->dense.ahead.next;
    int64_t before = ascent->round.row - ascent->visits.list;
    // only a forged checkpoint has more rows than there are
    if (next->count > left || ascent->dense.ahead.recall > before) mg_dual_ahead_forget(ascent);
    return next->count > 0 ? next->count : mg_min(left, ascent->clock->round);
}

void mg_dual_ahead_forget(mg_ascent *ascent) {
    mg_dual_ahead *ahead = &ascent->dense.ahead;
    ahead->fresh = false;
    ahead->next.count = ahead->recall = 0;
}

// With many classes the rows are taken before they are scored, because several items score the same rows.
static void take_rows(mg_ascent *ascent) {
    int64_t items = mg_cut_items(ascent->dense.ahead.next.count, ascent->dense.item_rows);
    if (class_ranges(ascent) > 1) mg_team_for(ascent->resident->problem->team, items, take_item, ascent);
}

// The rows of the round after the present one, which may be the first of the next step.
static void plan(mg_ascent *ascent) {
    const mg_dual_round *round = &ascent->round;
    mg_dual_scored *next = &ascent->dense.ahead.next;
    int64_t left = round->left - round->count;
    next->row = round->row + round->count;
    if (left == 0)
        left =
            mg_min(ascent->visits.list + ascent->visits.listed - next->row, ascent->resident->problem->batch);
    next->count = ascent->dense.ahead.on ? mg_min(left, ascent->clock->round) : 0;
}

static void recall_slice(void *context, int64_t p) {
    mg_ascent *ascent = context;
    mg_dual_slice_recall(ascent, &ascent->dense.slice[p]);
}

static void swap(mg_dual_ahead *ahead) {
    mg_dual_scored now = ahead->next;
    ahead->next = ahead->now;
    ahead->now = now;
}

// Computes again what a checkpoint does not have: the sums of the last round's steps, and what the steps of
// the present round need besides the scores.
static void recall(mg_ascent *ascent) {
    mg_dual_dense *d = &ascent->dense;
    mg_team *team = ascent->resident->problem->team;
    swap(&d->ahead);
    d->ahead.next.row = ascent->round.row - d->ahead.recall;
    d->ahead.next.count = d->ahead.recall;
    mg_team_for(team, mg_cut_items(d->ahead.next.count, d->item_rows), take_item, ascent);
    swap(&d->ahead);
    mg_team_for(team, d->slices, recall_slice, ascent);
    d->ahead.next.row = ascent->round.row;
    mg_team_for(team, mg_cut_items(d->ahead.next.count, d->item_rows), take_item, ascent);
    d->ahead.recall = 0;
}

void mg_dual_ahead_begin(mg_ascent *ascent) {
    mg_dual_dense *d = &ascent->dense;
    const mg_dual_round *round = &ascent->round;
    d->ahead.linked = d->ahead.next.count > 0;
    if (!d->ahead.fresh && d->raw.v) mg_resident_to_raw(ascent->resident, &ascent->iterate->weights, &d->raw);
    d->ahead.fresh = true;
    if (d->ahead.recall > 0) recall(ascent);
    if (!d->ahead.linked) {
        d->ahead.next.row = round->row;
        d->ahead.next.count = round->count;
        take_rows(ascent);
        mg_team_for(ascent->resident->problem->team, mg_dual_ahead_items(ascent), score_item, ascent);
        memset(d->ahead.carried, 0,
               (size_t)(d->directions.count * ascent->resident->lanes) * sizeof *d->ahead.carried);
    }
    swap(&d->ahead);
    plan(ascent);
    take_rows(ascent);
}

void mg_dual_ahead_end(mg_ascent *ascent) {
    mg_dual_dense *d = &ascent->dense;
    int64_t lanes = ascent->resident->lanes;
    for (int64_t i = 0; i < d->directions.count * lanes; i++)
        d->ahead.carried[i] = d->part * (d->moved[i] - d->ahead.carried[i]);
    memcpy(d->ahead.last, d->total, (size_t)lanes * sizeof *d->ahead.last);
}

// ---- checkpoints --------------------------------------------------------------------------------

// What the bytes in a checkpoint begin with. If rows of the next round are scored, K floats of each line of
// each part follow.
typedef struct header {
    int64_t ahead, last; // rows of the next round, and of the last one; 0 at the beginning of an epoch
    double kept;         // fraction of the last round's steps that the line search kept
} header;

enum { PARTS = 4 };

typedef struct part {
    float *data; // [lines][lanes]
    int64_t lines;
} part;

static int64_t list_parts(mg_ascent *ascent, const header *h, part *out) {
    mg_dual_dense *d = &ascent->dense;
    const part parts[PARTS] = {{d->ahead.next.scores, h->ahead},
                               {d->u, h->last},
                               {d->ahead.carried, d->directions.count},
                               {d->ahead.last, 1}};
    int64_t lines = 0;
    memcpy(out, parts, sizeof parts);
    for (int i = 0; h->ahead > 0 && i < PARTS; i++) lines += parts[i].lines;
    return (int64_t)sizeof *h + lines * ascent->resident->problem->classes * (int64_t)sizeof(float);
}

int64_t mg_dual_ahead_pack(void *state, unsigned char *to) {
    mg_ascent *ascent = state;
    const mg_dual_dense *d = &ascent->dense;
    size_t line = (size_t)ascent->resident->problem->classes * sizeof(float);
    header h = {0};
    part parts[PARTS];
    if (d->ahead.next.count > 0)
        h = (header){d->ahead.next.count, d->ahead.recall > 0 ? d->ahead.recall : d->ahead.now.count,
                     (double)d->part};
    int64_t size = list_parts(ascent, &h, parts);
    if (!to) return size;
    memcpy(to, &h, sizeof h);
    to += sizeof h;
    for (int i = 0; h.ahead > 0 && i < PARTS; i++)
        for (int64_t j = 0; j < parts[i].lines; j++, to += line)
            memcpy(to, parts[i].data + j * ascent->resident->lanes, line);
    return size;
}

int64_t mg_dual_ahead_most_bytes(void *state) {
    mg_ascent *ascent = state;
    part parts[PARTS];
    const header most = {.ahead = ascent->dense.most, .last = ascent->dense.most};
    return list_parts(ascent, &most, parts);
}

static bool all_finite(const float *x, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static mg_status damaged(mg_error *error) {
    return mg_fail(
        error, MG_DATA,
        "state/ahead does not fit this run: the checkpoint is damaged: resume from an older one, or "
        "begin again with --overwrite");
}

mg_status mg_dual_ahead_unpack(void *state, const unsigned char *from, int64_t size, mg_error *error) {
    mg_ascent *ascent = state;
    mg_dual_dense *d = &ascent->dense;
    int64_t classes = ascent->resident->problem->classes;
    header h;
    part parts[PARTS];
    if (size < (int64_t)sizeof h) return damaged(error);
    memcpy(&h, from, sizeof h);
    from += sizeof h;
    if ((h.ahead > 0 && !d->ahead.on) || h.ahead < 0 || h.ahead > d->most || (h.ahead > 0) != (h.last > 0) ||
        h.last < 0 || h.last > d->most || !(h.kept >= 0 && h.kept <= 1) ||
        size != list_parts(ascent, &h, parts))
        return damaged(error);
    d->ahead.next.count = h.ahead;
    d->ahead.recall = h.last;
    d->part = (float)h.kept;
    for (int i = 0; h.ahead > 0 && i < PARTS; i++)
        for (int64_t j = 0; j < parts[i].lines; j++, from += (size_t)classes * sizeof(float)) {
            float *line = parts[i].data + j * ascent->resident->lanes;
            memcpy(line, from, (size_t)classes * sizeof *line);
            if (!all_finite(line, classes)) return damaged(error);
        }
    return MG_OK;
}

mg_status mg_dual_ahead_check(const mg_ascent *ascent, int64_t rows, mg_error *error) {
    return ascent->dense.ahead.recall > rows ? damaged(error) : MG_OK;
}
