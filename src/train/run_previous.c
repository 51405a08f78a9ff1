// run_previous.c - the directory `previous`: what is a result, moving results there, and deleting them.
#include "train/run_previous.h"

#include "base/memory.h"
#include "io/lock.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/run_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char previous[] = MG_RUN_PREVIOUS, gathering[] = MG_RUN_GATHERING;
enum { NAME_TEXT = MG_RUN_NAME_TEXT };

// ---- looking ------------------------------------------------------------------------------------

typedef struct fold_search {
    const mg_directory *directory;
    bool found;
} fold_search;

static mg_status see_fold(void *context, const char *name, mg_error *error) {
    fold_search *search = context;
    (void)error;
    search->found = search->found || mg_run_kind_of_fold(search->directory, name) == MG_RUN_OWN_FOLD;
    return MG_OK;
}

mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error) {
    fold_search search = {.directory = directory};
    bool moving = mg_directory_holds(directory, gathering);
    *out = (mg_run_traces){.previous = moving || mg_directory_holds(directory, previous)};
    if (moving) return MG_OK;
    mg_status status = mg_directory_list(directory, see_fold, &search, error);
    out->run = mg_run_is_there(directory);
    out->folds = search.found || mg_directory_holds(directory, "cv.jsonl");
    return status;
}

mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error) {
    if (!traces->previous) return MG_OK;
    return mg_fail(error, MG_CONFIG,
                   "%s: holds an old result in previous: move it away to keep it, replace it with "
                   "--overwrite, or set output.directory",
                   mg_directory_path(directory));
}

mg_status mg_run_check_config(const mg_directory *directory, mg_error *error) {
    static const char name[] = "config.yaml";
    if (!mg_directory_holds(directory, name) || mg_run_is_own_file(directory, name)) return MG_OK;
    return mg_fail(
        error, MG_CONFIG,
        "%s/%s: was not written by a run, and a run would replace it: move it away, or set output.directory",
        mg_directory_path(directory), name);
}

static mg_status check_fold(const mg_directory *directory, const char *name, mg_error *error) {
    mg_directory *fold;
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &fold, error);
    if (!status) status = mg_run_check_config(fold, error);
    mg_directory_close(fold);
    if (status || mg_run_kind_of_fold(directory, name) != MG_RUN_OTHER_RUN) return status;
    return mg_fail(error, MG_CONFIG,
                   "%s/%s: holds a run that is not fold %s of a cross-validation: move it away, or "
                   "set output.directory",
                   mg_directory_path(directory), name, name + 5);
}

mg_status mg_run_check_folds(const mg_directory *directory, int64_t folds, mg_error *error) {
    char name[NAME_TEXT];
    mg_status status = MG_OK;
    for (int64_t f = 1; !status && f <= folds; f++) {
        snprintf(name, sizeof name, "fold-%lld", (long long)f);
        status = check_fold(directory, name, error);
    }
    return status;
}

// ---- deleting -----------------------------------------------------------------------------------

static mg_status remove_directory(const mg_directory *parent, const char *name, mg_error *error);

static mg_status remove_entry(void *context, const char *name, mg_error *error) {
    const mg_directory *directory = context;
    if (!strcmp(name, "lock")) return MG_OK; // held; it is deleted when it is released
    if (mg_run_is_own_file(directory, name)) return mg_directory_remove(directory, name, error);
    return mg_run_is_own_directory(name) ? remove_directory(directory, name, error) : MG_OK;
}

// Deletes the files of margin in the directory, and the directory itself if nothing else is left. Fails if
// another process holds the lock of the directory. A name that is not a directory, such as a link to one,
// stays: margin does not create those.
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

// ---- asking: may everything be moved or deleted? ------------------------------------------------

static mg_status refuse_foreign(const mg_directory *parent, const char *name, mg_error *error) {
    return mg_fail(error, MG_IO, "%s/%s: holds files that margin did not write: move them away",
                   mg_directory_path(parent), name);
}

static mg_status ask_entry(void *context, const char *name, mg_error *error);

// Only files of margin are in it, and nobody trains there.
static mg_status ask_open_directory(const mg_directory *directory, mg_error *error) {
    mg_lock lock;
    mg_status status = mg_lock_take(directory, &lock, error);
    mg_lock_release(&lock);
    return status ? status : mg_directory_list(directory, ask_entry, (void *)directory, error);
}

static mg_status ask_entry(void *context, const char *name, mg_error *error) {
    mg_directory *inside;
    if (!strcmp(name, ".") || !strcmp(name, "..") || mg_run_is_own_file(context, name)) return MG_OK;
    if (!mg_run_is_own_directory(name)) return MG_DATA;
    mg_status status = mg_directory_open_own(context, name, false, &inside, error);
    if (!status) status = ask_open_directory(inside, error);
    mg_directory_close(inside);
    return status;
}

// Fails unless `name` does not exist, or is a directory that may be deleted or replaced.
static mg_status ask_directory(const mg_directory *directory, const char *name, mg_error *error) {
    mg_directory *inside;
    mg_error why = {0};
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &inside, &why);
    if (status == MG_IO && errno == ENOTDIR)
        return mg_fail(error, status, "%s/%s: is not a directory that margin made: move it away",
                       mg_directory_path(directory), name);
    if (!status) status = ask_open_directory(inside, &why);
    mg_directory_close(inside);
    if (status == MG_DATA) return refuse_foreign(directory, name, error);
    return status ? mg_fail(error, status, "%s", why.text) : MG_OK;
}

// False for a config.yaml of the user, which stays.
static bool is_result(const mg_directory *directory, const char *name) {
    return mg_directory_holds(directory, name) && mg_run_is_own_file(directory, name);
}

// Checks that the names that would be moved do not exist in `previous.new`.
static mg_status ask_room(const mg_directory *directory, const char *name, mg_error *error) {
    char to[2 * NAME_TEXT];
    snprintf(to, sizeof to, "%s/%s", gathering, name);
    if (!mg_directory_holds(directory, name) || !mg_directory_holds(directory, to)) return MG_OK;
    return mg_fail(error, MG_IO,
                   "%s/%s: is in the place to which the %s beside %s must be moved: move one of them away",
                   mg_directory_path(directory), to, name, gathering);
}

// Calls `act` for the name, under the lock of its directory, if it is that of a fold. A run that is running
// there is left alone, and none can begin there meanwhile.
typedef mg_status act_on_fold(const mg_directory *directory, const char *name, mg_error *error);
static mg_status with_fold(const mg_directory *directory, const char *name, act_on_fold *act,
                           mg_error *error) {
    mg_directory *fold;
    mg_lock lock = {0};
    if (mg_run_kind_of_fold(directory, name) != MG_RUN_OWN_FOLD) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &fold, error);
    if (status) return status;
    status = mg_lock_take(fold, &lock, error);
    if (!status) status = act(directory, name, error);
    mg_lock_release(&lock);
    mg_directory_close(fold);
    return status;
}

static mg_status ask_fold(void *context, const char *name, mg_error *error) {
    return with_fold(context, name, ask_room, error);
}

static mg_status ask(const mg_directory *directory, mg_error *error) {
    mg_directory *checkpoints = NULL;
    mg_status status = ask_directory(directory, previous, error);
    if (!status) status = ask_directory(directory, gathering, error);
    for (int i = 0; !status && i < MG_RUN_RESULTS; i++)
        status = ask_room(directory, mg_run_results[i], error);
    if (!status) status = mg_directory_list(directory, ask_fold, (void *)directory, error);
    if (!status && mg_directory_holds(directory, "checkpoints"))
        status = mg_directory_open_own(directory, "checkpoints", false, &checkpoints, error);
    mg_directory_close(checkpoints);
    return status;
}

void mg_run_forget_previous(const mg_directory *directory, const mg_observer *observer) {
    char line[MG_PATH_TEXT + 200];
    mg_status status = ask_directory(directory, previous, NULL);
    if (!status) status = remove_directory(directory, previous, NULL);
    if (!status || !observer || !observer->message) return;
    snprintf(
        line, sizeof line,
        "warning: %s/%s: the old result stays, because it holds files that margin did not write, or another "
        "process is using it: delete it when you do not need it",
        mg_directory_path(directory), previous);
    observer->message(observer->context, line);
}

// ---- setting aside ------------------------------------------------------------------------------

static mg_status move(const mg_directory *directory, const char *name, mg_error *error) {
    char to[2 * NAME_TEXT];
    snprintf(to, sizeof to, "%s/%s", gathering, name);
    if (!mg_file_calls.rename(mg_directory_descriptor(directory), name, to, false)) return MG_OK;
    return mg_fail(error, MG_IO, "%s/%s: cannot be moved to %s: %s", mg_directory_path(directory), name,
                   gathering, strerror(errno));
}

static mg_status move_fold(void *context, const char *name, mg_error *error) {
    return with_fold(context, name, move, error);
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

static mg_status gather(const mg_directory *directory, const mg_directory *to, mg_error *error) {
    mg_status status = mg_directory_list(directory, move_fold, (void *)directory, error);
    for (int i = 0; !status && i < MG_RUN_RESULTS; i++)
        if (is_result(directory, mg_run_results[i])) status = move(directory, mg_run_results[i], error);
    if (!status) status = clear_checkpoints(directory, error);
    if (!status) status = mg_directory_sync(to, error);
    return status ? status : mg_directory_sync(directory, error);
}

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

// True if what was gathered becomes `previous`. As long as model.h5 is deleted first, deleting parts of it
// does not change that.
static mg_status is_worth(const mg_directory *directory, const mg_directory *gathered, bool *worth,
                          mg_error *error) {
    mg_metrics_ending end;
    fold_search folds = {.directory = gathered};
    mg_status status = mg_directory_list(gathered, see_result_of_fold, &folds, error);
    bool path = mg_directory_holds(gathered,
                                   "path.jsonl"), // a path writes its points and its model during the run
        ended = path && mg_metrics_find_end(gathered, &end),
         complete = ended || mg_directory_holds(gathered, "cv.jsonl") ||
                    (!path && mg_directory_holds(gathered, "model.h5")),
         partial = path || folds.found;
    *worth = complete || (partial && !mg_directory_holds(directory, previous));
    return status;
}

// Renames what was gathered to `previous`, or deletes it. The lock of `previous.new` is held.
static mg_status settle(const mg_directory *directory, const mg_directory *gathered, mg_lock *lock,
                        mg_error *error) {
    bool worth;
    mg_status status = is_worth(directory, gathered, &worth, error);
    const char *gone = worth ? previous : gathering;
    // The model of an unfinished path would count as a complete result once path.jsonl is deleted.
    if (!status && !worth) status = mg_directory_remove(gathered, "model.h5", error);
    if (!status && !worth) status = mg_directory_sync(gathered, error);
    if (!worth) mg_lock_release(lock); // remove_directory takes it
    if (!status) status = remove_directory(directory, gone, error);
    if (!status && mg_directory_holds(directory, gone)) status = refuse_foreign(directory, gone, error);
    if (!status && worth &&
        mg_file_calls.rename(mg_directory_descriptor(directory), gathering, previous, true))
        status = mg_fail(error, MG_IO, "%s/%s: cannot be renamed to %s: %s", mg_directory_path(directory),
                         gathering, previous, strerror(errno));
    return status ? status : mg_directory_sync(directory, error);
}

mg_status mg_run_set_aside(const mg_directory *directory, bool overwrite, mg_error *error) {
    mg_run_traces traces;
    mg_directory *gathered = NULL;
    mg_lock lock = {0};
    mg_status status = mg_run_find_traces(directory, &traces, error);
    bool needed = mg_directory_holds(directory, gathering) || (overwrite && (traces.run || traces.folds));
    if (status || !needed) return status;
    status = ask(directory, error);
    // the decision takes effect when previous.new exists
    if (!status) status = mg_directory_open_own(directory, gathering, true, &gathered, error);
    if (!status) status = mg_lock_take(gathered, &lock, error);
    if (!status) status = gather(directory, gathered, error);
    if (!status) status = settle(directory, gathered, &lock, error);
    mg_lock_release(&lock);
    mg_directory_close(gathered);
    return status;
}
