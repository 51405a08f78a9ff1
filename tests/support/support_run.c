// support_run.c - the runs and comparisons of support.h.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

support_run support_new(const char *data, const char *directory) {
    support_run run = {0};
    support_set(&run, "data.train=%s", data);
    support_set(&run, "output.directory=%s", directory);
    support_set(&run, "train.solver=sgd");
    support_set(&run, "sgd.update=adagrad");
    support_set(&run, "sgd.rate=constant");
    support_set(&run, "sgd.average=true");
    support_set(&run, "sgd.eta=0.02");
    support_set(&run, "checkpoint.every_seconds=0");
    support_set(&run, "train.threads=1");
    return run;
}

void support_set(support_run *run, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    assert_true(run->count < 64);
    vsnprintf(run->sets[run->count++], sizeof run->sets[0], format, arguments);
    va_end(arguments);
}

static void take_plan(void *context, const mg_plan *plan) { ((support_run *)context)->plan = *plan; }

static void take_message(void *context, const char *line) {
    support_run *run = context;
    size_t used = strlen(run->messages);
    snprintf(run->messages + used, sizeof run->messages - used, "%s\n", line);
    if (strchr(line, '\n')) fail_msg("a message of two lines: %s", line);
}

static bool ask_stop(void *context, int64_t step) {
    support_run *run = context;
    run->steps++;
    return step == run->stop_after;
}

mg_config *support_configure(support_run *run, mg_observer *observer) {
    const char *sets[64];
    mg_config *config;
    *observer = (mg_observer){.context = run, .plan = take_plan, .message = take_message, .stop = ask_stop};
    for (int i = 0; i < run->count; i++) sets[i] = run->sets[i];
    run->error = (mg_error){0};
    run->messages[0] = 0;
    run->steps = 0;
    run->status = mg_config_load(NULL, sets, run->count, &config, &run->error);
    return config;
}

mg_status support_ended(support_run *run, mg_status status) {
    run->status = status;
    if (run->status &&
        (run->error.status != run->status || !run->error.text[0] || strchr(run->error.text, '\n')))
        fail_msg("status %d came with the text '%s' of status %d", (int)run->status, run->error.text,
                 (int)run->error.status);
    return run->status;
}

mg_status support_train(support_run *run) {
    mg_observer observer;
    const mg_train_request request = {
        .resume = run->resume, .overwrite = run->overwrite, .init_model = run->init, .observer = &observer};
    mg_config *config = support_configure(run, &observer);
    if (!config) return run->status;
    mg_status status = mg_train(config, &request, &run->result, &run->error);
    mg_config_destroy(config);
    return support_ended(run, status);
}

void support_expect(support_run *run, mg_status status) {
    if (support_train(run) == status) return;
    char sets[4000] = "";
    for (int i = 0; i < run->count; i++) {
        size_t used = strlen(sets);
        snprintf(sets + used, sizeof sets - used, " %s", run->sets[i]);
    }
    fail_msg("ended with status %d (%s), not %d:%s", (int)run->status, run->error.text, (int)status, sets);
}

// Removes `, "key": value` from a line.
static void drop(char *line, const char *key) {
    char *from = strstr(line, key);
    if (!from) return;
    char *to = from + strcspn(from + 2, ",}") + 2;
    memmove(from, to, strlen(to) + 1);
}

char *support_lines(const char *path, bool (*wanted)(const char *line)) {
    char *text = (char *)support_read(path, NULL), *out = calloc(strlen(text) + 2, 1), *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (!*line || (wanted && !wanted(line))) continue;
        drop(line, ", \"seconds\"");
        drop(line, ", \"rows_per_second\"");
        drop(line, ", \"wait_seconds\"");
        strcat(strcat(out, line), "\n");
    }
    free(text);
    return out;
}

static bool is_counted(const char *line) {
    return strstr(line, "\"event\": \"epoch\"") || strstr(line, "\"event\": \"eval\"");
}

char *support_metrics(const char *directory) {
    char path[4200];
    snprintf(path, sizeof path, "%s/metrics.jsonl", directory);
    return support_lines(path, is_counted);
}

const char *support_newest(const char *directory) {
    static char paths[4][4600];
    static int turn;
    char folder[4200], best[256] = "", *path = paths[turn++ % 4];
    snprintf(folder, sizeof folder, "%s/checkpoints", directory);
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        size_t length = strlen(entry->d_name);
        if (length > 3 && !strcmp(entry->d_name + length - 3, ".h5") && strcmp(entry->d_name, best) > 0)
            snprintf(best, sizeof best, "%s", entry->d_name);
    }
    if (stream) closedir(stream);
    if (!best[0]) fail_msg("%s: holds no checkpoint", folder);
    snprintf(path, sizeof paths[0], "%s/%s", folder, best);
    return path;
}

void support_expect_same_runs(const char *a, const char *b, const char *what) {
    char paths[2][4200];
    snprintf(paths[0], sizeof paths[0], "%s/model.h5", a);
    snprintf(paths[1], sizeof paths[1], "%s/model.h5", b);
    support_expect_same(paths[0], paths[1], what);
    char *lines[2] = {support_metrics(a), support_metrics(b)};
    if (strcmp(lines[0], lines[1])) fail_msg("%s: metrics differ:\n%s--- and\n%s", what, lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
    support_expect_same(support_newest(a), support_newest(b), what);
}

void support_expect_resumes(const support_run *run, const char *whole, const char *pieces, int64_t at,
                            const char *what) {
    support_run piece = *run;
    support_set(&piece, "output.directory=%s", pieces);
    piece.stop_after = at;
    support_expect(&piece, MG_STOPPED);
    piece.stop_after = 0;
    piece.resume = true;
    support_set(&piece, "train.threads=2");
    support_expect(&piece, MG_OK);
    support_expect_same_runs(whole, pieces, what);
    support_remove(pieces);
}
