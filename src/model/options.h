// options.h - the options of section model.
#ifndef MG_MODEL_OPTIONS_H
#define MG_MODEL_OPTIONS_H

#include "base/option.h"

typedef struct mg_model_options {
    const char *loss;
    double delta;
    double lambda; // NaN if unset
    double C;      // NaN if unset; MG_MODEL_C_AUTO until a value is chosen
    double bias;
    bool penalize_bias;
    mg_option_weights class_weight;
    const char *calibration; // as mg_calibration_name
} mg_model_options;

#define MG_MODEL_C_AUTO MG_OPTION_WORD

extern const mg_section mg_model_section;

// (M20) lambda as given, or 1/(C * total weight); 1e-4 if neither is given. If C is MG_MODEL_C_AUTO, a value
// must have been chosen.
double mg_model_lambda(const mg_model_options *options, double total_weight);

#endif
