// bench.c - the command bench: measures the machine and the margin routine, as a table or as JSON.
#include "cli/critical_path.h"
#include "cli/flags.h"

#include <margin/bench.h>

#include <inttypes.h>
#include <stdio.h>

enum { KEY_QUICK = 256, KEY_SHAPE, KEY_ROWS, KEY_CRITICAL_PATH };
#define MOST_ROWS 4000000000 // row numbers of a minibatch have 32 bits

typedef struct arguments {
    mg_bench_request request;
    const char *critical_path; // numbers of threads; NULL: not given
    bool shapes;               // at least one flag was given that is about shapes
} arguments;

// Prints one line of the table for each result.
static void show(void *context, const mg_bench_report *report, const mg_bench_result *one) {
    char rows[32], features[32], shape[128];
    (void)context;
    if (!one) {
        printf("%s, kernel %s, %d thread%s\n", report->processor, report->kernel, report->threads,
               report->threads == 1 ? "" : "s");
        printf("at most %.1f GFLOP/s (float32 multiply-adds in registers), reading %.1f GB/s\n\n",
               report->peak_gflops, report->read_gbps);
        printf("%-15s %9s  %-22s %-20s %10s %9s %9s %7s %8s  %s\n", "shape", "rows", "features x classes",
               "what", "ms", "Mrows/s", "GFLOP/s", "GB/s", "speed-up", "of the limit");
    } else {
        snprintf(shape, sizeof shape, "%s x %" PRId64 "%s", mg_cli_count((double)one->features, features),
                 one->classes, one->sparse ? " sparse" : "");
        printf("%-15s %9s  %-22s %-20s %10.3f %9.3f %9.1f %7.1f %7.2fx  %3.0f %% of the %s's\n", one->shape,
               mg_cli_count((double)one->rows, rows), shape, one->what, 1e3 * one->seconds,
               1e-6 * (double)one->rows / one->seconds, one->gflops, one->gbps, one->speedup,
               100 * one->fraction_of_limit, one->memory_bound ? "memory" : "arithmetic");
    }
    fflush(stdout);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_QUICK: all->request.quick = all->shapes = true; return 0;
    case KEY_SHAPE:
        all->request.shape = value;
        all->shapes = true;
        return 0;
    case KEY_ROWS:
        all->request.rows = mg_cli_int(state, "--rows", value, 1, MOST_ROWS);
        all->shapes = true;
        return 0;
    case KEY_CRITICAL_PATH: all->critical_path = value; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// A configuration belongs to --critical-path, and the other flags to the shapes. Returns NULL, or what is
// wrong.
static const char *check(const arguments *all, const mg_cli_flags *flags) {
    if (all->critical_path && (all->shapes || flags->threads))
        return "--critical-path trains as the configuration says: leave out --quick, --shape, --rows and "
               "--threads";
    if (!all->critical_path && (flags->config || flags->sets.count))
        return "only --critical-path uses a configuration: add --critical-path 1,2,8,32, or leave CONFIG and "
               "--set out";
    return NULL;
}

int mg_command_bench(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"quick", KEY_QUICK, NULL, 0, "Use fewer rows and repetitions: seconds instead of a minute", 0},
        {"shape", KEY_SHAPE, "NAME", 0, "Measure only the shape of this name", 0},
        {"rows", KEY_ROWS, "N", 0, "Number of rows, instead of the number of the shape (1 to 4e9)", 0},
        {"critical-path", KEY_CRITICAL_PATH, "T,...", 0,
         "Train as CONFIG says on one thread, measure every item of work, and compute the time for T threads",
         0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Measures the arithmetic and the memory bandwidth of this machine, and then training speed as a "
        "fraction of the lower of these two limits: a pass (loss and gradient over all rows), an epoch of "
        "sgd in minibatches of 256 rows (probe: 1024), an epoch of dual ascent, a certificate, and the first "
        "Newton step. "
        "The rows are random and have the shapes of real data sets.\vExample:\n  margin bench --quick\n  "
        "MARGIN_KERNEL=avx2 margin bench --shape images-uint8\n  margin bench --shape probe --rows 1280000\n "
        " margin bench --critical-path 1,2,8,32 configs/fashion_mnist.yaml\n\n\"Of the limit\" is the "
        "fraction of the machine's limit for the shape: of its arithmetic, or of its memory when every row "
        "is read from memory once. Epochs and Newton steps need more work than one pass, but are compared "
        "with it. The speed-up is relative to one thread. Times are medians. Rows that fit in the last cache "
        "can be read faster than the limit of the memory.\n\n--critical-path schedules the items as the "
        "threads would claim them, with the costs of a claim and of the start of a job, measured on two "
        "threads. It ignores caches, memory bandwidth and clock rates that threads share. If this machine "
        "has that many threads, the training is also run with them, for comparison. Nothing is written.",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {.request = {.threads = 0}};
    static mg_bench_report report;
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_JSON | MG_CLI_THREADS | MG_CLI_CONFIG | MG_CLI_SET, argc, argv, &all,
                           &flags))
        return 2;
    const char *wrong = check(&all, &flags);
    if (wrong) {
        fprintf(stderr, "margin bench: %s\n", wrong);
        return 2;
    }
    all.request.threads = flags.threads;
    mg_cli_results();
    if (all.critical_path) return mg_cli_critical_path(&flags, all.critical_path);
    if (!flags.json) all.request.progress = show;
    mg_status status = mg_bench(&all.request, &report, &error);
    if (!status && flags.json) status = mg_bench_print_json(&report, stdout, &error);
    return status ? mg_cli_fail("bench", &error) : 0;
}
