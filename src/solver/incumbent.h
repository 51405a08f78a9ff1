// incumbent.h - the best that a certified run has found: the weights of the lowest objective, the highest
// lower bound, and whether the gap between the two still falls.
#ifndef MG_SOLVER_INCUMBENT_H
#define MG_SOLVER_INCUMBENT_H

#include "solver/resident.h"

// A checkpoint holds them as one field.
typedef struct mg_bounds {
    double primal, dual; // INFINITY and -INFINITY before the first certificate
    double gap;          // relative, of the last certificate; INFINITY before
    double progress_gap,
        progress_passes; // the gap when it had last become clearly smaller, and the effort until then
} mg_bounds;

typedef struct mg_incumbent {
    const mg_resident *resident;
    mg_weights weights; // of raw cells; empty without certificates
    mg_bounds bounds;
} mg_incumbent;

// Errors: MG_MEMORY.
mg_status mg_incumbent_create(mg_incumbent *incumbent, const mg_resident *resident, mg_error *error);

// Nothing is known.
void mg_incumbent_clear(mg_incumbent *incumbent);

// Takes note of an objective some weights of raw cells reach and of a lower bound.
void mg_incumbent_update(mg_incumbent *incumbent, const mg_weights *raw, double primal, double lower);

// Relative gap of the best objective and bound; INFINITY without an objective.
double mg_incumbent_gap(const mg_bounds *bounds);

// After a certificate: takes note when the gap has become clearly smaller. `effort`: passes over the rows so
// far, roughly.
void mg_incumbent_note_progress(mg_incumbent *incumbent, double passes);

#endif
