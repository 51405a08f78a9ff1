// columns.h - features in model.h5: their names and the recipe, which may be missing, and which features have
// weights.
#ifndef MG_MODEL_COLUMNS_H
#define MG_MODEL_COLUMNS_H

#include "data/columns.h"
#include "data/used.h"

// Writes names, recipe, idf table and scale to the image; what is unknown is not written.
void mg_model_columns_put(const mg_columns *columns, mg_h5_image *image);

// Reads and checks names, recipe and idf table of `features` features, and the scale of the `used` ones.
// Errors: MG_DATA, MG_MEMORY.
mg_status mg_model_columns_take(mg_h5 *file, int64_t features, int64_t used, mg_columns *out,
                                mg_error *error);

// Checks the limits of data.clip, if there are any. Errors: MG_DATA.
mg_status mg_model_limits_check(const mg_columns *columns, mg_error *error);

// Writes which features have weights; nothing if all have. Errors: MG_MEMORY.
mg_status mg_model_used_put(const mg_used *used, mg_h5_image *image, mg_error *error);

// Reads and checks which features have weights: `count` features, strictly ascending. Errors: MG_DATA,
// MG_MEMORY.
mg_status mg_model_used_take(mg_h5 *file, int64_t count, mg_used *out, mg_error *error);

#endif
