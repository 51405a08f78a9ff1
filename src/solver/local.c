// local.c - the start of Newton steps on several shards: each shard is trained by one epoch of dual ascent,
// as if it were the whole training set. The dual variables of all shards are feasible for the whole problem.
// Their W is the average of those of the shards, weighted by the numbers of rows.
#include "solver/certified.h"

#include <math.h>
#include <string.h>

// One shard as a problem of its own.
typedef struct local_problem {
    mg_problem problem;
    mg_train_options train;
    mg_solver_options options;
    mg_batch rows;
    mg_resident resident;
    mg_iterate iterate;
    mg_counters clock;
    mg_numbers numbers;
    mg_ascent *ascent;
} local_problem;

bool mg_local_is_due(const mg_certified *c) {
    const mg_problem *problem = c->resident.problem;
    return c->resident.comm->shards > 1 && mg_resident_has_duals(&c->resident) && !problem->free_bias &&
           c->clock.epoch == 0;
}

// The rows [first, first + count) of the rows in memory.
static mg_batch cut_rows(const mg_batch *all, int64_t first, int64_t count) {
    mg_batch part = *all;
    part.rows.count = count;
    if (part.rows.layout == MG_DENSE) part.rows.dense = mg_rows_dense(&all->rows, first);
    else part.rows.indptr += first;
    part.label += first;
    if (part.weight) part.weight += first;
    return part;
}

static void close_local(local_problem *local) {
    mg_ascent_destroy(local->ascent);
    mg_weights_destroy(&local->iterate.weights);
    mg_dual_rows_destroy(local->iterate.duals);
    mg_resident_destroy(&local->resident);
}

static mg_status open_local(const mg_certified *c, int64_t first, int64_t count, local_problem *local,
                            mg_error *error) {
    const mg_resident *whole = &c->resident;
    const mg_prox *prox = whole->problem->loss->dual;
    *local = (local_problem){.problem = *whole->problem,
                             .train = *whole->options->train,
                             .rows = cut_rows(&whole->all, first, count),
                             .numbers = {.contribution_gap = INFINITY},
                             .clock = {.round = whole->sparse ? MG_DUAL_ROUND : MG_DUAL_ROUND_MOST,
                                       .newton = -1,
                                       .block = MG_DUAL_BLOCK_MOST}};
    local->problem.rows = count;
    local->problem.comm = NULL;
    local->train.tolerance = 0; // no certificates
    local->options = (mg_solver_options){.train = &local->train};
    mg_status status = mg_problem_weights(&local->problem, &local->iterate.weights, error);
    if (!status)
        status = mg_resident_create(&local->resident, &local->problem, &local->options,
                                    &local->iterate.weights, error);
    if (!status)
        status = mg_dual_rows_create(count, local->problem.classes, prox->joint, local->rows.label,
                                     &local->iterate.duals, error);
    if (!status)
        status = mg_ascent_create(&local->resident, &local->iterate, &local->clock, &local->numbers,
                                  &local->ascent, error);
    if (!status) status = mg_resident_attach(&local->resident, &local->rows, error);
    if (!status) status = mg_ascent_attach(local->ascent, error);
    return status;
}

// One epoch. *loss: the weighted sum of the losses of the rows, each before its own step.
static mg_status train_local(local_problem *local, double *loss, mg_error *error) {
    bool over = false;
    mg_status status = MG_OK;
    for (int64_t step = 0; !status && !over; step++) {
        mg_step_result done = {.loss = 0};
        status = mg_ascent_step(local->ascent, step, &done, &over, error);
        *loss += done.loss;
    }
    return status;
}

// Keeps the dual variables of the shard, and writes its part of W to `to`, a vector as of mg_iterate_take.
static mg_status take_local(mg_certified *c, const local_problem *local, int64_t first, float *coef,
                            double *to, mg_error *error) {
    const mg_weights *w = &local->iterate.weights;
    double part = (double)local->problem.rows / (double)c->resident.problem->rows;
    for (int64_t j = 0; j < w->size; j++) to[j] = part * (double)w->v[j];
    for (int64_t k = 0; k < w->lanes; k++) to[w->size + k] = part * (double)w->bias[k];
    for (int64_t row = 0; row < local->problem.rows; row++) {
        mg_dual_rows_get(local->iterate.duals, row, w->lanes, coef);
        if (!mg_dual_rows_put(c->iterate.duals, first + row, w->lanes, coef))
            return mg_fail(error, MG_MEMORY, "out of memory: the dual variables of row %lld cannot be stored",
                           (long long)(first + row));
    }
    return MG_OK;
}

static mg_status run_shard(mg_certified *c, int64_t shard, float *coef, double *to, double *loss,
                           mg_error *error) {
    const mg_resident *resident = &c->resident;
    int64_t first = mg_resident_shard(resident, shard),
            count = mg_resident_shard(resident, shard + 1) - first;
    size_t length = (size_t)(c->iterate.weights.size + c->iterate.weights.lanes);
    local_problem local = {.ascent = NULL};
    memset(to, 0, length * sizeof *to);
    *loss = 0;
    if (count == 0) return MG_OK;
    mg_status status = open_local(c, first, count, &local, error);
    if (!status) status = train_local(&local, loss, error);
    if (!status) status = take_local(c, &local, first, coef, to, error);
    close_local(&local);
    return status;
}

// Working memory, of vectors as of mg_iterate_take, and of the shards.
typedef struct local_memory {
    float *coef;         // [lanes]
    double *total;       // a vector
    double *loss, *work; // [own shards], [shards]
    mg_comm_sum *sum;
    mg_arena arena;
} local_memory;

static mg_status create_memory(const mg_certified *c, local_memory *memory, mg_error *error) {
    mg_comm *comm = c->resident.comm;
    int64_t length = c->iterate.weights.size + c->iterate.weights.lanes;
    const mg_buffer buffers[] = {
        MG_BUFFER(memory->coef, c->iterate.weights.lanes, 1),
        MG_BUFFER(memory->total, length, 1),
        MG_BUFFER(memory->loss, mg_comm_own_shards(comm), 1),
        MG_BUFFER(memory->work, comm->shards, 1),
    };
    mg_status status = MG_ARENA_FILL(&memory->arena, buffers, error);
    return status ? status : mg_comm_sum_create(comm, length, MG_COMM_F64, &memory->sum, error);
}

static void take_total(mg_certified *c, const double *total) {
    mg_weights *w = &c->iterate.weights;
    for (int64_t j = 0; j < w->size; j++) w->v[j] = (float)total[j];
    for (int64_t k = 0; k < w->lanes; k++) {
        w->bias[k] = (float)total[w->size + k];
        w->offset[k] = (float)c->resident.problem->bias * w->bias[k];
    }
}

mg_status mg_local_start(mg_certified *c, double *loss, mg_error *error) {
    mg_comm *comm = c->resident.comm;
    local_memory memory = {.coef = NULL};
    mg_status status = create_memory(c, &memory, error);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) mg_comm_sum_begin(memory.sum, memory.total);
    for (int64_t s = comm->first; !status && s < comm->end; s++) {
        double *to = mg_comm_sum_next(memory.sum);
        status = run_shard(c, s, memory.coef, to, &memory.loss[s - comm->first], error);
        if (!status) mg_comm_sum_add(memory.sum);
    }
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = mg_comm_sum_end(memory.sum, error);
    if (!status) status = mg_comm_fold(comm, memory.loss, 1, memory.work, loss, error);
    if (!status) take_total(c, memory.total);
    mg_comm_sum_destroy(memory.sum);
    mg_arena_free(&memory.arena);
    return status;
}
