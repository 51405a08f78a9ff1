// cost.c - owns the model of the cost of Newton steps. The unit is one multiply-add at the speed of the
// kernels; other work counts as many as its measured time is worth (docs/solvers.md). The model depends on
// shapes and numbers of free rows, never on the clock.
#include "solver/newton/newton.h"

#define SPARSE_SLOWER 14.0 // cost of a stored value of CSR rows, relative to a cell of dense rows
#define LANE 240.0         // cost of a row for each class: loss, coefficients and slopes
#define FACTOR_VALUE 14.0  // cost of each value of a factor, which is read from memory
#define VECTOR_VALUE 40.0  // cost of a conjugate-gradient step for each element of its vectors
#define CHANGED 0.9        // fraction of the rows whose coefficients change in an evaluation

// Work that a problem usually needs: medians over the problems that were measured. `diagonal_products`: of a
// preconditioner without factors.
typedef struct usual_work {
    double builds, products, diagonal_products, inner, trials;
} usual_work;
static const usual_work with_dual = {7, 250, 750, 25, 60}, smooth = {3, 40, 40, 10, 10};
#define USUAL_FREE 0.3 // fraction of the rows that are free; all rows of a smooth loss are

static bool is_sparse(const mg_problem *problem) { return problem->layout == MG_CSR; }

static double lanes_of(const mg_problem *problem) { return (double)mg_round_up(problem->classes, MG_LANES); }

static double values_of(const mg_problem *problem) {
    return (double)problem->classes * problem->values_per_row * (is_sparse(problem) ? SPARSE_SLOWER : 1);
}

double mg_newton_cost_evaluate(const mg_problem *problem) {
    return (double)problem->rows * (LANE * lanes_of(problem) + CHANGED * values_of(problem));
}

double mg_newton_cost_move(const mg_problem *problem) { return (double)problem->rows * values_of(problem); }

double mg_newton_cost_trial(const mg_problem *problem) {
    return (double)problem->rows * LANE * lanes_of(problem);
}

double mg_newton_cost_build(const mg_problem *problem, double free_rows) {
    double size = (double)problem->features + 1, sample = mg_min_real(free_rows, MG_NEWTON_SAMPLE);
    if (mg_precondition_factors(problem))
        return (double)problem->classes * size * size * (sample / 2 + size / 6);
    return is_sparse(problem) ? free_rows * values_of(problem) : (double)problem->classes * size * sample;
}

double mg_newton_cost_product(const mg_problem *problem, double free_rows) {
    double size = (double)problem->features + 1,
           apply = mg_precondition_factors(problem) ? FACTOR_VALUE * size * size : 0;
    return 2 * free_rows * (values_of(problem) + lanes_of(problem)) +
           (double)problem->classes * (apply + VECTOR_VALUE * size);
}

// The cost of so much work, on `free_rows` free rows.
static double cost_of(const mg_problem *problem, const usual_work *usual, double free_rows) {
    double products = mg_precondition_factors(problem) ? usual->products : usual->diagonal_products;
    return usual->builds * mg_newton_cost_build(problem, free_rows) +
           products * mg_newton_cost_product(problem, free_rows) +
           usual->inner * (mg_newton_cost_evaluate(problem) + mg_newton_cost_move(problem)) +
           usual->trials * mg_newton_cost_trial(problem);
}

double mg_newton_cost_usual(const mg_problem *problem) {
    return problem->loss->dual ? cost_of(problem, &with_dual, USUAL_FREE * (double)problem->rows)
                               : cost_of(problem, &smooth, (double)problem->rows);
}
