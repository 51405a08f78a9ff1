// dual.h - the state of dual ascent, shared by its files: dual.c (the solver), dual_order.c (which rows, when), dual_round.c (steps of
// rows and their merge), dual_dense.c and dual_sparse.c (scores and updates), certificate.c (how far the optimum is).
#ifndef MG_SOLVER_DUAL_H
#define MG_SOLVER_DUAL_H

#include "solver/dual_rows.h"
#include "solver/pass.h"
#include "solver/solver.h"

enum {
    MG_DUAL_ROUND = 64,       // most rows of a sparse round: their scores are those of its beginning
    MG_DUAL_ROUND_PART = 8,   // of these a thread takes at a time
    MG_DUAL_OWNERS = 4,       // ranges of features whose weights one thread updates at a time
    MG_DUAL_BLOCK = 32,       // rows of a dense block, solved one after the other through their products
    MG_DUAL_BLOCK_PART = 8,
    MG_DUAL_SLEEP = 9,        // epochs until a row that hardly matters is visited again
};

// What the next step depends on beside the arrays; a checkpoint holds it as one field.
typedef struct mg_dual_clock {
    int64_t epoch;
    int64_t snapshots;        // in the average
    int64_t round;            // sparse: rows of a round now
    int64_t rounds;           // of them since their number was last looked at
    int64_t visits;           // rows visited since the last certificate
    int64_t newton;           // outer iterations of the Newton phase so far; -1: not in it
} mg_dual_clock;

typedef struct mg_dual_numbers {
    double best_primal, best_dual; // INFINITY and -INFINITY before the first certificate
    double last_gap;               // relative, of the last certificate; INFINITY before
    double mean_share;             // at the end of the last epoch; shares far below it let a row sleep
    double parts;                  // sum of the line search's results over these rounds
    double sigma;                  // penalty of the Newton phase
} mg_dual_numbers;

typedef struct mg_dual_state {
    const mg_problem *problem;
    const mg_solver_options *options;
    bool certify, sparse;
    mg_batch all;          // every row, in file order
    double scale;          // 1 / (lambda N)
    float *norm;           // [N] ||x'||^2 with the constant feature
    mg_weights weights;    // W of scaled features: x' = scale (x - center); offset = bias value * bias
    mg_weights result;     // what is reported, as weights of raw cells: the average of snapshots, or the best that was certified
    mg_weights view;       // of raw cells, where columns are scaled
    mg_dual_rows *rows;
    uint32_t *list;        // [N] rows of the epoch in their order
    int64_t listed;        // of these; -1: the list is still to be made
    int64_t place;         // in the list behind the last step
    int32_t *wake;         // [N] first epoch a row is visited again (certify)
    float *share;          // [N] latest share of the gap (certify)
    double share_sum;      // of all of them, at the end of an epoch
    mg_dual_clock clock;
    mg_dual_numbers numbers;
    bool failed;           // out of memory in a step
    mg_error failure;      // what for; its status is MG_OK when it was for dual variables

    // one round
    int64_t lanes, round_rows;
    const uint32_t *row;   // [count] stored rows
    int64_t count;
    float *scores, *before, *after, *u; // [round_rows][lanes]
    float *z;              // [parts][lanes] scratch
    float *changed;        // [round_rows] largest change of a coefficient
    double *gain, *curve, *inner, *loss; // [round_rows] of the line search
    float *shift;          // [lanes] sparse: what the constant feature's weights of this round add to the scores so far
    double owner_square[MG_DUAL_OWNERS];
    int32_t *cuts;         // sparse: [round_rows][MG_DUAL_OWNERS + 1]
    float *values;         // sparse with scaled columns: [parts][most entries]
    float *wide;           // dense: [round_rows][line] rows x'
    const float *x[MG_DUAL_BLOCK];
    float *gram;           // dense: [round_rows][round_rows]
    float zeros[MG_DUAL_BLOCK];

    mg_pass pass[16]; // for whole passes over the data
    int passes;
    struct mg_newton *newton; // NULL before its phase
} mg_dual_state;

// Which rows the epoch visits, in its order; from (seed, epoch) and the rows that are awake.
void mg_dual_make_list(mg_dual_state *dual);

// Visits rows[0..count) in rounds. Returns the weighted sum of their losses before their steps.
double mg_dual_visit(mg_dual_state *dual, const uint32_t *rows, int64_t count);

// One row's step from dual->scores: dual->after, dual->u and what the line search needs; dual->shift is part of these scores, but
// not of those the line search starts from.
void mg_dual_row_step(mg_dual_state *dual, int64_t r, float *z);

// Scores of the round's rows; and then the weights' part of the steps. The sparse update returns ||dW||^2 for the line search.
void mg_dual_dense_block(mg_dual_state *dual);
void mg_dual_sparse_scores(mg_dual_state *dual); // and the rows' steps
double mg_dual_sparse_update(mg_dual_state *dual);
void mg_dual_sparse_shrink(mg_dual_state *dual, float factor); // adds `factor` times the round's update once more

// ||x'||^2 of every row. One row of x' as floats [line].
void mg_dual_norms(mg_dual_state *dual);
void mg_dual_dense_row(const mg_dual_state *dual, int64_t row, float *to);

// W of scaled features into weights of raw cells, offsets folded.
void mg_dual_to_raw(const mg_dual_state *dual, const mg_weights *w, mg_weights *to);

static inline double mg_dual_weight(const mg_dual_state *dual, int64_t row) {
    return dual->all.weight ? (double)dual->all.weight[row] : 1;
}

// -l*(c) of a row of class y (M25).
double mg_dual_value(const mg_dual_state *dual, const float *c, int64_t y);

// Takes note of an objective some weights of raw cells reach and of a lower bound.
void mg_dual_keep_best(mg_dual_state *dual, const mg_weights *raw, double primal, double lower);

// Rebuilds W from the dual variables in double, evaluates both objectives, keeps the best, tells rows their shares (M27).
// Errors: MG_MEMORY.
mg_status mg_dual_certify(mg_dual_state *dual, mg_error *error);

// The Newton phase: one outer iteration of the proximal method of multipliers from W, the dual variables and sigma (M28, M29). Returns
// the weighted sum of the losses at W in *loss. Errors: MG_MEMORY.
mg_status mg_dual_newton_step(mg_dual_state *dual, double *loss, mg_error *error);
bool mg_dual_newton_fits(const mg_dual_state *dual); // its memory is in proportion to that of the rows
void mg_dual_newton_destroy(struct mg_newton *newton);

#endif
