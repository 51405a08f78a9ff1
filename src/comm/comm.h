// comm.h - what the ranks of a run tell each other. All sums have the same bits for any number of ranks,
// because they follow one binary tree over the shards. A single process is one rank that owns all shards: it
// makes the same calls, and they do the same arithmetic without a transport.
#ifndef MG_COMM_COMM_H
#define MG_COMM_COMM_H

#include "base/status.h"
#include "comm/transport.h"

#include <stdbool.h>
#include <stdint.h>

// How the rows are cut. N rows are cut into V shards: shard s is the rows [N s / V, N (s + 1) / V). V is
// train.shards, a power of two; it changes the results. P ranks own the shards: rank r owns
// [V r / P, V (r + 1) / P). P changes no result. A shard may have no rows, but every rank owns a shard.
//
// All functions with an mg_error are collective: every rank calls them in the same order, and with lengths
// that agree, whatever its data are. So a rank that fails between two calls must not leave: it brings its
// failure to the next mg_comm_agree. Errors: MG_FAILED if a rank cannot be reached any more (it has ended, or
// has sent nothing for the timeout). Every later call then fails with the same text, at once.

typedef struct mg_comm_traffic {
    int64_t messages; // sent to other ranks by this one: one for each rank and transfer with bytes
    int64_t bytes;    // sent to other ranks by this one
    double waited;    // seconds in transfers
} mg_comm_traffic;

typedef struct mg_comm {
    int rank, ranks;                 // 0 and 1 in a single process
    int64_t shards;                  // V
    int64_t first, end;              // this rank owns the shards [first, end)
    const mg_transport *by;          // NULL: a single process
    double timeout;                  // seconds, 0 for none
    char (*host)[MG_TRANSPORT_HOST]; // [ranks] the machine of each rank
    size_t *to, *from;               // [ranks] lengths of a transfer
    struct mg_comm_vote *votes;      // [ranks] what each rank brings to mg_comm_agree
    mg_comm_traffic traffic;
    bool failed; // an agreement was a failure, so ranks leave, and do not call mg_comm_agree in step any more
    mg_error lost; // status MG_OK, or why ranks cannot be reached any more
} mg_comm;

// Connects the ranks. `transport` may be NULL; it must outlive the comm. shards: a power of two, at least the
// number of ranks. timeout: train.rank_timeout. Errors: MG_CONFIG if there are more ranks than shards, or if
// the ranks differ in `shards`; the same on all ranks. MG_MEMORY, MG_FAILED.
mg_status mg_comm_create(const mg_transport *transport, int64_t shards, double timeout, mg_comm **out,
                         mg_error *error);
void mg_comm_destroy(mg_comm *comm); // NULL is allowed

// The first shard of a rank; rank r ends where rank r + 1 begins.
int64_t mg_comm_first_shard(const mg_comm *comm, int rank);

// The first of N rows of a shard and of a rank; they end where the next one begins.
int64_t mg_comm_shard_row(const mg_comm *comm, int64_t rows, int64_t shard);
int64_t mg_comm_rank_row(const mg_comm *comm, int64_t rows, int rank);

static inline int64_t mg_comm_own_shards(const mg_comm *comm) { return comm->end - comm->first; }

// True on the rank that writes files and messages.
static inline bool mg_comm_is_root(const mg_comm *comm) { return comm->rank == 0; }

// ---- agreement ----------------------------------------------------------------------------------

// Every rank brings its own status and *error, and all leave with the same ones: those of the lowest rank
// that has failed. MG_STOPPED counts only if no rank has failed otherwise. The text names rank and host
// unless all ranks have the same text. *word becomes the OR of the words of all ranks: flags such as "asked
// to stop", which any rank may set, and "the time is up", which only rank 0 sets, because clocks differ. word
// may be NULL. Call it wherever a rank could fail or stop alone, before the others wait for it. Returns
// the agreed status. Sends 24 bytes to each rank; after a failure also its text.
// If the agreed status is a failure other than MG_STOPPED, later calls return the status that they are given:
// a rank that failed comes to its next call, where the others come to theirs, and all leave from there.
mg_status mg_comm_agree(mg_comm *comm, mg_status status, uint64_t *word, mg_error *error);

// All ranks go on after a failure on which they have agreed.
void mg_comm_forgive(mg_comm *comm);

// Compares a hash. If the value of a rank differs from that of rank 0, all ranks fail with `status` and a
// text of the form "WHAT of rank 2 (host) differ from those of rank 0 (host): ADVICE".
mg_status mg_comm_same(mg_comm *comm, uint64_t hash, mg_status status, const char *what, const char *advice,
                       mg_error *error);

// ---- a few numbers of each shard ----------------------------------------------------------------

// Collects one record of `bytes` bytes of each shard on all ranks. own: [own shards][bytes]; all:
// [V][bytes], which must not overlap own. For everything that is then folded in the order of the shards, such
// as digests.
mg_status mg_comm_records(mg_comm *comm, const void *own, size_t bytes, void *all, mg_error *error);

// Sums of `count` numbers of each shard along the tree, on all ranks. own: [own shards][count], unchanged;
// out: [count]. work: [V][count], overwritten. Integers must not overflow.
mg_status mg_comm_fold(mg_comm *comm, const double *own, int64_t count, double *work, double *out,
                       mg_error *error);
mg_status mg_comm_fold_counts(mg_comm *comm, const int64_t *own, int64_t count, int64_t *work, int64_t *out,
                              mg_error *error);

// ---- arrays -------------------------------------------------------------------------------------

// Copies bytes[size] of rank 0 to all other ranks.
mg_status mg_comm_share(mg_comm *comm, void *bytes, size_t size, mg_error *error);

// ---- sums of large arrays -----------------------------------------------------------------------

// The sum of one array of each shard, on all ranks. Its memory is fixed by mg_comm_sum_create.
//
//     mg_comm_sum_begin(sum, out);
//     for (int64_t s = comm->first; s < comm->end; s++) {
//         float *mine = mg_comm_sum_next(sum);     // [length], with undefined content: set every element
//         ...                                      // the sum of shard s, in its own order
//         mg_comm_sum_add(sum);
//     }
//     status = mg_comm_sum_end(sum, error);        // out has the sum of all shards
//
// With V = 1, mg_comm_sum_next returns `out` and nothing is added.
typedef struct mg_comm_sum mg_comm_sum;

typedef enum mg_comm_type { MG_COMM_F32, MG_COMM_F64 } mg_comm_type;

// For arrays of `length` elements, which are added in their own type. Uses the memory of `length` elements
// about log2(V / P) times more, and with several ranks at most 32 MiB for transfers. Not collective. Errors:
// MG_MEMORY.
mg_status mg_comm_sum_create(mg_comm *comm, int64_t length, mg_comm_type type, mg_comm_sum **out,
                             mg_error *error);
void mg_comm_sum_destroy(mg_comm_sum *sum); // NULL is allowed

// out: [length], also working memory until mg_comm_sum_end.
void mg_comm_sum_begin(mg_comm_sum *sum, void *out);

// The array of the next own shard, [length].
void *mg_comm_sum_next(mg_comm_sum *sum);

// The array of the present shard is complete: adds it to the sums of earlier shards. To do the additions in
// several threads, call mg_team_for(team, mg_comm_sum_pieces(sum), mg_comm_sum_piece, sum) and then
// mg_comm_sum_added(sum) instead.
void mg_comm_sum_add(mg_comm_sum *sum);
int64_t mg_comm_sum_pieces(const mg_comm_sum *sum);
void mg_comm_sum_piece(void *sum, int64_t piece);
void mg_comm_sum_added(mg_comm_sum *sum);

// All own shards are added: exchanges the sums.
mg_status mg_comm_sum_end(mg_comm_sum *sum, mg_error *error);

// The messages and bytes that rank `rank` sends for one such sum.
mg_comm_traffic mg_comm_sum_traffic(const mg_comm *comm, int64_t length, mg_comm_type type, int rank);

#endif
