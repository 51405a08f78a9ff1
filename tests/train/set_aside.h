// set_aside.h - runs of the three commands, and whether the result of one is complete.
#ifndef MG_TEST_SET_ASIDE_H
#define MG_TEST_SET_ASIDE_H

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"

#include <margin/cv.h>
#include <margin/path.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 60, FEATURES = 6, CLASSES = 3 };
typedef enum command_kind { TRAIN, PATH, CV } command_kind;
typedef enum begin_how { BEGIN, RESUME, OVERWRITE } begin_how;

typedef struct command {
    command_kind kind;
    const char *data, *init, *set;
} command;

static inline support_run perform(const command *c, const char *directory, begin_how how) {
    mg_observer observer;
    support_run run = support_new(support_path("%s", c->data), support_path("%s", directory));
    run.resume = how == RESUME;
    run.overwrite = how == OVERWRITE;
    support_set(&run, "train.epochs=2");
    support_set(&run, "train.batch=20");
    if (c->kind == PATH) support_set(&run, "data.validation=0.25");
    if (c->kind != TRAIN) support_set(&run, "train.solver=dual");
    if (c->set) support_set(&run, "%s", c->set);
    if (c->init) run.init = support_path("%s", c->init);
    if (c->kind == TRAIN) {
        support_train(&run);
        return run;
    }
    static mg_path_result points;
    static mg_cv_result folds;
    mg_config *config = support_configure(&run, &observer);
    if (!config) fail_msg("%s", run.error.text);
    const mg_path_request path = {
        .C = "1e-2:1:10", .resume = run.resume, .overwrite = run.overwrite, .observer = &observer};
    const mg_cv_request cv = {
        .folds = 2, .resume = run.resume, .overwrite = run.overwrite, .observer = &observer};
    support_ended(&run, c->kind == PATH ? mg_path(config, &path, &points, &run.error)
                                        : mg_cv(config, &cv, &folds, &run.error));
    mg_config_destroy(config);
    return run;
}

// ---- results ------------------------------------------------------------------------------------

// For each command: the file that it writes last, and its models.
static const char *const summaries[] = {"model.h5", "path.jsonl", "cv.jsonl"};
static const char *const models[][3] = {
    {"model.h5", NULL}, {"model.h5", NULL}, {"fold-1/model.h5", "fold-2/model.h5", NULL}};

static inline bool same_lines(const char *a, const char *b) {
    if (!support_exists(a) || !support_exists(b)) return false;
    char *lines[2] = {support_lines(a, NULL), support_lines(b, NULL)};
    bool same = !strcmp(lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
    return same;
}

static inline bool has_results(command_kind kind, const char *directory, const char *of) {
    bool same = true;
    for (int i = 0; models[kind][i]; i++) {
        const char *one = support_path("%s/%s", directory, models[kind][i]);
        same = same && support_exists(one) && support_same(one, support_path("%s/%s", of, models[kind][i]));
    }
    return same && (kind == TRAIN || same_lines(support_path("%s/%s", directory, summaries[kind]),
                                                support_path("%s/%s", of, summaries[kind])));
}

// Checks that every file of the old result is in the directory, or in one to which results are moved.
static inline bool old_result_is_safe(command_kind kind, const char *directory) {
    static const char *const places[] = {"", "previous.new/", "previous/"};
    bool all = true;
    for (int i = 0; models[kind][i]; i++) {
        const char *old = support_path("old/%s", models[kind][i]);
        bool found = false;
        for (int p = 0; p < 3; p++) {
            const char *here = support_path("%s/%s%s", directory, places[p], models[kind][i]);
            found = found || (support_exists(here) && support_same(here, old));
        }
        all = all && found;
    }
    return all;
}

static inline bool is_set_aside(const char *directory) {
    return support_exists(support_path("%s/previous", directory)) ||
           support_exists(support_path("%s/previous.new", directory));
}

static inline void copy(const char *from, const char *to) {
    support_remove(support_path("%s", to));
    support_copy_tree(support_path("%s", from), support_path("%s", to));
}

// ---- the tests ----------------------------------------------------------------------------------

static mg_file_ops real;

// A process that is killed loses no writes, so nothing needs to be synced.
static inline int no_fsync(int fd) {
    (void)fd;
    return 0;
}

static inline int begin(void **unused) {
    mg_file_calls.fsync = no_fsync;
    real = mg_file_calls;
    int failed = support_begin(unused);
    support_data(support_path("a.h5"), SUPPORT_U8, ROWS, FEATURES, CLASSES, 1);
    support_data(support_path("b.h5"), SUPPORT_U8, ROWS, FEATURES, CLASSES, 2);
    return failed;
}

#endif
