// incumbent.h - the weights with the lowest primal value that a certified run has found, the highest lower
// bound, and when these two last came clearly closer.
#ifndef MG_SOLVER_INCUMBENT_H
#define MG_SOLVER_INCUMBENT_H

#include "solver/resident.h"

// A checkpoint stores this struct as one field.
typedef struct mg_bounds {
    double primal, dual;    // INFINITY and -INFINITY before the first certificate
    double gap;             // relative; INFINITY before the first certificate
    double progress_gap;    // lowest primal - dual, as of the last clear progress
    double progress_primal; // lowest primal value of the newest weights, at that time
    double progress_dual;
    double progress_passes; // passes over the rows up to that time
} mg_bounds;

typedef struct mg_incumbent {
    const mg_resident *resident;
    mg_weights weights; // weights of raw cells; empty without certificates
    mg_bounds bounds;
    double primal, dual;  // values of the newest weights and dual variables, until their progress is noted
    double loss_of_zeros; // loss of a row whose scores are all 0; it does not depend on the class
    // The highest lower bound that this process has computed. bounds.dual may be higher if it was read from a
    // checkpoint. A sealed file does not prove what it says.
    double proven;
} mg_incumbent;

// Creates an incumbent without weights and bounds. Errors: MG_MEMORY.
mg_status mg_incumbent_create(mg_incumbent *incumbent, const mg_resident *resident, mg_error *error);

// For another lambda: keeps the weights, with their objective at the new lambda, or takes weights of zero if
// these have a lower objective. The lower bound becomes 0.
void mg_incumbent_set_lambda(mg_incumbent *incumbent, double before, double lambda);

// Offers weights of raw cells with the objective `primal`, and a lower bound `lower`. The weights become the
// incumbent if their objective is the lowest so far. The bound is kept if it is the highest so far. `lower`
// is -INFINITY for weights that prove no bound.
void mg_incumbent_update(mg_incumbent *incumbent, const mg_weights *raw, double primal, double lower);

// True if the dual value is at most `lower`, or at most 0, except for rounding. Losses are not negative, so 0
// is a lower bound.
bool mg_incumbent_is_proven(const mg_bounds *bounds, double lower, double tolerance);

// Takes note of a lower bound that this process has computed.
void mg_incumbent_add_proof(mg_incumbent *incumbent, double lower);

// Corrects the two values, which were read from a checkpoint. Progress is counted from them.
void mg_incumbent_correct(mg_incumbent *incumbent, double primal, double dual);

// The relative gap of the bounds; INFINITY if there is no primal value.
double mg_incumbent_gap(const mg_bounds *bounds);

// Called after a certificate. Notes `passes` (approximate number of passes over the rows so far) if there was
// clear progress: the two values of the incumbent came closer, or one of the newest values became better.
void mg_incumbent_note_progress(mg_incumbent *incumbent, double passes);

// Called when the solver changes. The first values of its steps may be worse, so their progress is counted
// from these values.
void mg_incumbent_forget_progress(mg_incumbent *incumbent);

#endif
