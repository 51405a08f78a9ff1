// path_model.h - the model.h5 of a path: writes it, and keeps a resumed path from replacing a model that the
// path has not written.
#ifndef MG_TRAIN_PATH_MODEL_H
#define MG_TRAIN_PATH_MODEL_H

#include "train/run.h"

#include <margin/path.h>

typedef struct mg_path_model {
    bool pending;  // the best model still has to be written, because writing failed or was put off
    int64_t later; // step of a model.h5 that the path may have written before it was interrupted, but after
                   // its checkpoint; 0: there is none. It is compared when the path reaches that step.
} mg_path_model;

// Looks at the model.h5 of a resumed path. The points [0, count) are done, and point `best` has the highest
// accuracy (-1: none). Errors: MG_CONFIG if it is intact, but the path cannot have written it; MG_IO,
// MG_MEMORY.
mg_status mg_path_model_find(mg_path_model *state, const mg_run *run, const mg_path_point *points, int count,
                             int best, mg_error *error);

// Writes the best model, that of the point `best`. Puts this off while model.h5 may be the path's own model
// of a later step; `last`: the path has reached its end. Errors: those of mg_run_save_model; MG_CONFIG if
// model.h5 turns out to be of another run.
mg_status mg_path_model_write(mg_path_model *state, mg_run *run, const mg_path_point *best, bool last,
                              mg_error *error);

#endif
