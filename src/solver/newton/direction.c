// direction.c - the direction of a Newton step, by preconditioned conjugate gradients. Vectors are float,
// inner products double.
#include "solver/newton/newton.h"

#include <string.h>

enum { MOST_STEPS = 60 };
#define ENOUGH 0.3 // the iteration ends when the residual is below this fraction of the first one

typedef struct step_job {
    mg_newton *newton;
    float alpha, beta;
} step_job;

static void advance_range(void *context, int64_t range) {
    const step_job *job = context;
    mg_newton *n = job->newton;
    float *restrict x = n->cg.direction, *restrict r = n->cg.residual, alpha = job->alpha;
    const float *restrict p = n->cg.search, *restrict hp = n->cg.product;
    MG_EACH_OF_PART (j, n->length, MG_NEWTON_RANGES, range) {
        x[j] += alpha * p[j];
        r[j] -= alpha * hp[j];
    }
}

static void search_range(void *context, int64_t range) {
    const step_job *job = context;
    mg_newton *n = job->newton;
    float *restrict p = n->cg.search, beta = job->beta;
    const float *restrict z = n->cg.preconditioned;
    MG_EACH_OF_PART (j, n->length, MG_NEWTON_RANGES, range) p[j] = z[j] + beta * p[j];
}

int mg_newton_solve(mg_newton *newton) {
    mg_team *team = newton->resident->problem->team;
    size_t bytes = (size_t)newton->length * sizeof(float);
    float *r = newton->cg.residual, *p = newton->cg.search, *hp = newton->cg.product,
          *z = newton->cg.preconditioned;
    step_job job = {.newton = newton};
    memset(newton->cg.direction, 0, bytes);
    memcpy(r, newton->descent, bytes);
    double goal = ENOUGH * ENOUGH * mg_newton_dot(newton, r, r);
    mg_precondition_apply(newton->precondition, newton, r, z);
    memcpy(p, z, bytes);
    double rz = mg_newton_dot(newton, r, z);
    int step = 0;
    while (step < MOST_STEPS && rz > 0 && !mg_newton_agree(newton)) {
        mg_newton_product(newton, p, hp);
        double curve = mg_newton_dot(newton, p, hp);
        if (!(curve > 0)) break;
        job.alpha = (float)(rz / curve);
        mg_team_for(team, MG_NEWTON_RANGES, advance_range, &job);
        step++;
        if (mg_newton_dot(newton, r, r) <= goal) break;
        mg_precondition_apply(newton->precondition, newton, r, z);
        double next = mg_newton_dot(newton, r, z);
        job.beta = (float)(next / rz);
        mg_team_for(team, MG_NEWTON_RANGES, search_range, &job);
        rz = next;
    }
    return step;
}
