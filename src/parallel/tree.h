// tree.h - adds the sums of parts in the order of a fixed binary tree (M11). The numbers of the parts alone
// decide which sums are added, so the result does not depend on threads.
#ifndef MG_PARALLEL_TREE_H
#define MG_PARALLEL_TREE_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mg_tree_node {
    // How many of two sibling subtrees are complete: the second one begins with this part.
    _Alignas(64) atomic_uint arrived;
} mg_tree_node;

typedef struct mg_tree {
    int64_t parts;
    mg_tree_node *node; // [parts]
} mg_tree;

mg_status mg_tree_create(mg_tree *tree, int64_t parts, mg_error *error);
void mg_tree_destroy(mg_tree *tree);

// First part of the second half of the tree; 0 if there is one part only.
int64_t mg_tree_half(const mg_tree *tree);

// Adds the sum at part `right` to the sum at part `left`.
typedef void mg_tree_merge(void *context, int64_t left, int64_t right);

// Part p is complete. Of two sibling subtrees, the thread that completes the second merges both and continues
// upwards while the sum is in its cache. The caller adds the two halves of the tree. `joined`: p was already
// added to its first sibling, after mg_tree_takes_sibling.
void mg_tree_climb(const mg_tree *tree, int64_t p, bool joined, mg_tree_merge *merge, void *context);

// True if the first sibling of part p is complete. The caller then adds p to it and calls mg_tree_climb with
// `joined`.
bool mg_tree_takes_sibling(const mg_tree *tree, int64_t p);

#endif
