// newton.h - the Newton phase: newton.c (one outer iteration), rows.c (the rows of a loss with a dual),
// smooth.c (the rows of a smooth loss), sum.c (passes over the data), direction.c (conjugate gradients),
// precondition.c and diagonal.c (their preconditioner), cost.c (a model of the cost).
#ifndef MG_SOLVER_NEWTON_NEWTON_H
#define MG_SOLVER_NEWTON_NEWTON_H

#include "solver/incumbent.h"
#include "solver/iterate.h"

// A pass over the rows takes MG_NEWTON_ROWS rows at a time, in parts. The sums of the parts are added in
// double, in their order.
enum {
    MG_NEWTON_PARTS = 16,
    MG_NEWTON_PART_ROWS = 256,
    MG_NEWTON_ROWS = MG_NEWTON_PARTS * MG_NEWTON_PART_ROWS,
    MG_NEWTON_RANGES = 16,  // of a vector
    MG_NEWTON_SAMPLE = 1600 // most free rows of a class that its factor is computed from
};

typedef struct mg_precondition mg_precondition;
typedef struct mg_newton mg_newton;

// Sums over all rows at one point of the search.
typedef struct mg_newton_sums {
    double loss;     // weighted losses
    double value;    // weighted -l*(A)
    double distance; // weighted ||A - A0||^2
} mg_newton_sums;

// What is known of each row at the point of the search. Padding lanes of scores are -INFINITY.
typedef struct mg_newton_rows {
    float *scores;    // [N][lanes] S
    float *coef;      // [N][lanes] A
    float *move;      // [N][lanes] change of the scores along the direction; in the same memory as slope
    float *slope;     // [N][lanes] D_F of free rows (M28); used before move
    uint8_t *is_free; // [N]
    float *total;     // [N] sum of the slopes of a free row
    // [N] lower bound of the lead of the row's own class, if A0 and A are zero. Above delta the row has
    // neither loss nor coefficients. -INFINITY for other rows.
    float *lead;
    float *reach; // [N] most by which the lead falls along the direction
} mg_newton_rows;

typedef struct mg_newton_free {
    uint32_t *row; // [count] free rows, in ascending order
    int64_t count;
    void *packed; // dense: copies of their cells, one row after the other
    bool is_packed;
} mg_newton_free;

// A vector has the shape of the weights: `size` floats as weights.v, then `lanes` floats of the constant
// feature. The vectors of conjugate gradients:
typedef struct mg_newton_cg {
    float *direction, *residual, *search, *product, *preconditioned;
} mg_newton_cg;

// The parts that a pass works on: their rows with coefficients, packed at the beginning of each part.
typedef struct mg_newton_parts {
    uint32_t *row; // [MG_NEWTON_ROWS]
    float *coef;   // [MG_NEWTON_ROWS][lanes]
    int64_t used[MG_NEWTON_PARTS];
    float *grad;      // dense: [PARTS][size] of raw cells; sparse: [size]
    double *raw_sum;  // as a vector: of raw cells, then of the coefficients alone
    double *constant; // [PARTS][lanes] sums of the coefficients
} mg_newton_parts;

struct mg_newton {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_incumbent *incumbent;
    bool current;   // scores, coefficients and sum are those of the iterate
    int64_t length; // of a vector
    double sigma;
    double cost; // of the steps of this iteration so far, by the model of cost.c
    mg_newton_rows rows;
    mg_newton_free free;
    mg_newton_parts parts;
    mg_newton_cg cg;
    float *w, *descent; // vectors
    double *sum;        // as a vector: the gradient of the mean loss, sum_i v_i A_i x'_i / N
    mg_weights raw;     // a vector as weights of raw cells
    mg_precondition *precondition;

    float *scratch; // [MG_NEWTON_PARTS][4][lanes] for one row of each part
    mg_newton_sums part[MG_NEWTON_PARTS];
    double part_slope[MG_NEWTON_PARTS];
    double trial; // step length that the line search tries
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

// Sum of the slopes of a row, 1' D_F 1.
static inline float mg_newton_total(const mg_newton *newton, const float *slope) {
    float sum = 0;
    for (int64_t k = 0; k < newton->resident->problem->classes; k++) sum += slope[k];
    return sum;
}

// Should the step be given up?
static inline bool mg_newton_stopped(const mg_newton *newton) {
    return mg_stop_asked(&newton->resident->options->stop);
}

// ---- newton.c -----------------------------------------------------------------------------------

// The structs that are passed outlive it. Errors: MG_MEMORY.
mg_status mg_newton_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                           mg_newton **out, mg_error *error);
void mg_newton_destroy(mg_newton *newton);

// True if its memory is small next to that of the rows, and if it has factors for its preconditioner.
bool mg_newton_fits(const mg_resident *resident);

// The penalty of the first outer iteration.
double mg_newton_first_penalty(const mg_resident *resident);

// One outer iteration of the proximal method of multipliers from the iterate, with the penalty *sigma, which
// it adapts (M28, M29). *loss: the weighted sum of the losses at W. Errors: MG_MEMORY; MG_STOPPED if the
// options' stop says so, and then nothing has changed.
mg_status mg_newton_iterate(mg_newton *newton, double *sigma, double *loss, mg_error *error);

// Cost of the last iteration, by the model of cost.c.
double mg_newton_cost(const mg_newton *newton);

// ---- cost.c -------------------------------------------------------------------------------------

// Cost of each piece of work, and of all Newton steps that a problem usually needs, in operations.
double mg_newton_cost_evaluate(const mg_resident *resident);
double mg_newton_cost_move(const mg_resident *resident);
double mg_newton_cost_trial(const mg_resident *resident); // of a step length
double mg_newton_cost_build(const mg_resident *resident, double free_rows);
double mg_newton_cost_product(const mg_resident *resident, double free_rows); // with the preconditioner
double mg_newton_cost_usual(const mg_resident *resident);

// ---- sum.c --------------------------------------------------------------------------------------

enum { MG_NEWTON_PACK = 4 }; // free rows are copied if they are at most this part of all rows

// Copies the cells of the free rows to adjacent memory, because every step of conjugate gradients reads them.
void mg_newton_pack(mg_newton *newton);

// (M1) Scores of every row with a vector as weights, into to[N][lanes]; padding lanes get `padding`.
void mg_newton_scores(mg_newton *newton, const float *vector, float padding, float *to);

// to[length] += (1/N) sum of coef x'^T over the rows. `fill` takes those rows of items [first, end) that have
// coefficients, and adds dense ones to the gradient of the part.
typedef void mg_newton_fill(mg_newton *newton, int64_t part, int64_t first, int64_t end);
void mg_newton_sum(mg_newton *newton, int64_t items, mg_newton_fill *fill, double *to);

// For `fill`: takes a row; returns the place for its coefficients, behind those of the row before.
float *mg_newton_take(mg_newton *newton, int64_t part, int64_t row);

// For `fill`: adds all rows taken to the part's gradient. Single precision suffices, because there are at
// most MG_NEWTON_PART_ROWS of them.
void mg_newton_add_taken(mg_newton *newton, int64_t part);

// product = H vector (M29) over the free rows.
void mg_newton_product(mg_newton *newton, const float *vector, float *product);

// Inner product of two vectors, in double, in a fixed order.
double mg_newton_dot(const mg_newton *newton, const float *a, const float *b);

// ---- rows.c -------------------------------------------------------------------------------------

// Sets A to the argmax of every row at the scores (M28), updates sum by the rows that changed, and finds the
// free rows with their slopes.
mg_newton_sums mg_newton_evaluate(mg_newton *newton);

// Computes reach from move; moves scores and leads t along the direction.
void mg_newton_reach(mg_newton *newton);
void mg_newton_move(mg_newton *newton, double t);

// Sum over the rows of v <A(S + t move), move>.
double mg_newton_slope_at(mg_newton *newton, double t);

// Reads A from the dual variables and computes sum anew; returns loss and value at the scores.
mg_newton_sums mg_newton_restore(mg_newton *newton);

// ---- smooth.c: the same for a smooth loss, whose A is a function of the scores ------------------

mg_newton_fill mg_newton_fill_smooth;                    // A of every row, for evaluate and restore
void mg_newton_slope_smooth(void *newton, int64_t part); // of one of MG_NEWTON_PARTS parts of all rows

// ---- direction.c --------------------------------------------------------------------------------

// Solves H direction = descent approximately, unless the step is given up. Returns the number of steps.
int mg_newton_solve(mg_newton *newton);

// ---- precondition.c -----------------------------------------------------------------------------

// True if the preconditioner has factors; else it is the diagonal.
bool mg_precondition_factors(const mg_problem *problem);

// Errors: MG_MEMORY.
mg_status mg_precondition_create(mg_newton *newton, mg_precondition **out, mg_error *error);
void mg_precondition_destroy(mg_precondition *p);

// Computes it from the free rows; applies it: to = M^-1 from.
void mg_precondition_build(mg_precondition *p, mg_newton *newton);
void mg_precondition_apply(mg_precondition *p, mg_newton *newton, const float *from, float *to);

// ---- diagonal.c ---------------------------------------------------------------------------------

// Sparse rows: the inverse of the Hessian's diagonal over the free rows, as a vector.
void mg_newton_inverse_diagonal(mg_newton *newton, float *to);

#endif
