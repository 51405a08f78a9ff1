// certified.h - the solvers that hold all rows and can certify: dual ascent, and Newton steps after it.
// certified.c has the solvers, local.c their start on several shards, schedule.c decides when a certificate
// is made, handover.c decides between dual ascent and Newton steps, prove.c proves the lower bound of a
// checkpoint, certified_fields.c lists the fields of a checkpoint.
#ifndef MG_SOLVER_CERTIFIED_H
#define MG_SOLVER_CERTIFIED_H

#include "solver/certificate.h"
#include "solver/dual/ascent.h"
#include "solver/handover.h"
#include "solver/newton/newton.h"

typedef struct mg_certified {
    // on a cache line of its own: it is written in every round, and all threads read what follows
    _Alignas(64) mg_counters clock;
    mg_numbers numbers;
    mg_handover_state handover;
    _Alignas(64) mg_resident resident;
    mg_iterate iterate;
    mg_incumbent incumbent;
    mg_weights view; // if columns are scaled: W as weights of raw cells, for reports
    // NULL without mg_resident_has_ascent: then Newton steps begin at once
    mg_ascent *ascent;
    mg_certifier *certifier; // NULL before the first certificate and during the Newton phase
    mg_newton *newton;       // NULL outside of the Newton phase
} mg_certified;

// Sets counters and numbers to those of a fresh state. `point`: true for a point of a path after the first
// one. Its dual variables come from the point before, and it begins with a certificate.
void mg_schedule_start(mg_certified *c, bool point);

// True if the next step is one of the Newton phase.
bool mg_schedule_newton(const mg_certified *c);

// Ends an epoch of dual ascent. Makes a certificate if one is due, counts the epoch, and begins the Newton
// phase if it is due. Errors: MG_MEMORY; MG_STOPPED during a certificate, which then remains due.
mg_status mg_schedule_end_epoch(mg_certified *c, mg_error *error);

// Makes the certificate that is due, and takes the decisions that follow from it. Errors: those of
// mg_schedule_end_epoch.
mg_status mg_schedule_certify(mg_certified *c, mg_error *error);

// The start on several shards (mg_local_start), which counts as an epoch.
mg_status mg_schedule_local(mg_certified *c, double *loss, mg_error *error);

// One outer iteration of the Newton phase, which counts as an epoch. Errors: MG_MEMORY, MG_STOPPED.
mg_status mg_schedule_iterate(mg_certified *c, double *loss, mg_error *error);

// Frees the memory of Newton steps. The next iteration computes it from the iterate again, to the same bits.
void mg_schedule_drop_newton(mg_certified *c);

// Corrects the two values of the certificate, which were read from a checkpoint.
void mg_schedule_correct(mg_certified *c, double primal, double dual);

// True if the gap has not fallen clearly for a long time.
bool mg_schedule_stalled(const mg_certified *c);

// ---- local.c ------------------------------------------------------------------------------------

// True if the next step trains each of several shards by dual ascent.
bool mg_local_is_due(const mg_certified *c);

// Trains each shard by one epoch of dual ascent; Newton steps follow. *loss becomes the weighted sum of the
// losses of all rows, each before its own step. Errors: MG_MEMORY, MG_FAILED.
mg_status mg_local_start(mg_certified *c, double *loss, mg_error *error);

// ---- handover.c ---------------------------------------------------------------------------------

// True if Newton steps should follow. Called after each certificate of dual ascent.
bool mg_handover_to_newton(mg_certified *c);

// True if dual ascent should follow. Called after a Newton iteration that cost `cost` operations and did not
// reach the tolerance.
bool mg_handover_to_dual(mg_certified *c, double cost);

// Writes why the solver has just been changed.
void mg_handover_explain(const mg_certified *c, char *out, size_t size);

// ---- prove.c ------------------------------------------------------------------------------------

// mg_whole_solver.prove
mg_status mg_certified_prove(void *state, const mg_stop *stop, bool *forgotten, mg_error *error);

// ---- certified_fields.c -------------------------------------------------------------------------

// The fields of a checkpoint, and the check that restored fields belong together.
int mg_certified_fields(void *state, mg_field *fields);
mg_status mg_certified_check(void *state, int64_t step, int64_t batch, mg_error *error);

#endif
