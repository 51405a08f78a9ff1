// stream.h - the rows of a data set as minibatches, in an order that (seed, epoch) alone decide; from memory,
// in place in the file, or copied from it; what is not in memory a thread brings in ahead. All ways give the
// same batches.
#ifndef MG_DATA_STREAM_H
#define MG_DATA_STREAM_H

#include "data/dataset.h"

// One minibatch. label and weight are indexed as the rows are: by rows.index.
typedef struct mg_batch {
    mg_rows rows;
    const int32_t *label;
    const float *weight; // NULL: all 1
    int64_t first;       // place of its first row in the epoch's order
} mg_batch;

typedef struct mg_stream mg_stream;

// shuffle false: file order, for evaluation. Errors: MG_MEMORY, MG_CONFIG when two windows do not fit
// `memory_limit` (0: no limit).
mg_status mg_stream_create(mg_dataset *dataset, int64_t batch, uint64_t seed, bool shuffle,
                           int64_t memory_limit, mg_stream **out, mg_error *error);
void mg_stream_destroy(mg_stream *stream);

// The next call of mg_stream_next gives batch number `batch` of `epoch`. Errors: MG_FAILED when no thread can
// be started.
mg_status mg_stream_seek(mg_stream *stream, int64_t epoch, int64_t batch, mg_error *error);

// The next batch of the epoch, valid until the next call. batch->rows.count is 0 at the end of the epoch.
mg_status mg_stream_next(mg_stream *stream, mg_batch *batch, mg_error *error);

// To be asked after a batch was used and before anything is made of it: rows in place in a file that is cut
// meanwhile are not what they were. Errors: MG_DATA, MG_IO; then and from then on.
mg_status mg_stream_check(const mg_stream *stream, mg_error *error);

int64_t mg_stream_batches(const mg_stream *stream); // of an epoch

// Seconds spent waiting for the reading thread since the last call.
double mg_stream_waited(mg_stream *stream);

#endif
