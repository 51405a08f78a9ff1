// resident.h - what solvers that hold all rows share: the problem, the rows, and how work on them is cut.
// After mg_resident_attach only lambda changes.
#ifndef MG_SOLVER_RESIDENT_H
#define MG_SOLVER_RESIDENT_H

#include "base/arena.h"
#include "solver/pass.h"
#include "solver/solver.h"

enum {
    MG_FEATURE_RANGES = 8,        // most ranges of features, for sparse rows
    MG_WEIGHT_RANGES = 16,        // most ranges of weights
    MG_RESIDENT_ITEM_ROWS = 1024, // rows of one item when the team goes over all rows
    MG_RESIDENT_ZEROS = 16,       // minimum length of resident->zeros
};

typedef struct mg_resident {
    const mg_problem *problem; // points to `own`
    // a copy, because mg_resident_set_lambda changes it; a free bias has a constant feature of another value
    mg_problem own;
    const mg_solver_options *options;
    mg_comm *comm, *alone; // the shards of the rows; `alone` has a single one, if the problem does not say
    int64_t rows;          // rows in memory: those of the own shards
    bool certify, sparse;
    mg_batch all;              // the rows in memory, in the order of the file
    double scale;              // 1 / (lambda N): factor between dual variables and W
    float *norm;               // [rows] ||x'||^2 including the constant feature; NULL if the loss has no dual
    int64_t lanes, line, size; // as in mg_weights
    int ranges;                // ranges of features, for sparse rows
    int64_t range_begin[MG_FEATURE_RANGES + 1]; // sparse: first feature of each range
    // sparse: [rows][ranges - 1] positions in a row at which the stored values of each range but the first
    // begin
    uint32_t *cuts;
    int weight_ranges;
    // First line of each range of weights. Every range of features consists of whole ranges of weights, so
    // that a thread finds the weights of its ranges in its cache.
    int64_t weight_range[MG_WEIGHT_RANGES + 1];
    float *column_scale, *column_center; // dense: [line] zero beyond D; NULL: none
    float *zeros;                        // [max(lanes, MG_RESIDENT_ZEROS)] always zero
    mg_pass *pass;                       // [passes] one for each part when all rows are evaluated
    int passes;                          // 0 if there are no certificates
    mg_arena arena;
} mg_resident;

// `shape`: weights of the problem's shape; their values do not matter. Errors: MG_MEMORY.
mg_status mg_resident_create(mg_resident *resident, const mg_problem *problem,
                             const mg_solver_options *options, const mg_weights *shape, mg_error *error);
void mg_resident_destroy(mg_resident *resident);

// Takes the rows, and computes norms, ranges and cuts. Errors: MG_MEMORY.
mg_status mg_resident_attach(mg_resident *resident, const mg_batch *all, mg_error *error);

void mg_resident_set_lambda(mg_resident *resident, double lambda);

// True if the loss has a dual, so that there are dual variables (M25).
static inline bool mg_resident_has_duals(const mg_resident *resident) {
    return resident->problem->loss->dual != NULL;
}

// True if dual ascent can train. It visits rows of all shards in turn, so there must be a single shard.
static inline bool mg_resident_has_ascent(const mg_resident *resident) {
    return mg_resident_has_duals(resident) && !resident->problem->free_bias && resident->comm->shards == 1;
}

// The first row of a shard, counted from the first row in memory. A shard ends where the next one begins.
static inline int64_t mg_resident_shard(const mg_resident *resident, int64_t shard) {
    const mg_comm *comm = resident->comm;
    int64_t rows = resident->problem->rows;
    return mg_comm_shard_row(comm, rows, shard) - mg_comm_shard_row(comm, rows, comm->first);
}

static inline double mg_resident_weight(const mg_resident *resident, int64_t row) {
    return resident->all.weight ? (double)resident->all.weight[row] : 1;
}

// Sets [*begin, *end) to the positions of those stored values of a row whose features are in a range.
static inline void mg_resident_values(const mg_resident *resident, int64_t row, int64_t range, int64_t *begin,
                                      int64_t *end) {
    const int64_t *indptr = resident->all.rows.indptr;
    const uint32_t *cuts = resident->cuts + row * (resident->ranges - 1);
    *begin = indptr[row] + (range > 0 ? cuts[range - 1] : 0);
    *end = range < resident->ranges - 1 ? indptr[row] + cuts[range] : indptr[row + 1];
}

// Computes the cells of a dense row as x'.
void mg_resident_row(const mg_resident *resident, int64_t row, float *x);

// Convert W of scaled features into weights of raw cells (M19): lines [from, end); bias and offsets; all of
// W.
void mg_resident_raw_lines(const mg_resident *resident, const mg_weights *w, mg_weights *to, int64_t from,
                           int64_t end);
void mg_resident_raw_bias(const mg_resident *resident, const mg_weights *w, mg_weights *to);
void mg_resident_to_raw(const mg_resident *resident, const mg_weights *w, mg_weights *to);

// Returns -l*(c) for a row of class y (M25).
double mg_resident_dual_value(const mg_resident *resident, const float *c, int64_t y);

#endif
