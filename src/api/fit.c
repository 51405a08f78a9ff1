// fit.c - mg_fit: a run from the arrays of a program.
#include "api/arrays.h"
#include "api/trainer.h"
#include "base/float_mode.h"
#include "base/number.h"

#include <margin/fit.h>

#include <stdio.h>
#include <string.h>

// One call: the data sets as files, and the options of the run.
typedef struct fit_call {
    const mg_fit_request *request;
    mg_api_arrays train_names, validation_names;
    mg_h5 *train, *validation;
    mg_config_trainer trainer;
    mg_data_options data;
    mg_output_options output;
    mg_trainer_memory memory;
    mg_trainer_copies copies;
} fit_call;

// Options that name a file, or data sets in it, say nothing about arrays.
static mg_status refuse_files(const mg_config *config, const mg_fit_request *request, mg_error *error) {
    static const char *const keys[] = {"data.train", "data.test", "data.weights", "data.names"};
    const char *origin;
    double fraction;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if ((origin = mg_config_origin(config, keys[i])) != NULL)
            return mg_fail(error, MG_CONFIG, "%s: %s: the data come from the program: leave the option out",
                           origin, keys[i]);
    const char *validation = config->data.validation;
    if (validation && (request->validation || !mg_parse_real(validation, &fraction)))
        return mg_fail(
            error, MG_CONFIG,
            "data.validation: %s: only a fraction is allowed, and only without validation rows from "
            "the program",
            validation);
    if (!strcmp(config->data.labels, config->data.features) || !strcmp(config->data.labels, MG_API_WEIGHTS) ||
        !strcmp(config->data.features, MG_API_WEIGHTS))
        return mg_fail(error, MG_CONFIG,
                       "data.labels: %s, and data.features: %s: they must differ, and not be `weights`",
                       config->data.labels, config->data.features);
    return MG_OK;
}

static mg_status check_request(const mg_fit_request *request, mg_error *error) {
    if (!request->train) return mg_fail(error, MG_USAGE, "train: is NULL, but must be a data set");
    if (!request->directory && (request->resume || request->overwrite))
        return mg_fail(error, MG_USAGE, "resume, overwrite: are only for a run with a directory");
    return MG_OK;
}

static mg_status open_arrays(const mg_config *config, fit_call *call, mg_error *error) {
    const mg_fit_request *request = call->request;
    call->train_names = (mg_api_arrays){.features = config->data.features, .labels = config->data.labels};
    call->validation_names = call->train_names;
    mg_status status = mg_api_arrays_open(request->train, &call->train_names, &call->train, error);
    if (status || !request->validation) return status;
    mg_data validation = *request->validation;
    if (!validation.name) validation.name = "validation data"; // messages must not blame the training rows
    return mg_api_arrays_open(&validation, &call->validation_names, &call->validation, error);
}

// The files are known by name only; nothing is opened by that name.
static void point_to_arrays(const mg_config *config, fit_call *call, mg_model **model) {
    const mg_fit_request *request = call->request;
    call->data = config->data;
    call->data.train = (char *)(uintptr_t)mg_h5_path(call->train);
    if (call->validation) call->data.validation = (char *)(uintptr_t)mg_h5_path(call->validation);
    if (request->train->weights) call->data.weights = (char *)(uintptr_t)MG_API_WEIGHTS;
    if (request->train->feature_names) call->data.names = call->train_names.names;
    call->output.directory = (char *)(uintptr_t)request->directory;
    call->memory = (mg_trainer_memory){.stop = request->stop,
                                       .finish = request->finish,
                                       .files = request->directory != NULL,
                                       .start = request->start,
                                       .model = model,
                                       .copies = &call->copies};
    call->trainer.options.validation_file = call->validation;
    mg_config_trainer_take_arrays(&call->trainer, call->train, &call->data, &call->output, &call->memory);
}

mg_status mg_fit(const mg_config *config, const mg_fit_request *request, mg_model **model,
                 mg_fit_result *result, mg_error *error) {
    MG_FLOAT_SCOPE;
    fit_call call = {.request = request};
    mg_train_result trained = {0};
    const mg_train_request train = {
        .resume = request->resume, .overwrite = request->overwrite, .observer = request->observer};
    *model = NULL;
    mg_status status = check_request(request, error);
    if (!status) status = refuse_files(config, request, error);
    if (!status) status = open_arrays(config, &call, error);
    if (!status) status = mg_config_trainer_open(config, NULL, &call.trainer, error);
    if (!status) {
        point_to_arrays(config, &call, model);
        status = mg_trainer_run(&call.trainer.options, &train, &trained, error);
    }
    if (status) {
        mg_model_free(*model);
        *model = NULL;
    } else if (result) {
        *result = (mg_fit_result){.train = trained,
                                  .copied_bytes = (int64_t)call.copies.bytes,
                                  .converted_bytes = (int64_t)call.copies.converted};
        snprintf(result->copied_why, sizeof result->copied_why, "%s", call.copies.why ? call.copies.why : "");
    }
    mg_config_trainer_close(&call.trainer);
    mg_h5_close(call.train);
    mg_h5_close(call.validation);
    return status;
}
