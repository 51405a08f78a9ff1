// gradcheck.c - mg_gradcheck: a gradient check from a configuration, and its report as JSON.
#include "base/float_mode.h"
#include "base/json.h"
#include "config/config.h"
#include "inspect/gradcheck.h"

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
