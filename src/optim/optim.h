// optim.h - the registry of update rules. A rule is called with rows or columns of the weight matrix (all
// features of a class, or all classes of a feature). It does not depend on layouts, threads or
// regularisation.
#ifndef MG_OPTIM_OPTIM_H
#define MG_OPTIM_OPTIM_H

#include "base/bound.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_optim_options {
    double momentum;              // option of rule momentum
    double beta1, beta2, epsilon; // options of rule adam
} mg_optim_options;

// Inputs of a rule that are the same for all weights of a step.
typedef struct mg_optim_step {
    float eta;      // learning rate of this step, schedule included
    int64_t number; // number of the step, counted from 1; 0 before the first step
    const mg_optim_options *options;
    float own[2]; // values that `begin` computes for the other functions
} mg_optim_step;

// An array of the rule's state: one float for each weight or for each feature. It starts as zeros.
typedef struct mg_optim_array {
    const char *name, *bias_name; // names in checkpoints; bias_name is that of the part for the constant
                                  // feature's weights
    const mg_bound *bound;        // allowed values; NULL: all finite values
} mg_optim_array;
#define MG_OPTIM_EACH_WEIGHT(name, bound)                                                                    \
    { name, "bias_" name, bound }
#define MG_OPTIM_EACH_FEATURE(name, bound)                                                                   \
    { name, NULL, bound }

// The rule's arrays, as one call uses them: element j of the call is array[i][at + j] of array i.
typedef struct mg_optim_memory {
    float *const *array;
    int64_t at;
} mg_optim_memory;

// The weights that one call updates.
typedef struct mg_optim_line {
    int64_t n;
    // rate: learning rate of a feature, from `rates`. scale: factor of its column (M19); NULL: 1. Each has
    // one value for each of the n weights. If `shared`, it has a single value, because all n weights belong
    // to one feature.
    bool shared;
    const float *rate, *scale;
    const float *g;         // the gradient with respect to W times `scale`, just as w is W times `scale`
    mg_optim_memory memory; // the arrays with one float for each weight
    float *w;
} mg_optim_line;

typedef struct mg_optim {
    const char *name;
    const char *help;
    // The arrays with one float for each weight, and those with one float for each feature.
    const mg_optim_array *weight_arrays, *feature_arrays;
    int weight_count, feature_count;
    // (M22) first guess of the rate from the mean of ||x||^2, constant feature included
    double (*eta)(double mean_square_norm);

    // Computes step->own. NULL if there is nothing to compute; then the number of the step does not matter.
    void (*begin)(mg_optim_step *step);

    // Rates of n features from the squared norms of their gradients. `memory` has the arrays with one float
    // for each feature. NULL: all rates are eta.
    void (*rates)(const mg_optim_step *step, int64_t n, const float *square, mg_optim_memory memory,
                  float *rate);

    // The step: changes line->w, and the arrays with one float for each weight.
    void (*apply)(const mg_optim_step *step, const mg_optim_line *line);

    // Rates [n] at which the weights decay (M12), from the present content of the rule's arrays. NULL: the
    // rate of the feature applies to all its weights.
    void (*weight_rates)(const mg_optim_step *step, const mg_optim_line *line, float *rate);
} mg_optim;

const mg_optim *mg_optim_at(int i);
const mg_optim *mg_optim_find(const char *name);
const char *mg_optim_name(int i);

#endif
