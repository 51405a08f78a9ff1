// options.h - the options of sections checkpoint and output.
#ifndef MG_TRAIN_OPTIONS_H
#define MG_TRAIN_OPTIONS_H

#include "base/option.h"

typedef struct mg_checkpoint_options {
    double every_seconds;
    int64_t every_steps;
    int64_t every_epochs;
    int64_t keep;
} mg_checkpoint_options;

typedef struct mg_output_options {
    char *directory;
} mg_output_options;

extern const mg_section mg_checkpoint_section;
extern const mg_section mg_output_section;

#endif
