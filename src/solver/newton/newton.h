// newton.h - the Newton phase, shared by its files: newton.c (one outer iteration), rows.c (what the proximal
// term makes of every row), smooth.c (what a smooth loss does), sum.c (passes over the data), direction.c
// (conjugate gradients), precondition.c and diagonal.c (what makes them few).
#ifndef MG_SOLVER_NEWTON_NEWTON_H
#define MG_SOLVER_NEWTON_NEWTON_H

#include "solver/incumbent.h"
#include "solver/iterate.h"

// Sums over rows go by chunks of rows; the parts of a chunk are added in double in their order.
enum {
    MG_NEWTON_PARTS = 16,
    MG_NEWTON_PART_ROWS = 256,
    MG_NEWTON_ROWS = MG_NEWTON_PARTS * MG_NEWTON_PART_ROWS,
    MG_NEWTON_RANGES = 16
};

typedef struct mg_precondition mg_precondition;
typedef struct mg_newton mg_newton;

// Sums over all rows at one point of the search.
typedef struct mg_newton_sums {
    double loss;     // weighted losses
    double value;    // weighted -l*(A)
    double distance; // weighted ||A - A0||^2
} mg_newton_sums;

// What the rows make of the point of the search. Padding lanes of scores are -INFINITY.
typedef struct mg_newton_rows {
    float *scores;    // [N][lanes] S
    float *coef;      // [N][lanes] A
    float *move;      // [N][lanes] change of the scores along the direction; before that, slope
    float *slope;     // the same memory: [N][lanes] D_F of free rows (M28)
    uint8_t *is_free; // [N]
    float *total;     // [N] sum of the slopes of free rows
    float *lead;  // [N] by how much the own class leads at least, of rows whose A0 and A are zero: nothing to
                  // do above delta; -INFINITY: of others
    float *reach; // [N] most by which the lead falls along the direction
} mg_newton_rows;

typedef struct mg_newton_free {
    uint32_t *row; // [count] free rows, ascending
    int64_t count;
    void *packed; // dense: their cells one after the other, where they are few enough
    bool is_packed;
} mg_newton_free;

// A vector has the shape of the weights: `size` floats as weights.v, then `lanes` of the constant feature.
// Those of conjugate gradients:
typedef struct mg_newton_cg {
    float *direction, *residual, *search, *product, *better;
} mg_newton_cg;

// One chunk of the rows that are summed up: rows with coefficients, packed at the beginning of each part.
typedef struct mg_newton_parts {
    uint32_t *row; // [MG_NEWTON_ROWS]
    float *coef;   // [MG_NEWTON_ROWS][lanes]
    int64_t used[MG_NEWTON_PARTS];
    float *grad;      // dense: [PARTS][size] of raw cells; sparse: [size]
    double *raw_sum;  // as a vector: of raw cells, then of the coefficients alone
    double *constant; // [PARTS][lanes]
} mg_newton_parts;

struct mg_newton {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_incumbent *incumbent;
    bool settled;   // scores, coefficients and sum belong to the iterate as it is
    int64_t length; // of a vector
    double sigma;
    mg_newton_rows rows;
    mg_newton_free free;
    mg_newton_parts parts;
    mg_newton_cg cg;
    float *w, *descent; // vectors
    double *sum;        // as a vector: the gradient of the mean loss, sum_i v_i A_i x'_i / N
    mg_weights raw;     // a vector as weights of raw cells
    mg_precondition *precondition;

    float *scratch; // [MG_NEWTON_PARTS][4][lanes] of one row
    mg_newton_sums part[MG_NEWTON_PARTS];
    double part_slope[MG_NEWTON_PARTS];
    double trial; // of the line search: step length
    mg_arena arena;
};

// Do the derivatives of a row's coefficients sum to zero (M28)?
static inline bool mg_newton_joint(const mg_newton *newton) {
    const mg_prox *prox = newton->resident->problem->loss->dual;
    return !prox || prox->joint;
}

// The diagonal of v J / N of a free row (M28).
static inline double mg_newton_diagonal(const mg_newton *newton, int64_t row, int64_t k) {
    const mg_resident *resident = newton->resident;
    double d = (double)newton->rows.slope[row * resident->lanes + k],
           less = d != 0 && mg_newton_joint(newton) ? d * d / (double)newton->rows.total[row] : 0;
    return mg_resident_weight(resident, row) / (double)resident->problem->rows * (d - less);
}

// Sum of a row's slopes, 1' D_F 1.
static inline float mg_newton_total(const mg_newton *newton, const float *slope) {
    float sum = 0;
    for (int64_t k = 0; k < newton->resident->problem->classes; k++) sum += slope[k];
    return sum;
}

// Is the step to be given up?
static inline bool mg_newton_stopped(const mg_newton *newton) {
    const mg_solver_options *options = newton->resident->options;
    return options->stop && options->stop(options->context);
}

// ---- newton.c -----------------------------------------------------------------------------------

// The others outlive it. Errors: MG_MEMORY.
mg_status mg_newton_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                           mg_newton **out, mg_error *error);
void mg_newton_destroy(mg_newton *newton);

// Its memory is in proportion to that of the rows, and it will be fast.
bool mg_newton_fits(const mg_resident *resident);

// The penalty of the first outer iteration.
double mg_newton_first_penalty(const mg_resident *resident);

// One outer iteration of the proximal method of multipliers from the iterate and the penalty *sigma, which
// follows (M28, M29). Returns the weighted sum of the losses at W in *loss. Errors: MG_MEMORY; MG_STOPPED,
// when the options' stop says so: nothing has changed then.
mg_status mg_newton_iterate(mg_newton *newton, double *sigma, double *loss, mg_error *error);

// ---- sum.c --------------------------------------------------------------------------------------

// The most free rows that are copied: part of all.
enum { MG_NEWTON_PACK = 4 };

// Copies the cells of the free rows next to each other: conjugate gradients read them again and again.
void mg_newton_pack(mg_newton *newton);

// (M1) Scores of a vector for every row, into to[N][lanes]; padding lanes get `padding`.
void mg_newton_scores(mg_newton *newton, const float *vector, float padding, float *to);

// to[length] += (1/N) sum over items of coef x'^T. `fill` takes the rows of items [first, end) that have
// coefficients, and adds dense ones to the part's gradient.
typedef void mg_newton_fill(mg_newton *newton, int64_t part, int64_t first, int64_t end);
void mg_newton_sum(mg_newton *newton, int64_t items, mg_newton_fill *fill, double *to);

// For `fill`: takes a row; where its coefficients go, behind those of the row before.
float *mg_newton_take(mg_newton *newton, int64_t part, int64_t row);
void mg_newton_add_taken(mg_newton *newton,
                         int64_t part); // the gradient of all rows taken, in float: a few hundred at most

// product = H vector (M29) over the free rows.
void mg_newton_product(mg_newton *newton, const float *vector, float *product);

// Products of two vectors, in double, in a fixed order.
double mg_newton_dot(const mg_newton *newton, const float *a, const float *b);

// ---- rows.c -------------------------------------------------------------------------------------

// A = argmax of every row at the scores (M28); sum follows by the rows that changed; free rows and their
// slopes.
mg_newton_sums mg_newton_evaluate(mg_newton *newton);

// move has been filled: reach follows. The scores move along it.
void mg_newton_reach(mg_newton *newton);
void mg_newton_move(mg_newton *newton, double t);

// sum over rows of v <A(S + t move), move>.
double mg_newton_slope_at(mg_newton *newton, double t);

// Reads A from the dual rows and forms sum anew; loss and value of them at the scores.
mg_newton_sums mg_newton_settle(mg_newton *newton);

// ---- newton_smooth.c: the same for a smooth loss, whose A is a function of the scores -----------

mg_newton_fill mg_newton_fill_smooth;                    // A of every row, for both evaluate and settle
void mg_newton_slope_smooth(void *newton, int64_t part); // of one of MG_NEWTON_PARTS

// ---- direction.c --------------------------------------------------------------------------------

// direction: H direction = descent, roughly; unless the step is given up meanwhile. Returns the steps it
// took.
int mg_newton_solve(mg_newton *newton);

// ---- precondition.c -----------------------------------------------------------------------------

// Are there factors, and not the diagonal alone?
bool mg_precondition_factors(const mg_problem *problem);

// Errors: MG_MEMORY.
mg_status mg_precondition_create(mg_newton *newton, mg_precondition **out, mg_error *error);
void mg_precondition_destroy(mg_precondition *p);

// Forms it anew from the free rows; then to = M^-1 from.
void mg_precondition_build(mg_precondition *p, mg_newton *newton);
void mg_precondition_apply(mg_precondition *p, mg_newton *newton, const float *from, float *to);

// ---- diagonal.c ---------------------------------------------------------------------------------

// Sparse rows: the inverse diagonal of the Hessian over the free rows, as a vector.
void mg_newton_inverse_diagonal(mg_newton *newton, float *to);

#endif
