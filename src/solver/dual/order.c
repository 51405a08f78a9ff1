// order.c - owns which rows an epoch visits, and in which order. Blocks of rows that are adjacent in memory
// come in random order; several blocks form a window, whose rows come in random order. So rows that are near
// each other in memory are visited soon after each other, and a file that is sorted by class does no harm.
// For sparse rows, MG_DUAL_PARTS small windows are interleaved such that each item of a round takes rows of
// one window. Then rows whose dual variables share a cache line are stepped by the same thread.
#include "solver/dual/ascent.h"

#include "base/rng.h"

#include <string.h>

enum {
    ORDER_BLOCK = 32,
    BLOCK_STREAM = 5,
    MIX_STREAM = 6,
    SPARSE_WINDOW = 2 * ORDER_BLOCK,
    DENSE_WINDOW = SPARSE_WINDOW * MG_DUAL_PARTS
};

// Includes rows that were shrunk during the present epoch: a resumed run must make the same list again.
static bool is_visited(const mg_ascent *ascent, int64_t row) {
    if (ascent->resident->all.weight && ascent->resident->all.weight[row] == 0) return false;
    return !ascent->shrinking.visit_from || ascent->shrinking.visit_from[row] <= ascent->clock->epoch ||
           ascent->shrinking.visit_from[row] == ascent->clock->epoch + MG_DUAL_SHRUNK;
}

typedef struct mix_job {
    mg_ascent *ascent;
    uint64_t key;
} mix_job;

// Writes the rows [first, first + count) of the list to `to`, in random order; count <= DENSE_WINDOW.
static void shuffle(const mix_job *job, int64_t first, int64_t count, uint32_t *to) {
    uint32_t order[DENSE_WINDOW];
    mg_rng_permutation(mg_rng_key(job->key, (uint64_t)first, 0), (uint32_t)count, order);
    for (int64_t i = 0; i < count; i++) to[i] = job->ascent->visits.list[first + order[i]];
}

static void mix_dense(void *context, int64_t item) {
    const mix_job *job = context;
    uint32_t rows[DENSE_WINDOW];
    int64_t first = item * DENSE_WINDOW, count = mg_cut_next(first, job->ascent->visits.listed, DENSE_WINDOW);
    shuffle(job, first, count, rows);
    memcpy(job->ascent->visits.list + first, rows, (size_t)count * sizeof *rows);
}

// Interleaves windows. The last windows of the list may have fewer rows, or none.
static void mix_sparse(void *context, int64_t item) {
    const mix_job *job = context;
    uint32_t rows[DENSE_WINDOW], *to = job->ascent->visits.list + item * DENSE_WINDOW;
    int64_t first = item * DENSE_WINDOW, count = mg_cut_next(first, job->ascent->visits.listed, DENSE_WINDOW);
    MG_EACH_BLOCK (from, n, 0, count, SPARSE_WINDOW) shuffle(job, first + from, n, rows + from);
    for (int64_t part = 0; part < SPARSE_WINDOW; part += MG_DUAL_ROUND_PART)
        for (int64_t from = part; from < count; from += SPARSE_WINDOW)
            for (int64_t i = from; i < from + MG_DUAL_ROUND_PART && i < count; i++) *to++ = rows[i];
}

void mg_dual_make_list(mg_ascent *ascent) {
    int64_t rows = ascent->resident->problem->rows, blocks = mg_cut_items(rows, ORDER_BLOCK);
    uint64_t seed = (uint64_t)ascent->resident->options->train->seed, epoch = (uint64_t)ascent->clock->epoch;
    // Stores the order of the blocks at the end of the list. The list is filled from its beginning, so every
    // block number is read before it is overwritten.
    uint32_t *order = ascent->visits.list + (rows - blocks);
    mg_rng_permutation(mg_rng_key(seed, BLOCK_STREAM, epoch), (uint32_t)blocks, order);
    ascent->visits.listed = 0;
    for (int64_t b = 0; b < blocks; b++) {
        int64_t block = order[b], end = mg_cut_end(rows, ORDER_BLOCK, block);
        for (int64_t row = block * ORDER_BLOCK; row < end; row++)
            if (is_visited(ascent, row)) ascent->visits.list[ascent->visits.listed++] = (uint32_t)row;
    }
    mix_job job = {.ascent = ascent, .key = mg_rng_key(seed, MIX_STREAM, epoch)};
    mg_team_for(ascent->resident->problem->team, mg_cut_items(ascent->visits.listed, DENSE_WINDOW),
                ascent->resident->sparse ? mix_sparse : mix_dense, &job);
}
