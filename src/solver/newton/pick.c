// pick.c - owns the sample of the free rows from which a preconditioner is computed: for each class, rows in
// proportion to their weights in the Hessian. Which rows are taken depends on the shards, not on the ranks
// that have them.
#include "comm/blocks.h"
#include "solver/newton/newton.h"

#include <assert.h>
#include <math.h>

enum { WEIGHTS, WEIGHT, EACH }; // numbers of a shard for each class: positive weights, and their sum

static int64_t class_of(const mg_newton_picks *picks, int64_t g) { return picks->first_class + g; }

static bool has_class(const mg_newton_picks *picks, int64_t g) {
    return class_of(picks, g) < picks->newton->resident->problem->classes;
}

static void weigh_class(void *context, int64_t g) {
    mg_newton_picks *picks = context;
    const mg_newton *newton = picks->newton;
    const int64_t *free = newton->shards.free + newton->shards.present;
    double *numbers = mg_newton_numbers(newton, newton->shards.present) + g * EACH;
    numbers[WEIGHTS] = numbers[WEIGHT] = 0;
    for (int64_t f = free[0]; has_class(picks, g) && f < free[1]; f++) {
        double weight = mg_newton_diagonal(newton, newton->free.row[f], class_of(picks, g));
        numbers[WEIGHTS] += weight > 0;
        numbers[WEIGHT] += weight;
    }
}

// A row is taken whenever the running sum of weights passes the next multiple of `step`. Its weight in the
// sample is the sum of the weights of all rows of the shard since the last one that was taken. passed: the
// weight of the shards before; most: rows to take at most.
static void pick_shard(mg_newton_picks *picks, int64_t g, const int64_t *free, double step, double passed,
                       int64_t most) {
    const mg_newton *newton = picks->newton;
    int64_t before = picks->own[g];
    double base = step > 0 ? floor(passed / step) : 0, carried = 0;
    for (int64_t f = free[0]; f < free[1] && picks->own[g] - before < most; f++) {
        double weight = mg_newton_diagonal(newton, newton->free.row[f], class_of(picks, g)),
               next = base + (double)(picks->own[g] - before + 1);
        passed += weight;
        carried += weight;
        if (!(weight > 0) || passed < step * next) continue;
        picks->row[g][picks->own[g]] = newton->free.row[f];
        picks->weight[g][picks->own[g]++] = (float)carried;
        carried = 0;
    }
}

static void pick_class(void *context, int64_t g) {
    mg_newton_picks *picks = context;
    const mg_newton *newton = picks->newton;
    const mg_comm *comm = newton->resident->comm;
    const double *numbers = newton->shards.all + g * EACH;
    double weights = 0, weight = 0, passed = 0;
    picks->own[g] = 0;
    if (!has_class(picks, g)) return;
    for (int64_t s = 0; s < comm->shards; s++) {
        weights += numbers[s * MG_NEWTON_NUMBERS + WEIGHTS];
        weight += numbers[s * MG_NEWTON_NUMBERS + WEIGHT];
    }
    double step = weights > MG_NEWTON_SAMPLE ? weight / MG_NEWTON_SAMPLE : 0;
    for (int64_t s = 0; s < comm->end; s++) {
        double after = passed + numbers[s * MG_NEWTON_NUMBERS + WEIGHT];
        bool last = s == comm->shards - 1, some = step > 0 && !last;
        // The shares of all shards add up to the size of the sample.
        double share = some ? floor(after / step) : MG_NEWTON_SAMPLE;
        int64_t most = (int64_t)(share - (step > 0 ? floor(passed / step) : 0));
        if (s >= comm->first) {
            pick_shard(picks, g, newton->shards.free + s - comm->first, step, passed, most);
            picks->end[g][s - comm->first] = picks->own[g];
        }
        passed = after;
    }
}

mg_status mg_newton_picks_create(mg_newton *newton, mg_newton_picks *picks, mg_arena *arena,
                                 mg_error *error) {
    int64_t own = mg_newton_own_shards(newton);
    *picks = (mg_newton_picks){.newton = newton};
    const mg_buffer buffers[] = {
        MG_BUFFER(picks->end[0], own, 1),
        MG_BUFFER(picks->end[1], own, 1),
        MG_BUFFER(picks->end[2], own, 1),
        MG_BUFFER(picks->end[3], own, 1),
        MG_BUFFER(picks->bytes, newton->resident->comm->ranks, 1),
    };
    static_assert(MG_NEWTON_GROUP == 4 && MG_NEWTON_GROUP * EACH <= MG_NEWTON_NUMBERS, "one buffer each");
    return MG_ARENA_FILL(arena, buffers, error);
}

void mg_newton_pick(mg_newton_picks *picks, int64_t first_class) {
    mg_newton *newton = picks->newton;
    mg_team *team = newton->resident->problem->team;
    picks->first_class = first_class;
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++) {
        mg_newton_enter_shard(newton, s);
        mg_team_for(team, MG_NEWTON_GROUP, weigh_class, picks);
    }
    mg_newton_records(newton);
    mg_team_for(team, MG_NEWTON_GROUP, pick_class, picks);
}

void mg_newton_count_picks(mg_newton_picks *picks, int64_t *before, int64_t *all) {
    mg_newton *newton = picks->newton;
    const mg_comm *comm = newton->resident->comm;
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++)
        for (int64_t g = 0; g < MG_NEWTON_GROUP; g++)
            mg_newton_numbers(newton, s)[g] =
                has_class(picks, g) ? (double)(picks->end[g][s] - (s > 0 ? picks->end[g][s - 1] : 0)) : 0;
    mg_newton_records(newton);
    for (int64_t g = 0; g < MG_NEWTON_GROUP; g++) {
        before[g] = all[g] = 0;
        for (int64_t s = 0; s < comm->shards; s++) {
            int64_t count = (int64_t)newton->shards.all[s * MG_NEWTON_NUMBERS + g];
            if (s < comm->first) before[g] += count;
            all[g] += count;
        }
    }
}

void mg_newton_send_picks(mg_newton_picks *picks, int64_t g, int to, int64_t size, float *rows) {
    mg_newton *newton = picks->newton;
    mg_comm *comm = newton->resident->comm;
    mg_error error = {0};
    for (int r = 0; r < comm->ranks; r++) {
        picks->bytes[r] = 0;
        for (int64_t s = mg_comm_first_shard(comm, r); s < mg_comm_first_shard(comm, r + 1); s++)
            picks->bytes[r] +=
                (size_t)newton->shards.all[s * MG_NEWTON_NUMBERS + g] * (size_t)size * sizeof *rows;
    }
    mg_status status = mg_comm_blocks_to(comm, to, picks->bytes, rows, &error);
    mg_newton_note(newton, status, &error);
}
