// cost.c - owns the model of what Newton steps cost, in multiplications with addition at the speed of the
// kernels; other work counts by how much slower it was measured to be (docs/solvers.md). Shapes and numbers
// of free rows decide, never the clock.
#include "solver/newton/newton.h"

#define SPARSE_SLOWER 14.0 // a stored value of CSR rows, relative to a cell of dense rows
#define LANE 240.0         // of a row: its loss, coefficients and slopes, for one class
#define FACTOR_VALUE 14.0  // read from memory to apply a factor
#define VECTOR_VALUE 40.0  // of the vectors of a conjugate-gradient step
#define CHANGED 0.9        // rows whose coefficients an evaluation adds up

// What a problem needs, as a median of those that were measured.
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
