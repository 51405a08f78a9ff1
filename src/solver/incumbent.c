// incumbent.c - owns the incumbent and the bounds of the optimum.
#include "solver/incumbent.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define ROUNDING 0x1p-24 // relative rounding error of the scores; a smaller gap is not reported
#define SMALL_PART 1e-3  // of the tolerance: a lower bound that is higher by less is the same
#define CLEARLY 0.9      // progress is clear if primal - dual is below this fraction of the last noted one

// The newest values are not stored in checkpoints, so they must not matter any more after progress was noted.
static void forget_newest(mg_incumbent *incumbent) {
    incumbent->primal = INFINITY;
    incumbent->dual = -INFINITY;
}

// Forgets the weights and the bounds.
static void clear(mg_incumbent *incumbent) {
    forget_newest(incumbent);
    incumbent->bounds = (mg_bounds){.primal = INFINITY,
                                    .dual = -INFINITY,
                                    .gap = INFINITY,
                                    .progress_gap = INFINITY,
                                    .progress_primal = INFINITY,
                                    .progress_dual = -INFINITY};
    incumbent->proven = -INFINITY;
}

static mg_status loss_of_zeros(const mg_problem *problem, double *loss, mg_error *error) {
    double *scores;
    mg_status status = mg_memory_zeroed(&scores, (size_t)problem->classes, sizeof *scores, error);
    if (status) return status;
    *loss = problem->loss->value(problem->classes, scores, 0, (double)problem->delta);
    mg_memory_free(scores);
    return MG_OK;
}

mg_status mg_incumbent_create(mg_incumbent *incumbent, const mg_resident *resident, mg_error *error) {
    const mg_problem *problem = resident->problem;
    *incumbent = (mg_incumbent){.resident = resident};
    clear(incumbent);
    if (!resident->certify) return MG_OK;
    mg_status status = loss_of_zeros(problem, &incumbent->loss_of_zeros, error);
    return status ? status : mg_problem_weights(problem, &incumbent->weights, error);
}

typedef struct copy_job {
    const mg_resident *resident;
    const mg_weights *from;
    mg_weights *to;
} copy_job;

static void copy_range(void *context, int64_t range) {
    const copy_job *job = context;
    int64_t line = job->to->line, from = job->resident->weight_range[range] * line,
            to = job->resident->weight_range[range + 1] * line;
    memcpy(job->to->v + from, job->from->v + from, (size_t)(to - from) * sizeof *job->to->v);
}

double mg_incumbent_gap(const mg_bounds *bounds) {
    if (!isfinite(bounds->primal)) return INFINITY; // there is no incumbent yet
    double gap = bounds->primal > 0 ? (bounds->primal - bounds->dual) / bounds->primal : 0;
    if (isnan(gap)) return INFINITY;         // no incumbent with a finite objective yet
    return mg_max_real(fabs(gap), ROUNDING); // rounding may put the bound above the objective
}

// A difference far below the tolerance is one of rounding.
bool mg_incumbent_is_proven(const mg_bounds *bounds, double lower, double tolerance) {
    double slack = mg_max_real(ROUNDING, SMALL_PART * tolerance);
    return bounds->dual <= mg_max_real(0, lower) + slack * bounds->primal;
}

void mg_incumbent_add_proof(mg_incumbent *incumbent, double lower) {
    incumbent->proven = mg_max_real(incumbent->proven, lower);
}

void mg_incumbent_correct(mg_incumbent *incumbent, double primal, double dual) {
    incumbent->primal = incumbent->bounds.primal = primal;
    incumbent->dual = incumbent->bounds.dual = dual;
    incumbent->bounds.gap = mg_incumbent_gap(&incumbent->bounds);
    incumbent->bounds.progress_gap = INFINITY;
    mg_incumbent_forget_progress(incumbent);
}

void mg_incumbent_update(mg_incumbent *incumbent, const mg_weights *raw, double primal, double lower) {
    const mg_resident *resident = incumbent->resident;
    mg_bounds *bounds = &incumbent->bounds;
    if (primal < bounds->primal) {
        bounds->primal = primal;
        mg_weights *to = &incumbent->weights;
        mg_team_for(resident->problem->team, resident->weight_ranges, copy_range,
                    &(copy_job){.resident = resident, .from = raw, .to = to});
        memcpy(to->bias, raw->bias, (size_t)to->lanes * sizeof *to->bias);
        memcpy(to->offset, raw->offset, (size_t)to->lanes * sizeof *to->offset);
    }
    if (lower > bounds->dual) bounds->dual = lower;
    mg_incumbent_add_proof(incumbent, lower);
    bounds->gap = mg_incumbent_gap(bounds);
    if (!isfinite(lower)) return; // the average of snapshots has no lower bound
    incumbent->primal = primal;
    incumbent->dual = lower;
}

void mg_incumbent_set_lambda(mg_incumbent *incumbent, double before, double lambda) {
    const mg_resident *resident = incumbent->resident;
    const mg_problem *problem = resident->problem;
    mg_weights *w = &incumbent->weights;
    double primal = incumbent->bounds.primal;
    clear(incumbent);
    if (!resident->certify) return;
    if (isfinite(primal)) primal += 0.5 * (lambda - before) * mg_problem_square_norm(problem, w);
    double zeros = incumbent->loss_of_zeros;
    if (problem->weight_sum > 0) zeros = zeros * problem->weight_sum / (double)problem->rows;
    if (zeros < primal) {
        primal = zeros;
        memset(w->v, 0, (size_t)w->size * sizeof *w->v);
        memset(w->bias, 0, (size_t)w->lanes * sizeof *w->bias);
        memset(w->offset, 0, (size_t)w->lanes * sizeof *w->offset);
    }
    incumbent->bounds.primal = primal;
    incumbent->bounds.dual = incumbent->proven = 0; // a lower bound, because losses are not negative
    incumbent->bounds.gap = mg_incumbent_gap(&incumbent->bounds);
}

// Watches not only the incumbent. On a path, the values of the incumbent may come from the point before, and
// remain the best for a long time. Meanwhile the newest weights and dual variables may make progress, even if
// they started far away.
void mg_incumbent_note_progress(mg_incumbent *incumbent, double passes) {
    mg_bounds *bounds = &incumbent->bounds;
    double gap = bounds->primal * mg_min_real(1, bounds->gap); // the optimum is not negative
    bool closer = gap < CLEARLY * bounds->progress_gap,
         lower = incumbent->primal < CLEARLY * bounds->progress_primal,
         higher = bounds->progress_dual < 0 && incumbent->dual > CLEARLY * bounds->progress_dual;
    if (closer || lower || higher) {
        bounds->progress_gap = mg_min_real(gap, bounds->progress_gap);
        bounds->progress_primal = mg_min_real(incumbent->primal, bounds->progress_primal);
        bounds->progress_dual = mg_max_real(incumbent->dual, bounds->progress_dual);
        bounds->progress_passes = passes;
    }
    forget_newest(incumbent);
}

void mg_incumbent_forget_progress(mg_incumbent *incumbent) {
    incumbent->bounds.progress_primal = INFINITY;
    incumbent->bounds.progress_dual = -INFINITY;
}
