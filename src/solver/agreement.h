// agreement.h - checks that W belongs to the dual variables.
#ifndef MG_SOLVER_AGREEMENT_H
#define MG_SOLVER_AGREEMENT_H

#include "solver/iterate.h"
#include "solver/resident.h"

// Checks that W of the iterate, from a checkpoint, is the sum of the rows times their dual variables, up to
// the rounding of training. Otherwise the lower bound that they prove together would be wrong. Costs one pass
// over the rows. Errors: MG_DATA; MG_MEMORY.
mg_status mg_agreement_check(const mg_resident *resident, const mg_iterate *iterate, mg_error *error);

#endif
