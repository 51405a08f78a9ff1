// cv.c - the command cv: accuracies of the folds or, with a grid, of the points.
#include "cli/cli.h"
#include "cli/display.h"
#include "cli/flags.h"
#include "cli/progress.h"

#include <margin/cv.h>
#include <margin/trainer.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_C = 'C', KEY_FOLDS = 'k', KEY_LAMBDA = 256, KEY_REFIT };

typedef struct arguments {
    mg_cv_request request;
    bool refit;
} arguments;

// What the training on all rows takes from the cross-validation.
typedef struct refit_choice {
    const char *name;    // of the value, "C" or "lambda"; NULL without a grid
    bool sets_tolerance; // the folds were trained to the default tolerance of paths
} refit_choice;

typedef struct folds_display {
    mg_cli_display screen;
    int folds;
    bool json;
    mg_cv_fold fold[MG_CV_FOLDS * MG_PATH_POINTS]; // [count] kept for the JSON object
    int count;
} folds_display;

static void show_fold(void *context, const mg_cv_fold *fold) {
    folds_display *show = context;
    char gap[32] = "", point[32] = "";
    if (show->json) {
        show->fold[show->count++] = *fold;
        return;
    }
    mg_cli_clear_progress();
    if (!isnan(fold->C)) snprintf(point, sizeof point, "  C %-9.4g", fold->C);
    if (!isnan(fold->gap)) snprintf(gap, sizeof gap, "  gap %.1e", fold->gap);
    printf("fold %d/%d%s  accuracy %.2f%%  objective %.6f%s  %.1f s%s\n", fold->fold + 1, show->folds, point,
           100 * fold->accuracy, fold->objective, gap, fold->seconds, fold->missed ? "  not certified" : "");
    fflush(stdout);
}

// Ends the line of a mean. If folds have not reached the tolerance, says how many.
static void end_mean(const mg_cv_result *result, const mg_cv_mean *mean) {
    if (mean->missed > 0) printf("  (%d of %d folds not certified)", mean->missed, result->folds);
    printf("\n");
}

static void show_result(const mg_cv_result *result, const char *value) {
    if (value) printf("\n%-10s  %-8s  deviation\n", value, "accuracy");
    for (int p = 0; value && p < result->points; p++) {
        const mg_cv_mean *mean = &result->mean[p];
        printf("%-10.4g  %6.2f%%   %.2f%%%s", mean->value, 100 * mean->mean, 100 * mean->deviation,
               p == result->best ? "  best" : "");
        end_mean(result, mean);
    }
    if (!value) {
        printf("accuracy        %.2f%%, deviation %.2f%%", 100 * result->mean[0].mean,
               100 * result->mean[0].deviation);
        end_mean(result, &result->mean[0]);
    }
    mg_cli_put_line(stdout, "folds           ", result->folds_path);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    mg_cv_request *request = &all->request;
    switch (key) {
    case KEY_FOLDS: request->folds = mg_cli_int(state, "--folds", value, 2, MG_CV_FOLDS); return 0;
    case KEY_C: request->C = value; return 0;
    case KEY_LAMBDA: request->lambda = value; return 0;
    case KEY_REFIT: all->refit = true; return 0;
    case ARGP_KEY_END:
        if (request->C && request->lambda) argp_error(state, "--C and --lambda cannot be combined");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// The configuration of the training on all rows: the same with the best value, in a directory of its own.
static mg_status configure_refit(const mg_cli_flags *flags, const refit_choice *choice,
                                 const mg_cv_result *result, mg_config **out, mg_error *error) {
    enum { MORE = 5 };
    const char *sets[MG_CLI_MOST_SETS + MORE];
    char place[MG_PATH_TEXT + 32], chosen[64], other[32];
    const char *folds = result->folds_path, *value = choice->name;
    int length = (int)(strrchr(folds, '/') - folds), count = flags->sets.count;
    snprintf(place, sizeof place, "output.directory=%.*s/refit", length, folds);
    snprintf(chosen, sizeof chosen, "model.%s=%.17g", value ? value : "", result->mean[result->best].value);
    snprintf(other, sizeof other, "model.%s=~", value && *value == 'C' ? "lambda" : "C");
    memcpy(sets, flags->sets.text, (size_t)count * sizeof *sets);
    sets[count++] = place;
    sets[count++] = "data.validation=~"; // no rows are held out
    if (value) sets[count++] = other;
    if (value) sets[count++] = chosen;
    if (choice->sets_tolerance) sets[count++] = "train.tolerance=1e-3";
    return mg_config_load(flags->config, sets, count, out, error);
}

static int refit(const mg_cli_flags *flags, const refit_choice *choice, const mg_cv_result *result,
                 const mg_observer *observer) {
    mg_config *config;
    mg_error error = {0};
    mg_train_result trained;
    const mg_train_request request = {
        .resume = flags->resume, .overwrite = flags->overwrite, .observer = observer};
    mg_status status = configure_refit(flags, choice, result, &config, &error);
    if (status) return mg_cli_fail("cv", &error);
    status = mg_train(config, &request, &trained, &error);
    int wrong = mg_cli_end_run("cv", config, status, &error);
    if (wrong) return wrong;
    if (flags->json) status = mg_train_result_print_json(&trained, stdout, &error);
    else mg_cli_show_trained(&trained);
    return status ? mg_cli_fail("cv", &error) : 0;
}

int mg_command_cv(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"folds", KEY_FOLDS, "K", 0, "Number of folds (default 5)", 0},
        {"C", KEY_C, "FROM:TO:FACTOR", 0,
         "Compare these values, or a list such as 0.1,1,5; every fold trains a path over them", 0},
        {"lambda", KEY_LAMBDA, "FROM:TO:FACTOR", 0, "Compare values of lambda instead of C", 0},
        {"refit", KEY_REFIT, NULL, 0,
         "Then train on all rows with the best value; the model is output.directory/refit/model.h5", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Divides the training rows into K folds (stratified by class, in an order given by train.seed). "
        "Trains K times, each time on all folds except one, and measures the model on that one. Each "
        "training is a run of its own in output.directory/fold-1, fold-2, ...; cv.jsonl has the "
        "results.\vExample:\n"
        "  margin cv configs/fashion_mnist.yaml --folds 5 --C 1e-3:1:10\n"
        "  margin cv configs/fashion_mnist.yaml --C 1e-3:1:10 --refit\n\n"
        "The best C is the one with the highest mean accuracy; if several are equal, the smallest of them. "
        "data.validation and data.test are not used. Signals and --resume work as in margin train.",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {.request.folds = 5};
    if (mg_cli_parse_flags(&argp, MG_CLI_RUN, argc, argv, &all, &flags)) return 2;
    all.request.resume = flags.resume;
    all.request.overwrite = flags.overwrite;
    static folds_display show;
    show.folds = (int)all.request.folds;
    show.json = flags.json;
    const mg_observer observer = mg_cli_observer(&show.screen, flags.quiet, true);
    all.request.observer = &observer;
    all.request.context = &show;
    all.request.fold = show_fold;
    mg_config *config;
    static mg_cv_result result;
    mg_error error = {0};
    int wrong = mg_cli_begin_run("cv", "-cv", &flags, &config);
    if (wrong) return wrong;
    const char *value = all.request.C ? "C" : all.request.lambda ? "lambda" : NULL;
    const refit_choice choice = {value, value && !mg_config_origin(config, "train.tolerance")};
    mg_status status = mg_cv(config, &all.request, &result, &error);
    wrong = mg_cli_end_run("cv", config, status, &error);
    if (wrong) return wrong;
    if (flags.json) status = mg_cv_result_print_json(&result, show.fold, show.count, stdout, &error);
    else show_result(&result, value);
    if (!status && all.refit) wrong = refit(&flags, &choice, &result, &observer);
    if (wrong) return wrong;
    return mg_cli_conclude("cv", &show.screen, &flags, status, &error);
}
