// template_csr.h - scores and gradient of one CSR row, written with the vector operations of the including
// file.
#ifndef MG_KERNEL_TEMPLATE_CSR_H
#define MG_KERNEL_TEMPLATE_CSR_H

enum { CSR_TILE = 64 }; // classes whose sums stay in registers during the loop over the row's values

// (M1) Scores of one row for 16 * full + 8 * half classes, beginning with class `first`.
INLINE void csr_score_tile(int full, int half, const mg_csr_row *row, const mg_csr_row *next,
                           const mg_kernel_weights *weights, int64_t first, float *s) {
    int64_t n = row->count, kp = weights->classes, next_n = next ? next->count : 0;
    const uint32_t *indices = row->indices, *ahead = next ? next->indices : NULL;
    const float *values = row->values, *w = weights->w + first, *offset = weights->offset + first;
    s += first;
    v16 sum[4];
    v8 rest = v8_zero();
    UNROLL
    for (int j = 0; j < full; j++) sum[j] = v16_load(offset + 16 * j);
    if (half) rest = v8_load(offset + 16 * full);
    for (int64_t e = 0; e < n; e++) {
        const float *from = w + indices[e] * kp;
        if (e < next_n) {
            UNROLL
            for (int j = 0; j < full + half; j++) prefetch(w + ahead[e] * kp + 16 * j);
        }
        v16 x = v16_set(values[e]);
        UNROLL
        for (int j = 0; j < full; j++) sum[j] = v16_fma(x, v16_load(from + 16 * j), sum[j]);
        if (half) rest = v8_fma(v8_set(values[e]), v8_load(from + 16 * full), rest);
    }
    UNROLL
    for (int j = 0; j < full; j++) v16_store(s + 16 * j, sum[j]);
    if (half) v8_store(s + 16 * full, rest);
}

typedef void csr_score_function(const mg_csr_row *row, const mg_csr_row *next,
                                const mg_kernel_weights *weights, int64_t first, float *s);

// Sizes of tiles: F vectors of 16 classes and H of 8. Their index in the table of functions is 2 * F + H.
#define CSR_TILES(X) X(0, 1) X(1, 0) X(1, 1) X(2, 0) X(2, 1) X(3, 0) X(3, 1) X(4, 0)

#define CSR_FUNCTION(F, H)                                                                                   \
    static void csr_score_##F##_##H(const mg_csr_row *row, const mg_csr_row *next,                           \
                                    const mg_kernel_weights *weights, int64_t first, float *s) {             \
        csr_score_tile(F, H, row, next, weights, first, s);                                                  \
    }
CSR_TILES(CSR_FUNCTION)

#define CSR_ROW(F, H) [2 * F + H] = csr_score_##F##_##H,
static csr_score_function *const csr_score_functions[] = {CSR_TILES(CSR_ROW)};

static void csr_scores(const mg_csr_row *row, const mg_csr_row *next, const mg_kernel_weights *weights,
                       float *s) {
    for (int64_t k = 0; k < weights->classes; k += CSR_TILE)
        csr_score_functions[mg_min(weights->classes - k, CSR_TILE) / 8](row, next, weights, k, s);
}

// Finds the nonzero coefficients. Returns their number, or MG_FEW + 1 if there are more than MG_FEW.
static int few_classes(int64_t kp, const float *coef, int64_t *few) {
    int count = 0;
    for (int64_t k = 0; k < kp; k += 8)
        for (uint32_t bits = nonzero_bits(coef + k, 8); bits; bits &= bits - 1) {
            if (count == MG_FEW) return MG_FEW + 1;
            few[count++] = k + __builtin_ctz(bits);
        }
    return count;
}

// (M10) Adds the gradient of one row for the `count` classes listed in `few`.
INLINE void csr_few(int count, const int64_t *few, const mg_csr_row *row, int64_t kp, const float *coef,
                    float *g) {
    const uint32_t *indices = row->indices;
    const float *values = row->values;
    float *column[MG_FEW], c[MG_FEW]; // local copies: the compiler knows that storing to g does not change
                                      // them
    for (int j = 0; j < count; j++) column[j] = g + few[j], c[j] = coef[few[j]];
    for (int64_t e = 0, n = row->count; e < n; e++) {
        int64_t at = indices[e] * kp;
        float x = values[e];
        UNROLL
        for (int j = 0; j < count; j++) column[j][at] = __builtin_fmaf(x, c[j], column[j][at]);
    }
}

// (M10) Adds the gradient of one row for all classes.
static void csr_all(const mg_csr_row *row, int64_t kp, const float *coef, float *g) {
    const uint32_t *indices = row->indices;
    const float *values = row->values;
    for (int64_t e = 0, n = row->count; e < n; e++) {
        float *to = g + indices[e] * kp;
        v16 x = v16_set(values[e]);
        int64_t k = 0;
        for (; k + 16 <= kp; k += 16) v16_store(to + k, v16_fma(x, v16_load(coef + k), v16_load(to + k)));
        if (k < kp) v8_store(to + k, v8_fma(v8_set(values[e]), v8_load(coef + k), v8_load(to + k)));
    }
}

static void csr_accumulate(const mg_csr_row *row, int64_t kp, const float *coef, float *g) {
    int64_t few[MG_FEW];
    switch (few_classes(kp, coef, few)) {
    case 0: return;
    case 1: csr_few(1, few, row, kp, coef, g); return;
    case 2: csr_few(2, few, row, kp, coef, g); return;
    case 3: csr_few(3, few, row, kp, coef, g); return;
    case 4: csr_few(4, few, row, kp, coef, g); return;
    default: csr_all(row, kp, coef, g); return;
    }
}

// csr_few with weights in place of g. Returns the sum of x c (2 w + x c): the change of the squared norm of w
// that the step would make without rounding.
INLINE float csr_update_few(int count, const int64_t *few, const mg_csr_row *row, int64_t kp,
                            const float *coef, float *w) {
    const uint32_t *indices = row->indices;
    const float *values = row->values;
    float *column[MG_FEW], c[MG_FEW], sum[MG_FEW] = {0}, total = 0;
    for (int j = 0; j < count; j++) column[j] = w + few[j], c[j] = coef[few[j]];
    for (int64_t e = 0, n = row->count; e < n; e++) {
        int64_t at = indices[e] * kp;
        float x = values[e];
        UNROLL
        for (int j = 0; j < count; j++) {
            float before = column[j][at], change = x * c[j];
            column[j][at] = __builtin_fmaf(x, c[j], before);
            sum[j] = __builtin_fmaf(change, 2 * before + change, sum[j]);
        }
    }
    for (int j = 0; j < count; j++) total += sum[j];
    return total;
}

// csr_all with weights in place of g. Returns the same sum; a last half vector of 8 classes has a sum of its
// own.
static float csr_update_all(const mg_csr_row *row, int64_t kp, const float *coef, float *w) {
    const uint32_t *indices = row->indices;
    const float *values = row->values;
    v16 sum = v16_zero(), zero = v16_zero();
    v8 rest = v8_zero(), none = v8_zero(), twice = v8_set(2);
    for (int64_t e = 0, n = row->count; e < n; e++) {
        float *to = w + indices[e] * kp;
        v16 x = v16_set(values[e]);
        int64_t k = 0;
        for (; k + 16 <= kp; k += 16) {
            v16 before = v16_load(to + k), c = v16_load(coef + k), change = v16_fma(x, c, zero);
            v16_store(to + k, v16_fma(x, c, before));
            sum = v16_fma(change, v16_add(v16_add(before, before), change), sum);
        }
        if (k < kp) {
            v8 before = v8_load(to + k), c = v8_load(coef + k), half = v8_set(values[e]),
               change = v8_fma(half, c, none);
            v8_store(to + k, v8_fma(half, c, before));
            rest = v8_fma(change, v8_fma(twice, before, change), rest);
        }
    }
    float lane[24];
    v16_store(lane, sum);
    v8_store(lane + 16, rest);
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    for (int half = 4; half > 0; half /= 2)
        for (int l = 16; l < 16 + half; l++) lane[l] += lane[l + half];
    return lane[0] + lane[16];
}

static float csr_update(const mg_csr_row *row, int64_t kp, const float *coef, float *w) {
    int64_t few[MG_FEW];
    switch (few_classes(kp, coef, few)) {
    case 0: return 0;
    case 1: return csr_update_few(1, few, row, kp, coef, w);
    case 2: return csr_update_few(2, few, row, kp, coef, w);
    case 3: return csr_update_few(3, few, row, kp, coef, w);
    case 4: return csr_update_few(4, few, row, kp, coef, w);
    default: return csr_update_all(row, kp, coef, w);
    }
}

#endif
