// calibration.h - the calibration in model.h5.
#ifndef MG_MODEL_CALIBRATION_H
#define MG_MODEL_CALIBRATION_H

#include "calibration/calibration.h"
#include "io/h5.h"

// Writes the calibration to the image; nothing if there is none.
void mg_model_calibration_put(const mg_calibration *calibration, int64_t classes, mg_h5_image *image);

// Reads and checks the calibration. `wanted`: the version of the file requires that there is one. Errors:
// MG_DATA, MG_MEMORY.
mg_status mg_model_calibration_take(mg_h5 *file, bool wanted, int64_t classes, mg_calibration *out,
                                    mg_error *error);

// Reads the shares of classes in the data set `name`; *out becomes NULL if it does not exist. Errors:
// MG_DATA, MG_MEMORY.
mg_status mg_model_shares_take(mg_h5 *file, const char *name, int64_t classes, double **out, mg_error *error);

// Checks that the numbers can be those of a calibration. Errors: MG_DATA.
mg_status mg_model_calibration_check(const mg_calibration *calibration, int64_t classes, mg_error *error);

#endif
