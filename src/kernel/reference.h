// reference.h - the functions of the reference kernel that are not in reference.c.
#ifndef MG_KERNEL_REFERENCE_H
#define MG_KERNEL_REFERENCE_H

#include "kernel/kernel.h"

enum { LANES = 16 };

static inline float fold(float *lane) {
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

void mg_reference_dual_step(const mg_dual_row *row, float q, float *z, float *c);
void mg_reference_dual_sweep(const mg_dual_sweep *sweep, int64_t first, int64_t rows, float *scratch);
void mg_reference_dual_sweep_add(const mg_dual_sweep *sweep, int64_t first, int64_t rows, int64_t from,
                                 int64_t lanes);
mg_dual_terms mg_reference_dual_terms(const mg_dual_row *row, const float *c);
mg_dual_change mg_reference_dual_change(const mg_dual_row *row, const float *shift, double factor,
                                        const float *before, const float *after, float *u);

#endif
