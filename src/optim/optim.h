// optim.h - the registry of update rules. A rule sees lines of weights (all features of a class, or all
// classes of a feature) and knows nothing of layouts, threads or regularisation.
#ifndef MG_OPTIM_OPTIM_H
#define MG_OPTIM_OPTIM_H

#include <stdbool.h>
#include <stdint.h>

// What a rule may use of the run; the same for all weights of a step.
typedef struct mg_optim_step {
    float eta;      // learning rate of this step, schedule included
    float momentum; // of rule momentum
} mg_optim_step;

typedef struct mg_optim {
    const char *name;
    const char *help;
    bool velocity;    // keeps one float a weight
    bool accumulates; // keeps one float a feature: `rates` needs the squared norm of the feature's gradient
    double (*eta)(double mean_square_norm); // (M22) rate when none was given; argument: mean of ||x||^2,
                                            // constant feature included

    // Rate of `n` features from the squared norms of their gradients; `memory` [n] is the rule's, from 0.
    // NULL: eta for all.
    void (*rates)(const mg_optim_step *step, int64_t n, const float *square, float *memory, float *rate);

    // w -= step(g) on a line of n weights, each with its rate (or all with rate[0] when `shared`). velocity
    // is NULL unless asked for.
    void (*apply)(const mg_optim_step *step, int64_t n, const float *rate, bool shared, const float *g,
                  float *velocity, float *w);
} mg_optim;

const mg_optim *mg_optim_at(int i);
const mg_optim *mg_optim_find(const char *name);
const char *mg_optim_name(int i);

#endif
