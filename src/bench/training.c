// training.c - times epochs of sgd and of dual ascent, and a Newton step. Rows and labels are random, so
// nothing can be learned, and nearly all rows violate the margin all the time.
#include "bench/measure.h"

#include "base/memory.h"
#include "base/rng.h"
#include "solver/certified.h"
#include "solver/sgd/options.h"

enum { ORDER_STREAM = 312 };
#define NO_END 1e-15 // a tolerance that is never reached

static void pose(mg_bench_run *b, const mg_solver *solver, int64_t batch) {
    mg_problem *problem = &b->problem;
    problem->loss = mg_loss_find("crammer-singer");
    problem->delta = 1;
    problem->batch = batch;
    problem->steps_per_epoch = (b->all.rows.count + batch - 1) / batch;
    problem->total_steps = problem->steps_per_epoch * MG_BENCH_REPETITIONS;
    problem->parts = mg_cut_parts(batch, problem->classes, problem->features, problem->layout);
    b->nonzero = 2;
    b->violating = 1;
    b->steps = 0;
    b->solver = solver;
}

// ---- sgd ----------------------------------------------------------------------------------------

static void epoch_of_sgd(mg_bench_run *b) {
    mg_batch batch = b->all;
    mg_step_result result;
    MG_EACH_BLOCK (first, count, 0, b->all.rows.count, b->problem.batch) {
        batch.first = first;
        batch.rows.index = b->order + first;
        batch.rows.count = count;
        batch.rows.behind = b->all.rows.count - first - batch.rows.count;
        b->solver->step(b->state, &batch, b->steps++, &result, NULL);
    }
}

static mg_status measure_sgd(mg_bench_run *b, const mg_train_options *train, mg_error *error) {
    mg_sgd_options sgd = {0};
    mg_status status = mg_section_preset(&mg_sgd_section, &sgd, error);
    b->options = (mg_solver_options){.train = train, .own = &sgd};
    pose(b, mg_solver_find("sgd"), b->shape->batch);
    if (!status) status = mg_memory_get(&b->order, (size_t)b->all.rows.count, sizeof *b->order, error);
    if (!status) status = b->solver->create(&b->problem, &b->options, &b->state, error);
    if (!status) {
        mg_rng_permutation(mg_rng_key(1, ORDER_STREAM, 0), (uint32_t)b->all.rows.count, b->order);
        mg_bench_time(b, "epoch of sgd", epoch_of_sgd);
        b->solver->destroy(b->state);
    }
    mg_memory_free(b->order);
    b->order = NULL;
    mg_section_clear(&mg_sgd_section, &sgd);
    return status;
}

// ---- solvers that hold all rows -----------------------------------------------------------------

static void epoch_of_dual(mg_bench_run *b) {
    mg_step_result result = {0};
    const mg_whole_solver *whole = b->solver->whole;
    whole->standing(b->state, &result);
    for (int64_t epoch = result.epochs, step = 0; result.epochs == epoch; step++)
        if (whole->next(b->state, step, &result, NULL)) return;
}

static mg_status measure_dual(mg_bench_run *b, const mg_train_options *train, mg_error *error) {
    b->options = (mg_solver_options){.train = train};
    pose(b, mg_solver_find("dual"), b->all.rows.count);
    mg_status status = b->solver->create(&b->problem, &b->options, &b->state, error);
    if (status) return status;
    status = b->solver->whole->attach(b->state, &b->all, error);
    if (!status) mg_bench_time(b, "epoch of dual", epoch_of_dual);
    b->solver->destroy(b->state);
    return status;
}

// The certificate of weights and dual variables after an epoch of dual ascent.
static void certificate(mg_bench_run *b) {
    mg_certified *c = b->state;
    mg_certified_sums sums;
    mg_certifier_certify(c->certifier, NULL, c->ascent->shrinking.contribution, &sums, NULL);
}

static mg_status measure_certificate(mg_bench_run *b, const mg_train_options *train, mg_error *error) {
    b->options = (mg_solver_options){.train = train, .tolerance = NO_END};
    pose(b, mg_solver_find("dual"), b->all.rows.count);
    mg_status status = b->solver->create(&b->problem, &b->options, &b->state, error);
    if (status) return status;
    mg_certified *c = b->state;
    status = b->solver->whole->attach(c, &b->all, error);
    if (!status) epoch_of_dual(b);
    if (!status && !c->certifier)
        status = mg_certifier_create(&c->resident, &c->iterate, &c->incumbent, &c->certifier, error);
    if (!status) mg_bench_time(b, "certificate", certificate);
    b->solver->destroy(b->state);
    return status;
}

// Every repetition starts from the beginning, because the second step would be a different amount of work.
static void first_newton_step(mg_bench_run *b) {
    mg_step_result result;
    if (b->solver->create(&b->problem, &b->options, &b->state, NULL)) return;
    if (!b->solver->whole->attach(b->state, &b->all, NULL))
        b->solver->whole->next(b->state, 0, &result, NULL);
    b->solver->destroy(b->state);
}

static void measure_newton(mg_bench_run *b, const mg_train_options *train) {
    b->options = (mg_solver_options){.train = train, .tolerance = NO_END};
    pose(b, mg_solver_find("newton"), b->all.rows.count);
    mg_bench_time(b, "first Newton step", first_newton_step);
}

mg_status mg_bench_training(mg_bench_run *b, mg_error *error) {
    mg_train_options train = {0};
    mg_status status = mg_section_preset(&mg_train_section, &train, error);
    if (!status && b->shape->batch) status = measure_sgd(b, &train, error);
    if (!status) status = measure_dual(b, &train, error);
    if (!status) status = measure_certificate(b, &train, error);
    if (!status) measure_newton(b, &train);
    mg_section_clear(&mg_train_section, &train);
    return status;
}
