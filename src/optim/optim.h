// optim.h - the registry of update rules. A rule sees rows or columns of the weight matrix (all features of a
// class, or all classes of a feature) and knows nothing of layouts, threads or regularisation.
#ifndef MG_OPTIM_OPTIM_H
#define MG_OPTIM_OPTIM_H

#include "base/bound.h"

#include <stdbool.h>
#include <stdint.h>

// Options of the rules.
typedef struct mg_optim_options {
    double momentum;              // of rule momentum
    double beta1, beta2, epsilon; // of rule adam
} mg_optim_options;

// What a rule may use of the run; the same for all weights of a step.
typedef struct mg_optim_step {
    float eta;      // learning rate of this step, schedule included
    int64_t number; // of the step, from 1; 0 between the start of training and the first step
    const mg_optim_options *options;
    float own[2]; // what `begin` computes
} mg_optim_step;

// An array that a rule keeps: one float for each weight or for each feature, 0 at first.
typedef struct mg_optim_array {
    const char *name, *bias_name; // in checkpoints; bias_name: of the constant feature's weights
    const mg_bound *bound;        // NULL: finite
} mg_optim_array;
#define MG_OPTIM_EACH_WEIGHT(name, bound)                                                                    \
    { name, "bias_" name, bound }
#define MG_OPTIM_EACH_FEATURE(name, bound)                                                                   \
    { name, NULL, bound }

// The rule's arrays where a call works on them: element j of array i is array[i][at + j].
typedef struct mg_optim_memory {
    float *const *array;
    int64_t at;
} mg_optim_memory;

// The weights of one call.
typedef struct mg_optim_line {
    int64_t n;
    // rate: learning rate of a feature, from `rates`. scale: factor of its column (M19); NULL: 1. Both have
    // one value for each of the n weights or, if `shared`, a single value, because all n weights belong to
    // one feature.
    bool shared;
    const float *rate, *scale;
    const float *g;         // gradient, scaled as the weights are
    mg_optim_memory memory; // the arrays with one float for each weight
    float *w;
} mg_optim_line;

typedef struct mg_optim {
    const char *name;
    const char *help;
    // Arrays of one float for each weight, and of one for each feature.
    const mg_optim_array *weight_arrays, *feature_arrays;
    int weight_count, feature_count;
    double (*eta)(double mean_square_norm); // (M22) rate when none was given; argument: mean of ||x||^2,
                                            // constant feature included

    // Computes step->own. NULL: nothing to compute, and the number of the step does not matter.
    void (*begin)(mg_optim_step *step);

    // Rates of n features from the squared norms of their gradients; memory: the arrays with one float for
    // each feature. NULL: eta for all.
    void (*rates)(const mg_optim_step *step, int64_t n, const float *square, mg_optim_memory memory,
                  float *rate);

    // w -= step(g)
    void (*apply)(const mg_optim_step *step, const mg_optim_line *line);

    // Rate [n] by which each weight decays (M12), from the present content of the rule's arrays. NULL: the
    // rate of its feature.
    void (*weight_rates)(const mg_optim_step *step, const mg_optim_line *line, float *rate);
} mg_optim;

const mg_optim *mg_optim_at(int i);
const mg_optim *mg_optim_find(const char *name);
const char *mg_optim_name(int i);

#endif
