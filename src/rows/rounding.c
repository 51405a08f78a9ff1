// rounding.c - finds columns whose differences are lost when values are rounded to float32.
#include "rows/rounding.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#define MOST_LOSS 1e-3 // largest part of a column's range that rounding may lose without a warning

mg_status mg_rounding_begin(mg_rounding *rounding, int64_t columns, mg_error *error) {
    rounding->columns = columns;
    rounding->rows = 0;
    return mg_memory_get(&rounding->column, (size_t)columns, sizeof *rounding->column, error);
}

void mg_rounding_look(mg_rounding *rounding, const double *value, const float *rounded) {
    mg_rounded *column = rounding->column;
    if (rounding->rows++ == 0)
        for (int64_t j = 0; j < rounding->columns; j++)
            column[j] = (mg_rounded){.low = value[j], .high = value[j]};
    for (int64_t j = 0; j < rounding->columns; j++) {
        double x = value[j], error = fabs(x - (double)rounded[j]);
        column[j].low = x < column[j].low ? x : column[j].low;
        column[j].high = x > column[j].high ? x : column[j].high;
        column[j].error = error > column[j].error ? error : column[j].error;
    }
}

void mg_rounding_add(mg_rounding *to, const mg_rounding *other) {
    if (!other->column || !other->rows) return;
    for (int64_t j = 0; j < to->columns; j++) {
        const mg_rounded *from = &other->column[j];
        mg_rounded *column = &to->column[j];
        if (!to->rows) *column = *from;
        column->low = fmin(column->low, from->low);
        column->high = fmax(column->high, from->high);
        column->error = fmax(column->error, from->error);
    }
    to->rows += other->rows;
}

int64_t mg_rounding_worst(const mg_rounding *rounding, int64_t *column) {
    int64_t count = 0;
    double worst = 0;
    for (int64_t j = 0; rounding->column && rounding->rows > 0 && j < rounding->columns; j++) {
        const mg_rounded *c = &rounding->column[j];
        double range = c->high - c->low;
        bool tiny = fmax(fabs(c->low), fabs(c->high)) < (double)FLT_MIN; // another message says so
        if (tiny || !(range > 0 && isfinite(range) && c->error > MOST_LOSS * range)) continue;
        count++;
        if (c->error / range > worst) {
            worst = c->error / range;
            *column = j;
        }
    }
    return count;
}

void mg_rounding_text(const mg_rounding *rounding, int64_t column, int64_t count,
                      char out[MG_ROUNDING_TEXT]) {
    const mg_rounded *c = &rounding->column[column];
    char others[64] = "";
    if (count > 1) snprintf(others, sizeof others, " (%lld columns are like this)", (long long)count);
    snprintf(
        out, MG_ROUNDING_TEXT,
        "has values from %.10g to %.10g; as 32-bit floats they change by up to %.2g, so small differences "
        "are lost%s: subtract %.10g from the column",
        c->low, c->high, c->error, others, c->low);
}

void mg_rounding_clear(mg_rounding *rounding) {
    mg_memory_free(rounding->column);
    rounding->column = NULL;
}
