// config.h - a whole configuration. It has one struct for each section, defined in the folder that the
// section configures.
#ifndef MG_CONFIG_CONFIG_H
#define MG_CONFIG_CONFIG_H

#include "config/list.h"
#include "config/settings.h"
#include "data/options.h"
#include "model/options.h"
#include "solver/solver.h"
#include "train/options.h"

#include <margin/config.h>

// Bytes for the values of all solvers' sections.
enum { MG_CONFIG_OWN = 1024 };

struct mg_config {
#define MG_CONFIG_FIELD(section, type, field) type field;
    MG_CONFIG_LIST(MG_CONFIG_FIELD)
#undef MG_CONFIG_FIELD
    _Alignas(max_align_t) char own[MG_CONFIG_OWN]; // values of the solvers' sections
    mg_settings settings;                          // access to all values by name
};

// All sections, with their offsets in mg_config; *count becomes their number.
const mg_binding *mg_config_bindings(int *count);

// The struct with the values of a section; NULL if there is no such section.
const void *mg_config_values(const mg_config *config, const mg_section *section);

// Writes the canonical configuration: all options that change the result, one "section.key: value" a line,
// with ~ for unset ones. Checkpoints store it. The caller frees the text. Errors: MG_MEMORY.
mg_status mg_config_canonical(const mg_config *config, char **text, mg_error *error);

// Writes which options differ between two canonical configurations, such as "train.batch: 64, now 128;
// sgd.rate: constant, now cosine; and 3 more". Returns the number of differences.
int mg_config_difference(const char *before, const char *now, char *out, size_t size);

#endif
