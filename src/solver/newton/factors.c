// factors.c - the Cholesky factors of the blocks of the Hessian that belong to single classes.
#include "solver/newton/precondition.h"

#include <math.h>
#include <string.h>

enum { BLOCK = MG_FACTOR_BLOCK };

static float *factor_of(const mg_precondition *p, int64_t k) {
    return p->factor + (k - p->own) * p->size * p->size;
}

// Computes the inner products of BLOCK rows of n floats with `count` vectors, with the kernel function for
// scores. to: [BLOCK][stride].
static void multiply(const mg_precondition *p, int64_t n, const float *const *x, int64_t count,
                     const float *vectors, float *to, int64_t stride) {
    mg_dense_rows rows = mg_dense_floats(BLOCK, n, x);
    mg_kernel_weights weights = {count, vectors, p->zeros};
    p->newton->resident->problem->kernel->dense_scores(&rows, &weights, to, stride);
}

// Computes a block of rows of the lower triangle of lambda I + sample sample^T. Items are in descending order
// of their cost, so that all threads end at about the same time.
void mg_factor_multiply(void *context, int64_t item) {
    mg_precondition *p = context;
    int64_t size = p->size, g = item % MG_NEWTON_GROUP, first = size - (item / MG_NEWTON_GROUP + 1) * BLOCK,
            k = p->first_class + g, padded = p->padded[g];
    const mg_problem *problem = p->newton->resident->problem;
    if (k < p->own || k >= p->own_end || mg_newton_stopped(p->newton)) return;
    float *factor = factor_of(p, k) + first * size;
    const float *x[BLOCK], *sample = p->sample + g * size * MG_NEWTON_SAMPLE;
    for (int64_t r = 0; r < BLOCK; r++) x[r] = sample + (first + r) * padded;
    if (padded > 0) multiply(p, padded, x, first + BLOCK, sample, factor, size);
    for (int64_t r = 0; r < BLOCK; r++) {
        if (padded == 0) memset(factor + r * size, 0, (size_t)(first + BLOCK) * sizeof *factor);
        factor[r * size + first + r] += (float)problem->lambda;
    }
}

// Replaces a diagonal block by the inverse of its Cholesky factor. Pivots smaller than lambda, which only
// rounding can cause, are set to lambda.
static void invert_block(float *a, int64_t size, float lambda) {
    float l[BLOCK][BLOCK], inverse[BLOCK][BLOCK] = {{0}};
    for (int64_t i = 0; i < BLOCK; i++)
        for (int64_t j = 0; j <= i; j++) {
            float sum = a[i * size + j];
            for (int64_t q = 0; q < j; q++) sum -= l[i][q] * l[j][q];
            l[i][j] = i > j ? sum / l[j][j] : sqrtf(sum > lambda ? sum : lambda);
        }
    for (int64_t i = 0; i < BLOCK; i++) {
        inverse[i][i] = 1 / l[i][i];
        for (int64_t q = 0; q < i; q++)
            for (int64_t j = 0; j <= q; j++) inverse[i][j] -= l[i][q] * inverse[q][j] * inverse[i][i];
    }
    for (int64_t i = 0; i < BLOCK; i++) memcpy(a + i * size, inverse[i], sizeof inverse[i]);
}

// Cholesky factorisation, one column of blocks after the other. What earlier columns subtract from a block is
// a product of rows, so the kernel function for scores computes it.
void mg_factor_class(void *context, int64_t own) {
    mg_precondition *p = context;
    int64_t size = p->size, k = p->own + own;
    float *factor = factor_of(p, k), *pack = p->work + k * p->vectors * size;
    _Alignas(64) float block[BLOCK * BLOCK], inverse[BLOCK * BLOCK];
    const float *x[BLOCK];
    // If the step must end, an incomplete factor does no harm: it is not used.
    for (int64_t j = 0; j < size && !mg_newton_stopped(p->newton); j += BLOCK) {
        for (int64_t r = 0; r < BLOCK; r++)
            memcpy(pack + r * j, factor + (j + r) * size, (size_t)j * sizeof *pack);
        for (int64_t i = j; i < size; i += BLOCK) {
            float *here = factor + i * size + j;
            for (int64_t r = 0; r < BLOCK; r++) x[r] = factor + (i + r) * size;
            if (j > 0) multiply(p, j, x, BLOCK, pack, block, BLOCK);
            for (int64_t r = 0; j > 0 && r < BLOCK; r++)
                for (int64_t c = 0; c < BLOCK; c++) here[r * size + c] -= block[r * BLOCK + c];
            if (i == j) {
                invert_block(here, size, (float)p->newton->resident->problem->lambda);
                for (int64_t r = 0; r < BLOCK; r++)
                    memcpy(inverse + r * BLOCK, here + r * size, BLOCK * sizeof *here);
                continue;
            }
            for (int64_t r = 0; r < BLOCK; r++) x[r] = here + r * size;
            multiply(p, BLOCK, x, BLOCK, inverse, block, BLOCK);
            for (int64_t r = 0; r < BLOCK; r++)
                memcpy(here + r * size, block + r * BLOCK, BLOCK * sizeof *here);
        }
    }
}

// Applies (L L^T)^-1 to the part of a vector that belongs to one class.
void mg_factor_solve(mg_precondition *p, int64_t k) {
    const mg_kernel *kernel = p->newton->resident->problem->kernel;
    int64_t size = p->size;
    float *factor = factor_of(p, k), *y = mg_precondition_vector(p, k);
    _Alignas(64) float part[BLOCK], minus[BLOCK];
    const float *x[BLOCK];
    for (int64_t j = 0; j < size; j += BLOCK) {
        for (int64_t r = 0; r < BLOCK; r++) x[r] = factor + (j + r) * size;
        if (j > 0) multiply(p, j, x, 1, y, part, 1);
        for (int64_t r = 0; j > 0 && r < BLOCK; r++) y[j + r] -= part[r];
        for (int64_t r = 0; r < BLOCK; r++) x[r] += j;
        multiply(p, BLOCK, x, 1, y + j, part, 1);
        memcpy(y + j, part, sizeof part);
    }
    for (int64_t j = size - BLOCK; j >= 0; j -= BLOCK) {
        for (int64_t r = 0; r < BLOCK; r++) x[r] = factor + (j + r) * size + j;
        mg_dense_rows rows = mg_dense_floats(BLOCK, BLOCK, x);
        kernel->dense_accumulate(&rows, MG_SUM_NEW, 1, y + j, 1, part);
        memcpy(y + j, part, sizeof part);
        for (int64_t r = 0; r < BLOCK; r++) {
            x[r] -= j;
            minus[r] = -part[r];
        }
        rows.dp = j;
        if (j > 0) kernel->dense_accumulate(&rows, MG_SUM_ON, 1, minus, 1, y);
    }
}
