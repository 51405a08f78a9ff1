// gradcheck.c - mg_gradcheck: a gradient check from a configuration, and its report as JSON.
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "config/config.h"
#include "inspect/gradcheck.h"
#include "inspect/worked.h"

mg_status mg_gradcheck(const mg_config *config, int64_t rows, mg_gradcheck_report *report, mg_error *error) {
    MG_FLOAT_SCOPE;
    const mg_setup_options options = {
        .data = &config->data, .model = &config->model, .train = &config->train};
    mg_setup setup = {0};
    if (rows < 1 || rows > MG_GRADCHECK_MOST_ROWS)
        return mg_fail(error, MG_USAGE, "--rows: %lld is not allowed (1 to %d)", (long long)rows,
                       MG_GRADCHECK_MOST_ROWS);
    mg_status status = mg_h5_check_library(error);
    if (!status) status = mg_setup_open(&options, &setup, error);
    if (!status) status = mg_gradcheck_run(&setup, rows, (uint64_t)config->train.seed, report, error);
    mg_setup_close(&setup);
    return status;
}

// ---- a calculation step by step -----------------------------------------------------------------

// Chooses the features to show: the first ones that are not 0 in every row, so that something can be seen.
static int64_t choose_features(const mg_gradsample *sample, int64_t *feature) {
    int64_t features = sample->problem->features, count = 0;
    for (int64_t d = 0; d < features && count < MG_WORKED_FEATURES; d++) {
        bool used = false;
        for (int64_t i = 0; i < sample->count; i++) used = used || mg_gradsample_feature(sample, i, d) != 0;
        if (used) feature[count++] = d;
    }
    return count;
}

static mg_status show_sample(const mg_gradsample *sample, mg_writer *out, mg_error *error) {
    const mg_problem *problem = sample->problem;
    int64_t feature[MG_WORKED_FEATURES], count = choose_features(sample, feature);
    double x[MG_WORKED_ROWS * MG_WORKED_FEATURES], *w;
    mg_status status = mg_memory_get(&w, (size_t)(problem->classes * MG_WORKED_FEATURES), sizeof *w, error);
    if (status) return status;
    for (int64_t j = 0; j < count; j++) {
        for (int64_t i = 0; i < sample->count; i++)
            x[i * count + j] = mg_gradsample_feature(sample, i, feature[j]);
        for (int64_t k = 0; k < problem->classes; k++)
            w[k * count + j] = mg_gradsample_weight(sample, &sample->weights, k, feature[j]);
    }
    const mg_worked worked = {.rows = sample->count,
                              .features = count,
                              .classes = problem->classes,
                              .x = x,
                              .w = w,
                              .scores = sample->scores,
                              .label = sample->label,
                              .feature = feature,
                              .delta = (double)problem->delta,
                              .bias = problem->bias};
    mg_writer_format(out,
                     "%lld training rows with random weights; the first features that are not 0, and at most "
                     "%d classes, of %lld features and %lld classes; scores are sums over all features\n\n",
                     (long long)sample->count, MG_WORKED_CLASSES, (long long)problem->features,
                     (long long)problem->classes);
    mg_worked_scores(&worked, out);
    status = mg_worked_loss(&worked, problem->loss, out, error);
    mg_memory_free(w);
    return status;
}

mg_status mg_gradcheck_show(const mg_config *config, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    const mg_setup_options options = {
        .data = &config->data, .model = &config->model, .train = &config->train};
    mg_setup setup = {0};
    mg_gradsample sample = {0};
    mg_writer out = {0};
    mg_status status = mg_h5_check_library(error);
    if (!status) status = mg_setup_open(&options, &setup, error);
    if (!status)
        status = mg_gradsample_create(setup.train, &setup.problem, MG_WORKED_ROWS,
                                      (uint64_t)config->train.seed, &sample, error);
    if (!status) status = show_sample(&sample, &out, error);
    mg_gradsample_destroy(&sample);
    mg_setup_close(&setup);
    if (!status) return mg_writer_print(&out, file, "the calculation", error);
    mg_writer_clear(&out);
    return status;
}

mg_status mg_gradcheck_example(FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    static const double x[] = {1, 0, 2, 0, 1, 1}, w[] = {2, -1, 0, 0, 2, 2, 1, 2, 1},
                        scores[] = {2, 4, 3, -1, 4, 3};
    static const int32_t label[] = {0, 2};
    const mg_worked worked = {.rows = 2,
                              .features = 3,
                              .classes = 3,
                              .x = x,
                              .w = w,
                              .scores = scores,
                              .label = label,
                              .delta = 1,
                              .bias = 1};
    mg_writer out = {0};
    mg_status status = MG_OK;
    mg_writer_add(&out,
                  "the example of docs/math.md: 2 rows, 3 features, 3 classes, delta 1, bias weights 0\n\n");
    mg_worked_scores(&worked, &out);
    for (int i = 0; !status && mg_loss_at(i); i++)
        status = mg_worked_loss(&worked, mg_loss_at(i), &out, error);
    if (!status) return mg_writer_print(&out, file, "the example", error);
    mg_writer_clear(&out);
    return status;
}

mg_status mg_gradcheck_print_json(const mg_gradcheck_report *report, FILE *file, mg_error *error) {
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_int(&out, "rows", report->rows);
    mg_json_put_int(&out, "features", report->features);
    mg_json_put_int(&out, "classes", report->classes);
    mg_json_put_text(&out, "layout", report->layout);
    mg_json_put_text(&out, "kernel", report->kernel);
    mg_json_put_real(&out, "forward_error", report->forward_error);
    mg_json_put_real(&out, "forward_allowed", MG_GRADCHECK_FORWARD_ALLOWED);
    mg_json_put_real(&out, "score_allowed", MG_GRADCHECK_ALLOWED);
    mg_json_key(&out, "losses");
    mg_writer_add(&out, "[");
    for (int i = 0; i < report->count; i++) {
        const mg_gradcheck_result *one = &report->results[i];
        mg_writer_add(&out, i ? ", {" : "{");
        mg_json_put_text(&out, "loss", one->loss);
        mg_json_put_int(&out, "rows", one->rows);
        mg_json_put_int(&out, "skipped", one->skipped);
        mg_json_put_real(&out, "score_error", one->score_error);
        mg_json_put_int(&out, "weights", one->weights);
        mg_json_put_real(&out, "weight_error", one->weight_error);
        mg_json_put_real(&out, "weight_allowed", one->weight_allowed);
        mg_json_key(&out, "passed");
        mg_writer_add(&out, one->passed ? "true}" : "false}");
    }
    mg_writer_add(&out, "]");
    mg_json_key(&out, "passed");
    mg_writer_add(&out, report->passed ? "true}\n" : "false}\n");
    return mg_writer_print(&out, file, "the report", error);
}
