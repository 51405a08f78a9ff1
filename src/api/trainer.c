// trainer.c - mg_train: trains from a configuration.
#include "api/trainer.h"

#include "base/float_mode.h"
#include "base/memory.h"
#include "base/writer.h"
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
