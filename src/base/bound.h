// bound.h - which values a number that comes from a file may have, and one line when it has another.
#ifndef MG_BASE_BOUND_H
#define MG_BASE_BOUND_H

#include "base/status.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

// Least and greatest value. An infinite limit allows infinity.
typedef struct mg_bound {
    const char *name; // of the element of an array, for messages; NULL: its place tells enough
    double least, most;
    bool may_lack; // NaN stands for a value that is not there
} mg_bound;

extern const mg_bound mg_bound_finite;
extern const mg_bound mg_bound_not_negative; // finite
extern const mg_bound mg_bound_positive;     // finite
extern const mg_bound mg_bound_grown;        // not negative; a sum that may have grown beyond all numbers

// The value of `name`, or of its element at `place` (-1: it is no array). Errors: MG_DATA with name, value
// and what is allowed.
mg_status mg_bound_check(const mg_bound *bound, const char *name, int64_t place, double value,
                         mg_error *error);

#endif
