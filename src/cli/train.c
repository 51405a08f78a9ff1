// train.c - the command: plan, progress, result; signals become a checkpoint and exit status 75.
#include "cli/cli.h"

#include <margin/config.h>
#include <margin/trainer.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SET = 's', KEY_QUIET = 'q', KEY_RESUME = 256, KEY_OVERWRITE, KEY_INIT };

typedef struct arguments {
    const char *config;
    mg_cli_sets sets;
    mg_train_request request;
    bool quiet;
} arguments;

typedef struct display {
    bool terminal, quiet;
    bool drawn; // an unfinished progress line stands on the terminal
} display;

static volatile sig_atomic_t interrupts;

static void on_signal(int number) {
    // The first asks for a checkpoint; a second Ctrl-C leaves at once.
    if (number == SIGINT && interrupts++) {
        sigset_t interrupt;
        sigemptyset(&interrupt);
        sigaddset(&interrupt, SIGINT);
        signal(SIGINT, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
        raise(SIGINT);
        _exit(128 + SIGINT); // the first process of a container does not die of a signal
    }
    mg_train_stop();
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); // a file-size limit is met as a failed write
    signal(SIGPIPE, SIG_IGN);
}

static void clear_line(display *screen) {
    if (screen->drawn) fprintf(stderr, "\r\033[K");
    screen->drawn = false;
}

static void show_message(void *context, const char *line) {
    display *screen = context;
    clear_line(screen);
    if (!screen->quiet || !strncmp(line, "warning", 7)) fprintf(stderr, "%s\n", line);
}

static void show_plan(void *context, const mg_plan *plan) {
    display *screen = context;
    if (screen->quiet) return;
    char a[32], b[32], c[32], d[32];
    fprintf(stderr, "rows       %s x %s features, %lld classes; %s %s, %s%s (%.2f s)\n", mg_cli_count((double)plan->rows, a),
            mg_cli_count((double)plan->features, b), (long long)plan->classes, plan->sparse ? "CSR," : "dense", plan->cell,
            plan->streamed ? "streamed through " : "in memory ", mg_cli_bytes(plan->row_bytes, c), plan->load_seconds);
    if (plan->validation_rows) fprintf(stderr, "validation %s rows\n", mg_cli_count((double)plan->validation_rows, a));
    fprintf(stderr, "model      %s, lambda %.4g; state %s\n", plan->loss, plan->lambda, mg_cli_bytes(plan->state_bytes, d));
    if (plan->prepare_seconds > 0) snprintf(d, sizeof d, " (found in %.2f s)", plan->prepare_seconds);
    else d[0] = 0;
    fprintf(stderr, "solver     %s", plan->solver);
    if (plan->solver_why[0]) fprintf(stderr, " (%s)", plan->solver_why);
    if (!isnan(plan->learning_rate))
        fprintf(stderr, ", rate %.4g%s, batch %lld in %lld parts", plan->learning_rate, d, (long long)plan->batch, (long long)plan->parts);
    if (plan->tolerance > 0) fprintf(stderr, ", to a certified gap of %.2g\n", plan->tolerance);
    else fprintf(stderr, ", %lld epochs\n", (long long)plan->epochs);
    fprintf(stderr, "machine    %d thread%s (%s), kernel %s\n", plan->threads, plan->threads == 1 ? "" : "s", plan->threads_bound_by,
            plan->kernel);
    if (plan->resumed_step >= 0) fprintf(stderr, "resumed    at step %s\n", mg_cli_count((double)plan->resumed_step, a));
    fprintf(stderr, "run        %s\n", plan->directory);
}

static void show_eta(double seconds, char out[32]) {
    if (!(seconds >= 0) || seconds > 8640000) snprintf(out, 32, "?");
    else if (seconds < 100) snprintf(out, 32, "%.0f s", seconds);
    else snprintf(out, 32, "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60) % 60, (int)seconds % 60);
}

static void show_progress(void *context, const mg_progress *p) {
    display *screen = context;
    if (screen->quiet || (!screen->terminal && !p->epoch_end)) return;
    char rate[32], eta[32], objective[48] = "", accuracy[48] = "", gap[48] = "";
    show_eta(p->eta_seconds, eta);
    if (!isnan(p->objective)) snprintf(objective, sizeof objective, "  objective %.5f", p->objective);
    if (!isnan(p->gap)) snprintf(gap, sizeof gap, "  gap %.1e", p->gap);
    if (!isnan(p->accuracy)) snprintf(accuracy, sizeof accuracy, "  validation %.2f%%", 100 * p->accuracy);
    if (screen->terminal) fprintf(stderr, "\r");
    fprintf(stderr, "epoch %lld", (long long)p->epoch);
    if (isnan(p->gap)) fprintf(stderr, "/%lld", (long long)p->epochs);
    if (!p->epoch_end) fprintf(stderr, " %3.0f%%", 100 * p->epoch_fraction);
    fprintf(stderr, "  loss %.5f%s%s%s  %s rows/s  waiting %.0f%%  %.1f s", p->train_loss, objective, gap, accuracy,
            mg_cli_count(p->rows_per_second, rate), 100 * p->wait_share, p->seconds);
    if (p->step < p->total_steps && isnan(p->gap)) fprintf(stderr, "  left %s", eta);
    if (screen->terminal) fprintf(stderr, "\033[K");
    screen->drawn = screen->terminal;
    if (p->epoch_end && !screen->terminal) fprintf(stderr, "\n");
    fflush(stderr);
}

static void show_result(const mg_train_result *result) {
    printf("ended by        %s, after %lld steps, %.2f s of training\n", result->reason, (long long)result->step, result->seconds);
    printf("objective       %.6f\n", result->objective);
    if (!isnan(result->gap))
        printf("%s within %.2g of the optimum (at least %.6f)\n", result->converged ? "certified      " : "stopped at gap ", result->gap, result->dual);
    printf("train accuracy  %.2f%%\n", 100 * result->train_accuracy);
    if (!isnan(result->accuracy)) printf("validation      %.2f%% (best, epoch %lld)\n", 100 * result->accuracy, (long long)result->best_epoch);
    if (!isnan(result->test_accuracy)) printf("test accuracy   %.2f%%\n", 100 * result->test_accuracy);
    printf("model           %s\n", result->model_path);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_SET:
        if (all->sets.count == MG_CLI_MOST_SETS) argp_error(state, "more than %d --set", MG_CLI_MOST_SETS);
        all->sets.text[all->sets.count++] = value;
        return 0;
    case KEY_QUIET: all->quiet = true; return 0;
    case KEY_RESUME: all->request.resume = true; return 0;
    case KEY_OVERWRITE: all->request.overwrite = true; return 0;
    case KEY_INIT: all->request.init_model = value; return 0;
    case ARGP_KEY_ARG:
        if (all->config) argp_error(state, "one CONFIG, not two: %s", value);
        all->config = value;
        return 0;
    case ARGP_KEY_END:
        if (all->request.resume && all->request.overwrite) argp_error(state, "--resume and --overwrite exclude each other");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_train(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"set", KEY_SET, "SECTION.KEY=VALUE", 0, "Set an option over the file's; may be given again", 0},
        {"resume", KEY_RESUME, NULL, 0, "Go on from the newest whole checkpoint of the run", 0},
        {"overwrite", KEY_OVERWRITE, NULL, 0, "Start anew in a directory that holds a run", 0},
        {"init", KEY_INIT, "MODEL", 0, "Start from the weights of a model.h5 (a new run, not a resumed one)", 0},
        {"quiet", KEY_QUIET, NULL, 0, "No plan and no progress; warnings and the result stay", 0},
        {0},
    };
    static const struct argp argp = {
        options, parse_option, "[CONFIG]",
        "Trains a classifier and writes model.h5, metrics.jsonl and checkpoints into the run's directory."
        "\vExample:\n  margin train configs/fashion_mnist.yaml --set train.epochs=5\n\n"
        "Ctrl-C, SIGTERM and SIGUSR1 finish the minibatch, write a checkpoint and exit with status 75; "
        "the same command with --resume goes on to the same bits. docs/options.md lists every option.",
        NULL, NULL, NULL};
    arguments all = {0};
    if (mg_cli_parse(&argp, argc, argv, &all)) return 2;
    display screen = {.terminal = isatty(STDERR_FILENO), .quiet = all.quiet};
    const mg_observer observer = {.context = &screen, .plan = show_plan, .progress = show_progress, .message = show_message};
    all.request.observer = &observer;
    mg_config *config;
    mg_error error = {0};
    mg_train_result result;
    mg_status status = mg_config_load(all.config, all.sets.text, all.sets.count, &config, &error);
    if (status) return mg_cli_fail("train", &error);
    catch_signals();
    status = mg_train(config, &all.request, &result, &error);
    mg_config_destroy(config);
    if (screen.drawn) fprintf(stderr, "\n");
    if (status) return mg_cli_fail("train", &error);
    show_result(&result);
    return 0;
}
