// main.c - the table of commands.
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/wrap.h"

#include <margin/margin.h>

#include <malloc.h>
#include <stdio.h>
#include <string.h>

static const mg_command commands[] = {
    {"train", "train a classifier from a configuration file", mg_command_train},
    {"path", "train for a series of values of C or lambda and keep the best", mg_command_path},
    {"cv", "cross-validate: train on all folds except one, measure on that one", mg_command_cv},
    {"eval", "measure a model on labelled data", mg_command_eval},
    {"predict", "predict labels for the rows of a file or of standard input", mg_command_predict},
    {"calibrate", "fit the probabilities of a model to labelled rows that it was not trained on",
     mg_command_calibrate},
    {"convert", "convert IDX, svmlight, CSV, NPY or text files to HDF5", mg_command_convert},
    {"export", "write a model as ONNX, LIBLINEAR, npz, safetensors or CSV", mg_command_export},
    {"weights", "list the features that speak most for and against each class", mg_command_weights},
    {"report", "write an HTML report of a training, or compare several", mg_command_report},
    {"runs", "list trainings with their results, one line each", mg_command_runs},
    {"info", "describe a data, model or checkpoint file, or a training", mg_command_info},
    {"gradcheck", "compare gradients with finite differences on training rows", mg_command_gradcheck},
    {"config", "print a configuration with the value of every option", mg_command_config},
    {"list", "list the losses, solvers, updates, rates, formats, exports and kernels", mg_command_list},
    {"bench", "measure this machine and training speed on it", mg_command_bench},
    {"example", "print the worked example of docs/math.md: scores, margins, gradient", mg_command_example},
    {"completion", "print a script for bash, zsh or fish that completes command lines",
     mg_command_completion},
};

static void print_usage(FILE *out) {
    fprintf(out, "Usage: margin COMMAND [ARGUMENT...]\n\n"
                 "Trains multiclass linear classifiers (SVMs and softmax) from one YAML file;\n"
                 "weights in HDF5.\n\n");
    mg_cli_page page;
    mg_cli_page_open(&page, out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(page.text, "  %-10s %s\n", commands[i].name, commands[i].summary);
    mg_cli_page_close(&page, 13);
    fprintf(out, "\n"
                 "  margin help COMMAND     options of a command, with an example\n"
                 "  margin --version        versions of margin and its libraries, and the kernel\n\n"
                 "Example:\n"
                 "  margin convert --format idx images-idx3-ubyte.gz labels-idx1-ubyte.gz train.h5\n"
                 "  margin train --set data.train=train.h5 --set output.directory=runs/first\n"
                 "  margin eval runs/first/model.h5 test.h5\n\n"
                 "Exit status: 0 done; 1 failed; 2 wrong use or configuration; 3 bad data, model or\n"
                 "checkpoint file; 4 the loss or the weights became infinite or NaN; 75 stopped by\n"
                 "a signal: continue with --resume.\n");
}

static int print_version(void) {
    char text[512];
    mg_error error;
    if (mg_version_text(text, sizeof text, &error)) return mg_cli_fail("--version", &error);
    printf("%s", text);
    return 0;
}

const mg_command *mg_cli_command(int i) {
    return (size_t)i < sizeof commands / sizeof *commands ? &commands[i] : NULL;
}

static const char *command_name(int i, const void *context) {
    (void)context;
    return mg_cli_command(i) ? commands[i].name : NULL;
}

// The commands, and the word help.
static const char *first_word(int i, const void *context) {
    const int count = sizeof commands / sizeof *commands;
    return i == count ? "help" : command_name(i, context);
}

static int unknown_command(const char *name) {
    char hint[MG_NEAREST_TEXT];
    fprintf(stderr, "margin: ");
    mg_cli_put(stderr, name);
    fprintf(stderr, " is not a command%s", mg_nearest_hint(name, first_word, NULL, hint));
    if (!*hint) fprintf(stderr, "; the commands are");
    for (int i = 0; !*hint && command_name(i, NULL); i++)
        fprintf(stderr, "%s %s", i ? "," : "", command_name(i, NULL));
    fprintf(stderr, " (margin --help)\n");
    return 2;
}

static bool asks_for_help(const char *name) {
    return !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");
}

static bool can_be_distributed(const mg_command *command) {
    return command->run == mg_command_train || command->run == mg_command_path ||
           command->run == mg_command_cv;
}

static int refuse_ranks(const mg_command *command, int ranks) {
    fprintf(stderr, "margin %s: is for one process, but this job has %d ranks: start it without mpirun\n",
            command->name, ranks);
    return 2;
}

// margin help COMMAND: the same as margin COMMAND --help.
static int run_named(int argc, char **argv, int ranks) {
    static char help[] = "--help";
    char *asked[] = {argv[0], help, NULL};
    bool only_help = !strcmp(argv[0], "help");
    if (only_help) asked[0] = argv[1];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(asked[0], commands[i].name)) continue;
        if (only_help) return mg_cli_run(commands[i].run, 2, asked);
        if (ranks > 1 && !can_be_distributed(&commands[i])) return refuse_ranks(&commands[i], ranks);
        return mg_cli_run(commands[i].run, argc, argv);
    }
    return unknown_command(asked[0]);
}

enum { LARGE_BLOCK = 4 << 20 };

int mg_cli_main(int argc, char **argv, int ranks) {
    mg_cli_begin();
    // Returns large blocks, such as weights and images of checkpoints, to the system as soon as they are
    // freed. By default the allocator of the C library keeps freed blocks of up to 32 MB.
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_usage(stderr);
        return 2;
    }
    bool of_command = !strcmp(name, "help") && argc > 2;
    if (asks_for_help(name) && !of_command) {
        print_usage(stdout);
        return 0;
    }
    if (!strcmp(name, "--version")) return print_version();
    return run_named(argc - 1, argv + 1, ranks);
}
