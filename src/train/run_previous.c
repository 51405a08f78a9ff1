// run_previous.c - owns the directory `previous` of a run: it decides what is a result, moves results there
// and deletes them.
#include "train/run_previous.h"

#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Results gather in `previous.new`, which then takes the place of `previous`: a kill between two moves loses
// none.
static const char previous[] = "previous", gathering[] = "previous.new";
static const char *const results[] = {"model.h5", "path.jsonl", "cv.jsonl", "metrics.jsonl", "config.yaml"};
enum { RESULTS = sizeof results / sizeof *results, WHOLE_RESULTS = 3, NAME_TEXT = 64 };

static bool is_fold(const char *name) {
    return !strncmp(name, "fold-", 5) && name[5] && strspn(name + 5, "0123456789") == strlen(name + 5);
}

// ---- looking ------------------------------------------------------------------------------------

static mg_status see_fold(void *context, const char *name, mg_error *error) {
    bool *found = context;
    (void)error;
    *found = *found || is_fold(name);
    return MG_OK;
}

static bool holds_any(const mg_directory *directory, const char *const *names, size_t count) {
    bool any = false;
    for (size_t i = 0; !any && i < count; i++) any = mg_directory_holds(directory, names[i]);
    return any;
}

mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error) {
    static const char *const of_run[] = {"config.yaml", "metrics.jsonl", "model.h5",
                                         "path.jsonl",  "checkpoints",   "begun.h5"};
    static const char *const of_previous[] = {previous, gathering};
    *out = (mg_run_traces){
        .run = holds_any(directory, of_run, sizeof of_run / sizeof *of_run),
        .folds = mg_directory_holds(directory, "cv.jsonl"),
        .previous = holds_any(directory, of_previous, sizeof of_previous / sizeof *of_previous),
    };
    return mg_directory_list(directory, see_fold, &out->folds, error);
}

mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error) {
    if (!traces->previous) return MG_OK;
    return mg_fail(error, MG_CONFIG,
                   "%s: holds an old result in previous: move it away to keep it, replace it with "
                   "--overwrite, or set output.directory",
                   mg_directory_path(directory));
}

// ---- deleting -----------------------------------------------------------------------------------

static bool is_own_file(const char *name) {
    size_t length = strlen(name);
    for (int i = 0; i < RESULTS; i++)
        if (!strcmp(name, results[i])) return true;
    bool checkpoint = !strncmp(name, "step-", 5) && length > 3 && !strcmp(name + length - 3, ".h5");
    return checkpoint || mg_directory_is_leftover(name, "") || !strcmp(name, "begun.h5") ||
           !strcmp(name, "lock");
}

static mg_status remove_directory(const mg_directory *parent, const char *name, mg_error *error);

static mg_status remove_entry(void *context, const char *name, mg_error *error) {
    const mg_directory *directory = context;
    if (is_own_file(name)) return mg_directory_remove(directory, name, error);
    bool own =
        is_fold(name) || !strcmp(name, "checkpoints") || !strcmp(name, previous) || !strcmp(name, gathering);
    return own ? remove_directory(directory, name, error) : MG_OK;
}

// Deletes what margin wrote in it, then the directory itself unless something else is left there. What is no
// directory, such as a link to one, is left as it is: margin makes none.
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

void mg_run_forget_previous(const mg_directory *directory) {
    remove_directory(directory, previous, NULL); // what cannot be deleted harms nothing
    remove_directory(directory, gathering, NULL);
}

// ---- setting aside ------------------------------------------------------------------------------

static mg_status move(const mg_directory *directory, const char *name, mg_error *error) {
    char to[NAME_TEXT];
    int length = snprintf(to, sizeof to, "%s/%s", gathering, name);
    int failed = length >= NAME_TEXT ? ENAMETOOLONG : 0;
    if (!failed && mg_file_calls.rename(mg_directory_descriptor(directory), name, to, true)) failed = errno;
    if (!failed) return MG_OK;
    return mg_fail(error, MG_IO, "%s/%s: cannot be moved to %s: %s", mg_directory_path(directory), name,
                   gathering, strerror(failed));
}

static mg_status move_fold(void *context, const char *name, mg_error *error) {
    return is_fold(name) ? move(context, name, error) : MG_OK;
}

static mg_status remove_fold(void *context, const char *name, mg_error *error) {
    return is_fold(name) ? remove_directory(context, name, error) : MG_OK;
}

static mg_status refuse_previous(const mg_directory *directory, mg_error *error) {
    mg_directory *open;
    bool own = !mg_directory_open_own(directory, previous, false, &open, NULL);
    mg_directory_close(open);
    return mg_fail(error, MG_IO,
                   own ? "%s/%s: holds files that are not margin's: move them away"
                       : "%s/%s: is not a directory of margin's: move it away",
                   mg_directory_path(directory), previous);
}

static mg_status keep_results(const mg_directory *directory, mg_error *error) {
    mg_directory *to = NULL;
    mg_status status = remove_directory(directory, previous, error); // older than the result that is here
    if (!status && mg_directory_holds(directory, previous)) status = refuse_previous(directory, error);
    if (!status) status = mg_directory_open_own(directory, gathering, true, &to, error);
    for (int i = 0; !status && i < RESULTS; i++)
        if (mg_directory_holds(directory, results[i])) status = move(directory, results[i], error);
    if (!status) status = mg_directory_list(directory, move_fold, (void *)directory, error);
    if (!status) status = mg_directory_sync(to, error);
    mg_directory_close(to);
    if (!status && mg_file_calls.rename(mg_directory_descriptor(directory), gathering, previous, true))
        status = mg_fail(error, MG_IO, "%s/%s: cannot be renamed to %s: %s", mg_directory_path(directory),
                         gathering, previous, strerror(errno));
    return status ? status : mg_directory_sync(directory, error);
}

mg_status mg_run_set_aside(const mg_directory *directory, mg_error *error) {
    double seconds;
    // A path writes its points and its model as it goes.
    bool partial =
        mg_directory_holds(directory, "path.jsonl") && mg_metrics_end_step(directory, &seconds) < 0;
    bool worth =
        holds_any(directory, results, WHOLE_RESULTS) && !(partial && mg_directory_holds(directory, previous));
    mg_status status =
        worth || mg_directory_holds(directory, gathering) ? keep_results(directory, error) : MG_OK;
    for (int i = 0; !status && i < RESULTS; i++) status = mg_directory_remove(directory, results[i], error);
    if (!status) status = mg_directory_list(directory, remove_fold, (void *)directory, error);
    if (!status) status = mg_directory_remove(directory, "begun.h5", error);
    return status;
}
