// run_directory.c - opens and locks the directory of a run, and prepares it for a run that begins or is
// resumed.
#include "train/ranks.h"

#include "train/run_inputs.h"
#include "train/run_own.h"
#include "train/run_previous.h"
#include "train/run_traces.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_ATTEMPTS = 100 };

void mg_run_path(const char *directory, const char *name, char out[MG_PATH_TEXT]) {
    static_assert(MG_PATH_TEXT > MG_RUN_MOST_PATH + 64, "a name fits behind the longest directory");
    int length = snprintf(out, MG_PATH_TEXT, "%s/%s", directory, name);
    assert(length > 0 && length < MG_PATH_TEXT);
    (void)length;
}

mg_status mg_run_check_path(const char *directory, size_t more, mg_error *error) {
    if (!directory) return mg_fail(error, MG_CONFIG, "output.directory: is not set");
    size_t length = strlen(directory);
    if (length + more <= MG_RUN_MOST_PATH) return MG_OK;
    return mg_fail(error, MG_CONFIG,
                   "output.directory: a path of %zu bytes is too long (at most %zu are allowed)", length,
                   MG_RUN_MOST_PATH - more);
}

// ---- entering -----------------------------------------------------------------------------------

static mg_status check_unused(const mg_run *run, mg_error *error) {
    mg_run_traces traces;
    const mg_directory *directory = run->place.directory;
    bool resume = run->request->resume,
         vouched = resume && (mg_run_has_checkpoints(directory) || mg_directory_holds(directory, "begun.h5"));
    mg_status status = mg_run_find_traces(directory, &traces, error);
    if (!status) status = mg_run_check_config(directory, error);
    if (!status) status = mg_run_check_marks(directory, vouched, error);
    // A fold lies in the directory of its cross-validation, which has been checked as a whole.
    if (!status && !run->options->within)
        status = mg_run_check_command(directory, run->points.count ? "path" : "train", error);
    if (status || run->request->overwrite) return status;
    if (traces.run && !resume)
        return mg_fail(error, MG_CONFIG,
                       "%s: already holds a run: continue it with --resume, start a new one with "
                       "--overwrite, or set output.directory",
                       run->place.path);
    return resume ? MG_OK : mg_run_check_previous(directory, &traces, error);
}

static mg_status open_place(mg_run *run, bool make, mg_error *error) {
    const mg_trainer_options *options = run->options;
    const char *name = options->within ? options->name_within : run->place.path;
    int parent = options->within ? mg_directory_descriptor(options->within) : AT_FDCWD;
    mg_status status = options->within
                           ? mg_directory_open_own(options->within, name, make, &run->place.directory, error)
                           : mg_directory_open(name, make, &run->place.directory, error);
    return status == MG_IO && !make && faccessat(parent, name, F_OK, 0) ? MG_OK
                                                                        // the directory does not exist yet
                                                                        : status;
}

// True if the open directory still has its name. The directory of a fold is looked up in the open directory
// of its cross-validation, because that one may have been renamed.
static bool is_in_place(const mg_run *run) {
    const mg_trainer_options *options = run->options;
    const mg_directory *directory = run->place.directory;
    return options->within ? mg_directory_leads_to(options->within, options->name_within,
                                                   mg_directory_descriptor(directory))
                           : mg_directory_has_its_path(directory);
}

mg_status mg_run_enter_directory(mg_run *run, bool make, mg_error *error) {
    if (!mg_run_has_files(run)) return MG_OK;
    run->place.path = run->options->output->directory;
    mg_status status = mg_run_check_path(run->place.path, 0, error);
    for (int attempt = 0; !status && !run->place.lock.held; attempt++) {
        mg_error why = {0};
        status = open_place(run, make, error);
        if (status || !run->place.directory) return status;
        // Checked even if the lock cannot be taken, for a better message; and again under the lock, because
        // another run may have begun and ended meanwhile.
        mg_status used = check_unused(run, &why);
        status = mg_lock_take(run->place.directory, &run->place.lock, error);
        if (used && status != MG_CONFIG) status = mg_fail(error, used, "%s", why.text);
        if (!status && is_in_place(run)) return check_unused(run, error);
        if (!status && attempt == MOST_ATTEMPTS)
            status = mg_fail(error, MG_IO,
                             "%s: was moved or replaced %d times while margin opened it: start the run again "
                             "when no other program does this",
                             run->place.path, MOST_ATTEMPTS);
        mg_lock_release(&run->place.lock);
        mg_directory_close(run->place.directory);
        run->place.directory = NULL;
    }
    return status;
}

// ---- taking over --------------------------------------------------------------------------------

static void pass_message(void *context, const char *line) { mg_run_message(context, "warning: %s", line); }

// Fingerprint of the held-out rows: a fold of the training file, or the validation rows.
static int64_t held_out_fingerprint(const mg_run *run) {
    const mg_dataset *held_out = run->options->folds ? run->test : run->setup.validation;
    return held_out ? (int64_t)held_out->fingerprint : 0;
}

static mg_identity identity_of(const mg_run *run) {
    const mg_model *start = run->options->memory ? run->options->memory->start : NULL;
    return (mg_identity){
        .config = run->options->canonical,
        .solver = run->solver->name,
        .train_fingerprint = (int64_t)run->setup.train->fingerprint,
        .validation_fingerprint = held_out_fingerprint(run),
        .init_fingerprint = run->start.fingerprint,
        .init_model = start ? start->path : run->request->init_model,
    };
}

// Fails if there is no checkpoint but there are results that are written only after one: then somebody
// deleted the checkpoint, or it could not be written. A path writes its first point, and then its model,
// shortly before its first checkpoint, so these alone are no reason to fail.
static mg_status expect_no_results(const mg_run *run, mg_error *error) {
    int64_t least = run->points.count > 1 ? 2 : 1, lines;
    const mg_directory *directory = run->place.directory;
    mg_status status = mg_run_count_lines(directory, "path.jsonl", least, &lines, error);
    if (status) return status;
    bool model = lines == 0 && mg_directory_holds(directory, "model.h5");
    const char *there = lines == least ? "path.jsonl" : model ? "model.h5" : NULL;
    if (!there) return MG_OK;
    return mg_fail(error, MG_CONFIG,
                   "%s: nothing to resume: %s is there, but there is no checkpoint to continue from: keep "
                   "it, start a new run with --overwrite, or set output.directory",
                   run->place.path, there);
}

// Takes from begun.h5 or the checkpoint which model the run started from. So --init need not be given again,
// and its file is not needed: the checkpoint has the trained weights.
static void take_start(mg_run *run, mg_identity *identity) {
    if (run->start.fingerprint) return;
    if (mg_run_read_origin(run->place.directory, &run->start.origin, NULL)) return;
    identity->init_fingerprint = run->start.origin.init_fingerprint;
    identity->init_model = run->start.origin.init_model;
}

// Restores the newest checkpoint. If there is none, everything that begun.h5 records must be given again.
static mg_status resume(mg_run *run, mg_identity *identity, bool *found, mg_error *error) {
    mg_resume_hooks hooks = {.context = run,
                             .message = pass_message,
                             .difference = run->options->difference,
                             .check = mg_run_check_restored};
    mg_identity given = *identity;
    mg_status status = MG_OK;
    const mg_checkpoint_state state = {run->fields.field, run->fields.count, &run->position};
    take_start(run, identity);
    if (run->place.checkpoints)
        status = mg_checkpoint_resume(run->place.checkpoints, identity, &state, &hooks, found, error);
    if (!status && *found && identity->init_model && !given.init_model)
        mg_run_message(
            run, "warning: %s was begun from the weights of %s (--init); this command continues that run",
            run->place.path, identity->init_model);
    if (status || *found) return status;
    *identity = given;
    hooks.check = NULL;
    bool begun = mg_directory_holds(run->place.directory, "begun.h5");
    // A fold without a checkpoint is simply trained again, to the same bits: its results are useless without
    // those of the other folds.
    if (!begun || !run->options->folds) status = expect_no_results(run, error);
    if (!status && begun)
        status = mg_checkpoint_check(run->place.directory, "begun.h5", identity, &hooks, error);
    if (!status)
        mg_run_message(run, "note: %s holds no checkpoint yet: starting from the beginning", run->place.path);
    return status;
}

// Sets run->finished if the last line of metrics.jsonl is an `end` event of this step, and all results exist.
// Otherwise the run continues. If the checkpoint is older than the end, the last checkpoint could not be
// written. If a result is missing or damaged, the run repeats its end and writes the result again.
static mg_status find_finished(mg_run *run, mg_error *error) {
    mg_metrics_ending end;
    mg_error why = {0};
    bool ended;
    mg_status status = mg_metrics_find_end(run->place.directory, &end, &ended, error);
    if (!status && !ended && !run->points.count)
        status = mg_run_check_early_model(run, &run->place.has_model, error);
    if (status || !ended || end.step != run->position.step ||
        end.events > run->position.events + mg_run_evaluates_last(run))
        return status;
    status = run->points.count ? run->points.check_results(run->points.context, &why)
                               : mg_run_check_model(run, NULL, &why);
    if (status == MG_DATA)
        mg_run_message(run, "warning: %s; it is written again from the checkpoint", why.text);
    else if (status) return mg_fail(error, status, "%s", why.text);
    if (status) return MG_OK;
    run->finished = true;
    run->clock.seconds = end.seconds;
    mg_run_message(run, "note: %s holds a finished run: nothing is trained or written", run->place.path);
    return MG_OK;
}

// Writes the files that describe the run. If a run is resumed from a checkpoint, writes those that are
// missing or damaged.
static mg_status write_records(mg_run *run, const mg_identity *identity, mg_error *error) {
    const mg_directory *directory = run->place.directory;
    const char *resolved = run->options->resolved;
    mg_origin origin;
    mg_status status = MG_OK, begun = mg_checkpoint_origin_read(directory, "begun.h5", &origin, NULL);
    mg_checkpoint_origin_clear(&origin);
    if (!run->resumed || begun == MG_DATA || !mg_directory_holds(directory, "begun.h5")) {
        if (run->resumed)
            mg_run_message(run, "warning: %s/begun.h5: is missing or damaged; it is written again",
                           run->place.path);
        // written before any other file of the run
        status = mg_checkpoint_begin(directory, "begun.h5", identity, error);
    }
    if (!status && (!run->finished || !mg_directory_holds(directory, "config.yaml")))
        status = mg_directory_write(directory, "config.yaml", resolved, strlen(resolved), error);
    return status;
}

// Enters the directory, and moves old results out of the way.
static mg_status clear_directory(mg_run *run, mg_error *error) {
    mg_run_place *place = &run->place;
    mg_status status = mg_run_enter_directory(run, true, error);
    // Again, because loading the data may have taken long.
    if (!status) status = check_unused(run, error);
    const mg_run_inputs inputs = {run->options, run->request->init_model, run->request->overwrite, true};
    if (!status) status = mg_run_check_inputs(place->directory, &inputs, error);
    if (!status) status = mg_run_set_aside(place->directory, run->request->overwrite, error);
    if (!status && mg_directory_holds(place->directory, "checkpoints"))
        status = mg_directory_open_own(place->directory, "checkpoints", false, &place->checkpoints, error);
    return status;
}

// Every rank restores its own rows, from the files that rank 0 has found.
static mg_status restore(mg_run *run, mg_identity *identity, bool *found, mg_error *error) {
    mg_run_place *place = &run->place;
    bool follows = !mg_run_has_files(run);
    mg_status status = MG_OK;
    if (!run->request->resume) return MG_OK;
    place->path = run->options->output->directory;
    if (follows) status = mg_directory_open(place->path, false, &place->directory, error);
    if (!status && follows && mg_directory_holds(place->directory, "checkpoints"))
        status = mg_directory_open_own(place->directory, "checkpoints", false, &place->checkpoints, error);
    status = mg_run_agree(run, status, error);
    if (!status) status = resume(run, identity, found, error);
    status = mg_run_agree(run, status, error);
    if (follows) {
        mg_directory_close(place->checkpoints);
        mg_directory_close(place->directory);
        place->checkpoints = place->directory = NULL;
    }
    uint64_t step = *found ? 1 + (uint64_t)run->position.step : 0;
    if (status || mg_run_is_alone(run)) return status;
    return mg_comm_same(run->ranks.comm, step, MG_IO, "the newest checkpoints",
                        "let output.directory be on a file system that all machines share", error);
}

// Opens the files that the run writes.
static mg_status open_files(mg_run *run, const mg_identity *identity, mg_error *error) {
    static const char *const written[] = {"begun.h5.", "config.yaml.", "model.h5.", "path.jsonl."};
    mg_run_place *place = &run->place;
    mg_field fields[MG_CHECKPOINT_FIELDS];
    mg_status status = MG_OK;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        mg_directory_remove_leftovers(place->directory, written[i]);
    if (run->resumed) status = find_finished(run, error);
    if (!status) mg_directory_look(place->directory, "model.h5", &place->model);
    if (!status) status = write_records(run, identity, error);
    if (status || run->finished) return status;
    mg_run_remove_empty_folds(place->directory);
    status = mg_metrics_open(place->directory, run->resumed ? run->position.events : -1, &run->log.metrics,
                             &run->clock.seconds, error);
    if (!status && !place->checkpoints)
        status = mg_directory_open_own(place->directory, "checkpoints", true, &place->checkpoints, error);
    mg_run_collected_fields(run, fields);
    if (!status)
        status = mg_checkpointer_create(place->checkpoints, run->options->checkpoint->keep, identity, fields,
                                        run->fields.count, &run->saving.checkpointer, error);
    run->saving.seconds = run->clock.seconds;
    run->saving.step = run->position.step;
    run->saving.epoch = run->position.epoch;
    return status;
}

mg_status mg_run_take_directory(mg_run *run, mg_error *error) {
    if (!mg_trainer_has_files(run->options)) return MG_OK;
    mg_identity identity = identity_of(run);
    bool found = false, writes = mg_run_has_files(run);
    mg_status status = writes ? clear_directory(run, error) : MG_OK;
    status = mg_run_agree(run, status, error);
    if (!status) status = restore(run, &identity, &found, error);
    run->resumed = !status && found;
    if (!status && writes) status = open_files(run, &identity, error);
    status = mg_run_agree(run, status, error);
    if (status || mg_run_is_alone(run)) return status;
    status = mg_run_share(run, &run->finished, sizeof run->finished, error);
    return status ? status : mg_run_share(run, &run->clock.seconds, sizeof run->clock.seconds, error);
}

void mg_run_leave_directory(mg_run *run) {
    if (run->place.lock.held && !is_in_place(run))
        mg_run_message(run,
                       "warning: %s is not the directory this run began in: that directory was renamed or "
                       "deleted, and the files of this run are in it",
                       run->place.path);
    else if (run->place.lock.held && run->place.checkpoints &&
             !mg_directory_leads_to(run->place.directory, "checkpoints",
                                    mg_directory_descriptor(run->place.checkpoints)))
        mg_run_message(
            run,
            "warning: %s/checkpoints is not the directory this run began with: that directory was "
            "renamed or deleted, and the checkpoints of this run are in it: move it back to continue",
            run->place.path);
    mg_named_clear(&run->place.model);
    mg_lock_release(&run->place.lock);
    mg_directory_close(run->place.checkpoints);
    mg_directory_close(run->place.directory);
    run->place.checkpoints = run->place.directory = NULL;
}
