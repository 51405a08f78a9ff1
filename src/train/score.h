// score.h - computes the scores of a model for rows in memory, into arrays of the program.
#ifndef MG_TRAIN_SCORE_H
#define MG_TRAIN_SCORE_H

#include "model/model.h"

#include <margin/model.h>

// `file` contains the rows as data set `features` and the names of the features as `names` (NULL: no names).
// The data in the request are not used. Errors: those of mg_model_score.
mg_status mg_score(const mg_model *model, mg_h5 *file, const char *features, const char *names,
                   const mg_score_request *request, mg_error *error);

#endif
