// ascent.h - the state of dual ascent. ascent.c has the steps of an epoch and the average of snapshots,
// order.c the order of visits, round.c the rounds and their sizes, sparse.c, dense.c and sweep.c the work in
// a round.
#ifndef MG_SOLVER_DUAL_ASCENT_H
#define MG_SOLVER_DUAL_ASCENT_H

#include "solver/dual/directions.h"
#include "solver/iterate.h"
#include "solver/resident.h"

enum {
    MG_DUAL_ROUND = 64,     // most rows of a sparse round; the scores of all of them come from the weights at
                            // its beginning
    MG_DUAL_ROUND_PART = 8, // rows of a sparse round that are one item
    MG_DUAL_PARTS = MG_DUAL_ROUND / MG_DUAL_ROUND_PART,
    MG_DUAL_ROUND_MOST = 4096, // most rows of a dense round
    MG_DUAL_BLOCK_MOST = 128,  // most rows of a block
    MG_DUAL_BLOCK_LEAST = 4,   // a block of fewer rows has 1 row
    MG_DUAL_SLICES = 64,       // most slices of the weights, in dense rounds
    MG_DUAL_SHRUNK = 9,        // a row that is shrunk in epoch e is visited again in epoch e + 9
    MG_DUAL_SNAPSHOTS = 64,    // most snapshots of an epoch
};

// Sums over the rows of one item of a sparse round. Threads write neighbouring items at the same time, so
// each has a cache line of its own.
typedef struct mg_dual_part {
    _Alignas(64) double loss;  // weighted sum of losses before the steps
    double gain, curve, inner; // terms of the line search, summed over the steps
    uint32_t changed;          // one bit for each row whose coefficients change
    uint32_t kept; // one bit for each row whose new coefficients are stored already. They are right unless
                   // the line search shortens the steps, which is rare
} mg_dual_part;

typedef struct mg_dual_range_square {
    _Alignas(64) double square; // change of ||W||^2 by the update of a range
} mg_dual_range_square;

// Sums over the rows of one item of a dense round, for the line search.
typedef struct mg_dual_tally {
    _Alignas(64) double loss; // weighted sum of losses before the steps
    double gain, curve;       // slope and curvature along the steps
    double scale;             // size of the terms of the slope, which bounds its rounding error
    uint64_t changed, kept;   // one bit for each row, as in mg_dual_part
} mg_dual_tally;

// A range of the weights of classes and cells, in which one thread sums the steps of a dense round.
typedef struct mg_dual_slice {
    _Alignas(64) int64_t class_from; // first class
    int64_t classes;                 // and how many
    int64_t from, cells;             // first cell, and how many
    double square, inner;            // squared norm of `sum`; its inner product with `last`
    float *sum, *last;               // [classes][cells] sum of the steps in the weights; of the last round's
} mg_dual_slice;

// The rows that an epoch visits.
typedef struct mg_dual_visits {
    uint32_t *list; // [N] in the order of their visits
    int64_t listed; // number of rows in the list; -1: the list of this epoch has not been made
    int64_t place;  // rows of the list that have been visited already
} mg_dual_visits;

// Shrinking, only with certificates. In checkpoints the arrays are named "wake" and "share".
typedef struct mg_dual_shrinking {
    int32_t *visit_from; // [N] first epoch in which the row is visited again
    float *contribution; // [N] latest contribution to the gap
    double sum;          // sum of all contributions at the end of an epoch
} mg_dual_shrinking;

// The present round. What all threads read comes first, on cache lines of its own; working memory follows.
typedef struct mg_dual_round {
    _Alignas(64) const uint32_t *row; // [count] the rows of the round
    int64_t count;
    int64_t left;              // rows of the step from the beginning of this round on
    int64_t deferred;          // sparse: rows of the previous round, whose steps are not yet in the weights
    float factor;              // sparse: the factor with which the deferred steps are added to the weights
    bool failed;               // memory for dual variables ran out
    _Alignas(64) int64_t rows; // most rows of a round
    float *scores, *before, *after, *u; // [rows][lanes]; scores beyond K are always -INFINITY
    float *offset; // [lanes] start of the sums of scores: the offset of the weights; -INFINITY beyond K
    float *z;      // [MG_DUAL_PARTS][lanes] scratch
    float *shift;  // [lanes] sparse: effect of this round's steps on the scores through the constant feature
    mg_dual_part part[MG_DUAL_PARTS];
    mg_arena arena;
} mg_dual_round;

// The rows of a dense round with their scores, as input of the sweep.
typedef struct mg_dual_scored {
    const uint32_t *row; // [count]
    int64_t count;
    const void **x;            // [most] cells of the rows
    float *wide;               // [most][line] copies of rows, if they are copied
    float *scores;             // [most][lanes]
    float *before;             // [most][lanes] coefficients
    float *z;                  // [most][directions] coordinates
    float *curvature, *factor; // [most] q of the row's step; factor in u = factor (after - before)
    int32_t *label;            // [most]
} mg_dual_scored;

// The rows of the present and the next round, and what links the two. While the rows of a round step one
// after the other, other threads score the rows of the next round, with the weights of that moment.
typedef struct mg_dual_ahead {
    bool on;            // false: rows are scored when their round begins
    bool fresh;         // `raw` of mg_dual_dense agrees with the iterate's weights
    bool linked;        // the scores of `now` are those of the weights before the steps of the last round
    int64_t recall;     // restored rows of the last round, whose sums of steps must be computed again
    int64_t score_rows; // rows of an item that scores
    mg_dual_scored now, next; // next.count is 0 if the next round is not scored yet
    float *carried;           // [directions][lanes] effect of the last round's steps in each direction
    float *last;              // [lanes] sum of u of the last round
} mg_dual_ahead;

// Rounds of dense rows (M33). Later rows see the steps of earlier ones, and of the last round, in the leading
// directions.
typedef struct mg_dual_dense {
    mg_directions directions;
    int64_t most;   // most rows of a round
    int64_t block;  // most rows that step without seeing each other
    bool scaled;    // rows are converted to x' before they are scored; otherwise `raw` scores their stored
                    // cells
    bool copies;    // rows are copied once per round; otherwise they are read where they are stored
    mg_weights raw; // weights that score stored cells; empty if the iterate's weights do so
    float part;     // fraction of the steps that the line search keeps
    int64_t item_rows, slices;
    mg_dual_ahead ahead;
    float *seen, *after, *u; // [most][lanes] scores that the row's step started from; new coefficients; u
    float *moved;            // [directions][lanes] effect of the steps so far in each direction
    float *total;            // [lanes] sum of u
    float *scratch;          // [items][2][lanes]
    float *columns;          // working memory of the sweep
    mg_dual_tally *tally;    // [items]
    mg_dual_slice *slice;    // [slices]
    mg_arena arena;
} mg_dual_dense;

typedef struct mg_dual_sparse {
    float *range_scores; // [ranges - 1][MG_DUAL_ROUND][lanes] scores from each range of features but the
                         // first, whose scores are in round.scores
    float *values;       // if columns are scaled: [ranges][most values of a row]
    mg_dual_range_square range[MG_FEATURE_RANGES];
    mg_arena arena;
} mg_dual_sparse;

typedef struct mg_ascent {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_counters *clock;
    mg_numbers *numbers;
    // Average of snapshots; weights of scaled features, until mg_solver.weights converts them. Without
    // certificates it is the result. With certificates and sparse rows it is a candidate for the incumbent
    // (M30). Otherwise it is empty.
    mg_weights mean;
    mg_dual_visits visits;
    mg_dual_shrinking shrinking;
    mg_dual_round round;
    mg_dual_dense dense;
    mg_dual_sparse sparse;
    mg_arena arena; // memory of visits and shrinking; round, dense and sparse have arenas of their own
} mg_ascent;

// All structs that are passed must outlive it. Errors: MG_MEMORY.
mg_status mg_ascent_create(const mg_resident *resident, mg_iterate *iterate, mg_counters *clock,
                           mg_numbers *numbers, mg_ascent **out, mg_error *error);
void mg_ascent_destroy(mg_ascent *ascent);

// Call it when the rows are attached. Errors: MG_MEMORY.
mg_status mg_ascent_attach(mg_ascent *ascent, mg_error *error);

// Prepares for another problem or a new start: all rows are visited again.
void mg_ascent_restart(mg_ascent *ascent);

// Takes step `step` of the present epoch. *over becomes true if it was the last one. Errors: MG_MEMORY.
mg_status mg_ascent_step(mg_ascent *ascent, int64_t step, mg_step_result *out, bool *over, mg_error *error);

// Ends an epoch: sums the contributions to the gap, and discards the list of rows.
void mg_ascent_end_epoch(mg_ascent *ascent);

// The fields of a checkpoint, and the check of restored fields. steps: of the present epoch. Errors: MG_DATA.
int mg_ascent_fields(mg_ascent *ascent, mg_field *out);
mg_status mg_ascent_check(const mg_ascent *ascent, int64_t steps, mg_error *error);

// Lists the rows that the present epoch visits. The list depends only on the seed, the epoch, and which rows
// are shrunk.
void mg_dual_make_list(mg_ascent *ascent);

// Creates the memory of rounds of sparse rows; does nothing for dense rows. Errors: MG_MEMORY.
mg_status mg_dual_round_create(mg_ascent *ascent, mg_error *error);
void mg_dual_round_free(mg_ascent *ascent);

// Visits rows[0..count) in rounds. Returns the weighted sum of their losses before their steps. If
// round.failed is set afterwards, memory ran out and some steps were not stored.
double mg_dual_visit(mg_ascent *ascent, const uint32_t *rows, int64_t count);

// For sparse rounds: the sums of the item that has row r, the number of items, and the bit of row r in its
// item.
static inline mg_dual_part *mg_dual_part_of(mg_ascent *ascent, int64_t r) {
    return &ascent->round.part[r / MG_DUAL_ROUND_PART];
}

static inline int64_t mg_dual_parts(int64_t rows) { return mg_cut_items(rows, MG_DUAL_ROUND_PART); }

static inline uint32_t mg_dual_bit(int64_t r) { return 1U << r % MG_DUAL_ROUND_PART; }

static inline bool mg_dual_changed(const mg_ascent *ascent, int64_t r) {
    return ascent->round.part[r / MG_DUAL_ROUND_PART].changed & mg_dual_bit(r);
}

// Takes the step of row r from round.scores: sets round.after and round.u, and adds to the sums of its item.
// round.scores contain round.shift; the line search starts from scores without it.
void mg_dual_row_step(mg_ascent *ascent, int64_t r, float *z);

// Dense rows. mg_dual_dense_create: finds directions and allocates memory, when the rows are attached;
// errors: MG_MEMORY. mg_dual_dense_round: one round, after which the iterate contains its steps; returns the
// weighted sum of the rows' losses before their steps.
mg_status mg_dual_dense_create(mg_ascent *ascent, mg_error *error);
double mg_dual_dense_round(mg_ascent *ascent);
void mg_dual_dense_destroy(mg_ascent *ascent);

// Records the result of the line search of a dense round, and changes the sizes of rounds and blocks if
// necessary.
void mg_dual_choose_sizes(mg_ascent *ascent, double part);

// Cuts the weights into slices. Errors: MG_MEMORY.
mg_status mg_dual_slices_create(mg_ascent *ascent, mg_error *error);

// Sums the steps of the round's rows in a slice, and adds the sum to the weights. The second takes 1 -
// d->part of the sum back. The third only sums.
void mg_dual_slice_add(mg_ascent *ascent, mg_dual_slice *slice);
void mg_dual_slice_take_back(mg_ascent *ascent, mg_dual_slice *slice);
void mg_dual_slice_recall(mg_ascent *ascent, mg_dual_slice *slice);

// Takes the steps of the rows of a dense round, and scores the rows of the next one.
void mg_dual_sweep_round(mg_ascent *ascent);

// Returns the number of rows of the next round; `left`: rows of the step that are left. mg_dual_ahead_forget:
// its rows are not scored any more, because the weights may change.
int64_t mg_dual_ahead_count(mg_ascent *ascent, int64_t left);
void mg_dual_ahead_forget(mg_ascent *ascent);

// Prepares the round at ascent->round: its rows and scores are in ahead.now, and ahead.next has the rows of
// the next round, without scores.
void mg_dual_ahead_begin(mg_ascent *ascent);

// Scores the rows of ahead.next: the most rows of an item, the number of items, and one item.
int64_t mg_dual_ahead_block(const mg_ascent *ascent);
int64_t mg_dual_ahead_items(const mg_ascent *ascent);
void mg_dual_ahead_score(mg_ascent *ascent, int64_t item);

// Call it after the line search of a round. It keeps what the next round sees of the steps.
void mg_dual_ahead_end(mg_ascent *ascent);

// The part of the state that only these rounds have, as bytes for a checkpoint (mg_field). The third checks
// that it fits a run of `rows` visited rows in the present epoch. Errors: MG_DATA.
int64_t mg_dual_ahead_pack(void *ascent, unsigned char *to);
int64_t mg_dual_ahead_most_bytes(void *ascent);
mg_status mg_dual_ahead_unpack(void *ascent, const unsigned char *from, int64_t size, mg_error *error);
mg_status mg_dual_ahead_check(const mg_ascent *ascent, int64_t rows, mg_error *error);

// True if several threads step the rows of a block. mg_dual_sweep_rows: then the rows of an item, at most
// MG_SWEEP_ROWS.
bool mg_dual_sweep_shared(const mg_ascent *ascent, int64_t rows);
int64_t mg_dual_sweep_rows(const mg_ascent *ascent);

// The fraction of a step, at most 1, that raises the dual value most. slope: of the dual value times N;
// curve: of the rows' conjugates; square: of the change of the weights.
double mg_dual_best_part(const mg_ascent *ascent, double slope, double curve, double square);

// Records a row's contribution to the gap, and decides whether the row is shrunk.
void mg_dual_note_contribution(mg_ascent *ascent, int64_t row, double contribution);

// Sparse rows. mg_dual_sparse_create: memory of rounds; errors: MG_MEMORY. mg_dual_sparse_scores: adds
// `factor` times the deferred steps to the weights, then scores the rows of the round; returns by how much
// ||W||^2 has changed. mg_dual_sparse_steps: takes the steps of these rows.
mg_status mg_dual_sparse_create(mg_ascent *ascent, mg_error *error);
double mg_dual_sparse_scores(mg_ascent *ascent, float factor);
void mg_dual_sparse_steps(mg_ascent *ascent);

#endif
