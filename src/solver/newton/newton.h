// newton.h - the Newton phase. newton.c has the outer iteration, rows.c the rows of a loss with a dual,
// smooth.c the rows of a smooth loss, balance.c the lower bound if the bias is free, sum.c the passes over
// the data, direction.c conjugate gradients, precondition.c and diagonal.c their preconditioner, cost.c the
// model of the cost.
#ifndef MG_SOLVER_NEWTON_NEWTON_H
#define MG_SOLVER_NEWTON_NEWTON_H

#include "solver/incumbent.h"
#include "solver/iterate.h"

// A pass over the rows takes MG_NEWTON_ROWS rows at a time and divides them into parts. The sums of the parts
// are added in double, in order.
enum {
    MG_NEWTON_PARTS = 16,
    MG_NEWTON_PART_ROWS = 256,
    MG_NEWTON_ROWS = MG_NEWTON_PARTS * MG_NEWTON_PART_ROWS,
    MG_NEWTON_RANGES = 16,  // ranges of a vector
    MG_NEWTON_SAMPLE = 1600 // a factor is computed from at most this many free rows of its class
};

typedef struct mg_precondition mg_precondition;
typedef struct mg_balance mg_balance;
typedef struct mg_newton mg_newton;

// Sums over all rows at the present point.
typedef struct mg_newton_sums {
    double loss;     // weighted sum of the losses
    double value;    // weighted sum of -l*(A)
    double distance; // weighted sum of ||A - A0||^2
} mg_newton_sums;

// The state of every row at the present point. Scores in padding lanes are -INFINITY.
typedef struct mg_newton_rows {
    float *scores;    // [rows][lanes] S: scores
    float *coef;      // [rows][lanes] A: coefficients
    float *move;      // [rows][lanes] change of the scores along the direction; shares its memory with slope
    float *slope;     // [rows][lanes] D_F of free rows (M28); no longer needed when move is computed
    uint8_t *is_free; // [rows] 1 for free rows
    float *total;     // [rows] sum of the slopes of a free row
    // [rows] If A0 and A of a row are zero: lower bound of its lead. The lead is how far the score of its
    // class is above that of the strongest rival. If it is above delta, the row has neither loss nor
    // coefficients and is skipped. -INFINITY for other rows.
    float *lead;
    float
        *reach; // [rows] by how much the lead falls, at most, with a step of length 1; 0 if it is not above 0
} mg_newton_rows;

typedef struct mg_newton_free {
    uint32_t *row; // [count] free rows in memory, in ascending order
    int64_t count;
    double all;   // number of free rows of all shards
    void *packed; // dense: copies of the cells of free rows, without gaps between rows
    bool is_packed;
} mg_newton_free;

// A vector has the shape of the weights: `size` floats as in weights.v, then `lanes` floats for the constant
// feature. These are the vectors of conjugate gradients.
typedef struct mg_newton_cg {
    float *direction, *residual, *search, *product, *preconditioned;
} mg_newton_cg;

// Working memory of a pass: each part lists the rows that have coefficients.
typedef struct mg_newton_parts {
    uint32_t *row; // [MG_NEWTON_ROWS]
    float *coef;   // [MG_NEWTON_ROWS][lanes]
    int64_t used[MG_NEWTON_PARTS];
    float *grad; // sums of raw cells times coefficients. Dense: [PARTS][size]; sparse: [size]
    // a vector in double: sums of raw cells, then sums of the coefficients. Either of a shard that is being
    // summed, then it is in shards.sum; or `total`, of all shards
    double *raw_sum, *total;
    double *constant; // [PARTS][lanes] sums of the coefficients of each part
} mg_newton_parts;

enum { MG_NEWTON_NUMBERS = 8 }; // most numbers of a shard that are collected at a time

// The shards of the rows: the sums of each are made in its own order, then the shards are added.
typedef struct mg_newton_shards {
    mg_comm_sum *sum, *vector; // of vectors in double, and in float
    int64_t *row, *free;       // [own shards + 1] the first row and the first free row of each
    int64_t present;           // the shard whose rows are being summed, from 0
    double *own, *all;         // numbers of the own shards, and of all shards: [shards][MG_NEWTON_NUMBERS]
    double folded[MG_NEWTON_NUMBERS];
    mg_arena arena;
    bool stopped;     // the ranks have agreed to stop
    mg_error failure; // ranks cannot be reached any more; status MG_OK if they can
} mg_newton_shards;

struct mg_newton {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_incumbent *incumbent;
    bool current;   // scores, coefficients and sum belong to the iterate
    int64_t length; // elements of a vector
    double sigma;
    double cost; // cost of the present iteration so far, by the model of cost.c
    mg_newton_rows rows;
    mg_newton_free free;
    mg_newton_parts parts;
    mg_newton_cg cg;
    mg_newton_shards shards;
    float *w, *descent; // vectors: the weights, and the descent direction, which is minus the gradient
    float *center;  // [lanes] the bias at the start of the outer iteration if it is free (M37), else zeros
    double *sum;    // a vector in double: the gradient of the mean loss, sum_i v_i A_i x'_i / N
    mg_weights raw; // a vector, converted to weights of raw cells
    mg_precondition *precondition;
    mg_balance *balance; // NULL if the bias is regularised

    float *scratch; // [MG_NEWTON_PARTS][4][lanes]
    mg_newton_sums part[MG_NEWTON_PARTS];
    double part_slope[MG_NEWTON_PARTS];
    double trial; // step length that the line search is testing
    mg_arena arena;
};

// True if the derivatives of a row's coefficients sum to zero (M28).
static inline bool mg_newton_joint(const mg_newton *newton) {
    const mg_prox *prox = newton->resident->problem->loss->dual;
    return !prox || prox->joint;
}

// The k-th diagonal element of v J / N for a free row (M28).
static inline double mg_newton_diagonal(const mg_newton *newton, int64_t row, int64_t k) {
    const mg_resident *resident = newton->resident;
    double d = (double)newton->rows.slope[row * resident->lanes + k],
           less = d != 0 && mg_newton_joint(newton) ? d * d / (double)newton->rows.total[row] : 0;
    return mg_resident_weight(resident, row) / (double)resident->problem->rows * (d - less);
}

// 1' D_F 1: the sum of the slopes of a row.
static inline float mg_newton_total(const mg_newton *newton, const float *slope) {
    float sum = 0;
    for (int64_t k = 0; k < newton->resident->problem->classes; k++) sum += slope[k];
    return sum;
}

// True if the present step must end at once. Several ranks end it together: mg_newton_agree asks them.
static inline bool mg_newton_stopped(const mg_newton *newton) {
    const mg_newton_shards *shards = &newton->shards;
    if (shards->failure.status || newton->resident->comm->ranks > 1)
        return shards->failure.status || shards->stopped;
    return mg_stop_asked(&newton->resident->options->stop);
}

// ---- newton.c -----------------------------------------------------------------------------------

// All structs that are passed must outlive it. Errors: MG_MEMORY.
mg_status mg_newton_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                           mg_newton **out, mg_error *error);
void mg_newton_destroy(mg_newton *newton);

// True if the numbers that Newton steps keep for each row need little memory compared with the rows, and, for
// sparse rows, if their preconditioner has factors.
bool mg_newton_fits(const mg_problem *problem);
// True if all that Newton steps keep needs little memory: these numbers, and the factors if there are any.
bool mg_newton_is_small(const mg_problem *problem);

// The penalty of the first outer iteration.
double mg_newton_first_penalty(const mg_resident *resident);

// Makes one outer iteration of the proximal method of multipliers from the iterate, with penalty *sigma,
// which it adapts (M28, M29). *loss becomes the weighted sum of the losses at W. Errors: MG_MEMORY;
// MG_STOPPED if the options' stop asks for it; the iterate is then unchanged.
mg_status mg_newton_iterate(mg_newton *newton, double *sigma, double *loss, mg_error *error);

// Sets *lower to the lower bound of the iterate, which does not change. Errors: MG_FAILED if ranks cannot be
// reached.
mg_status mg_newton_lower(mg_newton *newton, double *lower, mg_error *error);

// The cost of the last iteration, by the model of cost.c.
double mg_newton_cost(const mg_newton *newton);

// ---- cost.c -------------------------------------------------------------------------------------

// Costs, in operations, of each piece of work; mg_newton_cost_usual: of all Newton steps that such a problem
// usually needs.
double mg_newton_cost_evaluate(const mg_problem *problem);
double mg_newton_cost_move(const mg_problem *problem);
double mg_newton_cost_trial(const mg_problem *problem); // cost of one step length in the line search
double mg_newton_cost_build(const mg_problem *problem, double free_rows);
// Cost of a Hessian product, including the preconditioner.
double mg_newton_cost_product(const mg_problem *problem, double free_rows);
double mg_newton_cost_usual(const mg_problem *problem);

// ---- shards.c -----------------------------------------------------------------------------------

// Errors: MG_MEMORY.
mg_status mg_newton_shards_create(mg_newton *newton, mg_error *error);
void mg_newton_shards_destroy(mg_newton *newton);

static inline int64_t mg_newton_own_shards(const mg_newton *newton) {
    return mg_comm_own_shards(newton->resident->comm);
}

// Where the numbers of own shard s (from 0) are to be written, before mg_newton_fold or mg_newton_records.
static inline double *mg_newton_numbers(const mg_newton *newton, int64_t s) {
    return newton->shards.own + s * MG_NEWTON_NUMBERS;
}

// Adds the numbers of all shards, into shards.folded; or collects them in shards.all.
void mg_newton_fold(mg_newton *newton);
void mg_newton_records(mg_newton *newton);

// Notes that ranks cannot be reached any more, if `status` says so. The step then ends.
void mg_newton_note(mg_newton *newton, mg_status status, const mg_error *error);

// Makes own shard s (from 0) the present one.
void mg_newton_enter_shard(mg_newton *newton, int64_t s);

// Calls run(newton, part) for the MG_NEWTON_PARTS parts of the rows of each own shard, which must set
// part_slope. Returns the sum over all shards.
double mg_newton_sum_parts(mg_newton *newton, void (*run)(void *newton, int64_t part));

// Call it between begin and end of a sum, when the array of a shard is complete: adds it.
void mg_newton_add_shard(mg_newton *newton, mg_comm_sum *sum);
void mg_newton_end_sum(mg_newton *newton, mg_comm_sum *sum);

// The result of an iteration that ends early: it was asked to stop, or ranks cannot be reached any more.
mg_status mg_newton_end_early(mg_newton *newton, mg_error *error);

// Several ranks agree whether the present step must end; a single one does nothing. Returns
// mg_newton_stopped.
bool mg_newton_agree(mg_newton *newton);

// ---- sum.c --------------------------------------------------------------------------------------

enum { MG_NEWTON_PACK = 4 }; // free rows are copied if they are at most 1/MG_NEWTON_PACK of all rows

// Copies the cells of the free rows to one block of memory, because every step of conjugate gradients reads
// them.
void mg_newton_pack(mg_newton *newton);

// (M1) Computes the scores of all rows for a vector of weights, into to[rows][lanes]. Padding lanes become
// `padding`.
void mg_newton_scores(mg_newton *newton, const float *vector, float padding, float *to);

// Adds (1/N) sum of coef x'^T over the rows of all shards to to[length]. The pass calls `fill` for ranges of
// rows; `fill` takes those of [first, end) that have coefficients and, if rows are dense, adds them to the
// gradient of the part. After each own shard s (from 0), `done` is called; it may be NULL.
typedef void mg_newton_fill(mg_newton *newton, int64_t part, int64_t first, int64_t end);
typedef void mg_newton_done(mg_newton *newton, int64_t s);
void mg_newton_sum(mg_newton *newton, mg_newton_fill *fill, mg_newton_done *done, double *to);

// For `fill`: takes a row, and returns where its coefficients [lanes] must be written.
float *mg_newton_take(mg_newton *newton, int64_t part, int64_t row);

// For `fill`: adds all rows taken so far to the gradient of the part. The sum is in float: it has at most
// MG_NEWTON_PART_ROWS terms.
void mg_newton_add_taken(mg_newton *newton, int64_t part);

// (M29) product = H vector; only free rows contribute.
void mg_newton_product(mg_newton *newton, const float *vector, float *product);

// The inner product of two vectors in double. The order of the sum is fixed.
double mg_newton_dot(const mg_newton *newton, const float *a, const float *b);

// ---- rows.c -------------------------------------------------------------------------------------

// (M28) Computes A of all rows from their scores, updates newton->sum by the rows whose A has changed, and
// finds the free rows with their slopes.
mg_newton_sums mg_newton_evaluate(mg_newton *newton);

// mg_newton_reach computes reach from move. mg_newton_move changes scores and leads by a step of length t
// along the direction.
void mg_newton_reach(mg_newton *newton);
void mg_newton_move(mg_newton *newton, double t);

// Sum over the rows of v <A(S + t move), move>: the derivative of the row terms at step length t.
double mg_newton_slope_at(mg_newton *newton, double t);

// Reads A from the dual variables and computes newton->sum anew. Returns loss and value at the present
// scores.
mg_newton_sums mg_newton_restore(mg_newton *newton);

// ---- smooth.c: the same for a smooth loss, whose A depends on the scores only -------------------

// Computes A of every row; the `fill` of mg_newton_evaluate and mg_newton_restore.
mg_newton_fill mg_newton_fill_smooth;
// mg_newton_slope_at for one of the MG_NEWTON_PARTS parts
void mg_newton_slope_smooth(void *newton, int64_t part);

// ---- balance.c ----------------------------------------------------------------------------------

// Sums over all rows for the lower bounds of a problem with a free bias. Errors: MG_MEMORY.
mg_status mg_balance_create(mg_newton *newton, mg_balance **out, mg_error *error);
void mg_balance_destroy(mg_balance *balance);

// (M37) A lower bound of the optimum from newton->sum and `value`, the mean of -l*(A).
double mg_balance_bound(const mg_balance *balance, const mg_newton *newton, double value);

// ---- direction.c --------------------------------------------------------------------------------

// Solves H direction = descent approximately, or stops early if the step must end. Returns the number of
// conjugate-gradient steps.
int mg_newton_solve(mg_newton *newton);

// ---- pick.c -------------------------------------------------------------------------------------

enum { MG_NEWTON_GROUP = 4 }; // classes whose samples are in memory at the same time

// Samples of the free rows in memory, for a group of classes.
typedef struct mg_newton_picks {
    mg_newton *newton;
    int64_t first_class;                             // first class of the group
    int64_t own[MG_NEWTON_GROUP];                    // number of rows in the sample of each class
    uint32_t row[MG_NEWTON_GROUP][MG_NEWTON_SAMPLE]; // [own]
    float weight[MG_NEWTON_GROUP][MG_NEWTON_SAMPLE];
    int64_t *end[MG_NEWTON_GROUP]; // [own shards] where the rows of each shard end
    size_t *bytes;                 // [ranks] of the sampled rows that each rank sends
} mg_newton_picks;

mg_status mg_newton_picks_create(mg_newton *newton, mg_newton_picks *picks, mg_arena *arena, mg_error *error);

// Samples the rows of the classes from first_class on. A class has at most MG_NEWTON_SAMPLE in all shards.
void mg_newton_pick(mg_newton_picks *picks, int64_t first_class);

// Counts the rows of the samples on all ranks: before[g] on earlier ones, all[g] on all.
void mg_newton_count_picks(mg_newton_picks *picks, int64_t *before, int64_t *all);

// Sends the sampled rows of class g of the group to rank `to`, after mg_newton_count_picks. rows:
// [all][size], where those of this rank are.
void mg_newton_send_picks(mg_newton_picks *picks, int64_t g, int to, int64_t size, float *rows);

// ---- precondition.c -----------------------------------------------------------------------------

// True if the preconditioner consists of factors; otherwise it is a diagonal.
bool mg_precondition_factors(const mg_problem *problem);
double mg_precondition_bytes(const mg_problem *problem); // memory of the factors; 0 if there are none

// Creates a preconditioner, to be built later. Errors: MG_MEMORY.
mg_status mg_precondition_create(mg_newton *newton, mg_precondition **out, mg_error *error);
void mg_precondition_destroy(mg_precondition *p);

// mg_precondition_build computes the preconditioner from the free rows. mg_precondition_apply: to = M^-1
// from.
void mg_precondition_build(mg_precondition *p, mg_newton *newton);
void mg_precondition_apply(mg_precondition *p, mg_newton *newton, const float *from, float *to);

// ---- diagonal.c ---------------------------------------------------------------------------------

// For sparse rows: computes, as a vector, the inverse of the diagonal of the Hessian (M29).
void mg_newton_inverse_diagonal(mg_newton *newton, float *to);

#endif
