// template_scores.h - scores of a block of dense rows, written with the vector operations of the including
// file.
#ifndef MG_KERNEL_TEMPLATE_SCORES_H
#define MG_KERNEL_TEMPLATE_SCORES_H

// The rows and the classes of a block are cut into tiles whose sizes differ by at most one. Returns where the
// i-th of `tiles` tiles begins.
static inline int64_t cut(int64_t total, int64_t tiles, int64_t i) { return total * i / tiles; }

static inline int64_t tiles_of(int64_t total, int64_t most) { return (total + most - 1) / most; }

// A visit computes the scores over some of the features only, so few that its weights stay in cache: they are
// read again for every tile of rows. This is the largest number of weight vectors of a visit: 32 kB, which
// fit the first-level cache.
enum { PART = 512 };

// with at least this many features, tiles of many classes have more rows and fewer classes
enum { TALL_FEATURES = 256 };

// What a visit to the features [from, to) has in common for all tiles of a block. While a vector of features
// is computed, `step` bytes are prefetched for every row (`every`) or for the first row of the tile only.
// This spreads the prefetches of the next computation over the present one.
typedef struct visit {
    int64_t from, to, dp, lds, step;
    bool every;
} visit;

typedef struct score_input {
    const visit *visit;
    const void *const *x;
    const char *const *ahead; // [rows] where each row prefetches
    const float *w, *offset;
} score_input;

enum { REGISTER = 16 / PARTS }; // floats of one register

// Loads one register of cells, starting at cell d.
INLINE part part_from(mg_cell cell, const void *row, int64_t d) {
    switch (cell) {
    case MG_CELL_U8: return part_from_u8((const uint8_t *)row + d);
    case MG_CELL_I8: return part_from_i8((const int8_t *)row + d);
    case MG_CELL_F16: return part_from_f16((const uint16_t *)row + d);
    default: return part_load((const float *)row + d);
    }
}

INLINE v16 v16_from(mg_cell cell, const void *row, int64_t d) {
    v16 a = v16_zero();
    UNROLL
    for (int p = 0; p < PARTS; p++) v16_put(&a, p, part_from(cell, row, d + p * REGISTER));
    return a;
}

// Continues the sums of a tile in their p-th register only, so that the tile fits the registers of any
// instruction set. The first `asking` rows prefetch.
INLINE void sum_part(mg_cell cell, int rows, int classes, int p, int asking, const score_input *in,
                     v16 (*sum)[CLASSES_MOST]) {
    const visit *v = in->visit;
    const void *const *x = in->x;
    const char *const *ahead = in->ahead;
    const float *w = in->w;
    part held[ROWS_MOST][CLASSES_MOST];
    int64_t fetch = v->from / 16 * v->step;
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < classes; k++) held[i][k] = v16_part(sum[i][k], p);
    }
    for (int64_t d = v->from; d < v->to; d += 16, fetch += v->step) {
        part cells[ROWS_MOST];
        UNROLL
        for (int i = 0; i < rows; i++) {
            cells[i] = part_from(cell, x[i], d + p * REGISTER);
            if (i < asking) prefetch(ahead[i] + fetch);
        }
        const float *at = w + d + p * REGISTER;
        UNROLL
        for (int k = 0; k < classes; k++) {
            if (k > 0) at += v->dp;
            OPAQUE(at);
            part weights = part_hold(at);
            UNROLL
            for (int i = 0; i < rows; i++) held[i][k] = part_fma(cells[i], weights, held[i][k]);
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < classes; k++) v16_put(&sum[i][k], p, held[i][k]);
    }
}

// (M1) Scores of a tile of `rows` x `classes`. The function is inlined with constants for cell, rows and
// classes, so that every sum stays in a register. Between two visits `carry` keeps the sums.
INLINE void score_tile(mg_cell cell, int rows, int classes, const score_input *in, v16 *carry, float *s) {
    const visit *v = in->visit;
    v16 sum[ROWS_MOST][CLASSES_MOST];
    bool first = v->from == 0, last = v->to == v->dp;
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < classes; k++) sum[i][k] = first ? v16_zero() : carry[i * classes + k];
    }
    if (classes > MANY_CLASSES || v->every) sum_part(cell, rows, classes, 0, rows, in, sum);
    else sum_part(cell, rows, classes, 0, 1, in, sum);
    UNROLL
    for (int p = 1; p < PARTS; p++) sum_part(cell, rows, classes, p, 0, in, sum);
    UNROLL
    for (int i = 0; i < rows; i++) {
        if (last) {
            v16_fold_store(sum[i], classes, in->offset, s + i * v->lds);
            continue;
        }
        UNROLL
        for (int k = 0; k < classes; k++) carry[i * classes + k] = sum[i][k];
    }
}

typedef void score_function(const score_input *in, v16 *carry, float *s);

#define SCORE_FUNCTION(CELL, R, K)                                                                           \
    static void score_##CELL##_##R##x##K(const score_input *in, v16 *carry, float *s) {                      \
        score_tile(MG_CELL_##CELL, R, K, in, carry, s);                                                      \
    }
#define SCORE_FUNCTIONS(R, K)                                                                                \
    SCORE_FUNCTION(U8, R, K) SCORE_FUNCTION(I8, R, K) SCORE_FUNCTION(F16, R, K) SCORE_FUNCTION(F32, R, K)
SCORE_TILES(SCORE_FUNCTIONS)

#define SCORE_ROW(R, K)                                                                                      \
    [R][K] = {[MG_CELL_U8] = score_U8_##R##x##K,                                                             \
              [MG_CELL_I8] = score_I8_##R##x##K,                                                             \
              [MG_CELL_F16] = score_F16_##R##x##K,                                                           \
              [MG_CELL_F32] = score_F32_##R##x##K},
static score_function *const score_functions[ROWS_MOST + 1][CLASSES_MOST + 1][MG_CELL_F32 + 1] = {
    SCORE_TILES(SCORE_ROW)};

// The largest number of rows of a tile with that many classes for which there is a function.
static int64_t score_rows(int64_t classes) {
    int64_t rows = ROWS_MOST;
    while (!score_functions[rows][classes][MG_CELL_F32]) rows--;
    return rows;
}

INLINE void widen_cells(mg_cell cell, int64_t n, const void *from, float *to) {
    for (int64_t j = 0; j < n; j += REGISTER) part_store(to + j, part_from(cell, from, j));
}

static void widen(mg_cell cell, int64_t n, const void *from, float *to) {
    switch (cell) {
    case MG_CELL_U8: widen_cells(MG_CELL_U8, n, from, to); return;
    case MG_CELL_I8: widen_cells(MG_CELL_I8, n, from, to); return;
    case MG_CELL_F16: widen_cells(MG_CELL_F16, n, from, to); return;
    default: widen_cells(MG_CELL_F32, n, from, to);
    }
}

// The block of at most MG_BLOCK_ROWS rows that is scored, and its present tile of classes.
typedef struct scoring {
    const mg_dense_block *block;
    int64_t class_tiles, class_tile; // number of class tiles; the present one
    bool every;                      // all rows prefetch, not only the first row of a tile
    int64_t row_tiles;
    uint8_t first[MG_BLOCK_ROWS + 1]; // row at which each tile of rows begins
    mg_cell cell;                     // of the rows in x
    const void *x[MG_BLOCK_ROWS];
    const char *ahead[MG_BLOCK_ROWS];
} scoring;

// Cuts the rows into tiles as high as tiles of `classes` classes can be. Keeps the cuts if the number of
// tiles does not change: dividing again for every tile of classes would take a fiftieth of the time.
static void cut_rows(scoring *now, int64_t classes) {
    int64_t rows = now->block->rows, tiles = tiles_of(rows, score_rows(classes));
    for (int64_t r = 0; r <= tiles && now->row_tiles != tiles; r++)
        now->first[r] = (uint8_t)cut(rows, tiles, r);
    now->row_tiles = tiles;
}

// Scores all rows of a block for the present tile of classes, over the features of one visit.
static void score_visit(const scoring *now, const visit *v, const mg_kernel_weights *tile, v16 *carry,
                        float *s) {
    const mg_dense_block *block = now->block;
    bool widen_now = block->wide && now->class_tile == 0; // a tile's rows are widened just before they are
                                                          // scored, so they are in the first-level cache
    for (int64_t r = 0; r < now->row_tiles; r++) {
        int64_t i = now->first[r], tall = now->first[r + 1] - i;
        for (int64_t j = i; widen_now && j < i + tall; j++)
            widen(block->cell, v->to - v->from,
                  (const char *)block->raw[j] + (size_t)v->from * mg_cell_size(block->cell),
                  block->wide + j * block->wide_line + v->from);
        score_input in = {v, now->x + i, now->ahead + i, tile->w, tile->offset};
        score_functions[tall][tile->classes][now->cell](&in, carry + i * tile->classes, s + i * v->lds);
    }
}

// Chooses what each row prefetches while the present tile of classes is scored. Normally this is an equal
// share of the next block's rows. If the weights do not fit the second-level cache, every second row
// prefetches a share of the next tile's weights instead. If there is nothing to prefetch, the row prefetches
// itself, which costs little because it is in cache. Returns the bytes to prefetch per vector of features.
static int64_t choose_ahead(scoring *now, int64_t classes, const float *next, int64_t next_classes) {
    enum { KEPT = 1 << 18 }; // weights that fit the second-level cache
    const mg_dense_block *block = now->block;
    int64_t rows = block->rows, vectors = block->dp / 16, tiles = now->class_tiles,
            tall = now->every ? 1 : score_rows(classes);
    int64_t asking = now->every ? rows : now->row_tiles, turn = now->class_tile % tall,
            share = now->class_tile / tall;
    bool weights = next_classes && block->dp * next_classes * tiles > KEPT;
    int64_t weight_step = weights ? tiles_of(next_classes * 64 * 2, asking) : 0;
    int64_t row_bytes = block->dp * (int64_t)mg_cell_size(block->cell);
    int64_t row_step = tiles_of(row_bytes * tall, vectors * tiles), step = mg_max(row_step, weight_step);
    for (int64_t r = 0; r < asking; r++) {
        int64_t i = now->every ? r : now->first[r];
        now->ahead[i] = (const char *)now->x[i];
        if (weights && r % 2) now->ahead[i] = (const char *)next + r / 2 * step * vectors;
        else if (i + turn < block->more)
            now->ahead[i] = (const char *)block->raw[rows + i + turn] + share * row_step * vectors;
    }
    return step;
}

static void score_some(const mg_dense_block *block, const mg_kernel_weights *weights, float *s, int64_t lds) {
    v16 carry[MG_BLOCK_ROWS * CLASSES_MOST];
    // Tall tiles (many rows, few classes) read each row more often, because there are more tiles of classes.
    // On short rows this costs more than it saves.
    int64_t dp = block->dp, classes = weights->classes,
            most = classes <= CLASSES_MOST || dp < TALL_FEATURES ? CLASSES_MOST : MANY_CLASSES;
    scoring now = {.block = block,
                   .class_tiles = tiles_of(classes, most),
                   .cell = block->wide ? MG_CELL_F32 : block->cell};
    now.every = most > MANY_CLASSES ||
                now.class_tiles < ROWS_MOST; // with few class tiles, prefetching for one row per tile would
                                             // not reach all rows of the next block
    for (int64_t i = 0; i < block->rows; i++)
        now.x[i] = block->wide ? block->wide + i * block->wide_line : block->raw[i];
    for (int64_t c = 0; c < now.class_tiles; c++) {
        int64_t k = cut(classes, now.class_tiles, c), then = cut(classes, now.class_tiles, c + 1);
        int64_t next = c + 1 < now.class_tiles ? cut(classes, now.class_tiles, c + 2) - then : 0;
        int64_t visits = tiles_of(dp / 16 * (then - k), PART);
        now.class_tile = c;
        cut_rows(&now, then - k);
        int64_t step = choose_ahead(&now, then - k, weights->w + then * dp, next);
        mg_kernel_weights tile = {then - k, weights->w + k * dp, weights->offset + k};
        for (int64_t p = 0; p < visits; p++) {
            visit v = {
                16 * cut(dp / 16, visits, p), 16 * cut(dp / 16, visits, p + 1), dp, lds, step, now.every};
            score_visit(&now, &v, &tile, carry, s + k);
        }
    }
}

static void dense_block_scores(const mg_dense_block *block, const mg_kernel_weights *weights, float *s,
                               int64_t lds) {
    if (block->rows > 0) score_some(block, weights, s, lds);
}

static void dense_scores(const mg_dense_rows *rows, const mg_kernel_weights *weights, float *s, int64_t lds) {
    for (int64_t i = 0; i < rows->count; i += MG_BLOCK_ROWS) {
        int64_t left = rows->count - i;
        mg_dense_block block = {
            .cell = MG_CELL_F32, .rows = mg_min(left, MG_BLOCK_ROWS), .dp = rows->dp, .raw = rows->x + i};
        block.more = mg_min(left - block.rows, block.rows);
        score_some(&block, weights, s + i * lds, lds);
    }
}

#endif
