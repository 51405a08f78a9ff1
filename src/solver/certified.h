// certified.h - the solvers that hold all rows and can certify: dual ascent, and Newton steps after it.
// certified.c (the solvers), schedule.c (when a certificate), handover.c (when Newton steps),
// certified_fields.c (what a checkpoint holds).
#ifndef MG_SOLVER_CERTIFIED_H
#define MG_SOLVER_CERTIFIED_H

#include "solver/certificate.h"
#include "solver/dual/ascent.h"
#include "solver/handover.h"
#include "solver/newton/newton.h"

typedef struct mg_certified {
    _Alignas(64) mg_counters clock; // written every round, so not in a cache line that all threads read
    mg_numbers numbers;
    mg_handover_state handover;
    _Alignas(64) mg_resident resident;
    mg_iterate iterate;
    mg_incumbent incumbent;
    mg_weights view;         // the weights of raw cells that are reported, if columns are scaled
    mg_ascent *ascent;       // NULL: the loss has no dual; Newton steps begin at once (M31)
    mg_certifier *certifier; // NULL before the first certificate and in the Newton phase
    mg_newton *newton;       // NULL outside of its phase
} mg_certified;

// Sets the counters and numbers of a fresh state. `point`: a point of a path, which starts from the one
// before and with a certificate.
void mg_schedule_start(mg_certified *c, bool point);

// True if the next step is one of the Newton phase.
bool mg_schedule_newton(const mg_certified *c);

// Ends an epoch of dual ascent: certifies if that is due, counts the epoch, and begins the Newton phase if
// that is due. Errors: MG_MEMORY; MG_STOPPED during a certificate, which then stays due.
mg_status mg_schedule_end_epoch(mg_certified *c, mg_error *error);

// Makes the certificate that is due, and what follows it. Errors: as above.
mg_status mg_schedule_certify(mg_certified *c, mg_error *error);

// One outer iteration of the Newton phase, which counts as an epoch. Errors: MG_MEMORY, MG_STOPPED.
mg_status mg_schedule_iterate(mg_certified *c, double *loss, mg_error *error);

// True if the gap has not fallen clearly for a long time.
bool mg_schedule_stalled(const mg_certified *c);

// ---- handover.c ---------------------------------------------------------------------------------

void mg_handover_start(mg_certified *c);

// After a certificate of dual ascent: should Newton steps follow?
bool mg_handover_to_newton(mg_certified *c);

// After a Newton iteration of that cost, which did not reach the tolerance: should dual ascent follow?
bool mg_handover_to_dual(mg_certified *c, double cost);

// Writes the reason of the change that has just been made.
void mg_handover_explain(const mg_certified *c, char *out, size_t size);

// ---- certified_fields.c -------------------------------------------------------------------------

// The fields of a checkpoint, and the check that restored fields belong together.
int mg_certified_fields(void *state, mg_field *fields);
mg_status mg_certified_check(void *state, int64_t step, int64_t batch, mg_error *error);

#endif
