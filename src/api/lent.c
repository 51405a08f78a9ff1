// lent.c - checks a request with rows in memory, and makes them the data of a run.
#include "api/lent.h"
#include "api/words.h"

#include "base/number.h"

#include <string.h>

// Refuses options that name files or data sets in them, because they have no meaning for arrays.
static mg_status refuse_files(const mg_config *config, const mg_fit_request *request, mg_error *error) {
    static const char *const keys[] = {"data.train", "data.test", "data.weights", "data.names"};
    const char *origin;
    double fraction;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if ((origin = mg_config_origin(config, keys[i])) != NULL)
            return mg_fail(error, MG_CONFIG, "%s: %s: the data come from the program: leave the option out",
                           origin, keys[i]);
    const char *validation = config->data.validation;
    if (validation && (request->validation || !mg_data_fraction(validation, &fraction)))
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

mg_status mg_lent_check_files(const mg_fit_request *request, bool resume, bool overwrite, const char *what,
                              mg_error *error) {
    if (request->directory || !(resume || overwrite)) return MG_OK;
    return mg_fail(error, MG_USAGE, "resume, overwrite: are only for a %s with a directory", what);
}

static mg_status open_arrays(const mg_config *config, const mg_fit_request *request, mg_lent *lent,
                             mg_error *error) {
    lent->train_names = (mg_api_arrays){.features = config->data.features, .labels = config->data.labels};
    lent->validation_names = lent->train_names;
    mg_status status = mg_api_arrays_open(request->train, &lent->train_names, &lent->train, error);
    if (status || !request->validation) return status;
    mg_data validation = *request->validation;
    // a name of its own, so that messages do not seem to be about the training rows
    if (!validation.name) validation.name = "validation data";
    return mg_api_arrays_open(&validation, &lent->validation_names, &lent->validation, error);
}

// Makes the open arrays the data of the trainer. Their file names are only for messages; no file is opened.
void mg_lent_give(mg_lent *lent, const mg_config *config, const mg_fit_request *request, mg_model **model,
                  mg_config_trainer *trainer) {
    lent->data = config->data;
    lent->data.train = (char *)(uintptr_t)mg_h5_path(lent->train);
    if (lent->validation) lent->data.validation = (char *)(uintptr_t)mg_h5_path(lent->validation);
    if (request->train->weights) lent->data.weights = (char *)(uintptr_t)MG_API_WEIGHTS;
    if (request->train->feature_names) lent->data.names = lent->train_names.names;
    lent->output.directory = (char *)(uintptr_t)request->directory;
    lent->memory = (mg_trainer_memory){.stop = request->stop,
                                       .files = request->directory != NULL,
                                       .start = request->start,
                                       .model = model,
                                       .copies = &lent->copies};
    trainer->options.validation_file = lent->validation;
    mg_config_trainer_take_arrays(trainer, lent->train, &lent->data, &lent->output, &lent->memory);
}

mg_status mg_lent_open(const mg_config *config, const mg_fit_request *request, mg_lent *lent,
                       mg_error *error) {
    mg_status status = mg_words_need(request->train, "train", "a data set", error);
    if (!status) status = refuse_files(config, request, error);
    return status ? status : open_arrays(config, request, lent, error);
}

void mg_lent_close(mg_lent *lent) {
    mg_h5_close(lent->train);
    mg_h5_close(lent->validation);
}
