// rounding.h - finds columns whose values differ by so little, compared with their size, that rounding to
// float32 loses the differences. An example is a column of times in seconds since 1970.
#ifndef MG_ROWS_ROUNDING_H
#define MG_ROWS_ROUNDING_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_rounded {
    double low, high, error; // smallest and largest value; largest rounding error
} mg_rounded;

typedef struct mg_rounding {
    mg_rounded *column; // [columns]; NULL: none
    int64_t columns, rows;
} mg_rounding;

mg_status mg_rounding_begin(mg_rounding *rounding, int64_t columns, mg_error *error);

// Examines a row: `value` before and `rounded` after the conversion, both [columns].
void mg_rounding_look(mg_rounding *rounding, const double *value, const float *rounded);

// Adds the rows that another one has examined.
void mg_rounding_add(mg_rounding *to, const mg_rounding *other);

// Finds the column in which rounding loses the largest part of the range of values, and counts the columns
// that lose more than a thousandth. Returns the count.
int64_t mg_rounding_worst(const mg_rounding *rounding, int64_t *column);

// Writes what is lost in the column, and the advice, to follow its name in a message.
enum { MG_ROUNDING_TEXT = 320 };
void mg_rounding_text(const mg_rounding *rounding, int64_t column, int64_t count, char out[MG_ROUNDING_TEXT]);

void mg_rounding_clear(mg_rounding *rounding);

#endif
