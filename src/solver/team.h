// team.h - the compute threads. The only file pair that knows OpenMP; without it everything runs in the caller.
#ifndef MG_SOLVER_TEAM_H
#define MG_SOLVER_TEAM_H

#include <stdint.h>

typedef struct mg_team {
    int threads;
} mg_team;

// Calls run(context, item) for items 0..count-1, spread over the team's threads; returns when all are done. Items must
// not depend on each other: which thread takes which, and when, is not fixed.
void mg_team_for(const mg_team *team, int64_t count, void (*run)(void *context, int64_t item), void *context);

#endif
