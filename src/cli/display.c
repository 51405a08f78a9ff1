// display.c - shows the plan, the progress and the messages of a training on stderr, and catches the signals
// that stop it.
#include "cli/display.h"

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/wrap.h"

#include <margin/trainer.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;

static void unblock(int number) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

static void on_signal(int number) {
    // The first signal asks for a checkpoint; a second Ctrl-C ends the process at once.
    if (number == SIGINT && interrupts++) {
        signal(SIGINT, SIG_DFL);
        unblock(SIGINT);
        raise(SIGINT);
        _exit(128 + SIGINT); // process 1 of a container is not killed by a signal that it raises itself
    }
    mg_train_stop();
}

static void catch_signals(void) {
    // Shells make programs that a script starts in the background ignore SIGINT. If somebody sends SIGINT to
    // such a program, it must still stop.
    signal(SIGINT, SIG_DFL);
    mg_cli_catch(SIGINT, on_signal, SA_RESTART);
    mg_cli_catch(SIGTERM, on_signal, SA_RESTART);
    mg_cli_catch(SIGHUP, on_signal, SA_RESTART);
    mg_cli_catch(SIGXCPU, on_signal, SA_RESTART);
    mg_cli_catch(SIGUSR1, on_signal, SA_RESTART);
    unblock(SIGUSR1); // margin-mpi blocks it while MPI starts
    signal(SIGPIPE, SIG_IGN);
}

static void show_message(void *context, const char *line) {
    mg_cli_display *screen = context;
    bool warning = !strncmp(line, "warning", 7);
    screen->warnings += warning;
    if (!screen->quiet || warning) mg_cli_notice(NULL, line);
}

static void put_rows(const mg_plan *plan, FILE *out, int columns) {
    char a[32], b[32], c[32], text[256], used[48] = "", time[32];
    if (plan->data.used_features < plan->data.features)
        snprintf(used, sizeof used, " (%s used)", mg_cli_count((double)plan->data.used_features, a));
    int length = snprintf(
        text, sizeof text, "rows       %s x %s features%s, %lld classes; %s %s, %s%s",
        mg_cli_count((double)plan->data.rows, a), mg_cli_count((double)plan->data.features, b), used,
        (long long)plan->data.classes, plan->data.sparse ? "CSR," : "dense", plan->data.cell,
        plan->data.streamed ? "streamed through " : "in memory ", mg_cli_bytes(plan->data.row_bytes, c));
    length += snprintf(time, sizeof time, " (%.2f s)", plan->data.load_seconds);
    // Not worth a second line on a terminal.
    fprintf(out, "%s%s\n", text, columns && length > columns ? "" : time);
}

static void put_plan(const mg_plan *plan, FILE *out) {
    char a[32], d[32];
    if (plan->data.validation_rows)
        fprintf(out, "validation %s rows\n", mg_cli_count((double)plan->data.validation_rows, a));
    fprintf(out, "model      %s, lambda %.4g; state %s\n", plan->loss, plan->lambda,
            mg_cli_bytes(plan->state_bytes, d));
    if (plan->prepare_seconds > 0) snprintf(d, sizeof d, " (found in %.2f s)", plan->prepare_seconds);
    else d[0] = 0;
    fprintf(out, "solver     %s", plan->solver);
    if (plan->solver_why[0]) fprintf(out, " (%s)", plan->solver_why);
    if (!isnan(plan->learning_rate))
        fprintf(out, ", rate %.4g%s, batch %lld in %lld parts", plan->learning_rate, d,
                (long long)plan->batch, (long long)plan->parts);
    if (plan->tolerance > 0) fprintf(out, ", to a certified gap of %.2g\n", plan->tolerance);
    else fprintf(out, ", %lld epochs\n", (long long)plan->epochs);
    fprintf(out, "machine    %d thread%s (%s), kernel %s\n", plan->threads, plan->threads == 1 ? "" : "s",
            plan->threads_bound_by, plan->kernel);
    if (plan->shards > 1)
        fprintf(out, "shards     %lld on %lld rank%s, about %s rows each\n", (long long)plan->shards,
                (long long)plan->ranks, plan->ranks == 1 ? "" : "s",
                mg_cli_count((double)(plan->data.rows / plan->shards), a));
    if (plan->resumed_step >= 0)
        fprintf(out, "resumed    at step %s\n", mg_cli_count((double)plan->resumed_step, a));
}

static void show_plan(void *context, const mg_plan *plan) {
    mg_cli_display *screen = context;
    mg_cli_page page;
    screen->certifies = plan->tolerance > 0;
    if (screen->quiet || screen->planned) return;
    screen->planned = screen->brief;
    mg_cli_clear_progress();
    mg_cli_page_open(&page, screen->plan);
    put_rows(plan, page.text, mg_cli_columns(screen->plan));
    put_plan(plan, page.text);
    mg_cli_page_close(&page, 11);
    mg_cli_put_line(screen->plan, "run        ", plan->directory); // a path is not broken
}

static void add_epoch(const mg_cli_display *screen, const mg_progress *p, mg_cli_line *line) {
    char total[24] = "", part[8] = "";
    if (!screen->certifies) snprintf(total, sizeof total, "/%lld", (long long)p->epochs);
    if (!p->epoch_end) snprintf(part, sizeof part, " %3.0f%%", 100 * p->epoch_fraction);
    mg_cli_add_part(line, 0, "epoch %lld%s%s", (long long)p->epoch, total, part);
}

// The parts of the line, the most important ones first. At the end of an epoch these are the measurements,
// within an epoch the time that is left.
static void compose(const mg_cli_display *screen, const mg_progress *p, mg_cli_line *line) {
    char text[32];
    bool left = p->step < p->total_steps && !screen->certifies;
    add_epoch(screen, p, line);
    if (left && !p->epoch_end) mg_cli_add_part(line, 1, "left %s", mg_cli_time(p->eta_seconds, text));
    if (!isnan(p->gap)) mg_cli_add_part(line, 1, "gap %.1e", p->gap);
    if (!isnan(p->objective)) mg_cli_add_part(line, 2, "objective %.5f", p->objective);
    if (!isnan(p->accuracy)) mg_cli_add_part(line, 3, "validation %.2f%%", 100 * p->accuracy);
    // The mean loss of the rows, each before its own step; or that of the last weights.
    if (isnan(p->train_loss)) mg_cli_add_part(line, 4, "pass loss %.5f", p->pass_loss);
    else mg_cli_add_part(line, 4, "loss %.5f", p->train_loss);
    mg_cli_add_part(line, 5, "%.1f s", p->seconds);
    if (left && p->epoch_end) mg_cli_add_part(line, 6, "left %s", mg_cli_time(p->eta_seconds, text));
    mg_cli_add_part(line, 7, "%s rows/s", mg_cli_count(p->rows_per_second, text));
    mg_cli_add_part(line, 8, "waiting %.0f%%", 100 * p->wait_share);
}

static void show_progress(void *context, const mg_progress *p) {
    const mg_cli_display *screen = context;
    mg_cli_line line = {0};
    char text[512];
    if (screen->quiet) return;
    bool kept = p->epoch_end && !screen->brief;
    compose(screen, p, &line);
    if (mg_cli_shows_progress()) {
        mg_cli_draw_progress(&line, kept);
    } else if (kept) {
        mg_cli_fit_line(&line, sizeof text - 1, text, sizeof text);
        fprintf(stderr, "%s\n", text);
    }
}

mg_observer mg_cli_observer(mg_cli_display *screen, bool quiet, bool brief) {
    *screen = (mg_cli_display){.plan = stderr, .quiet = quiet, .brief = brief};
    return (mg_observer){
        .context = screen, .plan = show_plan, .progress = show_progress, .message = show_message};
}

int mg_cli_begin_run(const char *command, const char *suffix, const mg_cli_flags *flags, mg_config **config) {
    mg_error error = {0};
    mg_status status = mg_config_load(flags->config, flags->sets.text, flags->sets.count, config, &error);
    if (!status && *suffix) status = mg_config_name_directory(*config, suffix, &error);
    if (status) return mg_cli_fail(command, &error);
    catch_signals();
    if (!flags->quiet) mg_cli_begin_progress();
    return 0;
}

int mg_cli_end_run(const char *command, mg_config *config, mg_status status, const mg_error *error) {
    mg_config_destroy(config);
    mg_cli_end_progress();
    return status ? mg_cli_fail(command, error) : 0;
}

int mg_cli_conclude(const char *command, const mg_cli_display *screen, const mg_cli_flags *flags,
                    mg_status status, const mg_error *error) {
    if (status) return mg_cli_fail(command, error);
    if (!flags->strict || !screen->warnings) return 0;
    fprintf(stderr, "%smargin %s:%s --strict: %d warning%s\n", mg_cli_bad(stderr), command,
            mg_cli_plain(stderr), screen->warnings, screen->warnings == 1 ? "" : "s");
    return 1;
}
