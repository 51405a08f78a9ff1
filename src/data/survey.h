// survey.h - the first reading of all rows of a data set.
#ifndef MG_DATA_SURVEY_H
#define MG_DATA_SURVEY_H

#include "data/dataset.h"

// The fingerprint of everything but the features of the rows.
mg_status mg_survey_hash_shape(const mg_dataset *dataset, uint64_t *out, mg_error *error);

// Reads all rows: keeps them if dataset->resident, adds them to *fingerprint, drops unused columns, and
// computes the moments if the request needs them. Several ranks agree on errors. Errors: those of reading;
// MG_CONFIG if there are several shards and the rows do not fit in memory.
mg_status mg_survey(mg_dataset *dataset, const mg_dataset_request *request, uint64_t *fingerprint,
                    mg_error *error);

#endif
