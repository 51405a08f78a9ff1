// prior.h - probabilities for other frequencies of the classes than those of the training (M38).
#ifndef MG_TRAIN_PRIOR_H
#define MG_TRAIN_PRIOR_H

#include "model/model.h"

// Reads frequencies from `text`, "label: number, label: number", or from the file that it names, with one
// pair on a line. Every class must have one; only their ratios count. (*out)[k] becomes the factor of the
// probability of class k. The caller frees it. Errors: MG_USAGE (other labels or numbers), MG_CONFIG (the
// model does not say how frequent its classes were), MG_IO, MG_MEMORY.
mg_status mg_prior_read(const char *text, const mg_model *model, double **out, mg_error *error);

// (M38) Multiplies the probabilities by the factors, and makes their sum 1. If all become 0, they become the
// prior.
void mg_prior_apply(const double *factors, const mg_model *model, float *probabilities);

// The index of the largest probability; of equal ones, the first.
int64_t mg_prior_best(int64_t classes, const float *probabilities);

#endif
