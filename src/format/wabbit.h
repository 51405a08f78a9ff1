// wabbit.h - recognises lines of Vowpal Wabbit, which no format can read.
#ifndef MG_FORMAT_WABBIT_H
#define MG_FORMAT_WABBIT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mg_wabbit {
    bool is;       // the lines are of Vowpal Wabbit
    bool sure;     // the lines cannot be anything else, such as a table with '|' between its columns
    bool numbered; // all features are index:value
} mg_wabbit;

// Classifies the first lines of a file.
mg_wabbit mg_wabbit_look(const char *head, size_t bytes);

#endif
