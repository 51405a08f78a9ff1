// handover.h - the change from dual ascent to Newton steps and back, for auto, which compares their costs.
#ifndef MG_SOLVER_HANDOVER_H
#define MG_SOLVER_HANDOVER_H

#include "base/writer.h"

// The numbers that the decision depends on; a checkpoint stores them as one field. A distance is primal -
// dual of the incumbent. Costs are numbers of operations.
typedef struct mg_handover_state {
    double mark_visits;   // visits of dual ascent up to the mark: the certificate from which its progress is
                          // measured
    double mark_distance; // distance at the mark; 0: no mark
    double rate; // fall of the logarithm of the distance per visit; 0: none, or not measured yet in the first
                 // phase; -1: not measured yet since a return to dual ascent
    double begun;        // visits of dual ascent before its present phase began
    double entered;      // distance when the present Newton phase began
    double latest;       // distance after the latest iteration of that phase
    double usual;        // usual cost of Newton steps, as estimated when the phase began
    double spent;        // cost of the present Newton phase so far, or of the last one
    double spent_before; // cost of all earlier Newton phases
} mg_handover_state;

// Writes the conditions for both changes, for `margin list solvers`.
void mg_handover_list(mg_writer *out);

#endif
