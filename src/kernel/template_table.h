// template_table.h - the simple loops of a kernel, and its table of functions. To be included after the other
// templates.
#ifndef MG_KERNEL_TEMPLATE_TABLE_H
#define MG_KERNEL_TEMPLATE_TABLE_H

#include "kernel/template_dual.h"
#include "kernel/template_sweep.h"

static void add(int64_t n, const float *from, float *to) {
    for (int64_t j = 0; j < n; j += 16) v16_store(to + j, v16_add(v16_load(to + j), v16_load(from + j)));
}

static void scale_columns(int64_t n, const float *center, const float *scale, float *restrict x) {
    for (int64_t j = 0; center && j < n; j++) x[j] -= center[j];
    for (int64_t j = 0; j < n; j++) x[j] *= scale[j];
}

// Enough independent sums to hide the latency of a multiply-add, and few enough for the registers of every
// instruction set.
enum { PEAK_SUMS = 12 };

static double peak(int64_t iterations, float *out) {
    part sum[PEAK_SUMS], shrink = v16_part(v16_set(0.5f), 0), grow = v16_part(v16_set(1), 0);
    UNROLL
    for (int j = 0; j < PEAK_SUMS; j++) sum[j] = v16_part(v16_set((float)j), 0);
    for (int64_t i = 0; i < iterations; i++) {
        UNROLL
        for (int j = 0; j < PEAK_SUMS; j++) sum[j] = part_fma(sum[j], shrink, grow);
    }
    float lanes[16];
    *out = 0;
    for (int j = 0; j < PEAK_SUMS; j++) {
        v16 last = v16_zero();
        v16_put(&last, 0, sum[j]);
        v16_store(lanes, last);
        *out += lanes[0];
    }
    return 2.0 * PEAK_SUMS * (16 / PARTS) * (double)iterations;
}

const mg_kernel KERNEL_SYMBOL = {
    .name = KERNEL_NAME,
    .help = KERNEL_HELP,
    .usable = KERNEL_USABLE,
    .widen = widen,
    .scale_columns = scale_columns,
    .dense_scores = dense_scores,
    .dense_block_scores = dense_block_scores,
    .dense_accumulate = dense_accumulate,
    .csr_scores = csr_scores,
    .csr_accumulate = csr_accumulate,
    .csr_update = csr_update,
    .dual_step = dual_step,
    .dual_sweep = dual_sweep,
    .dual_sweep_add = dual_sweep_add,
    .dual_terms = dual_terms,
    .dual_change = dual_change,
    .add = add,
    .peak = peak,
};

#endif
