// flags.c - the flags that several commands share: names, help texts and allowed values.
#include "cli/flags.h"

#include <string.h>

// FIRST_KEY: the lowest key of a shared flag, so that these keys differ from those of the commands.
enum { FIRST_KEY = 4096, MOST_OPTIONS = 64 };

typedef enum kind { ON, TEXT, SETTING, THREADS, UNKNOWN, UNLABELLED, MISSING } kind;

typedef struct flag {
    int takes; // bit of the flag in flags.h
    kind kind;
    size_t place; // offset of the value in mg_cli_flags
    struct argp_option option;
} flag;

#define FLAG(bit, kind, field, name, letter, argument, help)                                                 \
    {                                                                                                        \
        bit, kind, offsetof(mg_cli_flags, field), { name, letter, argument, 0, help, 0 }                     \
    }

static const char missing_words[] = "zero|error";
static const char unknown_words[] = "error|skip", unlabelled_words[] = "error|drop";

static const flag shared[] = {
    FLAG(MG_CLI_SET, SETTING, sets, "set", 's', "SECTION.KEY=VALUE",
         "Set an option; overrides the file; may be repeated"),
    FLAG(MG_CLI_RESUME, ON, resume, "resume", FIRST_KEY, NULL,
         "Continue from the newest intact checkpoints in the directory"),
    FLAG(MG_CLI_OVERWRITE, ON, overwrite, "overwrite", FIRST_KEY + 1, NULL,
         "Start again in a directory with results; the old results are kept in previous/ until the new ones "
         "are complete"),
    FLAG(MG_CLI_QUIET, ON, quiet, "quiet", 'q', NULL,
         "Print only warnings and results: no plan, no progress"),
    FLAG(MG_CLI_STRICT, ON, strict, "strict", FIRST_KEY + 11, NULL,
         "End with status 1 if a warning was printed, for example because the run has learned nothing"),
    FLAG(MG_CLI_THREADS, THREADS, threads, "threads", FIRST_KEY + 2, "N",
         "Number of threads (default: all cores this process may use); results do not depend on it"),
    FLAG(MG_CLI_JSON, ON, json, "json", FIRST_KEY + 3, NULL,
         "Print one JSON object on one line, for programs"),
    FLAG(MG_CLI_FEATURES, TEXT, features, "features", FIRST_KEY + 4, "NAME",
         "Data set of the features in DATA (default: the name used in training)"),
    FLAG(MG_CLI_NAMES, TEXT, names, "names", FIRST_KEY + 5, "NAME",
         "Names of the features in DATA: a data set, auto or none (default: as in training). For tables, "
         "texts and lines: header if line 1 names the columns, none if line 1 is a row"),
    FLAG(MG_CLI_NAMES, MISSING, complete, "missing", FIRST_KEY + 12, missing_words,
         "What to do if DATA lacks features that the model has, by name: zero takes their cells as 0 "
         "(default), error refuses DATA"),
    FLAG(
        MG_CLI_LABELS, TEXT, labels, "labels", FIRST_KEY + 6, "NAME",
        "Data set of the labels in DATA (default: the name used in training); for other files than HDF5, the "
        "column or the file of the labels"),
    FLAG(MG_CLI_WEIGHTS, TEXT, weights, "weights", FIRST_KEY + 7, "NAME",
         "Data set of the weights of the rows in DATA (default: all 1)"),
    FLAG(MG_CLI_LABELS, UNKNOWN, skip_unknown, "unknown", FIRST_KEY + 8, unknown_words,
         "What to do with rows whose label is not a class of the model: error (default) or skip"),
    FLAG(MG_CLI_LABELS, UNLABELLED, drop_unlabelled, "unlabelled", FIRST_KEY + 10, unlabelled_words,
         "What to do with rows without a label: error (default) or drop"),
};
enum { SHARED = sizeof shared / sizeof *shared };

// Input of a parser that handles the shared flags and passes all others to the parser of the command.
typedef struct front {
    const struct argp *own;
    int takes;
    void *input; // input of `own`
    mg_cli_flags *flags;
} front;

static void add_set(struct argp_state *state, mg_cli_sets *sets, const char *text) {
    if (sets->count == MG_CLI_MOST_SETS) mg_cli_wrong(state, "more than %d --set", MG_CLI_MOST_SETS);
    else sets->text[sets->count++] = text;
}

static void take(const flag *given, mg_cli_flags *flags, char *value, struct argp_state *state) {
    void *place = (char *)flags + given->place;
    switch (given->kind) {
    case ON: *(bool *)place = true; return;
    case TEXT: *(const char **)place = value; return;
    case SETTING: add_set(state, place, value); return;
    case MISSING: *(bool *)place = mg_cli_choice(state, "--missing", value, missing_words) == 1; return;
    case UNKNOWN: *(bool *)place = mg_cli_choice(state, "--unknown", value, unknown_words) == 1; return;
    case UNLABELLED:
        *(bool *)place = mg_cli_choice(state, "--unlabelled", value, unlabelled_words) == 1;
        return;
    case THREADS: *(int *)place = (int)mg_cli_int(state, "--threads", value, 1, 4096); return;
    }
}

// Takes an argument that is not an option. Returns false if the command takes it itself.
static bool take_argument(const front *all, char *value, struct argp_state *state) {
    mg_cli_flags *flags = all->flags;
    if (all->takes & MG_CLI_CONFIG) {
        if (flags->config)
            mg_cli_wrong(state, "only one CONFIG is allowed; remove the second one: %s", value);
        flags->config = value;
        return true;
    }
    if (!(all->takes & MG_CLI_MODEL)) return false;
    if (!flags->model) flags->model = value;
    else if (!flags->data) flags->data = value;
    else mg_cli_wrong(state, "only MODEL and DATA are allowed; this one is too many: %s", value);
    return true;
}

static error_t parse_own(const front *all, int key, char *value, struct argp_state *state) {
    void *shared_input = state->input;
    state->input = all->input;
    error_t result = all->own->parser ? all->own->parser(key, value, state) : ARGP_ERR_UNKNOWN;
    state->input = shared_input;
    return result;
}

static error_t parse_shared(int key, char *value, struct argp_state *state) {
    const front *all = state->input;
    mg_cli_flags *flags = all->flags;
    for (int i = 0; i < SHARED; i++)
        if (key == shared[i].option.key && all->takes & shared[i].takes) {
            take(&shared[i], flags, value, state);
            return 0;
        }
    if (key == ARGP_KEY_ARG && take_argument(all, value, state)) return 0;
    if (key == ARGP_KEY_END && all->takes & MG_CLI_MODEL && !flags->data)
        argp_error(state, "MODEL and DATA are required");
    error_t result = parse_own(all, key, value, state);
    if (key == ARGP_KEY_END && flags->resume && flags->overwrite)
        argp_error(state, "--resume and --overwrite cannot be combined");
    return result;
}

int mg_cli_parse_flags(const struct argp *argp, int takes, int argc, char **argv, void *input,
                       mg_cli_flags *flags) {
    struct argp_option options[MOST_OPTIONS] = {0};
    int count = 0;
    const struct argp_option *own = argp->options;
    for (; own && (own->name || own->key || own->doc) && count < MOST_OPTIONS - 1; own++)
        options[count++] = *own;
    for (int i = 0; i < SHARED && count < MOST_OPTIONS - 1; i++)
        if (takes & shared[i].takes) options[count++] = shared[i].option;
    struct argp whole = *argp;
    front all = {argp, takes, input, flags};
    whole.options = options;
    whole.parser = parse_shared;
    return mg_cli_parse(&whole, argc, argv, &all);
}
