// wabbit.h - recognises lines of Vowpal Wabbit, which no format reads.
#ifndef MG_FORMAT_WABBIT_H
#define MG_FORMAT_WABBIT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mg_wabbit {
    bool is;       // false: the lines are something else
    bool sure;     // false: it may also be a table with '|' between its columns
    bool numbered; // every feature is index:value
} mg_wabbit;

// Classifies the first lines of a file.
mg_wabbit mg_wabbit_look(const char *head, size_t bytes);

#endif
