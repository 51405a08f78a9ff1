// columns.h - what model.h5 says about the features: names and recipe, which may be missing, and which of
// them have weights.
#ifndef MG_MODEL_COLUMNS_H
#define MG_MODEL_COLUMNS_H

#include "data/columns.h"
#include "data/used.h"

// Writes names and recipe into the image; writes nothing that is unknown.
void mg_model_columns_put(const mg_columns *columns, mg_h5_image *image);

// Reads and checks them: either `features` names or none, all of them UTF-8. Errors: MG_DATA, MG_MEMORY.
mg_status mg_model_columns_take(mg_h5 *file, int64_t features, mg_columns *out, mg_error *error);

// Writes the features that have weights; writes nothing if all have. Errors: MG_MEMORY.
mg_status mg_model_used_put(const mg_used *used, mg_h5_image *image, mg_error *error);

// Reads and checks them: `count` features, strictly ascending. Errors: MG_DATA, MG_MEMORY.
mg_status mg_model_used_take(mg_h5 *file, int64_t count, mg_used *out, mg_error *error);

#endif
