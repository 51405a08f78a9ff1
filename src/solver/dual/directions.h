// directions.h - the leading principal directions of the rows, from a sample of them, and the coordinates of
// every row in these directions.
#ifndef MG_SOLVER_DUAL_DIRECTIONS_H
#define MG_SOLVER_DUAL_DIRECTIONS_H

#include "base/arena.h"
#include "solver/resident.h"

enum { MG_DIRECTIONS_MOST = 32 };

typedef struct mg_directions {
    int64_t count;                        // r
    double share[MG_DIRECTIONS_MOST + 1]; // of the sum of ||x'||^2 in each direction, falling; `count` and
                                          // one more are set (0: there is none)
    float *z;                             // [N][count] coordinates of every row
} mg_directions;

// How many directions are wanted, given the shares of all that were found.
typedef int64_t mg_directions_choose(const double *share, int64_t found);

// Finds the directions and the coordinates. Directions include the constant feature. A function of the rows
// and the seed. Errors: MG_MEMORY.
mg_status mg_directions_find(mg_directions *directions, const mg_resident *resident,
                             mg_directions_choose *choose, mg_error *error);
void mg_directions_destroy(mg_directions *directions);

#endif
