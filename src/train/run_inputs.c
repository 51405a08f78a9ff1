// run_inputs.c - compares the files that a run reads with those of margin in its directory.
#include "train/run_inputs.h"

#include "base/memory.h"
#include "data/files.h"
#include "train/run_own.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct input {
    const char *option, *path;
    struct stat about;
} input;

typedef struct input_list {
    input *file; // [count]
    int count;
    size_t room;
} input_list;

typedef struct search {
    const mg_directory *directory;
    const input_list *inputs;
    bool moving;        // old results are moved; a fold is moved with all its files
    bool inside;        // the directory is one of margin's inside the directory of the run
    bool all;           // compares with all files of the directory, not only with margin's
    bool writes_config; // config.yaml is written again with the same content, so the user's file may be that
                        // one
} search;

static mg_status compare(const search *at, const char *name, const struct stat *file, mg_error *error) {
    for (int i = 0; i < at->inputs->count; i++) {
        const input *in = &at->inputs->file[i];
        if (in->about.st_dev != file->st_dev || in->about.st_ino != file->st_ino) continue;
        bool config = !strcmp(in->option, "CONFIG");
        if (config && at->writes_config && !at->inside && !strcmp(name, "config.yaml")) continue;
        const char *advice =
            config || !strcmp(in->option, "--init") ? "copy it to another directory" : "move it away";
        return mg_fail(error, MG_CONFIG,
                       "%s: %s is a file of the run in %s (%s), which the run may replace, move or delete: "
                       "%s, or set output.directory",
                       in->option, in->path, mg_directory_path(at->directory), name, advice);
    }
    return MG_OK;
}

static mg_status visit(void *context, const char *name, mg_error *error);

static mg_status enter(const search *at, const char *name, mg_error *error) {
    mg_directory *inside;
    bool fold = !at->inside && mg_run_is_fold_name(name);
    if (!at->all && !mg_run_is_own_directory(name)) return MG_OK;
    if (fold && mg_run_kind_of_fold(at->directory, name) != MG_RUN_OWN_FOLD) return MG_OK;
    // other code reports this error
    if (mg_directory_open_own(at->directory, name, false, &inside, NULL)) return MG_OK;
    search there = *at;
    there.directory = inside;
    there.inside = true;
    there.all = at->all || (fold && at->moving);
    mg_status status = mg_directory_list(inside, visit, &there, error);
    mg_directory_close(inside);
    return status;
}

static mg_status visit(void *context, const char *name, mg_error *error) {
    const search *at = context;
    struct stat file;
    if (!strcmp(name, ".") || !strcmp(name, "..")) return MG_OK;
    if (fstatat(mg_directory_descriptor(at->directory), name, &file, AT_SYMLINK_NOFOLLOW)) return MG_OK;
    if (S_ISDIR(file.st_mode)) return enter(at, name, error);
    return at->all || mg_run_is_own_name(at->directory, name) ? compare(at, name, &file, error) : MG_OK;
}

// Adds a file that exists; other code reports that one is missing.
static mg_status add(input_list *list, const char *option, const char *path, mg_error *error) {
    input one = {.option = option, .path = path};
    if (stat(path, &one.about)) return MG_OK;
    mg_status status =
        mg_memory_grow(&list->file, &list->room, (size_t)list->count + 1, sizeof *list->file, error);
    if (!status) list->file[list->count++] = one;
    return status;
}

mg_status mg_run_check_inputs(const mg_directory *directory, const mg_run_inputs *given, mg_error *error) {
    const mg_data_options *data = given->options->data;
    bool moving = given->overwrite || mg_directory_holds(directory, MG_RUN_GATHERING);
    const struct {
        const char *option, *text;
    } options[] = {{"data.train", data->train},
                   {"data.validation", data->validation}, // a fraction is not the name of a file
                   {"data.test", data->test},
                   {"CONFIG", given->options->config_file},
                   {"--init", moving ? given->init : NULL}};
    enum { OPTIONS = sizeof options / sizeof *options, DATA = 3 }; // the first ones can be several files
    mg_input_list paths[DATA] = {{0}};
    input_list inputs = {0};
    mg_status status = MG_OK;
    for (int i = 0; !status && i < OPTIONS; i++) {
        const char *text = options[i].text;
        if (!text) continue;
        if (i >= DATA) status = add(&inputs, options[i].option, text, error);
        else if (mg_files_list(text, &paths[i], NULL) == MG_MEMORY)
            status = mg_fail(error, MG_MEMORY, "out of memory: the files of %s", options[i].option);
        for (int f = 0; i < DATA && !status && f < paths[i].count; f++)
            status = add(&inputs, options[i].option, paths[i].path[f], error);
    }
    search top = {
        .directory = directory, .inputs = &inputs, .moving = moving, .writes_config = given->writes_config};
    if (!status) status = mg_directory_list(directory, visit, &top, error);
    for (int i = 0; i < DATA; i++) mg_input_list_clear(&paths[i]);
    mg_memory_free(inputs.file);
    return status;
}
