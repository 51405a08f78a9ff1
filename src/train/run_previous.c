// run_previous.c - moves results to the directory `previous`, and deletes them from it.
#include "train/run_previous.h"

#include "io/lock.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/run_ask.h"
#include "train/run_own.h"
#include "train/run_traces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char previous[] = MG_RUN_PREVIOUS, gathering[] = MG_RUN_GATHERING;
enum { NAME_TEXT = MG_RUN_NAME_TEXT };

// ---- deleting -----------------------------------------------------------------------------------

static mg_status remove_directory(const mg_directory *parent, const char *name, mg_error *error);

static mg_status remove_entry(void *context, const char *name, mg_error *error) {
    const mg_directory *directory = context;
    if (!strcmp(name, "lock")) return MG_OK; // held by this process; it is deleted when it is released
    if (mg_run_is_own_file(directory, name)) return mg_directory_remove(directory, name, error);
    return mg_run_is_own_directory(name) ? remove_directory(directory, name, error) : MG_OK;
}

// Deletes margin's files in the directory, and the directory itself if nothing else is in it. Fails if
// another process holds the lock of the directory. If the name is not a directory, for example a symbolic
// link, it stays, because margin does not create those.
static mg_status remove_directory(const mg_directory *parent, const char *name, mg_error *error) {
    mg_directory *directory;
    mg_lock lock = {0};
    if (!mg_directory_holds(parent, name)) return MG_OK;
    mg_error why = {0};
    mg_status status = mg_directory_open_own(parent, name, false, &directory, &why);
    if (status == MG_IO && errno == ENOTDIR) return MG_OK;
    if (status) return mg_fail(error, status, "%s", why.text);
    status = mg_lock_take(directory, &lock, error);
    if (!status) status = mg_directory_list(directory, remove_entry, directory, error);
    mg_lock_release(&lock);
    mg_directory_close(directory);
    if (!status) unlinkat(mg_directory_descriptor(parent), name, AT_REMOVEDIR);
    return status;
}

static mg_status remove_empty_fold(void *context, const char *name, mg_error *error) {
    const mg_directory *parent = context;
    mg_directory *fold;
    mg_lock lock = {0};
    (void)error;
    if (mg_run_kind_of_fold(parent, name) != MG_RUN_EMPTY_FOLD ||
        mg_directory_open_own(parent, name, false, &fold, NULL))
        return MG_OK;
    // Checked again under the lock, because a run may have begun there meanwhile.
    bool empty = !mg_lock_take(fold, &lock, NULL) && mg_run_kind_of_fold(parent, name) == MG_RUN_EMPTY_FOLD;
    if (empty) mg_directory_remove_leftovers(fold, "");
    mg_lock_release(&lock);
    mg_directory_close(fold);
    if (empty) unlinkat(mg_directory_descriptor(parent), name, AT_REMOVEDIR);
    return MG_OK;
}

void mg_run_remove_empty_folds(const mg_directory *directory) {
    mg_directory_list(directory, remove_empty_fold, (void *)directory, NULL);
}

void mg_run_forget_previous(const mg_directory *directory, const mg_observer *observer) {
    char line[MG_PATH_TEXT + 200];
    mg_status status = mg_run_ask_directory(directory, previous, NULL);
    if (!status) status = remove_directory(directory, previous, NULL);
    if (!status || !observer || !observer->message) return;
    snprintf(line, sizeof line,
             "warning: %s/%s: the old result is kept, because it contains files that margin did not write, "
             "or another process is using it: delete it when you do not need it",
             mg_directory_path(directory), previous);
    observer->message(observer->context, line);
}

// ---- setting aside ------------------------------------------------------------------------------

// True if the file exists and margin wrote it. Other files stay in place.
static bool is_result(const mg_directory *directory, const char *name) {
    return mg_directory_holds(directory, name) && mg_run_is_own_file(directory, name);
}

// Reports that a rename has failed. An overlay file system (a container image) cannot move the directories of
// its lower layer, but it can move copies of them.
static mg_status refuse_move(const mg_directory *directory, const char *name, const char *to,
                             mg_error *error) {
    const char *path = mg_directory_path(directory);
    if (errno != EXDEV)
        return mg_fail(error, MG_IO, "%s/%s: cannot be moved to %s: %s", path, name, to, strerror(errno));
    return mg_fail(
        error, MG_IO,
        "%s/%s: cannot be moved to %s, because it belongs to a lower layer of an overlay file system (as of "
        "a container image): put a copy of %s in its place (cp -a, rm -r, mv), or set output.directory",
        path, name, to, path);
}

static mg_status move(const mg_directory *directory, const char *name, mg_error *error) {
    char to[2 * NAME_TEXT];
    snprintf(to, sizeof to, "%s/%s", gathering, name);
    if (!mg_file_calls.rename(mg_directory_descriptor(directory), name, to, MG_RENAME_NEW)) return MG_OK;
    return refuse_move(directory, name, gathering, error);
}

static mg_status move_open_fold(const mg_directory *directory, const char *name, const mg_directory *fold,
                                mg_error *error) {
    (void)fold;
    return move(directory, name, error);
}

static mg_status move_fold(void *context, const char *name, mg_error *error) {
    return mg_run_with_fold(context, name, move_open_fold, error);
}

static mg_status move_back(void *context, const char *name, mg_error *error) {
    char from[NAME_TEXT + 256];
    int length = snprintf(from, sizeof from, "%s/%s", gathering, name);
    (void)error;
    if (length < (int)sizeof from && strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "lock"))
        mg_file_calls.rename(mg_directory_descriptor(context), from, name, MG_RENAME_NEW);
    return MG_OK;
}

static mg_status clear_checkpoints(const mg_directory *directory, mg_error *error) {
    mg_directory *checkpoints;
    if (!mg_directory_holds(directory, "checkpoints")) return MG_OK;
    mg_status status = mg_directory_open_own(directory, "checkpoints", false, &checkpoints, error);
    if (status) return status;
    status = mg_checkpoint_clear(checkpoints, error);
    if (!status) status = mg_directory_sync(checkpoints, error);
    mg_directory_close(checkpoints);
    if (!status) unlinkat(mg_directory_descriptor(directory), "checkpoints", AT_REMOVEDIR);
    return status;
}

static mg_status move_all(const mg_directory *directory, mg_error *error) {
    mg_status status = mg_directory_list(directory, move_fold, (void *)directory, error);
    for (int i = 0; !status && i < MG_RUN_RESULTS; i++)
        if (is_result(directory, mg_run_results[i])) status = move(directory, mg_run_results[i], error);
    return status;
}

typedef struct fold_search {
    const mg_directory *directory;
    bool found;
} fold_search;

static mg_status see_result_of_fold(void *context, const char *name, mg_error *error) {
    fold_search *search = context;
    mg_directory *fold;
    (void)error;
    if (!mg_run_is_fold_name(name) || mg_directory_open_own(search->directory, name, false, &fold, NULL))
        return MG_OK;
    search->found =
        search->found || mg_directory_holds(fold, "model.h5") || mg_directory_holds(fold, "path.jsonl");
    mg_directory_close(fold);
    return MG_OK;
}

static mg_status path_is_complete(const mg_directory *directory, bool *complete, mg_error *error) {
    mg_metrics_ending end;
    *complete = false;
    if (!mg_directory_holds(directory, "path.jsonl")) return MG_OK;
    mg_status status = mg_metrics_find_end(directory, &end, complete, error);
    return status || *complete ? status : mg_run_has_all_points(directory, complete, error);
}

// True if the moved files become `previous`: they are a complete result or, if there is no older result in
// `previous`, parts of one. `path_complete`: what path_is_complete said before the files were moved; NULL if
// an earlier command moved them. When an incomplete `previous.new` is deleted, model.h5 goes first, so an
// interrupted deletion does not change the answer.
static mg_status is_worth(const mg_directory *directory, const mg_directory *gathered,
                          const bool *path_complete, bool *worth, mg_error *error) {
    fold_search folds = {.directory = gathered};
    mg_status status = mg_directory_list(gathered, see_result_of_fold, &folds, error);
    bool path = mg_directory_holds(gathered, "path.jsonl"), older = mg_directory_holds(directory, previous);
    // A path writes points and model during the run, so only a complete path.jsonl counts.
    bool ended = path_complete && *path_complete;
    if (!status && older && !path_complete) status = path_is_complete(gathered, &ended, error);
    bool complete = ended || mg_directory_holds(gathered, "cv.jsonl") ||
                    (!path && mg_directory_holds(gathered, "model.h5")),
         partial = path || folds.found;
    *worth = complete || (partial && !older);
    return status;
}

// Renames previous.new to `previous`, or deletes it. The caller holds the lock of previous.new.
// `path_complete`: as in is_worth.
static mg_status settle(const mg_directory *directory, const mg_directory *gathered,
                        const bool *path_complete, mg_lock *lock, mg_error *error) {
    bool worth;
    mg_status status = is_worth(directory, gathered, path_complete, &worth, error);
    const char *gone = worth ? previous : gathering;
    // The model goes first: once path.jsonl is deleted, the model of an unfinished path would look like a
    // complete result.
    if (!status && !worth) status = mg_directory_remove(gathered, "model.h5", error);
    if (!status && !worth) status = mg_directory_sync(gathered, error);
    if (!worth) mg_lock_release(lock); // remove_directory takes it again
    if (!status) status = remove_directory(directory, gone, error);
    if (!status && mg_directory_holds(directory, gone))
        status = mg_run_refuse_foreign(directory, gone, error);
    if (!status && worth &&
        mg_file_calls.rename(mg_directory_descriptor(directory), gathering, previous, MG_RENAME_REPLACE))
        status = refuse_move(directory, gathering, previous, error);
    return status ? status : mg_directory_sync(directory, error);
}

// Creates `previous.new` and moves all results there. If a file cannot be moved and `undo` is set, moves
// everything back; nothing was deleted yet.
static mg_status gather(const mg_directory *directory, bool undo, mg_directory **gathered, mg_lock *lock,
                        mg_error *error) {
    mg_status status = mg_directory_open_own(directory, gathering, true, gathered, error);
    if (!status) status = mg_lock_take(*gathered, lock, error);
    if (!status) status = move_all(directory, error);
    if (status && undo) {
        if (*gathered) mg_directory_list(*gathered, move_back, (void *)directory, NULL);
        mg_lock_release(lock);
        unlinkat(mg_directory_descriptor(directory), gathering, AT_REMOVEDIR);
        mg_directory_sync(directory, NULL);
    }
    if (!status) status = clear_checkpoints(directory, error);
    if (!status) status = mg_directory_sync(*gathered, error);
    return status ? status : mg_directory_sync(directory, error);
}

mg_status mg_run_set_aside(const mg_directory *directory, bool overwrite, mg_error *error) {
    mg_run_traces traces;
    mg_directory *gathered = NULL;
    mg_lock lock = {0};
    mg_status status = mg_run_find_traces(directory, &traces, error);
    bool begun = mg_directory_holds(directory, gathering);
    if (status || !(begun || (overwrite && (traces.run || traces.folds)))) return status;
    status = mg_run_ask(directory, error);
    // The checkpoints, which are deleted later, may be needed to see whether the path is complete.
    bool older = mg_directory_holds(directory, previous), complete = false;
    if (!status && !begun && older) status = path_is_complete(directory, &complete, error);
    // From the moment that previous.new exists, the old run has ended. If an earlier command created it,
    // nothing is moved back.
    if (!status) status = gather(directory, !begun, &gathered, &lock, error);
    if (!status) status = settle(directory, gathered, begun ? NULL : &complete, &lock, error);
    mg_lock_release(&lock);
    mg_directory_close(gathered);
    return status;
}
