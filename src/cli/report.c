// report.c - the command report: writes an HTML file about one training, or about several.
#include "cli/flags.h"
#include "cli/output.h"

#include <margin/report.h>

#include <stdlib.h>

enum { KEY_DATA = 256, KEY_OUTPUT = 'o', MOST_DIRECTORIES = 64 };

typedef struct arguments {
    const char *directory[MOST_DIRECTORIES];
    const char *output;
    mg_report_request request;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    mg_report_request *request = &all->request;
    switch (key) {
    case KEY_DATA: request->data = value; return 0;
    case KEY_OUTPUT: all->output = value; return 0;
    case ARGP_KEY_ARG:
        if (request->count == MOST_DIRECTORIES) argp_error(state, "too many directories");
        else all->directory[request->count++] = value;
        return 0;
    case ARGP_KEY_END:
        if (!request->count) argp_error(state, "RUN is required: the directory of a training");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// Writes the finished report. What is at its path is checked again, because another program may have written
// it while the report was made. From now on signals stop the work, so that no part of a file remains.
static mg_status put_report(const char *path, const char *text, size_t bytes, mg_error *error) {
    const volatile sig_atomic_t *stop = mg_cli_catch_stops();
    mg_cli_output out;
    mg_status status = mg_cli_output_open(&out, path, error);
    if (status) return status;
    status = mg_report_check_output(path, error);
    if (!status) status = mg_cli_output_write(&out, text, bytes, error);
    if (!status && *stop) error->status = status = MG_STOPPED;
    return mg_cli_output_close(&out, status, error);
}

static mg_status write_report(const arguments *all, mg_error *error) {
    char *text = NULL;
    size_t bytes = 0;
    mg_status status = mg_report_check_output(all->output, error);
    if (status) return status;
    // The file is created only when its content is complete.
    FILE *memory = open_memstream(&text, &bytes);
    if (!memory) return mg_cli_complain(error, all->output, "cannot be written");
    status = mg_report_write(&all->request, memory, error);
    if (fclose(memory) && !status) status = mg_cli_complain(error, all->output, "cannot be written");
    if (!status) status = put_report(all->output, text, bytes, error);
    free(text);
    return status;
}

int mg_command_report(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"data", KEY_DATA, "DATA", 0,
         "Measure the model on the labelled rows of this file (default: the run's data.test or "
         "data.validation, if they are still there and unchanged)",
         0},
        {"output", KEY_OUTPUT, "FILE", 0,
         "Name of the report (default report.html); an older report is replaced", 0},
        {0},
    };
    static const struct argp argp = {options,
                                     parse_option,
                                     "RUN...",
                                     "Writes a report of a training to look at and to show: an HTML file "
                                     "that needs no network. RUN is the "
                                     "output.directory of margin train, path or cv. The report has the "
                                     "curves of the training, the certificate in "
                                     "words, figures of each class, confusions, probabilities, what the "
                                     "model has learned, and its most confident "
                                     "errors. Several RUN are compared with each other."
                                     "\vExample:\n"
                                     "  margin report runs/first\n"
                                     "  margin report runs/first --data test.h5 -o first.html\n"
                                     "  margin report runs/a runs/b -o comparison.html",
                                     NULL,
                                     NULL,
                                     NULL};
    mg_cli_flags flags = {0};
    arguments all = {.output = "report.html", .request.notices.message = mg_cli_notice};
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp,
                           MG_CLI_THREADS | MG_CLI_FEATURES | MG_CLI_NAMES | MG_CLI_QUIET | MG_CLI_LABELS,
                           argc, argv, &all, &flags))
        return 2;
    all.request.directories = all.directory;
    all.request.threads = flags.threads;
    all.request.features = flags.features;
    all.request.names = flags.names;
    all.request.complete = flags.complete;
    all.request.labels = flags.labels;
    all.request.skip_unknown = flags.skip_unknown;
    all.request.drop_unlabelled = flags.drop_unlabelled;
    mg_cli_results();
    mg_status status = write_report(&all, &error);
    if (status == MG_STOPPED) mg_cli_die_of_stop(); // no file was written
    if (status) return mg_cli_fail("report", &error);
    if (!flags.quiet) mg_cli_put_line(stdout, "report          ", all.output);
    return 0;
}
