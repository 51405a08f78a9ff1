// run_previous.c - the directory `previous`: what is a result, moving results there, and deleting them.
#include "train/run_previous.h"

#include "base/memory.h"
#include "io/lock.h"
#include "train/checkpoint.h"
#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char previous[] = "previous", gathering[] = "previous.new";
// config.yaml comes before begun.h5: beside a file of a run, here or among what was moved, it is margin's.
static const char *const results[] = {"model.h5",      "path.jsonl",  "cv.jsonl",
                                      "metrics.jsonl", "config.yaml", "begun.h5"};
enum { RESULTS = sizeof results / sizeof *results, NAME_TEXT = 64 };

// ---- looking ------------------------------------------------------------------------------------

static bool holds_any(const mg_directory *directory, const char *const *names, size_t count) {
    bool any = false;
    for (size_t i = 0; !any && i < count; i++) any = mg_directory_holds(directory, names[i]);
    return any;
}

// config.yaml alone is not a sign of a run: a user may have written it.
static bool holds_run(const mg_directory *directory) {
    static const char *const names[] = {"metrics.jsonl", "model.h5", "path.jsonl", "checkpoints", "begun.h5"};
    return holds_any(directory, names, sizeof names / sizeof *names);
}

static bool is_fold_name(const char *name) {
    return !strncmp(name, "fold-", 5) && name[5] && strspn(name + 5, "0123456789") == strlen(name + 5) &&
           strlen(name) < NAME_TEXT;
}

// What the name of a fold refers to.
typedef enum place_kind {
    NOT_MARGINS, // nothing, not a directory, or a directory without a run
    OWN_FOLD,    // its begun.h5 says that it is this fold of a cross-validation
    OTHER_RUN    // any other run, or the old result of one
} place_kind;

static place_kind kind_of_fold(const mg_directory *parent, const char *name) {
    mg_directory *fold;
    mg_origin origin;
    char line[NAME_TEXT + 16];
    if (!is_fold_name(name) || mg_directory_open_own(parent, name, false, &fold, NULL)) return NOT_MARGINS;
    snprintf(line, sizeof line, "\ncv.fold: %s\n", name + 5);
    bool any = holds_run(fold) || mg_directory_holds(fold, previous) || mg_directory_holds(fold, gathering);
    place_kind kind = any ? OTHER_RUN : NOT_MARGINS;
    if (kind && !mg_checkpoint_origin_read(fold, "begun.h5", &origin, NULL)) {
        if (strstr(origin.config, line)) kind = OWN_FOLD;
        mg_checkpoint_origin_clear(&origin);
    }
    mg_directory_close(fold);
    return kind;
}

typedef struct fold_search {
    const mg_directory *directory;
    bool found;
} fold_search;

static mg_status see_fold(void *context, const char *name, mg_error *error) {
    fold_search *search = context;
    (void)error;
    search->found = search->found || kind_of_fold(search->directory, name) == OWN_FOLD;
    return MG_OK;
}

mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error) {
    fold_search search = {.directory = directory};
    bool moving = mg_directory_holds(directory, gathering);
    *out = (mg_run_traces){.previous = moving || mg_directory_holds(directory, previous)};
    if (moving) return MG_OK;
    mg_status status = mg_directory_list(directory, see_fold, &search, error);
    out->run = holds_run(directory);
    out->foreign_config = !out->run && mg_directory_holds(directory, "config.yaml");
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

static mg_status check_fold(const mg_directory *directory, const char *name, mg_error *error) {
    mg_directory *fold;
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &fold, error);
    mg_directory_close(fold);
    if (status || kind_of_fold(directory, name) != OTHER_RUN) return status;
    return mg_fail(error, MG_CONFIG,
                   "%s/%s: holds a run that is not known as fold %s of a cross-validation: move it away, or "
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

static bool is_own_file(const char *name) {
    size_t length = strlen(name);
    for (int i = 0; i < RESULTS; i++)
        if (!strcmp(name, results[i])) return true;
    bool checkpoint = !strncmp(name, "step-", 5) && length > 3 && !strcmp(name + length - 3, ".h5");
    return checkpoint || mg_directory_is_leftover(name, "") || !strcmp(name, "lock");
}

static bool is_own_directory(const char *name) {
    return is_fold_name(name) || !strcmp(name, "checkpoints") || !strcmp(name, previous) ||
           !strcmp(name, gathering);
}

static mg_status remove_directory(const mg_directory *parent, const char *name, mg_error *error);

static mg_status remove_entry(void *context, const char *name, mg_error *error) {
    const mg_directory *directory = context;
    if (is_own_file(name)) return mg_directory_remove(directory, name, error);
    return is_own_directory(name) ? remove_directory(directory, name, error) : MG_OK;
}

// Deletes the files of margin in the directory, and the directory itself if nothing else is left. A name that
// is not a directory, such as a link to one, stays: margin does not create those.
static mg_status remove_directory(const mg_directory *parent, const char *name, mg_error *error) {
    mg_directory *directory;
    if (!mg_directory_holds(parent, name)) return MG_OK;
    mg_error why = {0};
    mg_status status = mg_directory_open_own(parent, name, false, &directory, &why);
    if (status == MG_IO && errno == ENOTDIR) return MG_OK;
    if (status) return mg_fail(error, status, "%s", why.text);
    status = mg_directory_list(directory, remove_entry, directory, error);
    mg_directory_close(directory);
    if (!status) unlinkat(mg_directory_descriptor(parent), name, AT_REMOVEDIR);
    return status;
}

// ---- asking: may everything be moved or deleted? ------------------------------------------------

static mg_status refuse_foreign(const mg_directory *parent, const char *name, mg_error *error) {
    return mg_fail(error, MG_IO, "%s/%s: holds files that are not margin's: move them away",
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
    if (!strcmp(name, ".") || !strcmp(name, "..") || is_own_file(name)) return MG_OK;
    if (!is_own_directory(name)) return MG_DATA;
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
        return mg_fail(error, status, "%s/%s: is not a directory of margin's: move it away",
                       mg_directory_path(directory), name);
    if (!status) status = ask_open_directory(inside, &why);
    mg_directory_close(inside);
    if (status == MG_DATA) return refuse_foreign(directory, name, error);
    return status ? mg_fail(error, status, "%s", why.text) : MG_OK;
}

// Checks that the names that would be moved do not exist in `previous.new`.
static mg_status ask_room(const mg_directory *directory, const char *name, mg_error *error) {
    char to[2 * NAME_TEXT];
    snprintf(to, sizeof to, "%s/%s", gathering, name);
    if (!mg_directory_holds(directory, name) || !mg_directory_holds(directory, to)) return MG_OK;
    return mg_fail(
        error, MG_IO,
        "%s/%s: has the name of the %s beside %s, which must be moved there: move one of them away",
        mg_directory_path(directory), to, name, gathering);
}

// Calls `act` for the name, under the lock of its directory, if it is that of a fold. A run that is running
// there is left alone, and none can begin there meanwhile.
typedef mg_status act_on_fold(const mg_directory *directory, const char *name, mg_error *error);
static mg_status with_fold(const mg_directory *directory, const char *name, act_on_fold *act,
                           mg_error *error) {
    mg_directory *fold;
    mg_lock lock = {0};
    if (kind_of_fold(directory, name) != OWN_FOLD) return MG_OK;
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
    for (int i = 0; !status && i < RESULTS; i++) status = ask_room(directory, results[i], error);
    if (!status) status = mg_directory_list(directory, ask_fold, (void *)directory, error);
    if (!status && mg_directory_holds(directory, "checkpoints"))
        status = mg_directory_open_own(directory, "checkpoints", false, &checkpoints, error);
    mg_directory_close(checkpoints);
    return status;
}

void mg_run_forget_previous(const mg_directory *directory) {
    if (!ask_directory(directory, previous, NULL)) remove_directory(directory, previous, NULL);
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

static mg_status gather(const mg_directory *directory, mg_directory **to, mg_error *error) {
    mg_status status =
        mg_directory_open_own(directory, gathering, true, to, error); // the decision takes effect here
    if (!status) status = mg_directory_list(directory, move_fold, (void *)directory, error);
    for (int i = 0; !status && i < RESULTS; i++) {
        bool foreign = !strcmp(results[i], "config.yaml") && !holds_run(directory) && !holds_run(*to);
        if (!foreign && mg_directory_holds(directory, results[i]))
            status = move(directory, results[i], error);
    }
    if (!status) status = clear_checkpoints(directory, error);
    if (!status) status = mg_directory_sync(*to, error);
    return status ? status : mg_directory_sync(directory, error);
}

static mg_status see_result_of_fold(void *context, const char *name, mg_error *error) {
    static const char *const written[] = {"model.h5", "path.jsonl"};
    fold_search *search = context;
    mg_directory *fold;
    (void)error;
    if (!is_fold_name(name) || mg_directory_open_own(search->directory, name, false, &fold, NULL))
        return MG_OK;
    search->found = search->found || holds_any(fold, written, 2);
    mg_directory_close(fold);
    return MG_OK;
}

// True if what was gathered becomes `previous`. As long as model.h5 is deleted first, deleting parts of it
// does not change that.
static mg_status is_worth(const mg_directory *directory, const mg_directory *gathered, bool *worth,
                          mg_error *error) {
    double seconds;
    fold_search folds = {.directory = gathered};
    mg_status status = mg_directory_list(gathered, see_result_of_fold, &folds, error);
    bool path = mg_directory_holds(gathered,
                                   "path.jsonl"), // a path writes its points and its model during the run
        ended = path && mg_metrics_end_step(gathered, &seconds) >= 0,
         complete = ended || mg_directory_holds(gathered, "cv.jsonl") ||
                    (!path && mg_directory_holds(gathered, "model.h5")),
         partial = path || folds.found;
    *worth = complete || (partial && !mg_directory_holds(directory, previous));
    return status;
}

// Renames what was gathered to `previous`, or deletes it.
static mg_status settle(const mg_directory *directory, const mg_directory *gathered, mg_error *error) {
    bool worth;
    mg_status status = is_worth(directory, gathered, &worth, error);
    const char *gone = worth ? previous : gathering;
    // The model of an unfinished path would count as a complete result once path.jsonl is deleted.
    if (!status && !worth) status = mg_directory_remove(gathered, "model.h5", error);
    if (!status && !worth) status = mg_directory_sync(gathered, error);
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
    mg_status status = mg_run_find_traces(directory, &traces, error);
    bool needed = mg_directory_holds(directory, gathering) || (overwrite && (traces.run || traces.folds));
    if (status || !needed) return status;
    status = ask(directory, error);
    if (!status) status = gather(directory, &gathered, error);
    if (!status) status = settle(directory, gathered, error);
    mg_directory_close(gathered);
    return status;
}
