// train.c - a configuration becomes a run.
#include "config/config.h"

#include "base/memory.h"
#include "base/writer.h"
#include "train/trainer.h"

#include <margin/trainer.h>

mg_status mg_train(const mg_config *config, const mg_train_request *request, mg_train_result *result, mg_error *error) {
    char *canonical = NULL, *resolved = NULL;
    mg_writer writer = {0};
    mg_settings_write(&config->settings, &writer);
    mg_status status = mg_writer_take(&writer, &resolved, error);
    if (!status) status = mg_config_canonical(config, &canonical, error);
    mg_trainer_options options = {
        .data = &config->data,
        .model = &config->model,
        .train = &config->train,
        .sgd = &config->sgd,
        .checkpoint = &config->checkpoint,
        .output = &config->output,
        .resolved = resolved,
        .canonical = canonical,
        .difference = mg_config_difference,
    };
    if (!status) status = mg_trainer_run(&options, request, result, error);
    mg_memory_free(canonical);
    mg_memory_free(resolved);
    return status;
}
