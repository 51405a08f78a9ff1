// ascent.h - the state of dual ascent: ascent.c (steps, the average of snapshots), order.c (which rows,
// when), round.c (steps of rows and their merge), dense.c and sparse.c (scores and updates).
#ifndef MG_SOLVER_DUAL_ASCENT_H
#define MG_SOLVER_DUAL_ASCENT_H

#include "solver/iterate.h"
#include "solver/resident.h"

#include <assert.h>

enum {
    MG_DUAL_ROUND = 64,     // most rows of a sparse round: their scores are those of its beginning
    MG_DUAL_ROUND_PART = 8, // of these a thread takes at a time
    MG_DUAL_PARTS = MG_DUAL_ROUND / MG_DUAL_ROUND_PART,
    MG_DUAL_BLOCK = 16,     // rows of a dense block, solved one after the other through their products
    MG_DUAL_BLOCK_PART = 8, // of these are multiplied at a time
    MG_DUAL_RANGES = 8,     // most ranges of cells of dense rows, each one thread's work
    MG_DUAL_SHRUNK = 9,     // epochs until a row that hardly matters is visited again
    MG_DUAL_SNAPSHOTS = 64, // most of an epoch
};
static_assert((int)MG_DUAL_BLOCK <= (int)MG_RESIDENT_ZEROS, "zeros for a block's products");

// What rows of a round or block add up to. Threads write these side by side, so that each has a cache line of
// its own.
typedef struct mg_dual_part {
    _Alignas(64) double loss;  // weighted, before their steps
    double gain, curve, inner; // of their steps, for the line search
    uint32_t changed;          // a bit for each row whose coefficients change
    uint32_t kept; // and whose new ones are stored already: nearly always they are what the merge leaves
} mg_dual_part;

typedef struct mg_dual_range_square {
    _Alignas(64) double square; // what the range's part of the update does to ||W||^2
} mg_dual_range_square;

// A range of cells of dense rows and of their weights: what lies in it never leaves the thread's cache, only
// sums do.
typedef struct mg_dual_range {
    int64_t from, to; // cells
    float *w;         // [classes][to - from] copy of the weights during a visit
    float *wide[2];   // [MG_DUAL_BLOCK][to - from] rows x' of this block and of the one before
    const float *x[2][MG_DUAL_BLOCK];
    float *scores,
        *gram; // this range's part of round.scores and dense.gram; of the first range those themselves
} mg_dual_range;

// Which rows the epoch visits.
typedef struct mg_dual_visits {
    uint32_t *list; // [N] in their order
    int64_t listed; // of these; -1: the list is still to be made
    int64_t place;  // in the list behind the last step
} mg_dual_visits;

// What every row adds to the gap, for shrinking. With certificates only.
typedef struct mg_dual_shrinking {
    int32_t *visit_from; // [N] first epoch a row is visited again
    float *contribution; // [N] latest share of the gap
    double sum;          // of all of them, at the end of an epoch
} mg_dual_shrinking;

// The round or block under way: what the threads are told of it, on a cache line of its own, and what it
// works with.
typedef struct mg_dual_round {
    _Alignas(64) const uint32_t *row; // [count] stored rows
    int64_t count;
    int64_t left;              // rows of the visit from `row` on
    int64_t deferred;          // rows of the block or round before whose steps are not in the weights yet
    float factor;              // sparse: part of those steps the weights take
    bool opens;                // dense: first block of a visit
    bool failed;               // no memory for dual variables
    int side;                  // dense: of wide and x that holds this block
    _Alignas(64) int64_t rows; // the most of a round or block
    float *scores, *before, *after, *u; // [rows][lanes]; scores beyond K stay -INFINITY
    float *offset;                      // [lanes] of the weights, as sums of scores begin: -INFINITY beyond K
    float *z;                           // [parts][lanes] scratch
    // [lanes] sparse: what the constant feature's weights of this round add to the scores so far
    float *shift;
    mg_dual_part part[MG_DUAL_PARTS];
} mg_dual_round;

typedef struct mg_dual_dense {
    float *gram; // [MG_DUAL_BLOCK][MG_DUAL_BLOCK] products of rows
    mg_dual_range range[MG_DUAL_RANGES];
    int ranges;
} mg_dual_dense;

typedef struct mg_dual_sparse {
    float *range_scores; // [ranges - 1][MG_DUAL_ROUND][lanes] of every range but the first, whose are
                         // round.scores
    float *values;       // with scaled columns: [ranges][most entries]
    mg_dual_range_square range[MG_FEATURE_RANGES];
} mg_dual_sparse;

typedef struct mg_ascent {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_counters *clock;
    mg_numbers *numbers;
    mg_weights mean; // average of snapshots, of scaled features until it is asked for: the result without
                     // certificates; with them and sparse rows one more candidate for the best objective
                     // (M30); else empty
    mg_dual_visits visits;
    mg_dual_shrinking shrinking;
    mg_dual_round round;
    mg_dual_dense dense;
    mg_dual_sparse sparse;
    mg_arena arena;
} mg_ascent;

// The others outlive it. Errors: MG_MEMORY.
mg_status mg_ascent_create(const mg_resident *resident, mg_iterate *iterate, mg_counters *clock,
                           mg_numbers *numbers, mg_ascent **out, mg_error *error);
void mg_ascent_destroy(mg_ascent *ascent);

// The problem is another one: every row is visited again.
void mg_ascent_restart(mg_ascent *ascent);

// Step `step` of the epoch. *over: it was the last one. Errors: MG_MEMORY.
mg_status mg_ascent_step(mg_ascent *ascent, int64_t step, mg_step_result *out, bool *over, mg_error *error);

// The epoch is over: adds up the shares, and begins another list.
void mg_ascent_end_epoch(mg_ascent *ascent);

// What a checkpoint holds of it; and whether what was restored can be: MG_DATA.
int mg_ascent_fields(mg_ascent *ascent, mg_field *out);
mg_status mg_ascent_check(const mg_ascent *ascent, mg_error *error);

// Which rows the epoch visits, in its order; from (seed, epoch) and the rows that are awake.
void mg_dual_make_list(mg_ascent *ascent);

// Memory for rounds and blocks. Errors: MG_MEMORY.
mg_status mg_dual_round_create(mg_ascent *ascent, mg_error *error);

// Visits rows[0..count) in rounds. Returns the weighted sum of their losses before their steps; round.failed:
// the rest was left out.
double mg_dual_visit(mg_ascent *ascent, const uint32_t *rows, int64_t count);

// The part that holds row r of the round, and the row's bit in it.
static inline mg_dual_part *mg_dual_part_of(mg_ascent *ascent, int64_t r) {
    return &ascent->round.part[r / MG_DUAL_ROUND_PART];
}

static inline int64_t mg_dual_parts(int64_t rows) { return mg_cut_items(rows, MG_DUAL_ROUND_PART); }

static inline uint32_t mg_dual_bit(int64_t r) { return 1U << r % MG_DUAL_ROUND_PART; }

static inline bool mg_dual_changed(const mg_ascent *ascent, int64_t r) {
    return ascent->round.part[r / MG_DUAL_ROUND_PART].changed & mg_dual_bit(r);
}

// One row's step from round.scores: round.after, round.u and what it adds to its part; round.shift is part of
// these scores, but not of those the line search starts from.
void mg_dual_row_step(mg_ascent *ascent, int64_t r, float *z);

// Dense rows: memory for blocks; one block's steps, each as if it had seen those before it; and what a visit
// still owes the weights. Errors: MG_MEMORY.
mg_status mg_dual_dense_create(mg_ascent *ascent, mg_error *error);
void mg_dual_dense_block(mg_ascent *ascent);
void mg_dual_dense_close(mg_ascent *ascent);

// Sparse rows. Each range of a range of features adds `again` times the steps owed to its weights, and then
// scores its part of the round's rows with them; returns what that did to ||W||^2. Then the rows' steps.
// Errors: MG_MEMORY.
mg_status mg_dual_sparse_create(mg_ascent *ascent, mg_error *error);
double mg_dual_sparse_scores(mg_ascent *ascent, float factor);
void mg_dual_sparse_steps(mg_ascent *ascent);

#endif
