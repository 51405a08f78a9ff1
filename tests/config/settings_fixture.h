// settings_fixture.h - sections for tests of settings. Unlike margin's own, they do not change when an option
// of margin changes.
#ifndef MG_TEST_SETTINGS_FIXTURE_H
#define MG_TEST_SETTINGS_FIXTURE_H

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Sections of the tests, so that expected values do not depend on margin's options.
typedef struct files {
    char *train;
    char *validation;
} files;

typedef struct fit {
    const char *solver;
    int64_t epochs, batch, threads, memory;
    double rate, lambda, C, limit;
    bool average;
    mg_option_weights class_weight;
} fit;

typedef struct whole {
    files data;
    fit train;
} whole;

static const char *solver_name(int i) {
    static const char *const names[] = {"sgd", "dual", "newton"};
    return i < 3 ? names[i] : NULL;
}

static const char *weight_word(int i) {
    static const char *const names[] = {"none", "balanced"};
    return i < 2 ? names[i] : NULL;
}

static const mg_option file_rows[] = {
    {"train", MG_OPTION_TEXT, offsetof(files, train), "", 0, 0, NULL, NULL, false, "Training rows."},
    {"validation", MG_OPTION_TEXT, offsetof(files, validation), "", 0, 0, NULL, NULL, false,
     "Validation rows."},
};

#define AT(field) offsetof(fit, field)
static const mg_option fit_rows[] = {
    {"solver", MG_OPTION_CHOICE, AT(solver), "sgd", 0, 0, solver_name, NULL, true, "How."},
    {"epochs", MG_OPTION_INT, AT(epochs), "20", 1, 1e9, NULL, NULL, true, "How often."},
    {"batch", MG_OPTION_INT, AT(batch), "256", 1, 1 << 24, NULL, NULL, true,
     "Rows of a minibatch | of them."},
    {"threads", MG_OPTION_INT, AT(threads), "0", 0, 4096, NULL, NULL, false, "Threads."},
    {"memory", MG_OPTION_BYTES, AT(memory), "1GiB", 0, 1e15, NULL, NULL, false, "Memory."},
    {"rate", MG_OPTION_REAL, AT(rate), "1e-2", MG_ABOVE_ZERO, INFINITY, NULL, NULL, true, "Rate."},
    {"lambda", MG_OPTION_REAL, AT(lambda), "", MG_ABOVE_ZERO, INFINITY, NULL, NULL, true, "Lambda."},
    {"C", MG_OPTION_REAL, AT(C), "", MG_ABOVE_ZERO, INFINITY, NULL, NULL, true, "C."},
    {"limit", MG_OPTION_SECONDS, AT(limit), "", 0, 1e9, NULL, NULL, true, "Time limit."},
    {"average", MG_OPTION_BOOL, AT(average), "true", 0, 0, NULL, NULL, true, "Average."},
    {"class_weight", MG_OPTION_WEIGHTS, AT(class_weight), "none", 0, 1e30, weight_word, NULL, true,
     "Weights."},
};
#undef AT

static const mg_section file_section = {.name = "data", .help = "files", .options = file_rows, .count = 2};
static inline mg_status check_fit(const void *values, const char *const *origins, mg_error *error);
static const mg_section fit_section = {.name = "train",
                                       .help = "training",
                                       .options = fit_rows,
                                       .count = sizeof fit_rows / sizeof *fit_rows,
                                       .check = check_fit};

static inline mg_status check_fit(const void *values, const char *const *origins, mg_error *error) {
    const fit *all = values;
    if (isnan(all->lambda) || isnan(all->C)) return MG_OK;
    return mg_fail(error, MG_CONFIG, "lambda (%s) and C (%s)",
                   mg_section_origin(&fit_section, origins, "lambda"),
                   mg_section_origin(&fit_section, origins, "C"));
}

static const mg_binding bindings[] = {{&file_section, offsetof(whole, data)},
                                      {&fit_section, offsetof(whole, train)}};

typedef struct fixture {
    whole values;
    mg_settings settings;
    mg_error error;
} fixture;

static inline void start(fixture *f) {
    memset(f, 0, sizeof *f);
    assert_int_equal(mg_settings_create(&f->settings, bindings, 2, &f->values, &f->error), MG_OK);
}

static inline mg_status feed(fixture *f, const char *text) {
    return mg_settings_read(&f->settings, "x.yaml", text, strlen(text), &f->error);
}

// The printed form; the caller frees it.
static inline char *printed(fixture *f) {
    mg_writer writer = {0};
    char *text;
    mg_settings_write(&f->settings, &writer);
    assert_int_equal(mg_writer_take(&writer, &text, &f->error), MG_OK);
    return text;
}

static inline char *canonical(fixture *f) {
    mg_writer writer = {0};
    char *text;
    mg_settings_write_canonical(&f->settings, &writer);
    assert_int_equal(mg_writer_take(&writer, &text, &f->error), MG_OK);
    return text;
}

static inline char *temporary(const char *name, const char *text) {
    static char path[256];
    snprintf(path, sizeof path, "/tmp/margin_test_config_%d", (int)getpid());
    mkdir(path, 0700);
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "/%s", name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static inline void remove_temporary(const char *path) {
    char folder[256];
    snprintf(folder, sizeof folder, "/tmp/margin_test_config_%d", (int)getpid());
    unlink(path);
    rmdir(folder);
}

#endif
