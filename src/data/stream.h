// stream.h - the rows of a data set as minibatches, in an order that depends only on (seed, epoch). Rows are
// in memory, in place in the file, or copied from it; a thread reads ahead what is not in memory. All three
// give the same minibatches.
#ifndef MG_DATA_STREAM_H
#define MG_DATA_STREAM_H

#include "data/dataset.h"

// One minibatch. `label` and `weight` are indexed like the rows, by rows.index.
typedef struct mg_batch {
    mg_rows rows;
    const int32_t *label;
    const float *weight; // NULL: all 1
    int64_t first;       // place of its first row in the epoch's order
} mg_batch;

typedef struct mg_stream mg_stream;

// Without `shuffle` the rows keep the order of the file, for evaluation. Errors: MG_MEMORY; MG_CONFIG if two
// windows exceed `memory_limit` (0: no limit).
mg_status mg_stream_create(mg_dataset *dataset, int64_t batch, uint64_t seed, bool shuffle,
                           int64_t memory_limit, mg_stream **out, mg_error *error);
void mg_stream_destroy(mg_stream *stream);

// Makes minibatch number `batch` of `epoch` the next one. Always succeeds at present. Without a thread, rows
// are read when they are needed.
mg_status mg_stream_seek(mg_stream *stream, int64_t epoch, int64_t batch, mg_error *error);

// The next minibatch, valid until the next call. batch->rows.count is 0 at the end of the epoch.
mg_status mg_stream_next(mg_stream *stream, mg_batch *batch, mg_error *error);

// Call this after using a minibatch and before using the result: it fails if another program wrote to the
// file or truncated it while rows in place were used. Errors: MG_DATA, MG_IO; all later calls fail too.
mg_status mg_stream_check(const mg_stream *stream, mg_error *error);

int64_t mg_stream_batches(const mg_stream *stream); // per epoch

// Seconds spent waiting for the reading thread since the last call.
double mg_stream_waited(mg_stream *stream);

#endif
