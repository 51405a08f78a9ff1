// diagonal.c - the diagonal of the Hessian (M29) for sparse rows with more features than factors are made
// for. Every free row counts: a sample would miss the rare features, which are most of them.
#include "solver/newton/newton.h"

#include <string.h>

typedef struct diagonal_job {
    mg_newton *newton;
    int64_t first, count; // of the chunk, of the free rows
    float *diagonal;
} diagonal_job;

// (J_i)_kk times the row's weight, of the chunk's rows.
static void weigh_part(void *context, int64_t part) {
    const diagonal_job *job = context;
    mg_newton *newton = job->newton;
    int64_t lanes = newton->resident->lanes, end = (part + 1) * MG_NEWTON_PART_ROWS;
    for (int64_t i = part * MG_NEWTON_PART_ROWS; i < end && i < job->count; i++)
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
    int64_t length = job->newton->length, end = mg_cut_begin(length, MG_NEWTON_RANGES, range + 1);
    float lambda = (float)job->newton->resident->problem->lambda;
    for (int64_t j = mg_cut_begin(length, MG_NEWTON_RANGES, range); j < end; j++)
        job->diagonal[j] = 1 / (lambda + job->diagonal[j]);
}

void mg_newton_inverse_diagonal(mg_newton *newton, float *to) {
    diagonal_job job = {.newton = newton, .diagonal = to};
    mg_team *team = newton->resident->problem->team;
    memset(to, 0, (size_t)newton->length * sizeof *to);
    for (; job.first < newton->free.count; job.first += MG_NEWTON_ROWS) {
        int64_t left = newton->free.count - job.first;
        job.count = left < MG_NEWTON_ROWS ? left : MG_NEWTON_ROWS;
        mg_team_for(team, (job.count + MG_NEWTON_PART_ROWS - 1) / MG_NEWTON_PART_ROWS, weigh_part, &job);
        mg_team_for(team, newton->resident->ranges, add_range, &job);
        add_constant(&job);
    }
    mg_team_for(team, MG_NEWTON_RANGES, invert_range, &job);
}
