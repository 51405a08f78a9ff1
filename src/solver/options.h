// options.h - the options of section train.
#ifndef MG_SOLVER_OPTIONS_H
#define MG_SOLVER_OPTIONS_H

#include "base/option.h"

enum { MG_MOST_SHARDS = 1024 }; // a preconditioner takes rows of every shard

typedef struct mg_train_options {
    const char *solver;
    double tolerance; // relative gap to reach; 0: none; NaN: unset, so mg_solver_choose decides
    int64_t epochs;   // 0: the solver chooses
    int64_t max_steps;
    double time_limit;
    int64_t batch;
    int64_t seed;
    int64_t threads;
    int64_t parts;
    int64_t shards;
    double rank_timeout;
    int64_t evaluate_every;
    int64_t patience;
} mg_train_options;

extern const mg_section mg_train_section;

#endif
