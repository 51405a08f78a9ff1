// info.c - the command info: describes a file, or checks its seal.
#include "cli/cli.h"

#include <margin/inspect.h>

#include <inttypes.h>
#include <stdio.h>

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

int mg_command_info(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"verify", KEY_VERIFY, NULL, 0,
         "Only check the seal of a model or checkpoint: whether any byte has changed", 0},
        {"classes", KEY_CLASSES, NULL, 0,
         "Only list the classes, one on a line: those of a model, or those of a data file with their numbers "
         "of "
         "rows",
         0},
        {"features", KEY_FEATURES, "NAME", 0, "Data set of the features of a data file (default X)", 0},
        {"labels", KEY_LABELS, "NAME", 0, "Data set of the labels of a data file (default y)", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "FILE",
        "Describes a data, model or checkpoint file. For data it also says what to consider before training."
        "\vExample:\n"
        "  margin info train.h5\n"
        "  margin info runs/first/model.h5 --verify",
        NULL,
        NULL,
        NULL};
    arguments all = {0};
    mg_error error = {0};
    int64_t bytes;
    if (mg_cli_parse(&argp, argc, argv, &all)) return 2;
    mg_cli_results();
    mg_status status;
    if (all.verify) status = mg_inspect_seal(all.path, &bytes, &error);
    else if (all.classes) status = mg_inspect_classes(all.path, all.features, all.labels, stdout, &error);
    else status = mg_inspect(all.path, all.features, all.labels, stdout, &error);
    if (status) return mg_cli_fail("info", &error);
    if (!all.verify) return 0;
    mg_cli_put(stdout, all.path);
    printf(": intact, %" PRId64 " bytes\n", bytes);
    return 0;
}
