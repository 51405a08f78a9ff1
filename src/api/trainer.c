// trainer.c - mg_train: trains from a configuration.
#include "api/trainer.h"

#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"
#include "train/plan.h"
#include "train/run.h"

#include <margin/trainer.h>

mg_status mg_config_trainer_open(const mg_config *config, const mg_grid *grid, mg_config_trainer *trainer,
                                 mg_error *error) {
    mg_writer writer = {0};
    char *canonical = NULL;
    *trainer = (mg_config_trainer){0};
    mg_writer_add(&writer, MG_RUN_CONFIG_MARK);
    if (grid) mg_writer_format(&writer, "# for --%s %s\n\n", grid->name, grid->text);
    mg_settings_write(&config->settings, &writer);
    mg_status status = mg_writer_take(&writer, &trainer->resolved, error);
    if (!status) status = mg_config_canonical(config, &canonical, error);
    if (canonical) mg_writer_add(&writer, canonical);
    if (grid) mg_writer_format(&writer, "path.%s: %s\n", grid->name, grid->text);
    if (!status) status = mg_writer_take(&writer, &trainer->canonical, error);
    mg_writer_clear(&writer);
    mg_memory_free(canonical);
    trainer->options = (mg_trainer_options){
        .data = &config->data,
        .model = &config->model,
        .train = &config->train,
        .checkpoint = &config->checkpoint,
        .output = &config->output,
        .config_file = config->settings.file,
        .resolved = trainer->resolved,
        .canonical = trainer->canonical,
        .difference = mg_config_difference,
    };
    for (int i = 0; i < MG_SOLVERS; i++)
        trainer->options.solver_options[i] = mg_config_values(config, mg_solver_at(i)->section);
    return status;
}

void mg_config_trainer_take_arrays(mg_config_trainer *trainer, mg_h5 *train, const mg_data_options *data,
                                   const mg_output_options *output, const mg_trainer_memory *memory) {
    mg_trainer_options *options = &trainer->options;
    options->train_file = train;
    options->data = data;
    options->output = output;
    options->memory = memory;
}

void mg_config_trainer_close(mg_config_trainer *trainer) {
    mg_memory_free(trainer->canonical);
    mg_memory_free(trainer->resolved);
    *trainer = (mg_config_trainer){0};
}

void mg_train_stop(void) { mg_run_stop = 1; }

mg_status mg_train(const mg_config *config, const mg_train_request *request, mg_train_result *result,
                   mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_config_trainer trainer;
    mg_status status = mg_config_trainer_open(config, NULL, &trainer, error);
    if (!status) status = mg_trainer_run(&trainer.options, request, result, error);
    mg_config_trainer_close(&trainer);
    return status;
}

mg_status mg_train_plan(const mg_config *config, const mg_train_request *request, mg_train_estimate *out,
                        mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_config_trainer trainer;
    mg_status status = mg_config_trainer_open(config, NULL, &trainer, error);
    if (!status) status = mg_trainer_plan(&trainer.options, request, out, error);
    mg_config_trainer_close(&trainer);
    return status;
}

static void put_calibration(mg_writer *out, const mg_calibration_report *report) {
    mg_json_key(out, "calibration");
    if (!report->method[0]) {
        mg_writer_add(out, "null");
        return;
    }
    mg_writer_add(out, "{");
    mg_json_put_text(out, "method", report->method);
    mg_json_put_real(out, "temperature", report->temperature);
    mg_json_put_int(out, "rows", report->rows);
    mg_json_put_real(out, "log_loss_before", report->log_loss_before);
    mg_json_put_real(out, "log_loss", report->log_loss);
    mg_json_put_real(out, "ece_before", report->ece_before);
    mg_json_put_real(out, "ece", report->ece);
    mg_writer_add(out, "}");
}

mg_status mg_train_result_print_json(const mg_train_result *result, FILE *file, mg_error *error) {
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_text(&out, "reason", result->reason);
    mg_json_put_int(&out, "step", result->step);
    mg_json_put_int(&out, "epoch", result->epoch);
    mg_json_put_real(&out, "seconds", result->seconds);
    mg_json_put_real(&out, "objective", result->objective);
    mg_json_put_real(&out, "dual", result->dual);
    mg_json_put_real(&out, "gap", result->gap);
    mg_json_put_real(&out, "tolerance", result->tolerance);
    mg_json_put_bool(&out, "converged", result->converged);
    mg_json_put_real(&out, "train_accuracy", result->train_accuracy);
    mg_json_put_real(&out, "accuracy", result->accuracy);
    mg_json_put_int(&out, "best_epoch", result->best_epoch);
    mg_json_put_real(&out, "test_accuracy", result->test_accuracy);
    put_calibration(&out, &result->calibration);
    mg_json_put_text(&out, "model", result->model_path);
    mg_json_put_text(&out, "warning", result->warning);
    mg_writer_add(&out, "}\n");
    return mg_writer_print(&out, file, "the result", error);
}

mg_status mg_train_estimate_print_json(const mg_train_estimate *estimate, FILE *file, mg_error *error) {
    mg_writer out = {0};
    const mg_plan *plan = &estimate->plan;
    mg_writer_add(&out, "{");
    mg_json_put_text(&out, "directory", plan->directory);
    mg_json_put_int(&out, "rows", plan->data.rows);
    mg_json_put_int(&out, "validation_rows", plan->data.validation_rows);
    mg_json_put_int(&out, "features", plan->data.features);
    mg_json_put_int(&out, "used_features", plan->data.used_features);
    mg_json_put_int(&out, "classes", plan->data.classes);
    mg_json_put_real(&out, "stored_values", plan->data.stored);
    mg_json_put_bool(&out, "sparse", plan->data.sparse);
    mg_json_put_bool(&out, "streamed", plan->data.streamed);
    mg_json_put_text(&out, "cell", plan->data.cell);
    mg_json_put_real(&out, "row_bytes", plan->data.row_bytes);
    mg_json_put_real(&out, "state_bytes", plan->state_bytes);
    mg_json_put_real(&out, "memory_bytes", estimate->memory_bytes);
    mg_json_put_real(&out, "available_bytes", estimate->available_bytes);
    mg_json_put_text(&out, "loss", plan->loss);
    mg_json_put_real(&out, "lambda", plan->lambda);
    mg_json_put_bool(&out, "chooses_C", estimate->chooses_C);
    mg_json_put_text(&out, "solver", plan->solver);
    mg_json_put_text(&out, "solver_why", plan->solver_why);
    mg_json_put_real(&out, "learning_rate", plan->learning_rate);
    mg_json_put_real(&out, "search_seconds", plan->prepare_seconds);
    mg_json_put_int(&out, "batch", plan->batch);
    mg_json_put_int(&out, "epochs", plan->epochs);
    mg_json_put_real(&out, "tolerance", plan->tolerance);
    mg_json_put_int(&out, "threads", plan->threads);
    mg_json_put_text(&out, "threads_bound_by", plan->threads_bound_by);
    mg_json_put_text(&out, "kernel", plan->kernel);
    mg_json_put_int(&out, "measured_rows", estimate->measured_rows);
    mg_json_put_real(&out, "measured_seconds", estimate->measured_seconds);
    mg_json_put_real(&out, "rows_per_second", estimate->rows_per_second);
    mg_json_put_real(&out, "epoch_seconds", estimate->epoch_seconds);
    mg_json_put_real(&out, "seconds", estimate->seconds);
    mg_writer_add(&out, "}\n");
    return mg_writer_print(&out, file, "the plan", error);
}
