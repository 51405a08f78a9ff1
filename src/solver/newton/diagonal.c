// diagonal.c - the diagonal of the Hessian (M29), the preconditioner for sparse rows with so many features
// that factors would be too large. It is summed over all free rows: most features are rare, and a sample
// would miss them.
#include "solver/newton/newton.h"

#include <string.h>

typedef struct diagonal_job {
    mg_newton *newton;
    int64_t first, count; // present batch of free rows
    float *diagonal;
} diagonal_job;

// Computes v_i (J_i)_kk for the rows of a part.
static void weigh_part(void *context, int64_t part) {
    const diagonal_job *job = context;
    mg_newton *newton = job->newton;
    int64_t lanes = newton->resident->lanes, end = mg_cut_end(job->count, MG_NEWTON_PART_ROWS, part);
    for (int64_t i = part * MG_NEWTON_PART_ROWS; i < end; i++)
        for (int64_t k = 0; k < newton->resident->problem->classes; k++)
            newton->parts.coef[i * lanes + k] =
                (float)mg_newton_diagonal(newton, newton->free.row[job->first + i], k);
}

static void add_range(void *context, int64_t range) {
    const diagonal_job *job = context;
    const mg_newton *newton = job->newton;
    const mg_resident *resident = newton->resident;
    const mg_rows *rows = &resident->all.rows;
    const float *scale = resident->problem->scale;
    int64_t line = resident->line, classes = resident->problem->classes;
    for (int64_t i = 0; i < job->count; i++) {
        const float *coef = newton->parts.coef + i * resident->lanes;
        int64_t at, end;
        mg_resident_values(resident, newton->free.row[job->first + i], range, &at, &end);
        for (; at < end; at++) {
            int64_t d = rows->indices[at];
            float x = rows->values[at] * (scale ? scale[d] : 1),
                  square = x * x, *restrict to = job->diagonal + d * line;
            for (int64_t k = 0; k < classes; k++) to[k] += square * coef[k];
        }
    }
}

static void add_constant(const diagonal_job *job) {
    const mg_newton *newton = job->newton;
    const mg_resident *resident = newton->resident;
    float square = (float)(resident->problem->bias * resident->problem->bias),
          *to = job->diagonal + resident->size;
    for (int64_t i = 0; square > 0 && i < job->count; i++)
        for (int64_t k = 0; k < resident->problem->classes; k++)
            to[k] += square * newton->parts.coef[i * resident->lanes + k];
}

static void invert_range(void *context, int64_t range) {
    const diagonal_job *job = context;
    float lambda = (float)job->newton->resident->problem->lambda;
    MG_EACH_OF_PART (j, job->newton->length, MG_NEWTON_RANGES, range)
        job->diagonal[j] = 1 / (lambda + job->diagonal[j]);
}

// Sums the free rows [from, end) of a shard into job->diagonal.
static void add_rows(diagonal_job *job, int64_t from, int64_t end) {
    mg_newton *newton = job->newton;
    mg_team *team = newton->resident->problem->team;
    memset(job->diagonal, 0, (size_t)newton->length * sizeof *job->diagonal);
    MG_EACH_BLOCK (first, count, from, end, MG_NEWTON_ROWS) {
        job->first = first;
        job->count = count;
        mg_team_for(team, mg_cut_items(count, MG_NEWTON_PART_ROWS), weigh_part, job);
        mg_team_for(team, newton->resident->ranges, add_range, job);
        add_constant(job);
    }
}

void mg_newton_inverse_diagonal(mg_newton *newton, float *to) {
    diagonal_job job = {.newton = newton};
    const int64_t *free = newton->shards.free;
    mg_comm_sum *sum = newton->shards.vector;
    mg_comm_sum_begin(sum, to);
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++) {
        job.diagonal = mg_comm_sum_next(sum);
        add_rows(&job, free[s], free[s + 1]);
        mg_newton_add_shard(newton, sum);
    }
    mg_newton_end_sum(newton, sum);
    job.diagonal = to;
    mg_team_for(newton->resident->problem->team, MG_NEWTON_RANGES, invert_range, &job);
}
