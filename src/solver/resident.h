// resident.h - what solvers share that hold all rows in memory: the problem, the rows, and how work over them
// is cut. Nothing of it changes after it was attached, but for lambda.
#ifndef MG_SOLVER_RESIDENT_H
#define MG_SOLVER_RESIDENT_H

#include "base/arena.h"
#include "solver/pass.h"
#include "solver/solver.h"

enum {
    MG_FEATURE_RANGES = 8,        // most ranges of features of sparse rows, each one thread's work
    MG_WEIGHT_RANGES = 16,        // most ranges of the weights in a sweep over all of them
    MG_RESIDENT_ITEM_ROWS = 1024, // of a pass over all rows that one thread takes at a time
    MG_RESIDENT_ZEROS = 16,       // fewest of resident->zeros
};

typedef struct mg_resident {
    const mg_problem *problem; // &own
    mg_problem own;            // a copy: its lambda may be set anew
    const mg_solver_options *options;
    bool certify, sparse;
    mg_batch all;              // every row, in file order
    double scale;              // 1 / (lambda N)
    float *norm;               // [N] ||x'||^2 with the constant feature; NULL: the loss has no dual
    int64_t lanes, line, size; // of weights
    int ranges;                // sparse: ranges of features
    int64_t range_begin[MG_FEATURE_RANGES + 1]; // sparse: of these
    uint32_t *cuts; // sparse: [N][ranges - 1] where in its row the entries of each range but the first begin
    int weight_ranges;
    int64_t weight_range[MG_WEIGHT_RANGES + 1]; // first line of weights of each: those of a range go to its
                                                // thread, which holds them
    float *column_scale, *column_center;        // dense: [line] zero beyond D; NULL without
    float *zeros;                               // [max(lanes, MG_RESIDENT_ZEROS)]
    mg_pass *pass;                              // [passes] for whole passes over the data
    int passes;                                 // certify: as many as parts of all rows
    mg_arena arena;
} mg_resident;

// `shape`: any weights of the problem. Errors: MG_MEMORY.
mg_status mg_resident_create(mg_resident *resident, const mg_problem *problem,
                             const mg_solver_options *options, const mg_weights *shape, mg_error *error);
void mg_resident_destroy(mg_resident *resident);

// The rows: their norms, ranges and cuts. Errors: MG_MEMORY.
mg_status mg_resident_attach(mg_resident *resident, const mg_batch *all, mg_error *error);

void mg_resident_set_lambda(mg_resident *resident, double lambda);

// Is there a dual, and are there dual variables (M25)?
static inline bool mg_resident_has_duals(const mg_resident *resident) {
    return resident->problem->loss->dual != NULL;
}

static inline double mg_resident_weight(const mg_resident *resident, int64_t row) {
    return resident->all.weight ? (double)resident->all.weight[row] : 1;
}

// Stored values of a row that lie in a range of features.
static inline void mg_resident_values(const mg_resident *resident, int64_t row, int64_t range, int64_t *begin,
                                      int64_t *end) {
    const int64_t *indptr = resident->all.rows.indptr;
    const uint32_t *cuts = resident->cuts + row * (resident->ranges - 1);
    *begin = indptr[row] + (range > 0 ? cuts[range - 1] : 0);
    *end = range < resident->ranges - 1 ? indptr[row] + cuts[range] : indptr[row + 1];
}

// Cells [from, to) of one dense row of x', both multiples of MG_LANES; and all of them.
void mg_resident_cells(const mg_resident *resident, int64_t row, int64_t from, int64_t to, float *x);
void mg_resident_row(const mg_resident *resident, int64_t row, float *x);

// W of scaled features into weights of raw cells: lines [from, end); bias and offsets; all of it.
void mg_resident_raw_lines(const mg_resident *resident, const mg_weights *w, mg_weights *to, int64_t from,
                           int64_t end);
void mg_resident_raw_bias(const mg_resident *resident, const mg_weights *w, mg_weights *to);
void mg_resident_to_raw(const mg_resident *resident, const mg_weights *w, mg_weights *to);

// -l*(c) of a row of class y (M25).
double mg_resident_dual_value(const mg_resident *resident, const float *c, int64_t y);

#endif
