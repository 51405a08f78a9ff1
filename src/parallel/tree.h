// tree.h - adds the sums of parts in the order of a fixed binary tree (M11). Which sums are added depends
// only on the numbers of the parts, so the result does not depend on threads.
#ifndef MG_PARALLEL_TREE_H
#define MG_PARALLEL_TREE_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mg_tree_node {
    // How many of two sibling subtrees are complete. The node belongs to the first part of the second
    // subtree.
    _Alignas(64) atomic_uint arrived;
} mg_tree_node;

typedef struct mg_tree {
    int64_t parts;
    mg_tree_node *node; // [parts]
} mg_tree;

mg_status mg_tree_create(mg_tree *tree, int64_t parts, mg_error *error);
void mg_tree_destroy(mg_tree *tree);

// The first part of the right half of the tree; 0 if there is only one part.
int64_t mg_tree_half(const mg_tree *tree);

// Adds the sum at part `right` to the sum at part `left`.
typedef void mg_tree_merge(void *context, int64_t left, int64_t right);

// Call it when part p is complete. If the sibling subtree is complete too, this thread merges both and
// goes on upwards, while the sum is in its cache. The two halves of the whole tree are left to the caller.
// `joined`: the caller has already added p to its sibling, after mg_tree_takes_sibling.
void mg_tree_climb(const mg_tree *tree, int64_t p, bool joined, mg_tree_merge *merge, void *context);

// True if the sibling of part p on the lowest level is already complete. Then the caller adds part p directly
// to the sum of its sibling, and calls mg_tree_climb with `joined`.
bool mg_tree_takes_sibling(const mg_tree *tree, int64_t p);

#endif
