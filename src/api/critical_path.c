// critical_path.c - mg_critical_path_measure: measures the items of a run, and computes how long teams of
// other sizes would need for them.
#include <margin/critical_path.h>

#include "api/trainer.h"
#include "base/cpu.h"
#include "base/float_mode.h"
#include "base/json.h"
#include "base/writer.h"
#include "parallel/replay.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static_assert((int)MG_CRITICAL_PATH_TEAMS <= (int)MG_REPLAY_TEAMS, "every team has a schedule");
static_assert((int)MG_CRITICAL_PATH_MOST_THREADS <= (int)MG_REPLAY_MOST_THREADS, "every team has a schedule");

// Parses ascending numbers of threads, such as "8,32".
static bool parse(const char *text, int *threads, int *count) {
    char *end;
    for (*count = 0; *count < MG_CRITICAL_PATH_TEAMS; text = end + 1) {
        long value = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;
        if (value < 1 || value > MG_CRITICAL_PATH_MOST_THREADS) return false;
        if (*count && value <= threads[*count - 1]) return false;
        threads[(*count)++] = (int)value;
        if (*end == '\0') return true;
        if (*end != ',') return false;
    }
    return false;
}

// Trains without writing anything. replay: measures the run; NULL: the team's threads do the work as usual.
static mg_status run_once(mg_config_trainer *trainer, const mg_config *config, int threads, mg_replay *replay,
                          mg_train_result *result, mg_error *error) {
    mg_train_options train = config->train;
    const mg_train_request request = {.resume = false};
    train.threads = threads;
    trainer->options.train = &train;
    trainer->options.trial = true;
    trainer->options.replay = replay;
    mg_status status = mg_trainer_run(&trainer->options, &request, result, error);
    return !status && replay && replay->status
               ? mg_fail(error, replay->status,
                         "out of memory: the durations of the items of a job cannot be stored")
               : status;
}

static void report(const mg_replay *replay, mg_critical_path *path) {
    path->jobs = replay->jobs;
    path->items = replay->items;
    path->serial_seconds = replay->serial;
    path->item_seconds = replay->work;
    path->claim_seconds = replay->costs.claim;
    path->start_seconds = replay->costs.start;
    for (int i = 0; i < replay->count; i++) {
        const mg_replay_team *team = &replay->team[i];
        double all = team->threads * team->seconds;
        path->teams[i] = (mg_critical_path_team){.threads = team->threads,
                                                 .seconds = team->seconds,
                                                 .measured = NAN,
                                                 .serial = (team->threads - 1) * replay->serial / all,
                                                 .idle = team->idle / all};
    }
    path->count = replay->count;
}

mg_status mg_critical_path_measure(const mg_config *config, const char *threads, mg_critical_path *path,
                                   mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_config_trainer trainer;
    mg_train_result result;
    mg_replay replay;
    const mg_kernel *kernel = NULL;
    *path = (mg_critical_path){0};
    int sizes[MG_CRITICAL_PATH_TEAMS], count;
    if (!parse(threads, sizes, &count))
        return mg_fail(
            error, MG_USAGE,
            "--critical-path: %s is not allowed (up to %d ascending numbers of threads from 1 to %d, "
            "as 1,2,8,32)",
            threads, MG_CRITICAL_PATH_TEAMS, MG_CRITICAL_PATH_MOST_THREADS);
    mg_status status = mg_kernel_select(&kernel, error);
    if (status) return status;
    path->kernel = kernel->name;
    mg_replay_init(&replay, sizes, count);
    status = mg_config_trainer_open(config, NULL, &trainer, error);
    if (!status) status = run_once(&trainer, config, 1, &replay, &result, error);
    path->steps = status ? 0 : result.step;
    if (!status) report(&replay, path);
    for (int i = 0, cores = mg_cpu_usable_threads(NULL); !status && i < path->count; i++) {
        if (path->teams[i].threads > cores) continue;
        status = run_once(&trainer, config, path->teams[i].threads, NULL, &result, error);
        if (!status) path->teams[i].measured = result.seconds;
    }
    mg_config_trainer_close(&trainer);
    mg_replay_clear(&replay);
    return status;
}

static void put_team(mg_writer *out, const mg_critical_path *path, const mg_critical_path_team *team) {
    double one = path->serial_seconds + path->item_seconds;
    mg_json_put_int(out, "threads", team->threads);
    mg_json_put_real(out, "seconds", team->seconds);
    mg_json_put_real(out, "speedup", one / team->seconds);
    mg_json_put_real(out, "measured", team->measured);
    mg_json_put_real(out, "serial", team->serial);
    mg_json_put_real(out, "idle", team->idle);
}

mg_status mg_critical_path_print_json(const mg_critical_path *path, FILE *file, mg_error *error) {
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_text(&out, "kernel", path->kernel);
    mg_json_put_int(&out, "steps", path->steps);
    mg_json_put_int(&out, "jobs", path->jobs);
    mg_json_put_int(&out, "items", path->items);
    mg_json_put_real(&out, "serial_seconds", path->serial_seconds);
    mg_json_put_real(&out, "item_seconds", path->item_seconds);
    mg_json_put_real(&out, "claim_seconds", path->claim_seconds);
    mg_json_put_real(&out, "start_seconds", path->start_seconds);
    mg_json_key(&out, "teams");
    mg_writer_add(&out, "[");
    for (int i = 0; i < path->count; i++) {
        mg_writer_add(&out, i ? ", {" : "{");
        put_team(&out, path, &path->teams[i]);
        mg_writer_add(&out, "}");
    }
    mg_writer_add(&out, "]}\n");
    return mg_writer_print(&out, file, "the report", error);
}
