// incumbent.h - the weights of the lowest primal value that a certified run has found, the highest lower
// bound, and when the two last came closer.
#ifndef MG_SOLVER_INCUMBENT_H
#define MG_SOLVER_INCUMBENT_H

#include "solver/resident.h"

// A checkpoint holds them as one field.
typedef struct mg_bounds {
    double primal, dual;    // INFINITY and -INFINITY before the first certificate
    double gap;             // relative; INFINITY before the first certificate
    double progress_gap;    // the lowest primal - dual at the last clear progress
    double progress_primal; // the values of the newest weights and dual variables at that time
    double progress_dual;
    double progress_passes; // passes over the rows until then
} mg_bounds;

typedef struct mg_incumbent {
    const mg_resident *resident;
    mg_weights weights; // of raw cells; empty without certificates
    mg_bounds bounds;
    double primal, dual; // of the newest weights and dual variables, when the bounds were last updated
} mg_incumbent;

// Errors: MG_MEMORY.
mg_status mg_incumbent_create(mg_incumbent *incumbent, const mg_resident *resident, mg_error *error);

// Forgets the weights and the bounds.
void mg_incumbent_clear(mg_incumbent *incumbent);

// Another lambda: keeps the weights with their new objective, offers weights of zero, and forgets the bound.
void mg_incumbent_set_lambda(mg_incumbent *incumbent, double before, double lambda);

// Keeps the weights of raw cells if `primal`, their objective, is the lowest so far; keeps `lower` if it is
// the highest lower bound.
void mg_incumbent_update(mg_incumbent *incumbent, const mg_weights *raw, double primal, double lower);

// Relative gap of primal and dual; INFINITY without a primal value.
double mg_incumbent_gap(const mg_bounds *bounds);

// Called after a certificate: notes whether objective and bound have come clearly closer, be it the best ones
// or the newest. `passes`: passes over the rows so far, approximately.
void mg_incumbent_note_progress(mg_incumbent *incumbent, double passes);

// Called when other steps follow: their first values may be worse, so progress is counted from those.
void mg_incumbent_forget_progress(mg_incumbent *incumbent);

#endif
