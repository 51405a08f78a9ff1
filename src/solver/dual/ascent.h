// ascent.h - the state of dual ascent: ascent.c (steps, the average of snapshots), order.c (the order of
// visits), round.c (steps of rows and their merge), dense.c and sparse.c (scores and updates of weights).
#ifndef MG_SOLVER_DUAL_ASCENT_H
#define MG_SOLVER_DUAL_ASCENT_H

#include "solver/iterate.h"
#include "solver/resident.h"

#include <assert.h>

enum {
    MG_DUAL_ROUND = 64,     // most rows of a sparse round; all are scored with the weights at its beginning
    MG_DUAL_ROUND_PART = 8, // rows of a round that are one item
    MG_DUAL_PARTS = MG_DUAL_ROUND / MG_DUAL_ROUND_PART,
    MG_DUAL_BLOCK = 16,     // rows of a dense block, which step one after the other
    MG_DUAL_BLOCK_PART = 8, // rows of a block that are multiplied at a time
    MG_DUAL_RANGES = 8,     // most ranges of the cells of dense rows
    MG_DUAL_SHRUNK = 9,     // a row that is shrunk is visited again after this many epochs
    MG_DUAL_SNAPSHOTS = 64, // most of an epoch
};
static_assert((int)MG_DUAL_BLOCK <= (int)MG_RESIDENT_ZEROS, "zeros for a block's products");

// Sums over the rows of a part. Threads write parts side by side, so each has a cache line of its own.
typedef struct mg_dual_part {
    _Alignas(64) double loss;  // weighted, before the steps
    double gain, curve, inner; // of the steps, for the line search
    uint32_t changed;          // one bit for each row whose coefficients change
    uint32_t kept; // one bit for each row whose new coefficients are stored; the merge rarely changes them
} mg_dual_part;

typedef struct mg_dual_range_square {
    _Alignas(64) double square; // by how much the update of a range changes ||W||^2
} mg_dual_range_square;

// A range of the cells of dense rows and of their weights. Its data stay in one thread's cache; only sums
// leave it.
typedef struct mg_dual_range {
    int64_t from, to; // cells
    float *w;         // [classes][to - from] copy of the weights during a step
    float *wide[2];   // [MG_DUAL_BLOCK][to - from] rows x' of this block and of the one before
    const float *x[2][MG_DUAL_BLOCK];
    // What this range adds to round.scores and dense.gram. The first range writes to those directly.
    float *scores, *gram;
} mg_dual_range;

// The rows that an epoch visits.
typedef struct mg_dual_visits {
    uint32_t *list; // [N] in the order of their visits
    int64_t listed; // rows in the list; -1: it has not been made
    int64_t place;  // rows of the list that have been visited
} mg_dual_visits;

// Shrinking; with certificates only. Checkpoints call the arrays "wake" and "share".
typedef struct mg_dual_shrinking {
    int32_t *visit_from; // [N] first epoch in which a row is visited again
    float *contribution; // [N] latest contribution to the gap
    double sum;          // of all contributions, at the end of an epoch
} mg_dual_shrinking;

// The present round or block: what the threads read, on cache lines of its own, and the memory it works with.
typedef struct mg_dual_round {
    _Alignas(64) const uint32_t *row; // [count] its rows
    int64_t count;
    int64_t left;              // rows of the step from `row` on
    int64_t deferred;          // rows of the block or round before whose steps are not yet in the weights
    float factor;              // sparse: the weights take the deferred steps times this
    bool opens;                // dense: first block of a step
    bool failed;               // no memory for dual variables
    int side;                  // dense: which of wide and x belongs to this block
    _Alignas(64) int64_t rows; // most of a round or block
    float *scores, *before, *after, *u; // [rows][lanes]; scores beyond K stay -INFINITY
    float *offset; // [lanes] of the weights: sums of scores begin with it; -INFINITY beyond K
    float *z;      // [MG_DUAL_PARTS][lanes] scratch
    float *shift;  // [lanes] sparse: what the constant feature has added to the scores in this round
    mg_dual_part part[MG_DUAL_PARTS];
    mg_arena arena;
} mg_dual_round;

typedef struct mg_dual_dense {
    float *gram; // [MG_DUAL_BLOCK][MG_DUAL_BLOCK] products of rows
    mg_dual_range range[MG_DUAL_RANGES];
    int ranges;
    mg_arena arena;
} mg_dual_dense;

typedef struct mg_dual_sparse {
    float *range_scores; // [ranges - 1][MG_DUAL_ROUND][lanes] of each range but the first, which has
                         // round.scores
    float *values;       // with scaled columns: [ranges][most values of a row]
    mg_dual_range_square range[MG_FEATURE_RANGES];
    mg_arena arena;
} mg_dual_sparse;

typedef struct mg_ascent {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_counters *clock;
    mg_numbers *numbers;
    // Average of snapshots, of scaled features until it is asked for. Without certificates it is the result;
    // with certificates and sparse rows it is a candidate for the incumbent (M30); else it is empty.
    mg_weights mean;
    mg_dual_visits visits;
    mg_dual_shrinking shrinking;
    mg_dual_round round;
    mg_dual_dense dense;
    mg_dual_sparse sparse;
    mg_arena arena; // of visits and shrinking; round, dense and sparse have their own
} mg_ascent;

// The structs that are passed outlive it. Errors: MG_MEMORY.
mg_status mg_ascent_create(const mg_resident *resident, mg_iterate *iterate, mg_counters *clock,
                           mg_numbers *numbers, mg_ascent **out, mg_error *error);
void mg_ascent_destroy(mg_ascent *ascent);

// Begins another problem: every row is visited again.
void mg_ascent_restart(mg_ascent *ascent);

// Takes step `step` of the epoch. *over: it was the last one. Errors: MG_MEMORY.
mg_status mg_ascent_step(mg_ascent *ascent, int64_t step, mg_step_result *out, bool *over, mg_error *error);

// Ends an epoch: sums the contributions to the gap; the next step makes a new list.
void mg_ascent_end_epoch(mg_ascent *ascent);

// The fields of a checkpoint, and the check of restored fields. Errors: MG_DATA.
int mg_ascent_fields(mg_ascent *ascent, mg_field *out);
mg_status mg_ascent_check(const mg_ascent *ascent, mg_error *error);

// Lists the rows that the epoch visits: a function of (seed, epoch) and of the rows that are shrunk.
void mg_dual_make_list(mg_ascent *ascent);

// Creates the memory of rounds and blocks. Errors: MG_MEMORY.
mg_status mg_dual_round_create(mg_ascent *ascent, mg_error *error);
void mg_dual_round_free(mg_ascent *ascent);

// Visits rows[0..count) in rounds or blocks. Returns the weighted sum of their losses before their steps.
// round.failed: rows are left out because memory ran out.
double mg_dual_visit(mg_ascent *ascent, const uint32_t *rows, int64_t count);

// The part of row r of the round, the number of parts, and the bit of a row in its part.
static inline mg_dual_part *mg_dual_part_of(mg_ascent *ascent, int64_t r) {
    return &ascent->round.part[r / MG_DUAL_ROUND_PART];
}

static inline int64_t mg_dual_parts(int64_t rows) { return mg_cut_items(rows, MG_DUAL_ROUND_PART); }

static inline uint32_t mg_dual_bit(int64_t r) { return 1U << r % MG_DUAL_ROUND_PART; }

static inline bool mg_dual_changed(const mg_ascent *ascent, int64_t r) {
    return ascent->round.part[r / MG_DUAL_ROUND_PART].changed & mg_dual_bit(r);
}

// One row's step from round.scores: sets round.after and round.u, and adds to the sums of its part.
// round.scores contain round.shift; the line search starts from scores without it.
void mg_dual_row_step(mg_ascent *ascent, int64_t r, float *z);

// Dense rows: memory of blocks; the steps of one block, each from scores that contain the steps before it;
// the end of a step, which adds the deferred steps to the weights. Errors: MG_MEMORY.
mg_status mg_dual_dense_create(mg_ascent *ascent, mg_error *error);
void mg_dual_dense_block(mg_ascent *ascent);
void mg_dual_dense_close(mg_ascent *ascent);

// Sparse rows: memory of rounds; scores; the steps of the round's rows. mg_dual_sparse_scores adds `factor`
// times the deferred steps to the weights and scores the round's rows with them; it returns by how
// much that changes ||W||^2. Errors: MG_MEMORY.
mg_status mg_dual_sparse_create(mg_ascent *ascent, mg_error *error);
double mg_dual_sparse_scores(mg_ascent *ascent, float factor);
void mg_dual_sparse_steps(mg_ascent *ascent);

#endif
