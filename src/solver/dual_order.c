// dual_order.c - owns which rows an epoch visits and in which order: blocks of rows that lie together, in random order, several blocks
// mixed at a time. Rows near each other in memory are then visited near each other in time, and a file sorted by class does no harm.
#include "solver/dual.h"

#include "base/rng.h"

enum { ORDER_BLOCK = 32, MIXED_BLOCKS = 16, BLOCK_STREAM = 5, MIX_STREAM = 6, MIXED = ORDER_BLOCK * MIXED_BLOCKS };

// A row that fell asleep during this very epoch was awake at its beginning: a resumed run must find it in the list.
static bool is_visited(const mg_dual_state *dual, int64_t row) {
    if (dual->all.weight && dual->all.weight[row] == 0) return false;
    return !dual->wake || dual->wake[row] <= dual->clock.epoch || dual->wake[row] == dual->clock.epoch + MG_DUAL_SLEEP;
}

static void mix(mg_dual_state *dual, uint64_t key, int64_t first) {
    uint32_t order[MIXED], rows[MIXED];
    uint32_t count = (uint32_t)(dual->listed - first < MIXED ? dual->listed - first : MIXED);
    mg_rng_permutation(mg_rng_key(key, (uint64_t)first, 0), count, order);
    for (uint32_t i = 0; i < count; i++) rows[i] = dual->list[first + order[i]];
    for (uint32_t i = 0; i < count; i++) dual->list[first + i] = rows[i];
}

void mg_dual_make_list(mg_dual_state *dual) {
    int64_t rows = dual->problem->rows, blocks = (rows + ORDER_BLOCK - 1) / ORDER_BLOCK;
    uint64_t seed = (uint64_t)dual->options->train->seed, epoch = (uint64_t)dual->clock.epoch;
    // The order of blocks stands at the end of the list, which fills from its beginning: a block's place is read before it is needed.
    uint32_t *order = dual->list + (rows - blocks);
    mg_rng_permutation(mg_rng_key(seed, BLOCK_STREAM, epoch), (uint32_t)blocks, order);
    dual->listed = 0;
    for (int64_t b = 0; b < blocks; b++) {
        int64_t first = (int64_t)order[b] * ORDER_BLOCK, end = first + ORDER_BLOCK < rows ? first + ORDER_BLOCK : rows;
        for (int64_t row = first; row < end; row++)
            if (is_visited(dual, row)) dual->list[dual->listed++] = (uint32_t)row;
    }
    for (int64_t first = 0; first < dual->listed; first += MIXED) mix(dual, mg_rng_key(seed, MIX_STREAM, epoch), first);
}
