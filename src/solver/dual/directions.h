// directions.h - the leading principal directions of the rows, found on a sample of them, and the coordinates
// of all rows in these directions.
#ifndef MG_SOLVER_DUAL_DIRECTIONS_H
#define MG_SOLVER_DUAL_DIRECTIONS_H

#include "base/arena.h"
#include "solver/resident.h"

enum { MG_DIRECTIONS_MOST = 32 };

typedef struct mg_directions {
    int64_t count;                        // number of directions (r in M33)
    double share[MG_DIRECTIONS_MOST + 1]; // share of the sum of ||x'||^2 in each direction, in descending
                                          // order. The first count + 1 are set (0 if there is no such
                                          // direction)
    float *z;                             // [N][count] coordinates of all rows
} mg_directions;

// Chooses how many of the `found` directions are used, from their shares.
typedef int64_t mg_directions_choose(const double *share, int64_t found);

// Finds the directions, in which the constant feature is a dimension too, and the coordinates. The result
// depends only on the rows and the seed. Errors: MG_MEMORY.
mg_status mg_directions_find(mg_directions *directions, const mg_resident *resident,
                             mg_directions_choose *choose, mg_error *error);
void mg_directions_destroy(mg_directions *directions);

#endif
