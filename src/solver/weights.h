// weights.h - weights in the layout that kernels read: class by class for dense rows, feature by feature for
// CSR rows.
#ifndef MG_SOLVER_WEIGHTS_H
#define MG_SOLVER_WEIGHTS_H

#include "base/status.h"
#include "kernel/kernel.h"
#include "rows/rows.h"

typedef struct mg_weights {
    mg_layout layout; // layout of the rows that these weights score
    int64_t classes, features;
    int64_t lanes; // classes rounded up to 16
    // Floats from one class to the next (dense) or from one feature to the next (CSR); the padding is zeros.
    int64_t line;
    int64_t size;  // number of floats in v
    float *v;      // dense [classes][line], CSR [features][line]: weights of raw cells, scaling folded in
    float *bias;   // [lanes] weights of the constant feature
    float *offset; // [lanes] scores of a row of zeros: bias value * bias - V center
} mg_weights;

mg_status mg_weights_create(mg_weights *weights, mg_layout layout, int64_t classes, int64_t features,
                            mg_error *error);
void mg_weights_destroy(mg_weights *weights);

// The weights as kernels take them: `classes` is K for dense rows, and a line with its padding for CSR rows.
static inline mg_kernel_weights mg_weights_kernel(const mg_weights *weights) {
    return (mg_kernel_weights){weights->layout == MG_DENSE ? weights->classes : weights->line, weights->v,
                               weights->offset};
}

// Weight of feature d for class k.
static inline float *mg_weights_at(const mg_weights *weights, int64_t k, int64_t d) {
    return weights->layout == MG_DENSE ? weights->v + k * weights->line + d
                                       : weights->v + d * weights->line + k;
}

// Creates a copy of the weights in another layout. Errors: MG_MEMORY.
mg_status mg_weights_convert(const mg_weights *from, mg_layout layout, mg_weights *to, mg_error *error);

// Sets offset = bias value * bias - V center. The sums are in double, over features in ascending order.
// center NULL: no centring.
void mg_weights_fold_offset(mg_weights *weights, double bias, const float *center);

// Checks that restored weights have the offset that mg_weights_fold_offset computes, up to rounding. `name`:
// the field with the offset. Errors: MG_DATA.
mg_status mg_weights_check_offset(const mg_weights *weights, double bias, const float *center,
                                  const char *name, mg_error *error);

// (M2) ||W||^2 of the weights of scaled features. scale NULL: all 1. `constant`: including the weights of the
// constant feature.
double mg_weights_square_norm(const mg_weights *weights, const float *scale, bool constant);

// The same for lines [from, to) only, without the constant feature.
double mg_weights_square_lines(const mg_weights *weights, const float *scale, int64_t from, int64_t to);

// True if weights, bias and offset are all finite.
bool mg_weights_finite(const mg_weights *weights);

#endif
