// columns.h - what model.h5 says of the features: names and recipe, both of which may be absent.
#ifndef MG_MODEL_COLUMNS_H
#define MG_MODEL_COLUMNS_H

#include "data/columns.h"

// Into the file being built: nothing where nothing is known.
void mg_model_columns_put(const mg_columns *columns, mg_h5_image *image);

// Out of it, checked: `features` names or none, all of them UTF-8. Errors: MG_DATA, MG_MEMORY.
mg_status mg_model_columns_take(mg_h5 *file, int64_t features, mg_columns *out, mg_error *error);

#endif
