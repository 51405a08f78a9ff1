// cost.c - owns the model of the cost of Newton steps. The unit is one multiply-add at the speed of the
// kernels; other work counts as many as its measured time is worth (docs/solvers.md). The model depends on
// shapes and numbers of free rows, never on the clock.
#include "solver/newton/newton.h"

#define SPARSE_SLOWER 14.0 // cost of a stored value of CSR rows, relative to a cell of dense rows
#define LANE 240.0         // cost of a row for each class: loss, coefficients and slopes
#define FACTOR_VALUE 14.0  // cost of each value of a factor, which is read from memory
#define VECTOR_VALUE 40.0  // cost of a conjugate-gradient step for each element of its vectors
#define CHANGED 0.9        // fraction of the rows whose coefficients change in an evaluation

// Work that a problem usually needs: medians over the problems that were measured.
enum { USUAL_BUILDS = 7, USUAL_PRODUCTS = 250, DIAGONAL_PRODUCTS = 750, USUAL_INNER = 25, USUAL_TRIALS = 60 };
#define USUAL_FREE 0.3

static double values_of(const mg_resident *resident) {
    const mg_problem *problem = resident->problem;
    return (double)problem->classes * problem->values_per_row * (resident->sparse ? SPARSE_SLOWER : 1);
}

double mg_newton_cost_evaluate(const mg_resident *resident) {
    return (double)resident->problem->rows * (LANE * (double)resident->lanes + CHANGED * values_of(resident));
}

double mg_newton_cost_move(const mg_resident *resident) {
    return (double)resident->problem->rows * values_of(resident);
}

double mg_newton_cost_trial(const mg_resident *resident) {
    return (double)resident->problem->rows * LANE * (double)resident->lanes;
}

double mg_newton_cost_build(const mg_resident *resident, double free_rows) {
    const mg_problem *problem = resident->problem;
    double size = (double)problem->features + 1, sample = mg_min_real(free_rows, MG_NEWTON_SAMPLE);
    if (mg_precondition_factors(problem))
        return (double)problem->classes * size * size * (sample / 2 + size / 6);
    return resident->sparse ? free_rows * values_of(resident) : (double)problem->classes * size * sample;
}

double mg_newton_cost_product(const mg_resident *resident, double free_rows) {
    const mg_problem *problem = resident->problem;
    double size = (double)problem->features + 1,
           apply = mg_precondition_factors(problem) ? FACTOR_VALUE * size * size : 0;
    return 2 * free_rows * (values_of(resident) + (double)resident->lanes) +
           (double)problem->classes * (apply + VECTOR_VALUE * size);
}

double mg_newton_cost_usual(const mg_resident *resident) {
    double free_rows = USUAL_FREE * (double)resident->problem->rows;
    double products = mg_precondition_factors(resident->problem) ? USUAL_PRODUCTS : DIAGONAL_PRODUCTS;
    return USUAL_BUILDS * mg_newton_cost_build(resident, free_rows) +
           products * mg_newton_cost_product(resident, free_rows) +
           USUAL_INNER * (mg_newton_cost_evaluate(resident) + mg_newton_cost_move(resident)) +
           USUAL_TRIALS * mg_newton_cost_trial(resident);
}
