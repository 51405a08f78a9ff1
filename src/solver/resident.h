// resident.h - what is common to the solvers that hold all rows in memory: the problem, the rows, and how
// work on them is cut. After mg_resident_attach only lambda changes.
#ifndef MG_SOLVER_RESIDENT_H
#define MG_SOLVER_RESIDENT_H

#include "base/arena.h"
#include "solver/pass.h"
#include "solver/solver.h"

enum {
    MG_FEATURE_RANGES = 8,        // most ranges of the features of sparse rows
    MG_WEIGHT_RANGES = 16,        // most ranges of all weights
    MG_RESIDENT_ITEM_ROWS = 1024, // rows of an item in a pass over all rows
    MG_RESIDENT_ZEROS = 16,       // least length of resident->zeros
};

typedef struct mg_resident {
    const mg_problem *problem; // &own
    mg_problem own;            // a copy, because mg_resident_set_lambda changes it
    const mg_solver_options *options;
    bool certify, sparse;
    mg_batch all;              // all rows, in the order of the file
    double scale;              // 1 / (lambda N)
    float *norm;               // [N] ||x'||^2 with the constant feature; NULL: the loss has no dual
    int64_t lanes, line, size; // of weights
    int ranges;                // of features, of sparse rows
    int64_t range_begin[MG_FEATURE_RANGES + 1]; // sparse: first feature of each range
    // sparse: [N][ranges - 1] where in a row the stored values of each range but the first begin
    uint32_t *cuts;
    int weight_ranges;
    // First line of weights of each range. A feature range is a whole number of weight ranges, so that the
    // thread that has its weights in cache claims them.
    int64_t weight_range[MG_WEIGHT_RANGES + 1];
    float *column_scale, *column_center; // dense: [line] zero beyond D; NULL: none
    float *zeros;                        // [max(lanes, MG_RESIDENT_ZEROS)]
    mg_pass *pass;                       // [passes] one for each part of a pass over all rows
    int passes;                          // 0 without certificates
    mg_arena arena;
} mg_resident;

// `shape`: any weights of the problem. Errors: MG_MEMORY.
mg_status mg_resident_create(mg_resident *resident, const mg_problem *problem,
                             const mg_solver_options *options, const mg_weights *shape, mg_error *error);
void mg_resident_destroy(mg_resident *resident);

// Takes the rows and computes their norms, ranges and cuts. Errors: MG_MEMORY.
mg_status mg_resident_attach(mg_resident *resident, const mg_batch *all, mg_error *error);

void mg_resident_set_lambda(mg_resident *resident, double lambda);

// Does the loss have a dual, so that there are dual variables (M25)?
static inline bool mg_resident_has_duals(const mg_resident *resident) {
    return resident->problem->loss->dual != NULL;
}

static inline double mg_resident_weight(const mg_resident *resident, int64_t row) {
    return resident->all.weight ? (double)resident->all.weight[row] : 1;
}

// Position of the stored values of a row that belong to a range of features.
static inline void mg_resident_values(const mg_resident *resident, int64_t row, int64_t range, int64_t *begin,
                                      int64_t *end) {
    const int64_t *indptr = resident->all.rows.indptr;
    const uint32_t *cuts = resident->cuts + row * (resident->ranges - 1);
    *begin = indptr[row] + (range > 0 ? cuts[range - 1] : 0);
    *end = range < resident->ranges - 1 ? indptr[row] + cuts[range] : indptr[row + 1];
}

// The cells [from, to) of a dense row as x'; both limits are multiples of MG_LANES. The second function gives
// all cells of the row.
void mg_resident_cells(const mg_resident *resident, int64_t row, int64_t from, int64_t to, float *x);
void mg_resident_row(const mg_resident *resident, int64_t row, float *x);

// Converts W of scaled features into weights of raw cells: the first function converts lines [from, end), the
// second bias and offsets, the third all of W.
void mg_resident_raw_lines(const mg_resident *resident, const mg_weights *w, mg_weights *to, int64_t from,
                           int64_t end);
void mg_resident_raw_bias(const mg_resident *resident, const mg_weights *w, mg_weights *to);
void mg_resident_to_raw(const mg_resident *resident, const mg_weights *w, mg_weights *to);

// -l*(c) of a row of class y (M25).
double mg_resident_dual_value(const mg_resident *resident, const float *c, int64_t y);

#endif
