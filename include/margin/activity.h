/* activity.h - what the library is doing at this moment, for a progress line. */
#ifndef MARGIN_ACTIVITY_H
#define MARGIN_ACTIVITY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One piece of work that may take long, such as reading the rows of a file. */
typedef struct mg_activity {
    const char *what;    /* a constant text, such as "reading rows"; NULL: nothing that takes long */
    int64_t done, total; /* pieces of work; total 0: not known */
} mg_activity;

/* Copies the current activity of the process. Any thread may ask. If several runs are active, it is that of
 * one of them. */
void mg_activity_get(mg_activity *out);

#ifdef __cplusplus
}
#endif
#endif
