// incumbent.c - owns the incumbent and the bounds of the optimum.
#include "solver/incumbent.h"

#include <math.h>
#include <string.h>

#define ROUNDING 0x1p-24 // of the scores; no smaller gap is reported
#define CLEARLY 0.9      // times the last noted gap is clear progress

void mg_incumbent_clear(mg_incumbent *incumbent) {
    incumbent->bounds =
        (mg_bounds){.primal = INFINITY, .dual = -INFINITY, .gap = INFINITY, .progress_gap = INFINITY};
}

mg_status mg_incumbent_create(mg_incumbent *incumbent, const mg_resident *resident, mg_error *error) {
    const mg_problem *problem = resident->problem;
    *incumbent = (mg_incumbent){.resident = resident};
    mg_incumbent_clear(incumbent);
    if (!resident->certify) return MG_OK;
    return mg_problem_weights(problem, &incumbent->weights, error);
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
    if (!isfinite(bounds->primal)) return INFINITY; // no weights yet
    double gap = bounds->primal > 0 ? (bounds->primal - bounds->dual) / bounds->primal : 0;
    if (isnan(gap)) return INFINITY;         // no weights have a finite objective yet
    return mg_max_real(fabs(gap), ROUNDING); // rounding may put the bound above the objective
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
    bounds->gap = mg_incumbent_gap(bounds);
}

void mg_incumbent_note_progress(mg_incumbent *incumbent, double passes) {
    mg_bounds *bounds = &incumbent->bounds;
    if (!(bounds->gap < CLEARLY * bounds->progress_gap)) return;
    bounds->progress_gap = bounds->gap;
    bounds->progress_passes = passes;
}
