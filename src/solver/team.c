// team.c
#include "solver/team.h"

void mg_team_for(const mg_team *team, int64_t count, void (*run)(void *context, int64_t item), void *context) {
    if (team->threads == 1 || count == 1) {
        for (int64_t item = 0; item < count; item++) run(context, item);
        return;
    }
    int threads = count < team->threads ? (int)count : team->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t item = 0; item < count; item++) run(context, item);
}
