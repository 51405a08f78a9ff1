// handover.h - the change from dual ascent to Newton steps and back, where auto chooses by their costs.
#ifndef MG_SOLVER_HANDOVER_H
#define MG_SOLVER_HANDOVER_H

#include "base/writer.h"

// What the decision depends on. A checkpoint holds it as one field. A distance is primal - dual of the
// incumbent; costs are in operations.
typedef struct mg_handover_state {
    double mark_visits;   // of dual ascent until the certificate from which its progress is measured
    double mark_distance; // then; 0: there was none
    double rate;          // by which the logarithm of the distance falls with a visit; -1: not measured
    double begun;         // visits when the present phase of dual ascent began
    double entered;       // distance when the present Newton phase began
    double latest;        // distance after the latest of its iterations
    double usual;         // cost that its steps were estimated to have
    double spent;         // cost of the steps of the present Newton phase
    double spent_before;  // of those of earlier phases
} mg_handover_state;

// Writes the table of conditions as text.
void mg_handover_list(mg_writer *out);

#endif
