// tree.h - sums of parts up a fixed tree (M11): which parts meet depends on their numbers alone, so that the
// sum never depends on threads.
#ifndef MG_PARALLEL_TREE_H
#define MG_PARALLEL_TREE_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mg_tree_node {
    _Alignas(64) atomic_uint arrived; // of the two halves that meet where this part begins the second one
} mg_tree_node;

typedef struct mg_tree {
    int64_t parts;
    mg_tree_node *node; // [parts]
} mg_tree;

mg_status mg_tree_create(mg_tree *tree, int64_t parts, mg_error *error);
void mg_tree_destroy(mg_tree *tree);

// The part with which the second half of the root begins; 0: there is only one part.
int64_t mg_tree_half(const mg_tree *tree);

// Adds the sum that stands at part `right` to the one at part `left`.
typedef void mg_tree_merge(void *context, int64_t left, int64_t right);

// Part p is done: of two neighbours who comes second merges them and goes on with the sum, while it lies in
// its cache. The two halves of the root are left to the caller. `joined`: p and its first neighbour have been
// added already, after mg_tree_takes_neighbour.
void mg_tree_climb(const mg_tree *tree, int64_t p, bool joined, mg_tree_merge *merge, void *context);

// Is the neighbour that part p meets first done already? Then the caller adds p to it, and says so when it
// climbs.
bool mg_tree_takes_neighbour(const mg_tree *tree, int64_t p);

#endif
