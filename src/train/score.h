// score.h - the scores of a model for rows in memory, into the arrays of a program.
#ifndef MG_TRAIN_SCORE_H
#define MG_TRAIN_SCORE_H

#include "model/model.h"

#include <margin/model.h>

// `file` holds the rows as `features`, and the names of the features as `names` (NULL: they have none); the
// data of the request are not used. Errors: those of mg_model_score.
mg_status mg_score(const mg_model *model, mg_h5 *file, const char *features, const char *names,
                   const mg_score_request *request, mg_error *error);

#endif
