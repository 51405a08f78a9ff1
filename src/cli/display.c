// display.c - shows the plan, the progress and the messages of a training on stderr, and catches the signals
// that stop it.
#include "cli/display.h"

#include "cli/cli.h"

#include <margin/trainer.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;

static void on_signal(int number) {
    // The first signal asks for a checkpoint; a second Ctrl-C ends the process at once.
    if (number == SIGINT && interrupts++) {
        sigset_t interrupt;
        sigemptyset(&interrupt);
        sigaddset(&interrupt, SIGINT);
        signal(SIGINT, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
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
    signal(SIGPIPE, SIG_IGN);
}

void mg_cli_clear_line(mg_cli_display *screen) {
    if (screen->drawn) fprintf(stderr, "\r\033[K");
    screen->drawn = false;
}

static void show_message(void *context, const char *line) {
    mg_cli_display *screen = context;
    mg_cli_clear_line(screen);
    if (screen->quiet && strncmp(line, "warning", 7)) return;
    mg_cli_put_line(stderr, "", line);
}

static void show_plan(void *context, const mg_plan *plan) {
    mg_cli_display *screen = context;
    screen->certifies = plan->tolerance > 0;
    if (screen->quiet || screen->planned) return;
    screen->planned = screen->brief;
    char a[32], b[32], c[32], d[32];
    char used[48] = "";
    if (plan->data.used_features < plan->data.features)
        snprintf(used, sizeof used, " (%s used)", mg_cli_count((double)plan->data.used_features, a));
    fprintf(stderr, "rows       %s x %s features%s, %lld classes; %s %s, %s%s (%.2f s)\n",
            mg_cli_count((double)plan->data.rows, a), mg_cli_count((double)plan->data.features, b), used,
            (long long)plan->data.classes, plan->data.sparse ? "CSR," : "dense", plan->data.cell,
            plan->data.streamed ? "streamed through " : "in memory ", mg_cli_bytes(plan->data.row_bytes, c),
            plan->data.load_seconds);
    if (plan->data.validation_rows)
        fprintf(stderr, "validation %s rows\n", mg_cli_count((double)plan->data.validation_rows, a));
    fprintf(stderr, "model      %s, lambda %.4g; state %s\n", plan->loss, plan->lambda,
            mg_cli_bytes(plan->state_bytes, d));
    if (plan->prepare_seconds > 0) snprintf(d, sizeof d, " (found in %.2f s)", plan->prepare_seconds);
    else d[0] = 0;
    fprintf(stderr, "solver     %s", plan->solver);
    if (plan->solver_why[0]) fprintf(stderr, " (%s)", plan->solver_why);
    if (!isnan(plan->learning_rate))
        fprintf(stderr, ", rate %.4g%s, batch %lld in %lld parts", plan->learning_rate, d,
                (long long)plan->batch, (long long)plan->parts);
    if (plan->tolerance > 0) fprintf(stderr, ", to a certified gap of %.2g\n", plan->tolerance);
    else fprintf(stderr, ", %lld epochs\n", (long long)plan->epochs);
    fprintf(stderr, "machine    %d thread%s (%s), kernel %s\n", plan->threads, plan->threads == 1 ? "" : "s",
            plan->threads_bound_by, plan->kernel);
    if (plan->resumed_step >= 0)
        fprintf(stderr, "resumed    at step %s\n", mg_cli_count((double)plan->resumed_step, a));
    mg_cli_put_line(stderr, "run        ", plan->directory);
}

static void show_eta(double seconds, char out[32]) {
    if (!(seconds >= 0) || seconds > 8640000) snprintf(out, 32, "?");
    else if (seconds < 100) snprintf(out, 32, "%.0f s", seconds);
    else
        snprintf(out, 32, "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60) % 60, (int)seconds % 60);
}

static void show_progress(void *context, const mg_progress *p) {
    mg_cli_display *screen = context;
    if (screen->quiet || (!screen->terminal && (screen->brief || !p->epoch_end))) return;
    char rate[32], eta[32], objective[48] = "", accuracy[48] = "", gap[48] = "";
    show_eta(p->eta_seconds, eta);
    // The mean loss of the rows, each before its own step; or that of the last weights.
    const char *which = isnan(p->train_loss) ? "pass loss" : "loss";
    if (!isnan(p->objective)) snprintf(objective, sizeof objective, "  objective %.5f", p->objective);
    if (!isnan(p->gap)) snprintf(gap, sizeof gap, "  gap %.1e", p->gap);
    if (!isnan(p->accuracy)) snprintf(accuracy, sizeof accuracy, "  validation %.2f%%", 100 * p->accuracy);
    if (screen->terminal) fprintf(stderr, "\r");
    fprintf(stderr, "epoch %lld", (long long)p->epoch);
    if (!screen->certifies) fprintf(stderr, "/%lld", (long long)p->epochs);
    if (!p->epoch_end) fprintf(stderr, " %3.0f%%", 100 * p->epoch_fraction);
    fprintf(stderr, "  %s %.5f%s%s%s  %s rows/s  waiting %.0f%%  %.1f s", which,
            isnan(p->train_loss) ? p->pass_loss : p->train_loss, objective, gap, accuracy,
            mg_cli_count(p->rows_per_second, rate), 100 * p->wait_share, p->seconds);
    if (p->step < p->total_steps && !screen->certifies) fprintf(stderr, "  left %s", eta);
    if (screen->terminal) fprintf(stderr, "\033[K");
    screen->drawn = screen->terminal;
    if (p->epoch_end && !screen->terminal) fprintf(stderr, "\n");
    fflush(stderr);
}

mg_observer mg_cli_observer(mg_cli_display *screen, bool quiet, bool brief) {
    *screen = (mg_cli_display){.terminal = isatty(STDERR_FILENO), .quiet = quiet, .brief = brief};
    return (mg_observer){
        .context = screen, .plan = show_plan, .progress = show_progress, .message = show_message};
}

int mg_cli_begin_run(const char *command, const mg_cli_flags *flags, mg_config **config) {
    mg_error error = {0};
    if (mg_config_load(flags->config, flags->sets.text, flags->sets.count, config, &error))
        return mg_cli_fail(command, &error);
    catch_signals();
    return 0;
}

int mg_cli_end_run(const char *command, mg_cli_display *screen, mg_config *config, mg_status status,
                   const mg_error *error) {
    mg_config_destroy(config);
    if (screen->brief) mg_cli_clear_line(screen);
    else if (screen->drawn) fputc('\n', stderr);
    return status ? mg_cli_fail(command, error) : 0;
}
