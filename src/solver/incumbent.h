// incumbent.h - the weights of the lowest primal value that a certified run has found, the highest lower
// bound, and when the gap between the two last fell.
#ifndef MG_SOLVER_INCUMBENT_H
#define MG_SOLVER_INCUMBENT_H

#include "solver/resident.h"

// A checkpoint holds them as one field.
typedef struct mg_bounds {
    double primal, dual;    // INFINITY and -INFINITY before the first certificate
    double gap;             // relative; INFINITY before the first certificate
    double progress_gap;    // the gap when it last fell clearly,
    double progress_passes; // and the passes over the rows until then
} mg_bounds;

typedef struct mg_incumbent {
    const mg_resident *resident;
    mg_weights weights; // of raw cells; empty without certificates
    mg_bounds bounds;
} mg_incumbent;

// Errors: MG_MEMORY.
mg_status mg_incumbent_create(mg_incumbent *incumbent, const mg_resident *resident, mg_error *error);

// Forgets the weights and the bounds.
void mg_incumbent_clear(mg_incumbent *incumbent);

// Keeps the weights of raw cells if `primal`, their objective, is the lowest so far; keeps `lower` if it is
// the highest lower bound.
void mg_incumbent_update(mg_incumbent *incumbent, const mg_weights *raw, double primal, double lower);

// Relative gap of primal and dual; INFINITY without a primal value.
double mg_incumbent_gap(const mg_bounds *bounds);

// Called after a certificate: notes whether the gap has fallen clearly. `passes`: passes over the rows so
// far, approximately.
void mg_incumbent_note_progress(mg_incumbent *incumbent, double passes);

#endif
