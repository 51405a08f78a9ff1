// template_gradient.h - the gradient of a block of dense rows, written with the vector operations of the
// including file.
#ifndef MG_KERNEL_TEMPLATE_GRADIENT_H
#define MG_KERNEL_TEMPLATE_GRADIENT_H

// A nonzero coefficient and its row.
typedef struct entry {
    const void *x;
    float coef;
} entry;

enum { GROUP = 16 }; // classes that are treated together: the nonzero coefficients of each are listed first

// The rows of a block with their coefficients for up to GROUP classes.
typedef struct group {
    int64_t rows, classes, dp;
    mg_cell cell;
    mg_sum sum;
    const void *const *x;
    const float *coef; // [rows][ldc], starting at the group's first class
    int64_t ldc;
    uint32_t bits[MG_BLOCK_ROWS]; // bit k of row i: coefficient k of the group is not 0
    int64_t count[GROUP];         // [k]: how many rows have a nonzero coefficient k; they are listed in
                                  // ascending order
    entry entries[GROUP][MG_BLOCK_ROWS];
} group;

static void group_find(group *c) {
    for (int64_t i = 0; i < c->rows; i++) c->bits[i] = nonzero_bits(c->coef + i * c->ldc, (int)c->classes);
}

static void group_list(group *c) {
    for (int64_t k = 0; k < c->classes; k++) c->count[k] = 0;
    for (int64_t i = 0; i < c->rows; i++) {
        const float *coef = c->coef + i * c->ldc;
        for (uint32_t bits = c->bits[i]; bits; bits &= bits - 1) {
            int k = __builtin_ctz(bits);
            c->entries[k][c->count[k]++] = (entry){c->x[i], coef[k]};
        }
    }
}

INLINE void sums_begin(mg_sum how, int wide, const float *g, v16 *sum) {
    UNROLL
    for (int j = 0; j < wide; j++) sum[j] = how == MG_SUM_ON ? v16_load(g + 16 * j) : v16_zero();
}

INLINE void sums_end(mg_sum how, int wide, const v16 *sum, float *g) {
    UNROLL
    for (int j = 0; j < wide; j++)
        v16_store(g + 16 * j, how == MG_SUM_APART ? v16_add(v16_load(g + 16 * j), sum[j]) : sum[j]);
}

// (M10) Gradient of one class and `wide` vectors of features. g is read and written only once for all rows.
INLINE void class_tile(mg_cell cell, int wide, mg_sum how, int64_t n, const entry *entries, int64_t d,
                       float *g) {
    v16 sum[VECTORS_MOST];
    sums_begin(how, wide, g, sum);
    for (int64_t e = 0; e < n; e++) {
        const void *x = entries[e].x;
        v16 c = v16_set(entries[e].coef);
        UNROLL
        for (int j = 0; j < wide; j++) sum[j] = v16_fma(c, v16_from(cell, x, d + 16 * j), sum[j]);
    }
    sums_end(how, wide, sum, g);
}

// (M10) Gradient of `classes` classes of the group, beginning with the k-th. For a row whose coefficients are
// nonzero in all of these classes, x is loaded only once.
INLINE void shared_tile(mg_cell cell, int classes, int wide, const group *c, int64_t k, int64_t d, float *g) {
    v16 sum[SHARED_CLASSES_MOST][SHARED_VECTORS_MOST];
    uint32_t all = (1u << classes) - 1;
    UNROLL
    for (int m = 0; m < classes; m++) sums_begin(c->sum, wide, g + m * c->dp, sum[m]);
    for (int64_t i = 0; i < c->rows; i++) {
        const float *coef = c->coef + i * c->ldc + k;
        uint32_t bits = c->bits[i] >> k & all;
        v16 cells[SHARED_VECTORS_MOST];
        UNROLL
        for (int j = 0; j < wide; j++) cells[j] = v16_from(cell, c->x[i], d + 16 * j);
        UNROLL
        for (int m = 0; m < classes; m++) {
            if (bits != all && !(bits >> m & 1)) continue;
            v16 one = v16_set(coef[m]);
            UNROLL
            for (int j = 0; j < wide; j++) sum[m][j] = v16_fma(one, cells[j], sum[m][j]);
        }
    }
    UNROLL
    for (int m = 0; m < classes; m++) sums_end(c->sum, wide, sum[m], g + m * c->dp);
}

typedef void class_function(mg_sum how, int64_t n, const entry *entries, int64_t d, float *g);
typedef void shared_function(const group *c, int64_t k, int64_t d, float *g);

#define CLASS_FUNCTION(CELL, V)                                                                              \
    static void class_##CELL##_##V(mg_sum how, int64_t n, const entry *entries, int64_t d, float *g) {       \
        class_tile(MG_CELL_##CELL, V, how, n, entries, d, g);                                                \
    }
#define CLASS_FUNCTIONS(V)                                                                                   \
    CLASS_FUNCTION(U8, V) CLASS_FUNCTION(I8, V) CLASS_FUNCTION(F16, V) CLASS_FUNCTION(F32, V)
CLASS_TILES(CLASS_FUNCTIONS)

#define SHARED_FUNCTION(CELL, K, V)                                                                          \
    static void shared_##CELL##_##K##x##V(const group *c, int64_t k, int64_t d, float *g) {                  \
        shared_tile(MG_CELL_##CELL, K, V, c, k, d, g);                                                       \
    }
#define SHARED_FUNCTIONS(K, V)                                                                               \
    SHARED_FUNCTION(U8, K, V) SHARED_FUNCTION(I8, K, V) SHARED_FUNCTION(F16, K, V) SHARED_FUNCTION(F32, K, V)
SHARED_TILES(SHARED_FUNCTIONS)

#define CLASS_ROW(V)                                                                                         \
    [V] = {[MG_CELL_U8] = class_U8_##V,                                                                      \
           [MG_CELL_I8] = class_I8_##V,                                                                      \
           [MG_CELL_F16] = class_F16_##V,                                                                    \
           [MG_CELL_F32] = class_F32_##V},
static class_function *const class_functions[VECTORS_MOST + 1][MG_CELL_F32 + 1] = {CLASS_TILES(CLASS_ROW)};

#define SHARED_ROW(K, V)                                                                                     \
    [K][V] = {[MG_CELL_U8] = shared_U8_##K##x##V,                                                            \
              [MG_CELL_I8] = shared_I8_##K##x##V,                                                            \
              [MG_CELL_F16] = shared_F16_##K##x##V,                                                          \
              [MG_CELL_F32] = shared_F32_##K##x##V},
static shared_function *const shared_functions[SHARED_CLASSES_MOST + 1][SHARED_VECTORS_MOST + 1]
                                              [MG_CELL_F32 + 1] = {SHARED_TILES(SHARED_ROW)};

static void group_add_listed(group *c, float *g) {
    group_list(c);
    int64_t dp = c->dp, tiles = tiles_of(dp / 16, VECTORS_MOST);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t d = cut(dp / 16, tiles, t), wide = cut(dp / 16, tiles, t + 1) - d;
        for (int64_t k = 0; k < c->classes; k++)
            if (c->count[k] > 0 || c->sum != MG_SUM_ON)
                class_functions[wide][c->cell](c->sum, c->count[k], c->entries[k], 16 * d,
                                               g + k * dp + 16 * d);
    }
}

static void group_add_shared(const group *c, float *g) {
    int64_t dp = c->dp, tiles = tiles_of(dp / 16, SHARED_VECTORS_MOST),
            groups = tiles_of(c->classes, SHARED_CLASSES_MOST);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t d = cut(dp / 16, tiles, t), wide = cut(dp / 16, tiles, t + 1) - d;
        for (int64_t m = 0; m < groups; m++) {
            int64_t k = cut(c->classes, groups, m), share = cut(c->classes, groups, m + 1) - k;
            shared_functions[share][wide][c->cell](c, k, 16 * d, g + k * dp + 16 * d);
        }
    }
}

// True if most rows have no zero coefficient in this group. Then classes share their loads of x.
static bool group_is_full(const group *c) {
    int64_t full = 0;
    for (int64_t i = 0; i < c->rows; i++) full += c->bits[i] == (1u << c->classes) - 1;
    return 4 * full >= 3 * c->rows;
}

static void dense_accumulate(const mg_dense_rows *rows, mg_sum sum, int64_t classes, const float *coef,
                             int64_t ldc, float *g) {
    group c; // not cleared first: its lists are long, and only the filled parts are read
    c.cell = rows->cell, c.sum = sum, c.rows = rows->count, c.dp = rows->dp, c.x = rows->x, c.ldc = ldc;
    for (int64_t k = 0; k < classes; k += GROUP) {
        c.classes = mg_min(classes - k, GROUP);
        c.coef = coef + k;
        group_find(&c);
        if (group_is_full(&c)) group_add_shared(&c, g + k * c.dp);
        else group_add_listed(&c, g + k * c.dp);
    }
}

#endif
