// columns.h - what model.h5 says about the features: names and recipe; both may be missing.
#ifndef MG_MODEL_COLUMNS_H
#define MG_MODEL_COLUMNS_H

#include "data/columns.h"

// Writes names and recipe into the image; writes nothing that is unknown.
void mg_model_columns_put(const mg_columns *columns, mg_h5_image *image);

// Reads and checks them: either `features` names or none, all of them UTF-8. Errors: MG_DATA, MG_MEMORY.
mg_status mg_model_columns_take(mg_h5 *file, int64_t features, mg_columns *out, mg_error *error);

#endif
