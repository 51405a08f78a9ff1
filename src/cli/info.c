// info.c - the command info: describes a file, or checks its seal.
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/wrap.h"

#include <margin/inspect.h>
#include <margin/runs.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_VERIFY = 256, KEY_FEATURES, KEY_LABELS, KEY_CLASSES };

typedef struct arguments {
    const char *path, *features, *labels;
    bool verify, classes;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_VERIFY: all->verify = true; return 0;
    case KEY_CLASSES: all->classes = true; return 0;
    case KEY_FEATURES: all->features = value; return 0;
    case KEY_LABELS: all->labels = value; return 0;
    case ARGP_KEY_ARG:
        if (all->path) mg_cli_wrong(state, "only one FILE is allowed; remove the second one: %s", value);
        all->path = value;
        return 0;
    case ARGP_KEY_END:
        if (!all->path) argp_error(state, "FILE is required");
        if (all->verify && all->classes) argp_error(state, "--verify and --classes cannot be combined");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// ---- directories of trainings ---------------------------------------------------------------------

static bool is_directory(const char *path) {
    struct stat about;
    return !stat(path, &about) && S_ISDIR(about.st_mode);
}

static mg_status show_runs(const char *path, bool json, mg_error *error) {
    const mg_runs_request request = {.directories = &path,
                                     .count = 1,
                                     .format = json ? MG_RUNS_JSON : MG_RUNS_TABLE,
                                     .width = mg_cli_columns(stdout)};
    return mg_runs_print(&request, stdout, error);
}

// Describes a training: its line as in margin runs, and then its model, if there is one.
static mg_status show_training(const arguments *all, mg_error *error) {
    char model[MG_PATH_TEXT];
    mg_status status = show_runs(all->path, false, error);
    int length = snprintf(model, sizeof model, "%s/model.h5", all->path);
    if (status || length >= (int)sizeof model || access(model, F_OK)) return status;
    status = mg_runs_check_model(all->path, error);
    if (status) return status;
    printf("\n");
    return mg_inspect(model, NULL, NULL, stdout, error);
}

// Refuses what has no meaning for a directory, or for JSON.
static const char *check_flags(const arguments *all, bool directory, bool json) {
    if (!directory)
        return json && (all->verify || all->classes)
                   ? "--json cannot be combined with --verify or --classes: leave one of them out"
                   : NULL;
    if (all->verify || all->classes || all->features || all->labels)
        return "is a directory, and --verify, --classes, --features and --labels are for files: name a file "
               "in it";
    return NULL;
}

static mg_status describe(const arguments *all, bool json, mg_error *error) {
    bool directory = is_directory(all->path);
    const char *wrong = check_flags(all, directory, json);
    int64_t bytes;
    if (wrong) return mg_cli_refuse(error, MG_USAGE, all->path, wrong);
    if (directory) return json ? show_runs(all->path, true, error) : show_training(all, error);
    if (all->classes) return mg_inspect_classes(all->path, all->features, all->labels, stdout, error);
    if (!all->verify)
        return (json ? mg_inspect_json : mg_inspect)(all->path, all->features, all->labels, stdout, error);
    mg_status status = mg_inspect_seal(all->path, &bytes, error);
    if (status) return status;
    mg_cli_put(stdout, all->path);
    printf(": intact, %" PRId64 " bytes\n", bytes);
    return MG_OK;
}

int mg_command_info(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"verify", KEY_VERIFY, NULL, 0,
         "Only check the seal of a model or checkpoint: whether any byte has changed", 0},
        {"classes", KEY_CLASSES, NULL, 0,
         "Only list the classes, one on a line: those of a model, or those of a data file with their numbers "
         "of rows",
         0},
        {"features", KEY_FEATURES, "NAME", 0, "Data set of the features of a data file (default X)", 0},
        {"labels", KEY_LABELS, "NAME", 0, "Data set of the labels of a data file (default y)", 0},
        {0},
    };
    static const struct argp argp = {options,
                                     parse_option,
                                     "FILE\nDIRECTORY",
                                     "Describes a data, model or checkpoint file, or the directory of a "
                                     "training: its status and its model. "
                                     "For data it also says what to consider before training."
                                     "\vExample:\n"
                                     "  margin info train.h5\n"
                                     "  margin info runs/first\n"
                                     "  margin info runs/first/model.h5 --verify",
                                     NULL,
                                     NULL,
                                     NULL};
    arguments all = {0};
    mg_cli_flags flags = {0};
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_JSON, argc, argv, &all, &flags)) return 2;
    mg_cli_results();
    return describe(&all, flags.json, &error) ? mg_cli_fail("info", &error) : 0;
}
