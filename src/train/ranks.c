// ranks.c - owns the connection of the ranks of a run, their decisions, and the collection of their state.
#include "train/ranks.h"

#include "base/hash.h"
#include "base/memory.h"
#include "comm/blocks.h"

#include <string.h>

// What a run cannot do with several ranks, with advice.
static const char *obstacle(const mg_run *run) {
    const mg_trainer_options *options = run->options;
    if (options->trial) return "a dry run cannot be distributed: run margin train --plan";
    if (run->request->init_model)
        return "--init cannot be distributed: leave it out, or run margin train with train.shards: 1";
    if (options->model->calibration && strcmp(options->model->calibration, "none"))
        return "model.calibration cannot be distributed: set it to none, and run margin calibrate later";
    return NULL;
}

// The paths of a file may differ.
static uint64_t hash_of_validation(const char *text) {
    enum { NONE, FILE_PATH };
    double fraction;
    if (!text) return NONE;
    return mg_data_fraction(text, &fraction) ? mg_hash_bytes(1, &fraction, sizeof fraction) : FILE_PATH;
}

// The ranks differ in nothing that decides which calls they make together.
static mg_status check(const mg_run *run, mg_error *error) {
    mg_comm *comm = run->ranks.comm;
    const char *text = obstacle(run), *canonical = run->options->canonical;
    const mg_data_options *data = run->options->data;
    const char *advice = "start all ranks with the same configuration file and --set";
    mg_status status = text ? mg_fail(error, MG_CONFIG, "%d ranks: %s", comm->ranks, text) : MG_OK;
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status)
        status = mg_comm_same(comm, mg_hash_bytes(0, canonical, strlen(canonical)), MG_CONFIG,
                              "the options that change the result", advice, error);
    if (!status)
        status = mg_comm_same(comm, run->request->resume, MG_CONFIG, "the command lines",
                              "start either all ranks or none with --resume", error);
    if (!status)
        status = mg_comm_same(comm, hash_of_validation(data->validation), MG_CONFIG,
                              "the values of data.validation", advice, error);
    if (status) return status;
    return mg_comm_same(comm, data->test != NULL, MG_CONFIG, "the values of data.test", advice, error);
}

mg_status mg_run_connect(mg_run *run, mg_error *error) {
    const mg_train_options *train = run->options->train;
    mg_run_ranks *ranks = &run->ranks;
    mg_status status =
        mg_comm_create(mg_transport_current(), train->shards, train->rank_timeout, &ranks->comm, error);
    return status || ranks->comm->ranks == 1 ? status : check(run, error);
}

mg_status mg_run_agree(const mg_run *run, mg_status status, mg_error *error) {
    return mg_run_is_alone(run) ? status : mg_comm_agree(run->ranks.comm, status, NULL, error);
}

mg_status mg_run_agree_on_step(mg_run *run, mg_status status, mg_error *error) {
    enum { STOP = 1, FINISH = 2 };
    if (mg_run_is_alone(run)) return status;
    mg_run_ranks *ranks = &run->ranks;
    uint64_t word = (mg_run_is_told_to_stop(run) ? STOP : 0) | (mg_run_is_told_to_finish(run) ? FINISH : 0);
    status = mg_comm_agree(ranks->comm, status, &word, error);
    ranks->stop = word & STOP;
    ranks->finish = word & FINISH;
    return status ? status : mg_run_share(run, &run->clock.seconds, sizeof run->clock.seconds, error);
}

bool mg_run_root_says(const mg_run *run, bool says) {
    if (mg_run_is_alone(run)) return says;
    uint64_t word = run->ranks.comm->rank == 0 && says;
    return !mg_comm_agree(run->ranks.comm, MG_OK, &word, NULL) && word;
}

mg_status mg_run_share(const mg_run *run, void *value, size_t size, mg_error *error) {
    return mg_comm_share(run->ranks.comm, value, size, error);
}

mg_status mg_run_check_weights(const mg_run *run, mg_error *error) {
    if (mg_run_is_alone(run)) return MG_OK;
    const mg_weights *w = run->solver->weights(run->state);
    uint64_t hash = mg_hash_bytes(0, w->v, (size_t)w->size * sizeof *w->v);
    hash = mg_hash_bytes(hash, w->bias, (size_t)w->lanes * sizeof *w->bias);
    return mg_comm_same(run->ranks.comm, hash, MG_NONFINITE, "the weights",
                        "one of the two machines computes wrongly: continue without it (--resume)", error);
}

// ---- fields -------------------------------------------------------------------------------------

static mg_status collect(mg_run *run, const mg_field *field, mg_error *error) {
    mg_comm *comm = run->ranks.comm;
    mg_run_collected *to = &run->ranks.collected;
    unsigned char *own = NULL;
    int64_t size = field->pack(field->data, NULL), *sizes = NULL;
    size_t *bytes = NULL, total = 0;
    mg_status status = mg_memory_get(&own, (size_t)mg_max(size, 0) + 1, 1, error);
    if (!status && (size < 0 || field->pack(field->data, own) != size))
        status = mg_fail(error, MG_MEMORY, "out of memory: %s cannot be copied", field->name);
    if (!status) status = mg_memory_get(&bytes, (size_t)comm->ranks, sizeof *bytes, error);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = mg_comm_copies(comm, &size, sizeof size, (void **)&sizes, error);
    for (int r = 0; !status && r < comm->ranks; r++) total += bytes[r] = (size_t)sizes[r];
    if (!status && mg_comm_is_root(comm)) status = mg_memory_grow(&to->bytes, &to->room, total + 1, 1, error);
    if (!status) to->size = (int64_t)total;
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = mg_comm_to_root(comm, own, bytes, to->bytes, error);
    mg_memory_free(own);
    mg_memory_free(bytes);
    mg_memory_free(sizes);
    return status;
}

mg_status mg_run_collect(mg_run *run, mg_error *error) {
    mg_status status = MG_OK;
    if (mg_run_is_alone(run)) return MG_OK;
    for (int f = 0; !status && f < run->fields.count; f++)
        if (run->fields.field[f].pack) status = collect(run, &run->fields.field[f], error);
    return status;
}

static int64_t pack_collected(void *data, unsigned char *to) {
    const mg_run_collected *collected = data;
    if (to) memcpy(to, collected->bytes, (size_t)collected->size);
    return collected->size;
}

void mg_run_collected_fields(mg_run *run, mg_field out[MG_CHECKPOINT_FIELDS]) {
    for (int f = 0; f < run->fields.count; f++) {
        const mg_field *field = &run->fields.field[f];
        bool collects = field->pack && !mg_run_is_alone(run);
        out[f] = collects ? mg_field_packed_by(field, &run->ranks.collected, pack_collected) : *field;
    }
}
