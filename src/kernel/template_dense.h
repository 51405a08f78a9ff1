// template_dense.h - scores and gradient of blocks of dense rows, over the lane operations of the including
// file.
#ifndef MG_KERNEL_TEMPLATE_DENSE_H
#define MG_KERNEL_TEMPLATE_DENSE_H

// Rows and classes of a block are cut into tiles whose sizes differ by at most one: where the i-th of `tiles`
// begins.
static inline int64_t cut(int64_t total, int64_t tiles, int64_t i) {
    return total * i / tiles;
}

static inline int64_t tiles_of(int64_t total, int64_t most) {
    return (total + most - 1) / most;
}

// ---- Scores
// ----------------------------------------------------------------------------------------------------------

enum { AHEAD = 4 }; // rows between the one in work and the one asked for from memory

enum {
    PART = 64
}; // most vectors of features per visit, so that the weights of a class tile stay in the first-level cache

// The features of one visit, and what is the same for every tile of a block.
typedef struct visit {
    int64_t from, to, dp, lds;
} visit;

// Sums of one part of the lanes: a register each, so that a tile of them fits in the registers of any
// instruction set.
INLINE void sum_part(int rows, int classes, int p, const visit *v, const float *const *x,
                     const float *const *ahead, const float *w, v16 (*sum)[CLASSES_MOST]) {
    part held[ROWS_MOST][CLASSES_MOST];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < classes; k++)
            held[i][k] = v16_part(sum[i][k], p);
    }
    for (int64_t d = v->from; d < v->to; d += 16) {
        part cells[ROWS_MOST];
        UNROLL
        for (int i = 0; i < rows; i++) {
            cells[i] = part_load(x[i] + d + p * (16 / PARTS));
            if (p == 0) prefetch(ahead[i] + d);
        }
        const float *at = w + d + p * (16 / PARTS);
        UNROLL
        for (int k = 0; k < classes; k++) {
            if (k > 0) at += v->dp;
            OPAQUE(at);
            part weights = part_hold(at);
            UNROLL
            for (int i = 0; i < rows; i++)
                held[i][k] = part_fma(cells[i], weights, held[i][k]);
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < classes; k++)
            v16_put(&sum[i][k], p, held[i][k]);
    }
}

// (M1) for `rows` x `classes`, both constants once inlined, so that every sum stays in a register. `ahead`:
// what to ask for from memory beside each row. Between visits the sums wait in `carry`.
INLINE void score_tile(int rows, int classes, const visit *v, const float *const *x,
                       const float *const *ahead, const float *w, const float *offset, v16 *carry, float *s) {
    v16 sum[ROWS_MOST][CLASSES_MOST];
    bool first = v->from == 0, last = v->to == v->dp;
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < classes; k++)
            sum[i][k] = first ? v16_zero() : carry[i * classes + k];
    }
    UNROLL
    for (int p = 0; p < PARTS; p++)
        sum_part(rows, classes, p, v, x, ahead, w, sum);
    UNROLL
    for (int i = 0; i < rows; i++) {
        if (last) {
            v16_fold_store(sum[i], classes, offset, s + i * v->lds);
            continue;
        }
        UNROLL
        for (int k = 0; k < classes; k++)
            carry[i * classes + k] = sum[i][k];
    }
}

typedef void score_function(const visit *v, const float *const *x, const float *const *ahead, const float *w,
                            const float *offset, v16 *carry, float *s);

#define SCORE_FUNCTION(R, K)                                                                                 \
    static void score_##R##x##K(const visit *v, const float *const *x, const float *const *ahead,            \
                                const float *w, const float *offset, v16 *carry, float *s) {                 \
        score_tile(R, K, v, x, ahead, w, offset, carry, s);                                                  \
    }
SCORE_TILES(SCORE_FUNCTION)

#define SCORE_ROW(R, K) [R][K] = score_##R##x##K,
static score_function *const score_functions[ROWS_MOST + 1][CLASSES_MOST + 1] = {SCORE_TILES(SCORE_ROW)};

// Most rows of a tile of `classes`: as many as the table of functions has.
static int64_t score_rows(int64_t classes) {
    int64_t rows = ROWS_MOST;
    while (!score_functions[rows][classes])
        rows--;
    return rows;
}

// One visit to all rows of a block, for one class tile.
static void score_visit(const visit *v, int64_t rows, const float *const *x, const float *const *ahead,
                        int64_t classes, const float *w, const float *offset, v16 *carry, float *s) {
    int64_t tiles = tiles_of(rows, score_rows(classes));
    for (int64_t r = 0; r < tiles; r++) {
        int64_t i = cut(rows, tiles, r), tall = cut(rows, tiles, r + 1) - i;
        score_functions[tall][classes](v, x + i, ahead + i, w, offset, carry + i * classes, s + i * v->lds);
    }
}

// What to ask for beside each row: in the first class tile the rows to come, in the others the weights of the
// next tile. Where there is nothing to ask for, the row itself, which is near: that is cheap.
static void choose_ahead(int64_t rows, const float *const *x, bool first, int64_t next, const float *w,
                         int64_t dp, const float **ahead) {
    for (int64_t i = 0; i < rows; i++) {
        ahead[i] = first && i + AHEAD < rows ? x[i + AHEAD] : x[i];
        if (!first && i < next) ahead[i] = w + i * dp;
    }
}

static void score_block(int64_t rows, int64_t dp, const float *const *x, int64_t classes, const float *w,
                        const float *offset, float *s, int64_t lds) {
    v16 carry[MG_BLOCK_ROWS * CLASSES_MOST];
    const float *ahead[MG_BLOCK_ROWS];
    int64_t tiles = tiles_of(classes, CLASSES_MOST), visits = tiles_of(dp / 16, PART);
    for (int64_t c = 0; c < tiles; c++) {
        int64_t k = cut(classes, tiles, c), then = cut(classes, tiles, c + 1);
        int64_t next = c + 1 < tiles ? cut(classes, tiles, c + 2) - then : 0;
        choose_ahead(rows, x, c == 0, next, w + then * dp, dp, ahead);
        for (int64_t p = 0; p < visits; p++) {
            visit v = {16 * cut(dp / 16, visits, p), 16 * cut(dp / 16, visits, p + 1), dp, lds};
            score_visit(&v, rows, x, ahead, then - k, w + k * dp, offset + k, carry, s + k);
        }
    }
}

static void dense_scores(int64_t rows, int64_t dp, const float *const *x, int64_t classes, const float *w,
                         const float *offset, float *s, int64_t lds) {
    for (int64_t i = 0; i < rows; i += MG_BLOCK_ROWS)
        score_block(rows - i < MG_BLOCK_ROWS ? rows - i : MG_BLOCK_ROWS, dp, x + i, classes, w, offset,
                    s + i * lds, lds);
}

// ---- Gradient
// --------------------------------------------------------------------------------------------------------

// A nonzero coefficient and the row it multiplies.
typedef struct entry {
    const float *x;
    float coef;
} entry;

enum { CHUNK = 16 }; // classes whose nonzero coefficients are listed at a time

// What one block adds to the gradient of up to CHUNK classes.
typedef struct chunk {
    int64_t rows, classes;
    const float *const *x;
    const float *coef; // [rows][ldc], the chunk's first class at 0
    int64_t ldc;
    uint32_t bits[MG_BLOCK_ROWS]; // nonzero coefficients of a row
    int64_t count[CHUNK];         // nonzero coefficients of a class, listed rows ascending
    entry entries[CHUNK][MG_BLOCK_ROWS];
} chunk;

static void chunk_find(chunk *c) {
    for (int64_t i = 0; i < c->rows; i++)
        c->bits[i] = nonzero_bits(c->coef + i * c->ldc, (int)c->classes);
}

static void chunk_list(chunk *c) {
    for (int64_t k = 0; k < c->classes; k++)
        c->count[k] = 0;
    for (int64_t i = 0; i < c->rows; i++) {
        const float *coef = c->coef + i * c->ldc;
        for (uint32_t bits = c->bits[i]; bits; bits &= bits - 1) {
            int k = __builtin_ctz(bits);
            c->entries[k][c->count[k]++] = (entry){c->x[i], coef[k]};
        }
    }
}

// (M10) for one class and `wide` vectors of features: g is read and written once for all rows.
INLINE void class_tile(int wide, int64_t n, const entry *entries, int64_t d, float *g) {
    v16 sum[VECTORS_MOST];
    UNROLL
    for (int j = 0; j < wide; j++)
        sum[j] = v16_load(g + 16 * j);
    for (int64_t e = 0; e < n; e++) {
        const float *x = entries[e].x + d;
        v16 c = v16_set(entries[e].coef);
        UNROLL
        for (int j = 0; j < wide; j++)
            sum[j] = v16_fma(c, v16_load(x + 16 * j), sum[j]);
    }
    UNROLL
    for (int j = 0; j < wide; j++)
        v16_store(g + 16 * j, sum[j]);
}

// (M10) for `classes` classes from the k-th of the chunk: they share the loads of x in the rows where none of
// them is zero.
INLINE void shared_tile(int classes, int wide, const chunk *c, int64_t k, int64_t d, int64_t dp, float *g) {
    v16 sum[SHARED_CLASSES_MOST][SHARED_VECTORS_MOST];
    uint32_t all = (1u << classes) - 1;
    UNROLL
    for (int m = 0; m < classes; m++) {
        UNROLL
        for (int j = 0; j < wide; j++)
            sum[m][j] = v16_load(g + m * dp + 16 * j);
    }
    for (int64_t i = 0; i < c->rows; i++) {
        const float *x = c->x[i] + d, *coef = c->coef + i * c->ldc + k;
        uint32_t bits = c->bits[i] >> k & all;
        v16 cells[SHARED_VECTORS_MOST];
        UNROLL
        for (int j = 0; j < wide; j++)
            cells[j] = v16_load(x + 16 * j);
        UNROLL
        for (int m = 0; m < classes; m++) {
            if (bits != all && !(bits >> m & 1)) continue;
            v16 one = v16_set(coef[m]);
            UNROLL
            for (int j = 0; j < wide; j++)
                sum[m][j] = v16_fma(one, cells[j], sum[m][j]);
        }
    }
    UNROLL
    for (int m = 0; m < classes; m++) {
        UNROLL
        for (int j = 0; j < wide; j++)
            v16_store(g + m * dp + 16 * j, sum[m][j]);
    }
}

typedef void class_function(int64_t n, const entry *entries, int64_t d, float *g);
typedef void shared_function(const chunk *c, int64_t k, int64_t d, int64_t dp, float *g);

#define CLASS_FUNCTION(V)                                                                                    \
    static void class_##V(int64_t n, const entry *entries, int64_t d, float *g) {                            \
        class_tile(V, n, entries, d, g);                                                                     \
    }
CLASS_TILES(CLASS_FUNCTION)

#define SHARED_FUNCTION(K, V)                                                                                \
    static void shared_##K##x##V(const chunk *c, int64_t k, int64_t d, int64_t dp, float *g) {               \
        shared_tile(K, V, c, k, d, dp, g);                                                                   \
    }
SHARED_TILES(SHARED_FUNCTION)

#define CLASS_ROW(V) [V] = class_##V,
static class_function *const class_functions[VECTORS_MOST + 1] = {CLASS_TILES(CLASS_ROW)};

#define SHARED_ROW(K, V) [K][V] = shared_##K##x##V,
static shared_function *const shared_functions[SHARED_CLASSES_MOST + 1][SHARED_VECTORS_MOST + 1] = {
    SHARED_TILES(SHARED_ROW)};

static void chunk_add_listed(chunk *c, int64_t dp, float *g) {
    chunk_list(c);
    int64_t tiles = tiles_of(dp / 16, VECTORS_MOST);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t d = cut(dp / 16, tiles, t), wide = cut(dp / 16, tiles, t + 1) - d;
        for (int64_t k = 0; k < c->classes; k++)
            if (c->count[k]) class_functions[wide](c->count[k], c->entries[k], 16 * d, g + k * dp + 16 * d);
    }
}

static void chunk_add_shared(const chunk *c, int64_t dp, float *g) {
    int64_t tiles = tiles_of(dp / 16, SHARED_VECTORS_MOST),
            groups = tiles_of(c->classes, SHARED_CLASSES_MOST);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t d = cut(dp / 16, tiles, t), wide = cut(dp / 16, tiles, t + 1) - d;
        for (int64_t m = 0; m < groups; m++) {
            int64_t k = cut(c->classes, groups, m), share = cut(c->classes, groups, m + 1) - k;
            shared_functions[share][wide](c, k, 16 * d, dp, g + k * dp + 16 * d);
        }
    }
}

// Are nearly all coefficients nonzero, so that classes can share what they read?
static bool chunk_is_full(const chunk *c) {
    int64_t full = 0;
    for (int64_t i = 0; i < c->rows; i++)
        full += c->bits[i] == (1u << c->classes) - 1;
    return 4 * full >= 3 * c->rows;
}

static void dense_accumulate(int64_t rows, int64_t dp, const float *const *x, int64_t classes,
                             const float *coef, int64_t ldc, float *g) {
    chunk c = {.rows = rows, .x = x, .ldc = ldc};
    for (int64_t k = 0; k < classes; k += CHUNK) {
        c.classes = classes - k < CHUNK ? classes - k : CHUNK;
        c.coef = coef + k;
        chunk_find(&c);
        if (chunk_is_full(&c))
            chunk_add_shared(&c, dp, g + k * dp);
        else
            chunk_add_listed(&c, dp, g + k * dp);
    }
}

#endif
