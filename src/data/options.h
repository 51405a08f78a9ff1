// options.h - the options of section data.
#ifndef MG_DATA_OPTIONS_H
#define MG_DATA_OPTIONS_H

#include "base/option.h"

typedef struct mg_data_options {
    char *train;      // files, as in data/files.h
    char *validation; // files, or a number in (0,1): the fraction of the training rows to hold out
    char *test;       // files
    char *features;   // name in the file
    char *labels;
    const char *unlabelled; // "error" or "drop"
    char *names;            // names of the features: a data set, "none" or "auto"
    const char *missing;    // "zero" or "error"
    char *weights;          // NULL: every row has weight 1
    const char *rows;       // "none", "unit" or "total"
    const char *transform;  // "none" or "log1p"
    char *scale;            // "none", "standard", "max-abs" or a number
    double clip;            // scaled values above it become it; 0: none
    double clip_below;      // scaled values below -clip_below become that; 0: none
    int64_t memory_limit;   // most bytes of rows in memory; 0: chosen from the free memory
    int64_t window;         // bytes of rows that are shuffled together
} mg_data_options;

extern const mg_section mg_data_section;

// Reads a fraction, such as 0.1, 1/10 or 10%. Returns false for any other text, which is the name of a file.
bool mg_data_fraction(const char *text, double *out);

#endif
