// flags.h - command-line flags that several commands share.
#ifndef MG_CLI_FLAGS_H
#define MG_CLI_FLAGS_H

#include "cli/cli.h"

// The flags that a command accepts, as bits. A new flag needs a bit here, a row in the table of flags.c, and
// a field in mg_cli_flags.
enum {
    MG_CLI_SET = 1 << 0,
    MG_CLI_RESUME = 1 << 1,
    MG_CLI_OVERWRITE = 1 << 2,
    MG_CLI_QUIET = 1 << 3,
    MG_CLI_THREADS = 1 << 4,
    MG_CLI_JSON = 1 << 5,
    MG_CLI_FEATURES = 1 << 6,
    MG_CLI_NAMES = 1 << 7,   // --names and --missing
    MG_CLI_CONFIG = 1 << 8,  // the argument CONFIG, which may be given once
    MG_CLI_MODEL = 1 << 9,   // the arguments MODEL and DATA, which are required
    MG_CLI_LABELS = 1 << 10, // --labels, --unknown and --unlabelled
    MG_CLI_STRICT = 1 << 11,
    MG_CLI_WEIGHTS = 1 << 12,
};

// The flags and arguments of all commands that read rows for a model.
enum { MG_CLI_ROWS = MG_CLI_MODEL | MG_CLI_THREADS | MG_CLI_FEATURES | MG_CLI_NAMES };

// The flags of all commands that train.
enum {
    MG_CLI_RUN = MG_CLI_CONFIG | MG_CLI_SET | MG_CLI_RESUME | MG_CLI_OVERWRITE | MG_CLI_QUIET | MG_CLI_JSON |
                 MG_CLI_STRICT
};

// The values of all --set.
enum { MG_CLI_MOST_SETS = 256 };
typedef struct mg_cli_sets {
    const char *text[MG_CLI_MOST_SETS];
    int count;
} mg_cli_sets;

// The values of the flags. Zero or NULL: not given.
typedef struct mg_cli_flags {
    const char *config, *model, *data, *features, *names, *labels, *weights;
    mg_cli_sets sets;
    bool resume, overwrite, quiet, json, skip_unknown, drop_unlabelled, strict;
    bool complete; // --missing error
    int threads;
} mg_cli_flags;

// Like mg_cli_parse; in addition to the options of `argp` it accepts the shared flags in `takes`. The parser
// of `argp` does not see those.
int mg_cli_parse_flags(const struct argp *argp, int takes, int argc, char **argv, void *input,
                       mg_cli_flags *flags);

#endif
