// options.h - the options of section sgd.
#ifndef MG_SOLVER_SGD_OPTIONS_H
#define MG_SOLVER_SGD_OPTIONS_H

#include "base/option.h"
#include "optim/optim.h"

typedef struct mg_sgd_options {
    const char *update;
    const char *rate;
    double eta; // NaN if it is not set: then the rate is searched for
    mg_optim_options rule;
    bool average;
} mg_sgd_options;

extern const mg_section mg_sgd_section;

#endif
