// stream.h - the rows of a data set as minibatches, in an order that depends only on (seed, epoch). Rows are
// in memory, in place in the file, or copied from it; a thread reads ahead if they are not in memory. The
// minibatches are the same in all three cases.
#ifndef MG_DATA_STREAM_H
#define MG_DATA_STREAM_H

#include "data/dataset.h"

// One minibatch. `label` and `weight` have one element for each stored row: use the row numbers in
// rows.index.
typedef struct mg_batch {
    mg_rows rows;
    const int32_t *label;
    const float *weight; // NULL: all 1
    int64_t first;       // position of its first row in the order of the epoch
} mg_batch;

typedef struct mg_stream mg_stream;

// Creates a stream. Without `shuffle` rows keep the order of the file, for evaluation. Errors: MG_MEMORY;
// MG_CONFIG if two windows exceed `memory_limit` (0: no limit).
mg_status mg_stream_create(mg_dataset *dataset, int64_t batch, uint64_t seed, bool shuffle,
                           int64_t memory_limit, mg_stream **out, mg_error *error);
void mg_stream_destroy(mg_stream *stream);

// Makes minibatch number `batch` of `epoch` the next one. It cannot fail at present: if no thread can start,
// rows are read when they are needed.
mg_status mg_stream_seek(mg_stream *stream, int64_t epoch, int64_t batch, mg_error *error);

// The next minibatch, valid until the next call. batch->rows.count is 0 at the end of the epoch.
mg_status mg_stream_next(mg_stream *stream, mg_batch *batch, mg_error *error);

// Call it after a minibatch was used, and before the result is used. Fails if another program wrote to
// the file or shortened it while its rows were used in place. Errors: MG_DATA, MG_IO; all later calls fail
// too.
mg_status mg_stream_check(const mg_stream *stream, mg_error *error);

// Seconds that mg_stream_next has waited for the reading thread since the last call of this function.
double mg_stream_waited(mg_stream *stream);

#endif
