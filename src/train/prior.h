// prior.h - probabilities for other frequencies of the classes than those of the training (M38).
#ifndef MG_TRAIN_PRIOR_H
#define MG_TRAIN_PRIOR_H

#include "model/model.h"

// Reads frequencies from `text`, "label: number, label: number", or from the file that it names, with one
// pair on a line. Every class must have one; only their ratios count. (*out)[k] becomes the logarithm of the
// factor of the probability of class k, which is -INFINITY for a frequency of 0. The caller frees it. Errors:
// MG_USAGE (other labels or numbers), MG_CONFIG (the model does not say how frequent its classes were),
// MG_IO, MG_MEMORY.
mg_status mg_prior_read(const char *text, const mg_model *model, double **out, mg_error *error);

// (M38) Computes the probabilities of a row with these frequencies, from its scores.
void mg_prior_probabilities(const double *shifts, const mg_model *model, const float *scores,
                            float *probabilities);

// The index of the largest probability; of equal ones, the first.
int64_t mg_prior_best(int64_t classes, const float *probabilities);

#endif
