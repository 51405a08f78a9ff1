// tree.c - owns the rule which thread adds two sibling subtrees: the one that completes the second of them.
#include "parallel/tree.h"

#include "base/memory.h"

mg_status mg_tree_create(mg_tree *tree, int64_t parts, mg_error *error) {
    *tree = (mg_tree){.parts = parts};
    return mg_memory_zeroed(&tree->node, (size_t)parts, sizeof *tree->node, error);
}

void mg_tree_destroy(mg_tree *tree) {
    mg_memory_free(tree->node);
    *tree = (mg_tree){0};
}

int64_t mg_tree_half(const mg_tree *tree) {
    int64_t half = 1;
    while (2 * half < tree->parts) half *= 2;
    return tree->parts > 1 ? half : 0;
}

void mg_tree_climb(const mg_tree *tree, int64_t p, bool joined, mg_tree_merge *merge, void *context) {
    int64_t half = mg_tree_half(tree);
    for (int64_t step = joined ? 2 : 1; step < half; step *= 2) {
        int64_t left = p & ~(2 * step - 1), right = left + step;
        if (right >= tree->parts) continue; // no sibling on this level
        atomic_uint *arrived = &tree->node[right].arrived;
        if (atomic_fetch_add_explicit(arrived, 1, memory_order_acq_rel) == 0) return;
        atomic_store_explicit(arrived, 0, memory_order_relaxed); // for the next minibatch
        merge(context, left, right);
        p = left;
    }
}

bool mg_tree_takes_sibling(const mg_tree *tree, int64_t p) {
    int64_t right = p | 1;
    if (right >= tree->parts || mg_tree_half(tree) < 2) return false;
    atomic_uint *arrived = &tree->node[right].arrived;
    if (atomic_load_explicit(arrived, memory_order_acquire) == 0) return false;
    atomic_store_explicit(arrived, 0, memory_order_relaxed); // for the next minibatch
    return true;
}
