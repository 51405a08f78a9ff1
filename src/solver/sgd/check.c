// check.c - checks the restored fields of a checkpoint: given the number of steps and the configuration,
// could a run have reached them?
#include "solver/sgd/sgd.h"

#include <math.h>

enum { MOST_TERMS = 1 << 20 };
#define ROUNDING 1e-9 // rounding of sums, and differences between mathematics libraries

// The learning rates that are possible. A rate that was searched for is one of the tried rates, times a
// factor that depends on the size of the sample.
static mg_bound eta_bound(const mg_sgd *sgd) {
    if (!sgd->eta_is_open) return (mg_bound){.least = sgd->own->eta, .most = sgd->own->eta};
    double low, high;
    mg_sgd_searched_rates(sgd, &low, &high);
    return (mg_bound){.least = low * (1 - ROUNDING), .most = high * (1 + ROUNDING)};
}

// Bounds of the sum of the schedule's factors over `number` steps. The factors never rise. If there are many
// steps, only the factors at the ends of blocks are computed; they bound those in between.
static mg_bound sum_bound(const mg_sgd *sgd, int64_t number) {
    const mg_problem *problem = sgd->problem;
    int64_t block = mg_max(mg_divide_up(number, MOST_TERMS), 1);
    double low = 0, high = 0;
    for (int64_t first = 0; first < number; first += block) {
        int64_t count = mg_cut_next(first, number, block);
        double begin = sgd->schedule->factor(first, problem->total_steps, problem->lambda, sgd->eta),
               end =
                   sgd->schedule->factor(first + count - 1, problem->total_steps, problem->lambda, sgd->eta);
        low += (double)count * end;
        high += (double)count * begin;
    }
    return (mg_bound){.least = low * (1 - ROUNDING), .most = high * (1 + ROUNDING)};
}

static mg_bound exactly(int64_t value) { return (mg_bound){.least = (double)value, .most = (double)value}; }

mg_status mg_sgd_check(void *state, int64_t number, int64_t batch, mg_error *error) {
    (void)batch;
    const mg_sgd *sgd = state;
    mg_bound bound = eta_bound(sgd);
    mg_status status = mg_bound_check(&bound, "state/eta", -1, sgd->eta, error);
    bound = exactly(number);
    if (!status && sgd->rule->begin)
        status = mg_bound_check(&bound, "state/taken", -1, (double)sgd->taken, error);
    bound = exactly(mg_sgd_snapshots_after(sgd, number));
    if (!status && sgd->average.on)
        status = mg_bound_check(&bound, "state/snapshots", -1, (double)sgd->average.snapshots, error);
    if (status || !sgd->sparse) return status;
    bound = sum_bound(sgd, number);
    status = mg_bound_check(&bound, "state/rate_sum", -1, sgd->decay.sum, error);
    const mg_bound until = {.most = sgd->decay.sum};
    for (int64_t d = 0; !status && d < sgd->problem->features; d++)
        status = mg_bound_check(&until, "state/decayed", d, sgd->decay.until[d], error);
    return status;
}
