// progress.c - owns the progress line, and the thread that draws it when nothing else does.
#include "cli/progress.h"

#include "cli/cli.h"

#include <margin/activity.h>

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 512, MOST_RANKS = 16, LEAST_WIDTH = 20, USUAL_WIDTH = 80, MOST_WIDTH = 200 };
#define TICK 0.2   // seconds between two looks at the activity
#define PATIENCE 1 // an activity is shown if it takes longer than this many seconds

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t over;
    pthread_t thread;
    bool shown, ends;
    int drawn;        // columns of the line on the terminal; 0: none
    mg_cli_line line; // of the command, and when it drew it
    double changed;
    const char *what; // the activity, and since when
    double since;
} progress = {.mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int width(void) {
    struct winsize size;
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? USUAL_WIDTH : size.ws_col;
    columns = columns < MOST_WIDTH ? columns : MOST_WIDTH;
    return columns > LEAST_WIDTH ? columns : LEAST_WIDTH;
}

const char *mg_cli_time(double seconds, char out[32]) {
    if (!(seconds >= 0) || seconds > 8640000) snprintf(out, 32, "?");
    else if (seconds < 100) snprintf(out, 32, "%.0f s", seconds);
    else
        snprintf(out, 32, "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60) % 60, (int)seconds % 60);
    return out;
}

// ---- lines --------------------------------------------------------------------------------------

void mg_cli_add_part(mg_cli_line *line, int rank, const char *format, ...) {
    va_list arguments;
    if (line->count == MG_CLI_MOST_PARTS) return;
    va_start(arguments, format);
    vsnprintf(line->part[line->count].text, MG_CLI_PART_TEXT, format, arguments);
    va_end(arguments);
    line->part[line->count++].rank = rank;
}

void mg_cli_fit_line(const mg_cli_line *line, int columns, char *out, int size) {
    bool chosen[MG_CLI_MOST_PARTS] = {false}, full = false;
    int used = 0, length = 0;
    // Ranks are taken in their order until one does not fit, so that no part of less importance replaces it.
    for (int rank = 0; rank < MOST_RANKS && !full; rank++)
        for (int i = 0; i < line->count; i++) {
            if (line->part[i].rank != rank) continue;
            int more = (int)strlen(line->part[i].text) + (used ? 2 : 0);
            full = full || (used && used + more > columns);
            chosen[i] = !full;
            used += full ? 0 : more;
        }
    *out = '\0';
    for (int i = 0; i < line->count && length < size; i++)
        if (chosen[i])
            length += snprintf(out + length, (size_t)(size - length), "%s%.*s", length ? "  " : "",
                               length ? MG_CLI_PART_TEXT : columns, line->part[i].text);
}

// Erases the line. If the terminal has become narrower, it has broken the line into several.
static int erase(char out[LINE]) {
    int above = progress.drawn > 0 ? (progress.drawn - 1) / width() : 0;
    if (!progress.drawn) *out = '\0';
    else if (above) snprintf(out, LINE, "\r\033[%dA\033[J", above);
    else snprintf(out, LINE, "\r\033[K");
    progress.drawn = 0;
    return (int)strlen(out);
}

// Draws the line in a single write, so that it does not flicker.
static void draw(const mg_cli_line *line, bool keep) {
    char text[2 * LINE];
    int length = erase(text);
    // In the last column, some terminals already begin the next line.
    mg_cli_fit_line(line, width() - 1, text + length, LINE);
    progress.drawn = keep ? 0 : (int)strlen(text + length);
    fprintf(stderr, keep ? "%s\n" : "%s", text);
    fflush(stderr);
}

// ---- activities ---------------------------------------------------------------------------------

static void add_activity(mg_cli_line *line, const mg_activity *activity, double seconds) {
    char time[32];
    double part = activity->total > 0 ? (double)activity->done / (double)activity->total : 0;
    mg_cli_add_part(line, 1, "%s", activity->what);
    if (part > 0 && part <= 1) mg_cli_add_part(line, 1, "%.0f%%", 100 * part);
    mg_cli_add_part(line, 2, "%s", mg_cli_time(seconds, time));
    if (part > 0 && part < 1)
        mg_cli_add_part(line, 2, "left %s", mg_cli_time(seconds * (1 - part) / part, time));
}

// Draws the activity, if it and the time since the caller's last line are long enough: after the first part
// of that line, which says where the run is.
static void look(void) {
    mg_activity activity;
    double time = now();
    mg_activity_get(&activity);
    if (activity.what != progress.what) progress.since = time;
    progress.what = activity.what;
    bool idle = time - progress.changed > PATIENCE, long_enough = time - progress.since > PATIENCE;
    if (!activity.what || !idle || !long_enough) return;
    mg_cli_line line = {0};
    if (progress.line.count) mg_cli_add_part(&line, 0, "%s", progress.line.part[0].text);
    add_activity(&line, &activity, time - progress.since);
    for (int i = 1; i < progress.line.count; i++)
        mg_cli_add_part(&line, 2 + progress.line.part[i].rank, "%s", progress.line.part[i].text);
    draw(&line, false);
}

static void *watch(void *unused) {
    (void)unused;
    pthread_mutex_lock(&progress.mutex);
    while (!progress.ends) {
        double until = now() + TICK;
        const struct timespec time = {(time_t)until, (long)((until - (double)(time_t)until) * 1e9)};
        pthread_cond_timedwait(&progress.over, &progress.mutex, &time);
        if (!progress.ends) look();
    }
    pthread_mutex_unlock(&progress.mutex);
    return NULL;
}

// ---- for the commands ---------------------------------------------------------------------------

void mg_cli_begin_progress(void) {
    sigset_t all, before;
    if (progress.shown || !mg_cli_is_terminal(stderr)) return;
    // Signals are for the threads that work.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    progress.ends = false;
    progress.line.count = 0;
    progress.shown = !pthread_create(&progress.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void mg_cli_end_progress(void) {
    if (!progress.shown) return;
    pthread_mutex_lock(&progress.mutex);
    progress.ends = true;
    pthread_cond_signal(&progress.over);
    pthread_mutex_unlock(&progress.mutex);
    pthread_join(progress.thread, NULL);
    mg_cli_clear_progress();
    progress.shown = false;
}

bool mg_cli_shows_progress(void) { return progress.shown; }

void mg_cli_draw_progress(const mg_cli_line *line, bool keep) {
    if (!progress.shown) return;
    pthread_mutex_lock(&progress.mutex);
    progress.line = *line;
    progress.changed = now();
    draw(line, keep);
    if (keep) progress.line.count = 0;
    pthread_mutex_unlock(&progress.mutex);
}

void mg_cli_clear_progress(void) {
    char text[LINE];
    if (!progress.shown) return;
    pthread_mutex_lock(&progress.mutex);
    erase(text);
    fputs(text, stderr);
    fflush(stderr);
    pthread_mutex_unlock(&progress.mutex);
}
