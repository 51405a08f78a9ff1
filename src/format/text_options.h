// text_options.h - the options of the format `text`.
#ifndef MG_FORMAT_TEXT_OPTIONS_H
#define MG_FORMAT_TEXT_OPTIONS_H

#include "base/option.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_text_options {
    char *ngrams;          // "char:1:4"
    int64_t bits;          // there are 2^bits features
    const char *weighting; // "tf", "tf-idf", "binary"
    const char *lowercase; // "auto", "yes", "no"
    bool unit;
    const char *header; // "auto", "yes", "no"; only for plain lines
    // Names of the two columns; `column` (--text) is NULL for plain lines.
    char *label, *column;
} mg_text_options;

extern const mg_section mg_text_section;
extern const char *const mg_text_remembered[];

#endif
