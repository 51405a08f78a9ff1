// ascent.h - the state of dual ascent: ascent.c (steps, the average of snapshots), order.c (the order of
// visits), round.c (steps of rows and their merge), dense.c and sparse.c (scores and updates of weights).
#ifndef MG_SOLVER_DUAL_ASCENT_H
#define MG_SOLVER_DUAL_ASCENT_H

#include "solver/dual/directions.h"
#include "solver/iterate.h"
#include "solver/resident.h"

enum {
    MG_DUAL_ROUND = 64,     // most rows of a sparse round; all are scored with the weights at its beginning
    MG_DUAL_ROUND_PART = 8, // rows of a round that are one item
    MG_DUAL_PARTS = MG_DUAL_ROUND / MG_DUAL_ROUND_PART,
    MG_DUAL_ROUND_MOST = 4096, // most rows of a dense round
    MG_DUAL_BLOCK_MOST = 128,  // most rows of a block
    MG_DUAL_BLOCK_LEAST = 4,   // fewer than these: 1
    MG_DUAL_SLICES = 16,       // most ranges of the cells of dense rows
    MG_DUAL_SHRUNK = 9,        // a row that is shrunk is visited again after this many epochs
    MG_DUAL_SNAPSHOTS = 64,    // most of an epoch
};

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

// Sums over the rows of an item of a dense round, for the line search.
typedef struct mg_dual_tally {
    _Alignas(64) double loss; // weighted, before the steps
    double gain, curve;       // of the steps
    double scale;             // of the terms of the gain, for its rounding error
    uint64_t changed, kept;   // one bit for each row, as in mg_dual_part
} mg_dual_tally;

// A range of the cells, for the sum of a round's steps.
typedef struct mg_dual_slice {
    _Alignas(64) int64_t from; // first cell,
    int64_t cells;             // and how many
    double square;             // of the sum of the steps
    float *sum;                // [classes][cells] sum of the steps, of x'
} mg_dual_slice;

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
    bool failed;               // no memory for dual variables
    _Alignas(64) int64_t rows; // most of a round or block
    float *scores, *before, *after, *u; // [rows][lanes]; scores beyond K stay -INFINITY
    float *offset; // [lanes] of the weights: sums of scores begin with it; -INFINITY beyond K
    float *z;      // [MG_DUAL_PARTS][lanes] scratch
    float *shift;  // [lanes] sparse: what the constant feature has added to the scores in this round
    mg_dual_part part[MG_DUAL_PARTS];
    mg_arena arena;
} mg_dual_round;

// What the steps of the rows of a dense round begin with, and what they are.
typedef struct mg_dual_steps {
    float *scores, *seen;      // [most][lanes] at the beginning; as the row's step saw them
    float *before, *after, *u; // [most][lanes]
    float *z;                  // [most][directions]
    float *curvature, *factor; // [most] of the row's step; u = factor (after - before)
    int32_t *label;            // [most]
} mg_dual_steps;

// Rounds of dense rows. All rows of a round are scored with the weights at its beginning; then they step in
// turn, and see each other through the leading directions.
typedef struct mg_dual_dense {
    mg_directions directions;
    int64_t most;   // rows of a round, at most
    int64_t block;  // rows that step without seeing each other, at most
    bool scaled;    // rows are scored as x'; otherwise `raw` scores their cells
    bool copies;    // rows are copied once in a round; otherwise they are read as they are stored
    mg_weights raw; // weights that score the stored cells; empty: those of the iterate do
    bool fresh;     // `raw` belongs to the iterate's weights
    float part;     // of the steps that stays in the weights
    int64_t item_rows, slices;
    const void **x; // [most] cells of the round's rows
    float *wide;    // [most][line] rows, if they are copied
    mg_dual_steps steps;
    float *moved;         // [directions][lanes] what the round's steps change in the directions
    float *total;         // [lanes] sum of u
    float *scratch;       // [items][2][lanes]
    float *columns;       // of the sweep
    mg_dual_tally *tally; // [items]
    mg_dual_slice slice[MG_DUAL_SLICES];
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

// Called once the rows are attached. Errors: MG_MEMORY.
mg_status mg_ascent_attach(mg_ascent *ascent, mg_error *error);

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

// Dense rows: directions and memory of rounds, once the rows are known; one round, after which the iterate
// has its steps. Returns the weighted sum of the rows' losses before their steps. Errors: MG_MEMORY.
mg_status mg_dual_dense_create(mg_ascent *ascent, mg_error *error);
double mg_dual_dense_round(mg_ascent *ascent);
void mg_dual_dense_destroy(mg_ascent *ascent);

// Notes the result of the line search of a dense round, and chooses the sizes of the next rounds and blocks.
void mg_dual_choose_sizes(mg_ascent *ascent, double part);

// The steps of the dense rows of a round, in turn.
void mg_dual_sweep_round(mg_ascent *ascent);

// The part of a step, at most 1, that raises the dual value most, from the slope, the curvature of the rows'
// conjugates, and the square of the step of the weights.
double mg_dual_best_part(const mg_ascent *ascent, double slope, double curve, double square);

// Notes what a row adds to the gap, and whether it is visited in the next epochs.
void mg_dual_note_contribution(mg_ascent *ascent, int64_t row, double contribution);

// Sparse rows: memory of rounds; scores; the steps of the round's rows. mg_dual_sparse_scores adds `factor`
// times the deferred steps to the weights and scores the round's rows with them; it returns by how
// much that changes ||W||^2. Errors: MG_MEMORY.
mg_status mg_dual_sparse_create(mg_ascent *ascent, mg_error *error);
double mg_dual_sparse_scores(mg_ascent *ascent, float factor);
void mg_dual_sparse_steps(mg_ascent *ascent);

#endif
