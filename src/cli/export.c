// export.c - the command export: writes a model in a format of other programs.
#include "cli/cli.h"
#include "cli/output.h"

#include <margin/export.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FORMAT = 'f', KEY_OUTPUT = 'o', KEY_QUIET = 'q', KEY_OVERWRITE = 256 };

typedef struct arguments {
    const char *model, *format, *output;
    bool overwrite, quiet, guessed;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_FORMAT: all->format = value; return 0;
    case KEY_OUTPUT: all->output = value; return 0;
    case KEY_OVERWRITE: all->overwrite = true; return 0;
    case KEY_QUIET: all->quiet = true; return 0;
    case ARGP_KEY_ARG:
        if (all->model) mg_cli_wrong(state, "only one MODEL is allowed; remove the second one: %s", value);
        all->model = value;
        return 0;
    case ARGP_KEY_END:
        if (!all->model) argp_error(state, "MODEL is required");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// Writes the names of all formats, such as "onnx, liblinear". Returns `out`.
static const char *list_formats(const char *separator, char out[256]) {
    *out = 0;
    for (int i = 0; mg_export_format_name(i); i++)
        snprintf(out + strlen(out), 256 - strlen(out), "%s%s", i ? separator : "", mg_export_format_name(i));
    return out;
}

// If no format is given, takes it from the extension of the output.
static mg_status choose_format(arguments *all, mg_error *error) {
    char names[256];
    if (all->format) return MG_OK;
    if (all->output) all->format = mg_export_format_of(all->output);
    all->guessed = all->format != NULL;
    if (all->guessed) return MG_OK;
    char why[400];
    snprintf(why, sizeof why, "%sgive --format (%s are allowed)",
             all->output ? "its name does not end with a format: " : "", list_formats(", ", names));
    if (all->output) return mg_cli_refuse(error, MG_USAGE, all->output, why);
    error->status = MG_USAGE;
    snprintf(error->text, sizeof error->text, "%s", why);
    return MG_USAGE;
}

static mg_status check_output(const arguments *all, mg_error *error) {
    struct stat about;
    mg_status status = mg_cli_keep(all->output, all->model, "the model", "the export", error);
    if (!status && all->output) status = mg_export_check(all->output, error);
    if (status || !all->output || all->overwrite || stat(all->output, &about) || !S_ISREG(about.st_mode))
        return status;
    return mg_cli_refuse(error, MG_IO, all->output,
                         "already exists: give another name, or replace it with --overwrite");
}

typedef struct destination {
    const arguments *all;
    size_t bytes;
} destination;

// True if there are control characters: the content is not text, or the name of a class or feature has some.
static bool acts_on_terminal(const char *bytes, size_t count) {
    bool acts = false;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        acts = acts || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    }
    return acts;
}

// Until a file is begun, signals end the process; from then on they stop the work, so that no part of a file
// remains.
static mg_status write_all(void *context, const char *bytes, size_t count, mg_error *error) {
    destination *to = context;
    const char *path = to->all->output;
    const volatile sig_atomic_t *stop = path ? mg_cli_catch_stops() : NULL;
    mg_cli_output out;
    if (!path && isatty(STDOUT_FILENO) && acts_on_terminal(bytes, count))
        return mg_cli_refuse(error, MG_USAGE, to->all->format,
                             "holds bytes that would control the terminal: give the name of a file with -o");
    mg_status status = mg_cli_output_open(&out, path, error);
    // The output remembers which file is there now, and replaces no other one. So this file is checked once
    // more.
    if (!status && out.named) status = check_output(to->all, error);
    if (!status) status = mg_cli_output_write(&out, bytes, count, error);
    if (!status && stop && *stop) status = mg_cli_refuse(error, MG_STOPPED, path, "stopped");
    to->bytes = count;
    return mg_cli_output_close(&out, status, error);
}

static void tell_summary(const arguments *all, const mg_model *model, size_t bytes) {
    mg_model_parts parts;
    char size[32], classes[32], features[32];
    mg_model_get(model, &parts);
    mg_cli_put(stderr, all->output);
    fprintf(stderr, ": %s%s, %s classes, %s features, %s\n", all->format,
            all->guessed ? " (guessed from the name)" : "", mg_cli_count((double)parts.classes, classes),
            mg_cli_count((double)parts.features, features), mg_cli_bytes((double)bytes, size));
}

static mg_status run(arguments *all, mg_error *error) {
    mg_model *model = NULL;
    destination to = {.all = all};
    const mg_export_sink sink = {write_all, &to};
    mg_status status = check_output(all, error);
    if (!status) status = choose_format(all, error);
    if (!status) status = mg_model_load(all->model, &model, error);
    if (!status) status = mg_model_export_to(model, all->format, &sink, error);
    if (!status && all->output && !all->quiet) tell_summary(all, model, to.bytes);
    mg_model_destroy(model);
    return status;
}

int mg_command_export(int argc, char **argv) {
    char formats[256];
    list_formats("|", formats);
    const struct argp_option options[] = {
        {"format", KEY_FORMAT, formats, 0, "Format of the output (default: the ending of its name)", 0},
        {"output", KEY_OUTPUT, "FILE", 0,
         "Write to FILE instead of standard output; FILE appears only when it is complete", 0},
        {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace FILE if it exists", 0},
        {"quiet", KEY_QUIET, NULL, 0, "Print only errors: no summary", 0},
        {0},
    };
    const struct argp argp = {
        options,
        parse_option,
        "MODEL",
        "Writes a model in a format that other programs read. Column scaling is part of the weights. "
        "docs/formats.md says what each format holds."
        "\vExample:\n"
        "  margin export runs/first/model.h5 -o model.onnx\n"
        "  margin export runs/first/model.h5 --format csv",
        NULL,
        NULL,
        NULL};
    arguments all = {0};
    mg_error error = {0};
    if (mg_cli_parse(&argp, argc, argv, &all)) return 2;
    mg_cli_results();
    mg_status status = run(&all, &error);
    if (!status) return 0;
    if (status == MG_STOPPED) mg_cli_die_of_stop(); // no file was written
    return mg_cli_fail("export", &error);
}
