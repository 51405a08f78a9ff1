// unfit.c - the messages about values that cannot be used.
#include "data/source_state.h"

#include <math.h>

mg_status mg_source_unfit(const mg_source *source, int64_t row, int64_t column, float value, const char *why,
                          mg_error *error) {
    const char *path = mg_h5_path(source->file),
               *advice = "drop it or choose another data.rows or data.transform";
    if (column >= 0) column = mg_align_column(&source->align, column);
    if (column < 0)
        return mg_fail(error, MG_DATA, "%s: %s[%lld] %s: %s", path, source->name, (long long)row, why,
                       advice);
    return mg_fail(error, MG_DATA, "%s: %s[%lld, %lld] is %g; %s: %s", path, source->name, (long long)row,
                   (long long)column, (double)value, why, advice);
}

mg_status mg_source_not_finite(const mg_source *source, int64_t row, int64_t column, double value,
                               mg_error *error) {
    const char *why = isfinite(value) ? "float32 holds at most 3.4e38: change the unit, or drop the row"
                                      : "only finite float32 values are allowed: fill or drop the row";
    return mg_fail(error, MG_DATA, "%s: %s[%lld, %lld] is %g; %s", mg_h5_path(source->file), source->name,
                   (long long)row, (long long)column, value, why);
}
