// dual_order.c - owns which rows an epoch visits and in which order: blocks of rows that lie together, in random order, several blocks
// mixed at a time. Rows near each other in memory are then visited near each other in time, and a file sorted by class does no harm.
// What is mixed is a window of strands, and every part of a sparse round takes its rows from its own strand: neighbours, which share
// cache lines of dual variables, are stepped by one thread.
#include "solver/dual.h"

#include "base/rng.h"

enum { ORDER_BLOCK = 32, BLOCK_STREAM = 5, MIX_STREAM = 6, STRAND = 2 * ORDER_BLOCK, MIXED = STRAND * MG_DUAL_PARTS };

// A row that fell asleep during this very epoch was awake at its beginning: a resumed run must find it in the list.
static bool is_visited(const mg_dual_state *dual, int64_t row) {
    if (dual->all.weight && dual->all.weight[row] == 0) return false;
    return !dual->wake || dual->wake[row] <= dual->clock.epoch || dual->wake[row] == dual->clock.epoch + MG_DUAL_SLEEP;
}

typedef struct mix_job {
    mg_dual_state *dual;
    uint64_t key;
} mix_job;

// A window that is not full has strands of fewer rows, the last ones of none.
static void mix(void *context, int64_t item) {
    const mix_job *job = context;
    uint32_t order[STRAND], rows[MIXED], *list = job->dual->list + item * MIXED, count = 0;
    int64_t left = job->dual->listed - item * MIXED;
    for (int64_t strand = 0; strand < MG_DUAL_PARTS; strand++) {
        int64_t from = strand * STRAND, length = left - from < STRAND ? left - from : STRAND;
        if (length <= 0) break;
        mg_rng_permutation(mg_rng_key(job->key, (uint64_t)(item * MIXED + from), 0), (uint32_t)length, order);
        for (int64_t i = 0; i < length; i++) rows[from + i] = list[from + order[i]];
    }
    uint32_t mixed[MIXED];
    for (int64_t round = 0; round < STRAND; round += MG_DUAL_ROUND_PART)
        for (int64_t strand = 0; strand < MG_DUAL_PARTS; strand++)
            for (int64_t i = strand * STRAND + round; i < strand * STRAND + round + MG_DUAL_ROUND_PART && i < left; i++) mixed[count++] = rows[i];
    for (uint32_t i = 0; i < count; i++) list[i] = mixed[i];
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
    mix_job job = {.dual = dual, .key = mg_rng_key(seed, MIX_STREAM, epoch)};
    mg_team_for(dual->problem->team, (dual->listed + MIXED - 1) / MIXED, mix, &job);
}
