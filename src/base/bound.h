// bound.h - allowed ranges of numbers read from a file, and the error line for a number outside its range.
#ifndef MG_BASE_BOUND_H
#define MG_BASE_BOUND_H

#include "base/status.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

// The range of allowed values, both ends included. An infinite end allows infinity.
typedef struct mg_bound {
    // Name of the array element, for messages. NULL: messages have its index only.
    const char *name;
    double least, most;
    bool may_lack; // NaN is allowed and means that the value is missing
} mg_bound;

extern const mg_bound mg_bound_finite;
extern const mg_bound mg_bound_not_negative; // finite
extern const mg_bound mg_bound_positive;     // finite
extern const mg_bound mg_bound_grown;        // at least 0, or infinite: a sum that may have overflowed

// Checks `value`, the value of the field `name`. If the field is an array, `place` is the index of the
// element, otherwise -1. Errors: MG_DATA with the name, the value and the allowed range.
mg_status mg_bound_check(const mg_bound *bound, const char *name, int64_t place, double value,
                         mg_error *error);

#endif
