// fit.c - mg_fit: trains from the arrays of a program.
#include "api/lent.h"
#include "api/words.h"
#include "base/float_mode.h"

#include <stdio.h>

mg_status mg_fit(const mg_config *config, const mg_fit_request *request, mg_model **model,
                 mg_fit_result *result, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_lent lent = {0};
    mg_config_trainer trainer = {0};
    mg_train_result trained = {0};
    mg_words words;
    const mg_train_request train = {.resume = request->resume,
                                    .overwrite = request->overwrite,
                                    .observer = mg_words_observer(&words, request->observer),
                                    .finish = request->finish};
    *model = NULL;
    mg_status status = mg_lent_check_files(request, request->resume, request->overwrite, "run", error);
    const char *clip = config->data.clip > 0         ? "data.clip"
                       : config->data.clip_below > 0 ? "data.clip_below"
                                                     : NULL;
    if (!status && clip)
        status = mg_fail(error, MG_CONFIG,
                         "%s: is only for files, because models in memory do not clip rows: set it to 0, and "
                         "clip the rows in your program",
                         clip);
    if (!status) status = mg_lent_open(config, request, &lent, error);
    if (!status) status = mg_config_trainer_open(config, NULL, &trainer, error);
    if (!status) {
        mg_lent_give(&lent, config, request, model, &trainer);
        status = mg_trainer_run(&trainer.options, &train, &trained, error);
    }
    if (status) {
        mg_model_free(*model);
        *model = NULL;
    } else if (result) {
        *result = (mg_fit_result){.train = trained,
                                  .copied_bytes = (int64_t)lent.copies.bytes,
                                  .converted_bytes = (int64_t)lent.copies.converted};
        snprintf(result->copied_why, sizeof result->copied_why, "%s", lent.copies.why ? lent.copies.why : "");
    }
    mg_config_trainer_close(&trainer);
    mg_lent_close(&lent);
    return mg_words_status(status, error);
}
