// bound.c - checks single numbers that come from a file against their allowed range.
#include "base/bound.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>

const mg_bound mg_bound_finite = {.least = -DBL_MAX, .most = DBL_MAX};
const mg_bound mg_bound_not_negative = {.least = 0, .most = DBL_MAX};
const mg_bound mg_bound_positive = {.least = DBL_TRUE_MIN, .most = DBL_MAX};
const mg_bound mg_bound_grown = {.least = 0, .most = INFINITY};

static bool fits(const mg_bound *bound, double value) {
    return isnan(value) ? bound->may_lack : value >= bound->least && value <= bound->most;
}

static void tell_allowed(const mg_bound *bound, char *out, size_t size) {
    char least[MG_REAL_TEXT], most[MG_REAL_TEXT];
    mg_print_real(bound->least, least);
    mg_print_real(bound->most, most);
    bool low = bound->least == -DBL_MAX, high = bound->most == DBL_MAX;
    if (low && high) snprintf(out, size, "a finite number is allowed");
    else if (low) snprintf(out, size, "a finite number up to %s is allowed", most);
    else if (high) snprintf(out, size, "a finite number from %s is allowed", least);
    else if (bound->least == bound->most) snprintf(out, size, "only %s is allowed", least);
    else snprintf(out, size, "%s to %s is allowed", least, most);
}

mg_status mg_bound_check(const mg_bound *bound, const char *name, int64_t place, double value,
                         mg_error *error) {
    char allowed[120], at[32] = "", number[MG_REAL_TEXT];
    if (fits(bound, value)) return MG_OK;
    tell_allowed(bound, allowed, sizeof allowed);
    mg_print_real(value, number);
    if (place >= 0) snprintf(at, sizeof at, "[%lld]", (long long)place);
    return mg_fail(error, MG_DATA, "%s%s%s%s%s is %s (%s)", name, at, bound->name ? " (" : "",
                   bound->name ? bound->name : "", bound->name ? ")" : "", number, allowed);
}
