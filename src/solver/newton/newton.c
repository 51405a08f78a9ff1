// newton.c - owns the memory of the Newton phase, and one outer iteration of the proximal method of
// multipliers, whose inner problem is solved by semismooth Newton steps (M28, M29). An iteration depends only
// on W, the dual variables and sigma.
#include "solver/newton/newton.h"

#include "base/activity.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
    MOST_INNER = 20,
    SMOOTH_INNER = 4,
    FEW_INNER = 4,  // sigma grows if there were at most this many inner iterations
    MANY_INNER = 8, // sigma shrinks if there were more than this many
    REBUILD_AFTER = 10,
    MOST_TRIALS = 12,
    LITTLE_MEMORY = 256 << 20
};
// The rounding error of a lower bound grows with the objective of its weights. Weights whose objective
// exceeds the best by this factor, as those of a forged checkpoint may, give no bound.
#define FAR_ABOVE 1e4
#define FIRST_SIGMA 4.0
// The same without dual ascent before: at W = 0 every coefficient is then inside its box, so that every row
// is free. With no free rows a Newton step would be as long as 1/lambda.
#define FIRST_SIGMA_AT_ZERO 0.5
#define MOST_SIGMA 1e5
#define GROWTH 3.0
#define MULTIPLE 4.0    // inner iterations end when the residual is below this many times the proximal term
#define SURE 0.9        // inner iterations end if the estimated gap is below this many times the tolerance
#define SLOPE_LEFT 0.1  // the line search ends at this fraction of the first slope
#define FREE_MOVED 0.25 // a change of the number of free rows by this fraction causes a new preconditioner

static mg_status create_buffers(mg_newton *n, mg_error *error) {
    const mg_problem *problem = n->resident->problem;
    const mg_weights *w = &n->iterate->weights;
    int64_t rows = n->resident->rows, lanes = n->resident->lanes;
    bool sparse = n->resident->sparse;
    size_t cell = mg_cell_size(problem->cell);
    const mg_buffer buffers[] = {
        MG_BUFFER(n->rows.scores, rows, lanes),
        MG_BUFFER(n->rows.coef, rows, lanes),
        MG_BUFFER(n->rows.move, rows, lanes),
        MG_BUFFER(n->rows.is_free, rows, 1),
        MG_BUFFER(n->rows.total, rows, 1),
        MG_BUFFER(n->rows.lead, rows, 1),
        MG_BUFFER(n->rows.reach, rows, 1),
        MG_BUFFER(n->w, n->length, 1),
        MG_BUFFER(n->center, 1, lanes),
        MG_BUFFER(n->descent, n->length, 1),
        MG_BUFFER(n->cg.direction, n->length, 1),
        MG_BUFFER(n->cg.residual, n->length, 1),
        MG_BUFFER(n->cg.search, n->length, 1),
        MG_BUFFER(n->cg.product, n->length, 1),
        MG_BUFFER(n->cg.preconditioned, n->length, 1),
        MG_BUFFER(n->sum, n->length, 1),
        {&n->free.packed, sparse ? 0 : (size_t)(rows / MG_NEWTON_PACK + 1), (size_t)w->line, cell},
        MG_BUFFER(n->free.row, rows, 1),
        MG_BUFFER(n->parts.row, MG_NEWTON_ROWS, 1),
        MG_BUFFER(n->parts.coef, MG_NEWTON_ROWS, lanes),
        MG_BUFFER(n->parts.constant, MG_NEWTON_PARTS, lanes),
        MG_BUFFER(n->parts.total, n->length, 1),
        MG_BUFFER(n->parts.grad, sparse ? 1 : MG_NEWTON_PARTS, w->size),
        MG_BUFFER(n->scratch, MG_NEWTON_PARTS * 4, lanes),
    };
    mg_status status = MG_ARENA_FILL(&n->arena, buffers, error);
    n->rows.slope = n->rows.move;
    return status;
}

mg_status mg_newton_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                           mg_newton **out, mg_error *error) {
    const mg_problem *problem = resident->problem;
    mg_newton *n;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&n, 1, sizeof *n, error);
    if (status) return status;
    n->resident = resident;
    n->iterate = iterate;
    n->incumbent = incumbent;
    n->length = iterate->weights.size + iterate->weights.lanes;
    status = create_buffers(n, error);
    if (!status) status = mg_newton_shards_create(n, error);
    if (!status) status = mg_problem_weights(problem, &n->raw, error);
    if (!status) status = mg_precondition_create(n, &n->precondition, error);
    status = mg_comm_agree(resident->comm, status, NULL, error);
    if (!status && problem->free_bias) status = mg_balance_create(n, &n->balance, error);
    if (status) mg_newton_destroy(n);
    else *out = n;
    return status;
}

void mg_newton_destroy(mg_newton *n) {
    if (!n) return;
    mg_newton_shards_destroy(n);
    mg_arena_free(&n->arena);
    mg_weights_destroy(&n->raw);
    mg_precondition_destroy(n->precondition);
    mg_balance_destroy(n->balance);
    mg_memory_free(n);
}

static int64_t bytes_of_row(const mg_problem *problem) {
    if (problem->layout == MG_CSR) return (int64_t)problem->values_per_row * 8;
    return mg_round_up(problem->features, MG_LANES) * (int64_t)mg_cell_size(problem->cell);
}

// Scores, coefficients and moves of all rows must take less than a fixed amount, or at most twice as much as
// the rows themselves.
static bool rows_are_small(const mg_problem *problem) {
    int64_t row = 3 * mg_round_up(problem->classes, MG_LANES) * (int64_t)sizeof(float);
    return row <= LITTLE_MEMORY / problem->rows || row <= 2 * bytes_of_row(problem);
}

bool mg_newton_fits(const mg_problem *problem) {
    return (problem->layout != MG_CSR || mg_precondition_factors(problem)) && rows_are_small(problem);
}

bool mg_newton_is_small(const mg_problem *problem) {
    double little = mg_max_real(LITTLE_MEMORY, 2 * (double)bytes_of_row(problem) * (double)problem->rows);
    return rows_are_small(problem) && mg_precondition_bytes(problem) <= little;
}

// ---- one Newton step ----------------------------------------------------------------------------

// A lower bound of the optimum: the dual value of the coefficients that belong to the sums.
static double lower_bound(mg_newton *n, const mg_newton_sums *sums) {
    const mg_problem *problem = n->resident->problem;
    double value = sums->value / (double)problem->rows, square = 0;
    if (n->balance) return mg_balance_bound(n->balance, n, value);
    for (int64_t j = 0; j < n->length; j++) square += n->sum[j] * n->sum[j];
    return value - square / (2 * problem->lambda);
}

// ||b - center||^2 of a free bias (M37); 0 if the bias is regularised, because it then belongs to W.
static double bias_moved(const mg_newton *n) {
    const float *bias = n->w + n->resident->size;
    double sum = 0;
    for (int64_t k = 0; n->balance && k < n->resident->lanes; k++) {
        double moved = (double)bias[k] - (double)n->center[k];
        sum += moved * moved;
    }
    return sum;
}

// Computes minus the gradient of the inner problem. Returns its squared norm.
static double form_descent(mg_newton *n) {
    double lambda = n->resident->problem->lambda;
    int64_t size = n->resident->size;
    for (int64_t j = 0; j < size; j++) n->descent[j] = (float)(-lambda * (double)n->w[j] - n->sum[j]);
    for (int64_t j = size; j < n->length; j++)
        n->descent[j] = (float)(-lambda * ((double)n->w[j] - (double)n->center[j - size]) - n->sum[j]);
    return mg_newton_dot(n, n->descent, n->descent);
}

// Finds a step length at which the slope of the inner problem along the direction has nearly vanished, by a
// secant method within a bracket. The inner problem is convex, so its slope rises with the step length.
static double search_line(mg_newton *n, double slope) {
    double lambda = n->resident->problem->lambda, rows = (double)n->resident->problem->rows;
    double wv = mg_newton_dot(n, n->w, n->cg.direction),
           vv = mg_newton_dot(n, n->cg.direction, n->cg.direction);
    for (int64_t k = 0; k < n->resident->lanes; k++)
        wv -= (double)n->center[k] * (double)n->cg.direction[n->resident->size + k];
    double low = 0, high = INFINITY, low_slope = slope, high_slope = 0, t = 1;
    for (int trial = 0; trial < MOST_TRIALS && !mg_newton_stopped(n); trial++) {
        double here = lambda * (wv + t * vv) + mg_newton_slope_at(n, t) / rows;
        n->cost += mg_newton_cost_trial(n->resident->problem);
        if (fabs(here) <= -SLOPE_LEFT * slope || (here < 0 && !isfinite(high))) return t;
        if (here < 0) low = t, low_slope = here;
        else high = t, high_slope = here;
        double width = high - low, next = low - low_slope * width / (high_slope - low_slope);
        t = fmin(fmax(next, low + 0.1 * width), high - 0.1 * width);
    }
    return low > 0 ? low : t;
}

// Takes a step along the direction. Returns false if the direction is not one of descent in single precision:
// then no more progress is possible.
static bool take_step(mg_newton *n) {
    double slope = -mg_newton_dot(n, n->descent, n->cg.direction);
    if (!(slope < 0)) return false;
    mg_newton_scores(n, n->cg.direction, 0, n->rows.move);
    mg_newton_reach(n);
    n->cost += mg_newton_cost_move(n->resident->problem);
    double t = search_line(n, slope);
    mg_newton_move(n, t);
    for (int64_t j = 0; j < n->length; j++) n->w[j] += (float)t * n->cg.direction[j];
    return true;
}

// ---- one outer iteration ------------------------------------------------------------------------

// Computes scores and sums from the iterate alone, so that a resumed run has the same bits.
static mg_newton_sums restore(mg_newton *n) {
    const mg_weights *w = &n->iterate->weights;
    memcpy(n->w, w->v, (size_t)w->size * sizeof *n->w);
    memcpy(n->w + w->size, w->bias, (size_t)w->lanes * sizeof *n->w);
    mg_newton_scores(n, n->w, -INFINITY, n->rows.scores);
    n->current = true;
    return mg_newton_restore(n);
}

// True if the gap seems small enough. This is only an estimate: the sums have been updated by many steps, so
// they prove nothing.
static bool seems_done(mg_newton *n, const mg_newton_sums *sums) {
    const mg_bounds *bounds = &n->incumbent->bounds;
    const mg_problem *problem = n->resident->problem;
    double square = mg_newton_dot(n, n->w, n->w);
    for (int64_t j = n->resident->size; n->balance && j < n->length; j++)
        square -= (double)n->w[j] * (double)n->w[j];
    double primal = sums->loss / (double)problem->rows + 0.5 * problem->lambda * square;
    primal = mg_min_real(primal, bounds->primal);
    double lower = mg_max_real(lower_bound(n, sums), bounds->dual);
    return primal - lower <= SURE * n->resident->options->tolerance * primal;
}

// Takes Newton steps until the error of the inner problem is small compared with its proximal term. Returns
// the number of steps.
static int solve_inner(mg_newton *n) {
    double lambda = n->resident->problem->lambda, rows = (double)n->resident->problem->rows;
    double built_free = 0;
    int built = 0;
    bool has_duals = mg_resident_has_duals(n->resident);
    int most = has_duals ? MOST_INNER : SMOOTH_INNER;
    for (int inner = 0;; inner++) {
        mg_newton_sums sums = mg_newton_evaluate(n);
        n->cost += mg_newton_cost_evaluate(n->resident->problem);
        if (inner == most || seems_done(n, &sums) || mg_newton_agree(n)) return inner;
        double square = form_descent(n);
        double proximal = sums.distance / (2 * n->sigma * rows) + 0.5 * lambda * bias_moved(n);
        if (has_duals && inner > 0 && square / (2 * lambda) <= MULTIPLE * proximal) return inner;
        double moved = fabs(n->free.all - built_free);
        if (inner == 0 || moved > FREE_MOVED * built_free || inner - built >= REBUILD_AFTER) {
            mg_precondition_build(n->precondition, n);
            n->cost += mg_newton_cost_build(n->resident->problem, n->free.all);
            built_free = n->free.all;
            built = inner;
        }
        mg_newton_pack(n);
        n->cost += mg_newton_solve(n) * mg_newton_cost_product(n->resident->problem, n->free.all);
        if (mg_newton_stopped(n) || !take_step(n)) return inner;
    }
}

// Stores W and the dual variables in the iterate.
static mg_status store(mg_newton *n, mg_error *error) {
    const mg_resident *resident = n->resident;
    mg_dual_rows *duals = n->iterate->duals;
    mg_iterate_take(n->iterate, n->w);
    for (int64_t row = 0; duals && row < resident->rows; row++)
        if (!mg_dual_rows_put(duals, row, resident->lanes, n->rows.coef + row * resident->lanes))
            return mg_fail(error, MG_MEMORY, "out of memory: the dual variables of row %lld cannot be stored",
                           (long long)row);
    return MG_OK;
}

double mg_newton_first_penalty(const mg_resident *resident) {
    double sigma = resident->problem->free_bias ? FIRST_SIGMA_AT_ZERO : FIRST_SIGMA;
    return sigma / (double)resident->problem->delta;
}

// Offers the iterate to the incumbent; its sums must have been computed from the iterate alone. Returns the
// weighted sum of the losses.
static double offer(mg_newton *n, const mg_newton_sums *sums) {
    const mg_problem *problem = n->resident->problem;
    double loss = sums->loss / (double)problem->rows, square = mg_problem_square_norm(problem, &n->raw);
    double primal = loss + 0.5 * problem->lambda * square, lower = lower_bound(n, sums);
    if (primal > FAR_ABOVE * mg_min_real(n->incumbent->bounds.primal, n->incumbent->loss_of_zeros))
        lower = -INFINITY;
    mg_incumbent_update(n->incumbent, &n->raw, primal, lower);
    return sums->loss;
}

double mg_newton_cost(const mg_newton *n) { return n->cost; }

mg_status mg_newton_iterate(mg_newton *n, double *sigma, double *loss, mg_error *error) {
    MG_ACTIVITY("Newton step", 0);
    bool has_duals = mg_resident_has_duals(n->resident);
    if (!n->current) {
        mg_newton_sums start = restore(n);
        if (n->shards.failure.status) return mg_newton_end_early(n, error);
        // otherwise the last certificate has offered it
        if (!mg_resident_has_ascent(n->resident)) offer(n, &start);
    }
    if (n->balance)
        memcpy(n->center, n->w + n->resident->size, (size_t)n->resident->lanes * sizeof *n->center);
    n->sigma = *sigma;
    n->cost = 0;
    int inner = solve_inner(n);
    if (mg_newton_stopped(n)) {
        n->current = false; // the scores have changed, but the iterate has not
        return mg_newton_end_early(n, error);
    }
    mg_status status = mg_comm_agree(n->resident->comm, store(n, error), NULL, error);
    if (status) return status;
    mg_newton_sums sums = restore(n);
    if (n->shards.failure.status) return mg_newton_end_early(n, error);
    *loss = offer(n, &sums);
    if (has_duals && inner <= FEW_INNER && n->sigma * GROWTH <= MOST_SIGMA) *sigma *= GROWTH;
    else if (has_duals && inner > MANY_INNER) *sigma /= sqrt(GROWTH);
    return MG_OK;
}

mg_status mg_newton_lower(mg_newton *n, double *lower, mg_error *error) {
    mg_newton_sums sums = restore(n);
    n->current = false;
    if (n->shards.failure.status) return mg_newton_end_early(n, error);
    *lower = lower_bound(n, &sums);
    return MG_OK;
}
