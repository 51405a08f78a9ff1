// run_traces.c - examines what a directory contains, and refuses what a run may not replace. Changes nothing.
#include "train/run_traces.h"

#include "base/memory.h"
#include "train/checkpoint.h"
#include "train/grid.h"
#include "train/run_own.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    bool moving = mg_directory_holds(directory, MG_RUN_GATHERING);
    *out = (mg_run_traces){.previous = moving || mg_directory_holds(directory, MG_RUN_PREVIOUS)};
    if (moving) return MG_OK;
    mg_status status = mg_directory_list(directory, see_fold, &search, error);
    out->run = mg_run_is_there(directory);
    out->folds = search.found || mg_directory_holds(directory, "cv.jsonl");
    return status;
}

// ---- commands -----------------------------------------------------------------------------------

// Sets *command to the command that has written the run in the directory; NULL if nothing says which.
static mg_status command_of_run(const mg_directory *directory, const char **command, mg_error *error) {
    mg_origin origin;
    mg_error why = {0};
    bool points = mg_directory_holds(directory, "path.jsonl");
    mg_status status = mg_run_read_origin(directory, &origin, &why);
    *command = points ? "path" : NULL;
    if (status == MG_MEMORY) return mg_fail(error, status, "%s", why.text);
    if (status) return MG_OK;
    *command = "train";
    if (strstr(origin.config, "\npath.C: ") || strstr(origin.config, "\npath.lambda: ")) *command = "path";
    if (strstr(origin.config, "\ncv.fold: ")) *command = "cv";
    mg_checkpoint_origin_clear(&origin);
    return MG_OK;
}

static bool holds_own(const mg_directory *directory, const char *name) {
    return mg_directory_holds(directory, name) && mg_run_is_own_file(directory, name);
}

// Sets *other to another command than `own` that has results in the directory; NULL if there is none.
// `moving`: results are being moved there, so files that say what belongs to whom may not be there yet.
static mg_status find_other(const mg_directory *directory, const char *own, bool moving, const char **other,
                            mg_error *error) {
    fold_search search = {.directory = directory};
    const char *command = NULL;
    bool for_folds = !strcmp(own, "cv");
    mg_status status = mg_directory_list(directory, see_fold, &search, error);
    if (!status) status = command_of_run(directory, &command, error);
    // `cv` writes neither into its own directory, and `path` no model without begun.h5.
    bool model = holds_own(directory, "model.h5"),
         alone = model && !moving && !mg_directory_holds(directory, "begun.h5");
    if (!command && (alone || (for_folds && (model || holds_own(directory, "metrics.jsonl")))))
        command = "train";
    bool folds = search.found || mg_directory_holds(directory, "cv.jsonl");
    if (folds && !for_folds) command = "cv";
    *other = command && strcmp(command, own) ? command : NULL;
    return status;
}

mg_status mg_run_check_command(const mg_directory *directory, const char *own, mg_error *error) {
    static const char *const old[] = {MG_RUN_GATHERING, MG_RUN_PREVIOUS};
    const char *other;
    mg_status status = find_other(directory, own, false, &other, error);
    mg_directory *inside = NULL;
    for (size_t i = 0; !status && !other && i < sizeof old / sizeof *old; i++) {
        mg_directory_close(inside);
        inside = NULL;
        if (mg_directory_open_own(directory, old[i], false, &inside, NULL)) continue;
        status = find_other(inside, own, i == 0, &other, error);
    }
    const char *path = mg_directory_path(inside ? inside : directory);
    if (!status && other)
        status = mg_fail(error, MG_CONFIG,
                         "%s: already holds the result of %s, which %s does not replace: set "
                         "output.directory, or move %s away",
                         path, other, own, path);
    mg_directory_close(inside);
    return status;
}

// ---- refusals -----------------------------------------------------------------------------------

mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error) {
    if (!traces->previous) return MG_OK;
    return mg_fail(error, MG_CONFIG,
                   "%s: holds an old result in previous: move it away to keep it, replace it with "
                   "--overwrite, or set output.directory",
                   mg_directory_path(directory));
}

mg_status mg_run_check_config(const mg_directory *directory, mg_error *error) {
    static const char name[] = "config.yaml";
    bool own;
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_run_look_at_config(directory, &own, error);
    if (status || own) return status;
    return mg_fail(
        error, MG_CONFIG,
        "%s/%s: was not written by a run, and a run would replace it: move it away, or set output.directory",
        mg_directory_path(directory), name);
}

mg_status mg_run_check_mark(const mg_directory *directory, const char *name, mg_error *error) {
    if (mg_run_has_mark(directory, name)) return MG_OK;
    bool sealed = strstr(name, ".h5") != NULL;
    return mg_fail(
        error, MG_CONFIG,
        "%s/%s: %s, so margin did not write it, or it is damaged: move it away (or delete it, if a "
        "run of margin wrote it), or set output.directory",
        mg_directory_path(directory), name,
        sealed ? "has no seal at its end" : "does not begin as margin writes it");
}

mg_status mg_run_check_marks(const mg_directory *directory, bool vouched, mg_error *error) {
    mg_status status = MG_OK;
    bool all = !vouched || mg_directory_holds(directory, MG_RUN_GATHERING);
    for (int i = 0; !status && i < MG_RUN_RESULTS; i++)
        if (all || !strcmp(mg_run_results[i], "metrics.jsonl"))
            status = mg_run_check_mark(directory, mg_run_results[i], error);
    return status;
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
    char name[MG_RUN_NAME_TEXT];
    mg_status status = MG_OK;
    for (int64_t f = 1; !status && f <= folds; f++) {
        snprintf(name, sizeof name, "fold-%lld", (long long)f);
        status = check_fold(directory, name, error);
    }
    return status;
}

mg_status mg_run_count_lines(const mg_directory *directory, const char *name, int64_t most, int64_t *count,
                             mg_error *error) {
    unsigned char *bytes = NULL;
    size_t size = 0;
    char *path;
    int fd = -1;
    *count = 0;
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status) status = mg_directory_open_file(directory, name, &fd, error);
    if (!status) status = mg_file_read_open(fd, path, (size_t)1 << 30, &bytes, &size, error);
    if (fd >= 0) close(fd);
    for (size_t i = 0; !status && i < size && *count < most; i++) *count += bytes[i] == '\n';
    mg_memory_free(bytes);
    mg_memory_free(path);
    return status;
}

// Returns the value of a line "key: value" of the configuration, which the caller frees; NULL if there is
// none.
static char *value_of(const char *config, const char *key) {
    const char *at = strstr(config, key);
    char *value = NULL;
    if (!at || mg_memory_text(&value, at + strlen(key), NULL)) return NULL;
    value[strcspn(value, "\n")] = 0;
    return value;
}

mg_status mg_run_has_all_points(const mg_directory *directory, bool *all, mg_error *error) {
    mg_origin origin;
    mg_grid grid;
    mg_error why = {0};
    int64_t lines = 0;
    *all = false;
    mg_status status = mg_run_read_origin(directory, &origin, &why);
    if (status && mg_directory_lacks(directory, "begun.h5") && !mg_run_has_checkpoints(directory))
        return MG_OK;
    if (status)
        return mg_fail(
            error, status,
            "%s; so margin cannot see whether path.jsonl beside it has all points: move path.jsonl "
            "away to keep it, or delete it",
            why.text);
    char *C = value_of(origin.config, "\npath.C: "), *lambda = value_of(origin.config, "\npath.lambda: ");
    if ((C || lambda) && !mg_grid_parse(C, lambda, &grid, NULL)) {
        status = mg_run_count_lines(directory, "path.jsonl", grid.count, &lines, error);
        *all = !status && lines == grid.count;
    }
    mg_memory_free(C);
    mg_memory_free(lambda);
    mg_checkpoint_origin_clear(&origin);
    return status;
}
