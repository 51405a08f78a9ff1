// dual.h - the state of dual ascent and of the Newton phase: dual.c (the solvers), dual_schedule.c (when a certificate), dual_fields.c (what
// a checkpoint holds), certificate.c (how far the optimum is); dual/: order.c (which rows, when), round.c (steps of rows and their
// merge), dense.c and sparse.c (scores and updates).
#ifndef MG_SOLVER_DUAL_H
#define MG_SOLVER_DUAL_H

#include "solver/dual_rows.h"
#include "solver/pass.h"
#include "solver/solver.h"

enum {
    MG_DUAL_ROUND = 64,       // most rows of a sparse round: their scores are those of its beginning
    MG_DUAL_ROUND_PART = 8,   // of these a thread takes at a time
    MG_DUAL_PARTS = MG_DUAL_ROUND / MG_DUAL_ROUND_PART,
    MG_DUAL_OWNERS = 8,       // most ranges of features of sparse rows, each one thread's work
    MG_DUAL_BLOCK = 16,       // rows of a dense block, solved one after the other through their products
    MG_DUAL_BLOCK_PART = 8,   // of these are multiplied at a time
    MG_DUAL_SLICES = 16,      // most pieces of the weights in a sweep over all of them
    MG_DUAL_RANGES = 8,       // most ranges of cells of dense rows, each one thread's work
    MG_DUAL_ITEM_ROWS = 1024, // of a pass over all rows that one thread takes at a time
    MG_DUAL_SLEEP = 9,        // epochs until a row that hardly matters is visited again
    MG_DUAL_SNAPSHOTS = 64,   // most of an epoch
};

// What the next step depends on beside the arrays; a checkpoint holds it as one field.
typedef struct mg_dual_clock {
    int64_t epoch;
    int64_t snapshots;        // in the average
    int64_t round;            // sparse: rows of a round now
    int64_t rounds;           // of them since their number was last looked at
    int64_t visits;           // rows visited since the last certificate
    int64_t visits_before;    // and until then
    int64_t newton;           // outer iterations of the Newton phase so far; -1: not in it
} mg_dual_clock;

typedef struct mg_dual_numbers {
    double best_primal, best_dual; // INFINITY and -INFINITY before the first certificate
    double last_gap;               // relative, of the last certificate; INFINITY before
    double share_gap;              // what the shares of the gap added up to then, relative too: of the weights as they were, not of the best
    double mean_share;             // at the end of the last epoch; shares far below it let a row sleep
    double parts;                  // sum of the line search's results over these rounds
    double sigma;                  // penalty of the Newton phase
    double mark_gap, mark_effort;  // the gap when it had last become clearly smaller, and the effort until then
} mg_dual_numbers;

// What rows of a round or block add up to. Threads write these side by side, so that each has a cache line of its own.
typedef struct mg_dual_part {
    _Alignas(64) double loss;   // weighted, before their steps
    double gain, curve, inner;  // of their steps, for the line search
    uint32_t changed;           // a bit for each row whose coefficients change
    uint32_t kept;              // and whose new ones are stored already: nearly always they are what the merge leaves
} mg_dual_part;

typedef struct mg_dual_owner {
    _Alignas(64) double square; // what the owner's part of the update does to ||W||^2
} mg_dual_owner;

// A range of cells of dense rows and of their weights: what lies in it never leaves the thread's cache, only sums do.
typedef struct mg_dual_range {
    int64_t from, to;                   // cells
    float *w;                           // [classes][to - from] copy of the weights during a visit
    float *wide[2];                     // [MG_DUAL_BLOCK][to - from] rows x' of this block and of the one before
    const float *x[2][MG_DUAL_BLOCK];
    float *scores, *gram;               // this range's part of dual->scores and dual->gram; of the first range those themselves
} mg_dual_range;

typedef struct mg_dual_state {
    const mg_problem *problem; // &own
    mg_problem own;        // a copy: its lambda may be set anew
    const mg_solver_options *options;
    bool certify, sparse;
    mg_batch all;          // every row, in file order
    double scale;          // 1 / (lambda N)
    float *norm;           // [N] ||x'||^2 with the constant feature
    mg_weights weights;    // W of scaled features: x' = scale (x - center); offset = bias value * bias
    mg_weights result;     // what is reported: the average of snapshots or, of raw cells, the best that was certified
    mg_weights mean;       // sparse, certify: the average of snapshots (M30), whose objective is often the lower one
    mg_weights view;       // of raw cells, where columns are scaled
    mg_dual_rows *rows;
    uint32_t *list;        // [N] rows of the epoch in their order
    int64_t listed;        // of these; -1: the list is still to be made
    int64_t place;         // in the list behind the last step
    int32_t *wake;         // [N] first epoch a row is visited again (certify)
    float *share;          // [N] latest share of the gap (certify)
    double share_sum;      // of all of them, at the end of an epoch
    bool failed;           // the visit under way: no memory for dual variables
    _Alignas(64) mg_dual_clock clock; // written every round, so apart from what all threads read
    mg_dual_numbers numbers;

    // The round: what the threads are told of it, on a cache line of its own.
    _Alignas(64) const uint32_t *row; // [count] stored rows
    int64_t count;
    int64_t left;          // rows of the visit from dual->row on
    int64_t owed;          // rows of the block or round before whose steps are not in the weights yet
    float again;           // sparse: part of those steps the weights take
    bool opens;            // dense: first block of a visit
    int side;              // dense: of wide and x that holds this block

    // and what it works with
    _Alignas(64) int64_t lanes;
    int64_t round_rows;
    float *scores, *before, *after, *u; // [round_rows][lanes]; scores beyond K stay -INFINITY
    float *offset;         // [lanes] of the weights, as sums of scores begin: -INFINITY beyond K
    float *z;              // [parts][lanes] scratch
    float *shift;          // [lanes] sparse: what the constant feature's weights of this round add to the scores so far
    int owners;            // sparse: ranges of features
    int64_t begin[MG_DUAL_OWNERS + 1]; // sparse: of their ranges
    int64_t slice[MG_DUAL_SLICES + 1]; // first line of weights of each piece: those of an owner's range go to its thread, which holds them
    int slices;
    uint32_t *cuts;        // sparse: [N][owners - 1] where in its row the entries of each owner but the first begin
    float *owner_scores;   // sparse: [owners - 1][round_rows][lanes] of every owner but the first, whose are dual->scores
    float *values;         // sparse with scaled columns: [owners][most entries]
    float *gram;           // dense: [round_rows][round_rows] products of rows
    mg_dual_range range[MG_DUAL_RANGES];
    int ranges;
    float *zeros;          // [max(lanes, MG_DUAL_BLOCK)]
    float *column_scale, *column_center; // [line] zero beyond D; NULL without

    mg_pass pass[16]; // for whole passes over the data
    int passes;
    mg_dual_part part[MG_DUAL_PARTS];     // of the round or block, dual->round_rows / MG_DUAL_ROUND_PART of them
    mg_dual_owner owner[MG_DUAL_OWNERS];  // of sparse rows
    struct mg_dual_certificate *certificate; // NULL before the first one and in the Newton phase
    struct mg_newton *newton; // NULL before its phase
} mg_dual_state;

// Which rows the epoch visits, in its order; from (seed, epoch) and the rows that are awake.
void mg_dual_make_list(mg_dual_state *dual);

// The epoch is over: counts it, and certifies or turns to Newton steps where that is due. Errors: MG_MEMORY.
mg_status mg_dual_end_epoch(mg_dual_state *dual, mg_error *error);

// After a certificate: takes note when the gap has become clearly smaller. And has it not for a long time?
void mg_dual_mark(mg_dual_state *dual);
bool mg_dual_stalled(const mg_dual_state *dual);

// What a checkpoint holds; and whether what was restored belongs together.
int mg_dual_fields(void *state, mg_field *fields);
mg_status mg_dual_check(void *state, int64_t batch, mg_error *error);

// Visits rows[0..count) in rounds. Returns the weighted sum of their losses before their steps.
double mg_dual_visit(mg_dual_state *dual, const uint32_t *rows, int64_t count);

// The part that holds row r of the round, and the row's bit in it.
static inline mg_dual_part *mg_dual_part_of(mg_dual_state *dual, int64_t r) {
    return &dual->part[r / MG_DUAL_ROUND_PART];
}

static inline int64_t mg_dual_parts(int64_t rows) {
    return mg_cut_items(rows, MG_DUAL_ROUND_PART);
}

static inline uint32_t mg_dual_bit(int64_t r) {
    return 1U << r % MG_DUAL_ROUND_PART;
}

static inline bool mg_dual_changed(const mg_dual_state *dual, int64_t r) {
    return dual->part[r / MG_DUAL_ROUND_PART].changed & mg_dual_bit(r);
}

// One row's step from dual->scores: dual->after, dual->u and what it adds to its part; dual->shift is part of these scores, but
// not of those the line search starts from.
void mg_dual_row_step(mg_dual_state *dual, int64_t r, float *z);

// Dense rows: memory for blocks; one block's steps, each as if it had seen those before it; and what a visit still owes the weights.
// Errors: MG_MEMORY.
mg_status mg_dual_dense_create(mg_dual_state *dual, mg_error *error);
void mg_dual_dense_destroy(mg_dual_state *dual);
void mg_dual_dense_block(mg_dual_state *dual);
void mg_dual_dense_close(mg_dual_state *dual);

// Sparse rows. Each owner of a range of features adds `again` times the steps owed to its weights, and then scores its part of the
// round's rows with them; returns what that did to ||W||^2. Then the rows' steps.
// Errors: MG_MEMORY.
mg_status mg_dual_sparse_create(mg_dual_state *dual, mg_error *error);
void mg_dual_sparse_destroy(mg_dual_state *dual);
void mg_dual_sparse_cuts(void *state, int64_t item); // of MG_DUAL_ITEM_ROWS rows
double mg_dual_sparse_scores(mg_dual_state *dual, float again);
void mg_dual_sparse_steps(mg_dual_state *dual);

// Stored values of a row that lie in an owner's range of features.
static inline void mg_dual_owned(const mg_dual_state *dual, int64_t row, int64_t owner, int64_t *begin, int64_t *end) {
    const int64_t *indptr = dual->all.rows.indptr;
    const uint32_t *cuts = dual->cuts + row * (dual->owners - 1);
    *begin = indptr[row] + (owner > 0 ? cuts[owner - 1] : 0);
    *end = owner < dual->owners - 1 ? indptr[row] + cuts[owner] : indptr[row + 1];
}

// Cells [from, to) of one row of x', both multiples of MG_LANES; and all of them.
void mg_dual_dense_cells(const mg_dual_state *dual, int64_t row, int64_t from, int64_t to, float *x);
void mg_dual_dense_row(const mg_dual_state *dual, int64_t row, float *x);

// W of scaled features into weights of raw cells: lines [from, end); bias and offsets; all of it.
void mg_dual_raw_lines(const mg_dual_state *dual, const mg_weights *w, mg_weights *to, int64_t from, int64_t end);
void mg_dual_raw_bias(const mg_dual_state *dual, const mg_weights *w, mg_weights *to);
void mg_dual_to_raw(const mg_dual_state *dual, const mg_weights *w, mg_weights *to);

// A loss without a dual of the form M25 has no dual variables to keep: Newton steps begin at once, from W (M31).
static inline bool mg_dual_ascends(const mg_dual_state *dual) {
    return dual->problem->loss->dual != NULL;
}

static inline double mg_dual_weight(const mg_dual_state *dual, int64_t row) {
    return dual->all.weight ? (double)dual->all.weight[row] : 1;
}

// -l*(c) of a row of class y (M25).
double mg_dual_value(const mg_dual_state *dual, const float *c, int64_t y);

// Takes note of an objective some weights of raw cells reach and of a lower bound.
void mg_dual_keep_best(mg_dual_state *dual, const mg_weights *raw, double primal, double lower);

// Relative gap of the best objective and bound; INFINITY without an objective.
double mg_dual_gap(const mg_dual_numbers *numbers);

// Rebuilds W from the dual variables in double, evaluates both objectives, keeps the best, tells rows their shares (M27).
// Errors: MG_MEMORY.
mg_status mg_dual_certify(mg_dual_state *dual, mg_error *error);
void mg_dual_certificate_destroy(mg_dual_state *dual);

// The Newton phase: one outer iteration of the proximal method of multipliers from W, the dual variables and sigma (M28, M29). Returns
// the weighted sum of the losses at W in *loss. Errors: MG_MEMORY; MG_STOPPED, when the options' stop says so: nothing has changed then.
mg_status mg_dual_newton_step(mg_dual_state *dual, double *loss, mg_error *error);
bool mg_dual_newton_fits(const mg_dual_state *dual); // its memory is in proportion to that of the rows, and it will be fast
void mg_dual_newton_destroy(struct mg_newton *newton);

#endif
