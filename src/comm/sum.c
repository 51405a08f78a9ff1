// sum.c - owns the sums of arrays over all shards, and the one order in which they are added: a binary tree
// over the shards, where the node of 2 h shards is the sum of its left half plus the sum of its right half.
//
// A rank adds its own shards to the largest subtrees that it owns. Each rank owns a slice of the array: it
// receives that slice of all subtrees, adds them by the same rule, and sends the sum to all.
#include "base/arithmetic.h"
#include "base/memory.h"
#include "comm/comm.h"
#include "comm/transfer.h"

#include <string.h>

enum { PIECE = 1 << 14 };     // elements of a piece
enum { TRANSFER = 16 << 20 }; // bytes that a rank sends, and bytes that it receives, at once
enum { DEEPEST = 2 * 64 };    // subtrees of one rank: at most two of each size

// A subtree of `size` shards from shard `first` on.
typedef struct subtree {
    int64_t first, size;
} subtree;

struct mg_comm_sum {
    mg_comm *comm;
    int64_t length;
    mg_comm_type type;
    void *out;  // the array of the first subtree
    char *more; // the arrays of the others
    subtree tree[DEEPEST];
    int depth;      // number of complete subtrees
    int64_t next;   // the next shard
    subtree *all;   // the subtrees of all ranks
    int *of;        // [ranks + 1] rank r has the subtrees all[of[r]] to all[of[r + 1] - 1]
    int64_t chunk;  // elements of one transfer
    char *send;     // the subtrees of this rank, a block for each slice
    char *received; // the own slice of the subtrees of all ranks
};

static size_t element(mg_comm_type type) { return type == MG_COMM_F32 ? sizeof(float) : sizeof(double); }

// True if two neighbouring subtrees are the halves of one.
static bool are_halves(subtree left, subtree right) {
    return left.size == right.size && left.first % (2 * left.size) == 0;
}

// How often a subtree that follows `depth` others can be merged with its left neighbour.
static int merges(const subtree *tree, int depth, subtree last) {
    int times = 0;
    for (; depth > times && are_halves(tree[depth - 1 - times], last); times++) {
        last.first = tree[depth - 1 - times].first;
        last.size *= 2;
    }
    return times;
}

// Puts a subtree on top of `depth` others, merged with its left neighbours; returns the new depth.
static int push(subtree *tree, int depth, subtree last) {
    int times = merges(tree, depth, last);
    tree[depth] = last;
    if (times > 0) tree[depth - times].size = last.size << times;
    return depth + 1 - times;
}

static void add(mg_comm_type type, void *left, const void *right, int64_t count) {
    if (type == MG_COMM_F32) {
        float *to = left;
        const float *from = right;
        for (int64_t i = 0; i < count; i++) to[i] += from[i];
    } else {
        double *to = left;
        const double *from = right;
        for (int64_t i = 0; i < count; i++) to[i] += from[i];
    }
}

// ---- the layout, which every rank knows ---------------------------------------------------------

// Finds the subtrees that a rank has when its last shard has been added, and returns their number. *most
// becomes the largest number that it has at any time, including the shard that is being added.
static int subtrees_of(const mg_comm *comm, int rank, subtree *tree, int *most) {
    int depth = 0;
    *most = 0;
    for (int64_t s = mg_comm_first_shard(comm, rank); s < mg_comm_first_shard(comm, rank + 1); s++) {
        *most = (int)mg_max(*most, depth + 1);
        depth = push(tree, depth, (subtree){s, 1});
    }
    return depth;
}

// The elements of one transfer.
static int64_t chunk_of(const mg_comm *comm, int64_t length, mg_comm_type type) {
    subtree tree[DEEPEST];
    int64_t widest = 1, total = 0;
    for (int r = 0; r < comm->ranks; r++) {
        int most, count = subtrees_of(comm, r, tree, &most);
        widest = mg_max(widest, count);
        total += count;
    }
    int64_t arrays = mg_max(widest, mg_divide_up(total, comm->ranks));
    return mg_clamp(TRANSFER / (int64_t)element(type) / arrays, 1, mg_max(length, 1));
}

// The first element of a rank's slice of a chunk of `count` elements.
static int64_t slice(const mg_comm *comm, int64_t count, int rank) { return count * rank / comm->ranks; }

static int64_t slice_length(const mg_comm *comm, int64_t count, int rank) {
    return slice(comm, count, rank + 1) - slice(comm, count, rank);
}

mg_comm_traffic mg_comm_sum_traffic(const mg_comm *comm, int64_t length, mg_comm_type type, int rank) {
    subtree tree[DEEPEST];
    mg_comm_traffic sent = {0};
    int most, count = subtrees_of(comm, rank, tree, &most);
    int64_t chunk = chunk_of(comm, length, type);
    for (int64_t at = 0; comm->ranks > 1 && at < length; at += chunk) {
        int64_t here = mg_min(length - at, chunk), own = slice_length(comm, here, rank);
        sent.bytes += (count * (here - own) + own * (comm->ranks - 1)) * (int64_t)element(type);
        sent.messages += own > 0 ? comm->ranks - 1 : 0;
        for (int r = 0; r < comm->ranks; r++) sent.messages += r != rank && slice_length(comm, here, r) > 0;
    }
    return sent;
}

// ---- memory -------------------------------------------------------------------------------------

static mg_status list_subtrees(mg_comm_sum *sum, mg_error *error) {
    const mg_comm *comm = sum->comm;
    subtree tree[DEEPEST];
    int most;
    mg_status status = mg_memory_zeroed(&sum->of, (size_t)comm->ranks + 1, sizeof *sum->of, error);
    if (status) return status;
    for (int r = 0; r < comm->ranks; r++) sum->of[r + 1] = sum->of[r] + subtrees_of(comm, r, tree, &most);
    status = mg_memory_get(&sum->all, (size_t)sum->of[comm->ranks], sizeof *sum->all, error);
    for (int r = 0; !status && r < comm->ranks; r++) {
        int count = subtrees_of(comm, r, tree, &most);
        memcpy(sum->all + sum->of[r], tree, (size_t)count * sizeof *tree);
    }
    return status;
}

static mg_status reserve(mg_comm_sum *sum, mg_error *error) {
    const mg_comm *comm = sum->comm;
    subtree tree[DEEPEST];
    int most, count = subtrees_of(comm, comm->rank, tree, &most);
    mg_status status =
        mg_memory_get(&sum->more, (size_t)sum->length * (size_t)(most - 1), element(sum->type), error);
    if (status || comm->ranks == 1) return status;
    status = list_subtrees(sum, error);
    sum->chunk = chunk_of(comm, sum->length, sum->type);
    if (!status)
        status = mg_memory_get(&sum->send, (size_t)count * (size_t)sum->chunk, element(sum->type), error);
    size_t longest = (size_t)mg_divide_up(sum->chunk, comm->ranks);
    if (!status)
        status =
            mg_memory_get(&sum->received, (size_t)sum->of[comm->ranks] * longest, element(sum->type), error);
    return status;
}

mg_status mg_comm_sum_create(mg_comm *comm, int64_t length, mg_comm_type type, mg_comm_sum **out,
                             mg_error *error) {
    mg_comm_sum *sum;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&sum, 1, sizeof *sum, error);
    if (status) return status;
    sum->comm = comm;
    sum->length = length;
    sum->type = type;
    status = reserve(sum, error);
    if (status) mg_comm_sum_destroy(sum);
    else *out = sum;
    return status;
}

void mg_comm_sum_destroy(mg_comm_sum *sum) {
    if (!sum) return;
    mg_memory_free(sum->more);
    mg_memory_free(sum->all);
    mg_memory_free(sum->of);
    mg_memory_free(sum->send);
    mg_memory_free(sum->received);
    mg_memory_free(sum);
}

// ---- the own shards -----------------------------------------------------------------------------

static char *array(const mg_comm_sum *sum, int i) {
    return i == 0 ? sum->out : sum->more + (size_t)(i - 1) * (size_t)sum->length * element(sum->type);
}

void mg_comm_sum_begin(mg_comm_sum *sum, void *out) {
    sum->out = out;
    sum->depth = 0;
    sum->next = sum->comm->first;
}

void *mg_comm_sum_next(mg_comm_sum *sum) { return array(sum, sum->depth); }

int64_t mg_comm_sum_pieces(const mg_comm_sum *sum) {
    return merges(sum->tree, sum->depth, (subtree){sum->next, 1}) > 0 ? mg_divide_up(sum->length, PIECE) : 0;
}

void mg_comm_sum_piece(void *context, int64_t piece) {
    const mg_comm_sum *sum = context;
    int times = merges(sum->tree, sum->depth, (subtree){sum->next, 1});
    int64_t from = piece * PIECE, count = mg_min(sum->length - from, PIECE);
    size_t at = (size_t)from * element(sum->type);
    for (int top = sum->depth; times > 0; times--, top--)
        add(sum->type, array(sum, top - 1) + at, array(sum, top) + at, count);
}

void mg_comm_sum_added(mg_comm_sum *sum) {
    sum->depth = push(sum->tree, sum->depth, (subtree){sum->next, 1});
    sum->next++;
}

void mg_comm_sum_add(mg_comm_sum *sum) {
    int64_t pieces = mg_comm_sum_pieces(sum);
    for (int64_t piece = 0; piece < pieces; piece++) mg_comm_sum_piece(sum, piece);
    mg_comm_sum_added(sum);
}

// ---- all shards ---------------------------------------------------------------------------------

// Copies the slice of `rank` of all own subtrees to `to`; returns the number of bytes.
static size_t pack(const mg_comm_sum *sum, int64_t at, int64_t count, int rank, char *to) {
    size_t size = element(sum->type), from = (size_t)(at + slice(sum->comm, count, rank)) * size,
           bytes = (size_t)slice_length(sum->comm, count, rank) * size;
    for (int i = 0; i < sum->depth; i++) memcpy(to + (size_t)i * bytes, array(sum, i) + from, bytes);
    return (size_t)sum->depth * bytes;
}

// Adds the own slice of all subtrees, by the rule by which the ranks have added their shards. The sum takes
// the place of the first one.
static void add_received(mg_comm_sum *sum, int64_t length) {
    subtree tree[DEEPEST];
    char *part[DEEPEST];
    size_t bytes = (size_t)length * element(sum->type);
    int depth = 0;
    for (int i = 0; i < sum->of[sum->comm->ranks]; i++) {
        part[depth] = sum->received + (size_t)i * bytes;
        for (int times = merges(tree, depth, sum->all[i]), top = depth; times > 0; times--, top--)
            add(sum->type, part[top - 1], part[top], length);
        depth = push(tree, depth, sum->all[i]);
    }
}

static mg_status sum_chunk(mg_comm_sum *sum, int64_t at, int64_t count, mg_error *error) {
    mg_comm *comm = sum->comm;
    size_t size = element(sum->type), packed = 0, before = 0;
    int64_t own = slice_length(comm, count, comm->rank);
    for (int r = 0; r < comm->ranks; r++) {
        comm->to[r] = r == comm->rank ? 0 : pack(sum, at, count, r, sum->send + packed);
        packed += comm->to[r];
        comm->from[r] = (size_t)(sum->of[r + 1] - sum->of[r]) * (size_t)own * size;
        if (r < comm->rank) before += comm->from[r];
    }
    pack(sum, at, count, comm->rank, sum->received + before);
    mg_status status = mg_comm_exchange(comm, sum->send, sum->received, error);
    if (status) return status;
    add_received(sum, own);
    char *to = (char *)sum->out + (size_t)at * size,
         *mine = to + (size_t)slice(comm, count, comm->rank) * size;
    memcpy(mine, sum->received, (size_t)own * size);
    for (int r = 0; r < comm->ranks; r++) comm->from[r] = (size_t)slice_length(comm, count, r) * size;
    return mg_comm_gather(comm, mine, (size_t)own * size, to, error);
}

mg_status mg_comm_sum_end(mg_comm_sum *sum, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t at = 0; sum->comm->ranks > 1 && !status && at < sum->length; at += sum->chunk)
        status = sum_chunk(sum, at, mg_min(sum->length - at, sum->chunk), error);
    return status;
}
