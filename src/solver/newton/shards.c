// shards.c - the sums of Newton steps over the shards of the rows, and what the ranks agree on. After ranks
// cannot be reached any more, sums are meaningless, and the step ends.
#include "solver/newton/newton.h"

#include <string.h>

mg_status mg_newton_shards_create(mg_newton *newton, mg_error *error) {
    mg_newton_shards *shards = &newton->shards;
    const mg_resident *resident = newton->resident;
    mg_comm *comm = resident->comm;
    int64_t own = mg_comm_own_shards(comm);
    const mg_buffer buffers[] = {
        MG_BUFFER(shards->row, own + 1, 1),
        MG_BUFFER(shards->free, own + 1, 1),
        MG_BUFFER(shards->own, own, MG_NEWTON_NUMBERS),
        MG_BUFFER(shards->all, comm->shards, MG_NEWTON_NUMBERS),
    };
    mg_status status = MG_ARENA_FILL(&shards->arena, buffers, error);
    if (!status) status = mg_comm_sum_create(comm, newton->length, MG_COMM_F64, &shards->sum, error);
    if (!status) status = mg_comm_sum_create(comm, newton->length, MG_COMM_F32, &shards->vector, error);
    for (int64_t s = 0; !status && s <= own; s++)
        shards->row[s] = mg_resident_shard(resident, comm->first + s);
    return status;
}

void mg_newton_shards_destroy(mg_newton *newton) {
    mg_comm_sum_destroy(newton->shards.sum);
    mg_comm_sum_destroy(newton->shards.vector);
    mg_arena_free(&newton->shards.arena);
}

void mg_newton_note(mg_newton *newton, mg_status status, const mg_error *error) {
    if (status && !newton->shards.failure.status) newton->shards.failure = *error;
}

void mg_newton_fold(mg_newton *newton) {
    mg_newton_shards *shards = &newton->shards;
    mg_error error = {0};
    mg_status status = mg_comm_fold(newton->resident->comm, shards->own, MG_NEWTON_NUMBERS, shards->all,
                                    shards->folded, &error);
    mg_newton_note(newton, status, &error);
}

void mg_newton_records(mg_newton *newton) {
    mg_newton_shards *shards = &newton->shards;
    mg_error error = {0};
    mg_status status = mg_comm_records(newton->resident->comm, shards->own,
                                       MG_NEWTON_NUMBERS * sizeof *shards->own, shards->all, &error);
    mg_newton_note(newton, status, &error);
}

void mg_newton_enter_shard(mg_newton *newton, int64_t s) { newton->shards.present = s; }

double mg_newton_sum_parts(mg_newton *newton, void (*run)(void *newton, int64_t part)) {
    mg_newton_shards *shards = &newton->shards;
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++) {
        double sum = 0;
        mg_newton_enter_shard(newton, s);
        mg_team_for(newton->resident->problem->team, MG_NEWTON_PARTS, run, newton);
        for (int p = 0; p < MG_NEWTON_PARTS; p++) sum += newton->part_slope[p];
        mg_newton_numbers(newton, s)[0] = sum;
    }
    mg_newton_fold(newton);
    return shards->folded[0];
}

void mg_newton_add_shard(mg_newton *newton, mg_comm_sum *sum) {
    mg_team_for(newton->resident->problem->team, mg_comm_sum_pieces(sum), mg_comm_sum_piece, sum);
    mg_comm_sum_added(sum);
}

void mg_newton_end_sum(mg_newton *newton, mg_comm_sum *sum) {
    mg_error error = {0};
    mg_status status = mg_comm_sum_end(sum, &error);
    mg_newton_note(newton, status, &error);
}

bool mg_newton_agree(mg_newton *newton) {
    mg_newton_shards *shards = &newton->shards;
    mg_comm *comm = newton->resident->comm;
    if (comm->ranks > 1 && !shards->stopped && !shards->failure.status) {
        uint64_t word = mg_stop_asked(&newton->resident->options->stop);
        mg_error error = {0};
        mg_status status = mg_comm_agree(comm, MG_OK, &word, &error);
        mg_newton_note(newton, status, &error);
        shards->stopped = word != 0;
    }
    return mg_newton_stopped(newton);
}

mg_status mg_newton_end_early(mg_newton *newton, mg_error *error) {
    mg_newton_shards *shards = &newton->shards;
    shards->stopped = false;
    if (!shards->failure.status) return mg_fail(error, MG_STOPPED, "stopped");
    return mg_fail(error, shards->failure.status, "%s", shards->failure.text);
}
