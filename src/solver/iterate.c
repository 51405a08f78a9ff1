// iterate.c - owns the operations that change all of W at once: rescaling, rebuilding, and the end of a
// Newton iteration.
#include "solver/iterate.h"

#include "base/memory.h"

#include <string.h>

static void multiply(float *values, int64_t count, float factor) {
    for (int64_t i = 0; i < count; i++) values[i] *= factor;
}

void mg_iterate_scale(mg_iterate *iterate, float factor) {
    mg_weights *w = &iterate->weights;
    multiply(w->v, w->size, factor);
    multiply(w->bias, w->lanes, factor);
    multiply(w->offset, w->lanes, factor);
}

mg_status mg_iterate_shrink(mg_iterate *iterate, int64_t rows, float factor, mg_error *error) {
    int64_t lanes = iterate->weights.lanes;
    float *coef;
    mg_status status = mg_memory_get(&coef, (size_t)lanes, sizeof *coef, error);
    if (status) return status;
    mg_iterate_scale(iterate, factor);
    for (int64_t row = 0; !status && row < rows; row++) {
        mg_dual_rows_get(iterate->duals, row, lanes, coef);
        if (mg_all_zero(coef, lanes)) continue;
        multiply(coef, lanes, factor);
        mg_dual_rows_balance(iterate->duals, row, lanes, coef);
        if (!mg_dual_rows_put(iterate->duals, row, lanes, coef))
            status = mg_fail(error, MG_MEMORY, "out of memory: dual variables of row %lld", (long long)row);
    }
    mg_memory_free(coef);
    return status;
}

void mg_iterate_take(mg_iterate *iterate, const float *vector) {
    mg_weights *w = &iterate->weights;
    memcpy(w->v, vector, (size_t)w->size * sizeof *vector);
    memcpy(w->bias, vector + w->size, (size_t)w->lanes * sizeof *vector);
}

double mg_iterate_round(mg_iterate *iterate, const double *vector, int64_t from, int64_t end) {
    mg_weights *w = &iterate->weights;
    double square = 0;
    for (int64_t j = from * w->line; j < end * w->line; j++) {
        w->v[j] = (float)vector[j];
        square += vector[j] * vector[j];
    }
    return square;
}

void mg_iterate_round_bias(mg_iterate *iterate, const double *bias, double value, double *square,
                           double *rounded) {
    mg_weights *w = &iterate->weights;
    for (int64_t k = 0; k < w->classes; k++) {
        w->bias[k] = (float)bias[k];
        w->offset[k] = (float)value * w->bias[k];
        *square += bias[k] * bias[k];
        *rounded += (double)w->bias[k] * (double)w->bias[k];
    }
}
