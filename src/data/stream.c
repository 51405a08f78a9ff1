// stream.c - owns the order of an epoch, and the queues between the reading thread and the user of windows.
// The order: blocks of consecutive rows come in random order (a short last block stays last); consecutive
// blocks form windows; the rows of a window come in random order.
#include "data/stream.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "base/rng.h"
#include "base/thread.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

enum { WINDOWS = 2, BLOCK_STREAM = 2, ROW_STREAM = 3, MOST_FAULTS = 64 };

typedef struct window {
    mg_store store;  // holds the rows if they are copied from the file; then label and weight hold copies too
    int32_t *label;  // [window rows]
    float *weight;   // [window rows] or NULL
    uint32_t *index; // [window rows] order in which they are used
    int64_t first, count;
    bool in_place; // the rows are used where the data set has them
} window;

struct mg_stream {
    mg_dataset *dataset;
    int64_t batch;
    uint64_t seed;
    bool shuffle;
    int64_t window_rows; // multiple of the minibatch
    int64_t blocks;
    uint32_t *block_order; // [blocks] order of the blocks in the current epoch
    window windows[WINDOWS];
    int64_t epoch, at; // current epoch; position of the next row in its order
    window *open;      // the window from which minibatches are taken
    double waited;
    // For rows that are not in memory: the reading thread.
    pthread_t thread;
    bool running;
    _Atomic bool in_place; // windows use rows in place in the file, without a copy
    long faults;           // major page faults of the calling thread when `open` was opened
    mg_ring *filled, *empty;
    int64_t reader_at; // position of the next window to read
    mg_error failure;  // error of the reading thread; valid when `filled` is closed
};

static int64_t row_at(const mg_stream *stream, int64_t place) {
    int64_t size = stream->dataset->block_rows;
    return stream->shuffle ? (int64_t)stream->block_order[place / size] * size + place % size : place;
}

static void order_blocks(mg_stream *stream, int64_t epoch) {
    if (!stream->shuffle) return;
    bool short_tail = stream->dataset->count % stream->dataset->block_rows != 0;
    uint32_t whole = (uint32_t)(stream->blocks - short_tail);
    mg_rng_permutation(mg_rng_key(stream->seed, BLOCK_STREAM, (uint64_t)epoch), whole, stream->block_order);
    if (short_tail) stream->block_order[whole] = whole;
}

static void order_rows(mg_stream *stream, window *w) {
    uint64_t key =
        mg_rng_key(mg_rng_key(stream->seed, ROW_STREAM, (uint64_t)stream->epoch), (uint64_t)w->first, 0);
    if (stream->shuffle) mg_rng_permutation(key, (uint32_t)w->count, w->index);
    else
        for (int64_t i = 0; i < w->count; i++) w->index[i] = (uint32_t)i;
}

static int64_t rows_of_window(const mg_stream *stream, int64_t first) {
    return mg_min(stream->dataset->count - first, stream->window_rows);
}

// Sets up a window whose rows are in memory or in place in the file: only their order is needed.
static void lay_out(mg_stream *stream, window *w, int64_t first) {
    w->first = first;
    w->count = rows_of_window(stream, first);
    order_rows(stream, w);
    for (int64_t i = 0; i < w->count; i++) w->index[i] = (uint32_t)row_at(stream, first + w->index[i]);
}

// The number of rows, at most `most`, that follow position `at` of the order and are consecutive in the file.
static int64_t run_of_rows(const mg_stream *stream, int64_t at, int64_t most) {
    int64_t row = row_at(stream, at), run = 1;
    while (run < most && row_at(stream, at + run) == row + run) run++;
    return run;
}

// Sets up a window of rows in place: reads their pages into memory, and checks their values if no survey has
// done so.
static mg_status bring_window(mg_stream *stream, window *w, int64_t first, mg_error *error) {
    const mg_dataset *dataset = stream->dataset;
    mg_status status = MG_OK;
    lay_out(stream, w, first);
    for (int64_t done = 0, run; !status && done < w->count; done += run) {
        int64_t row = row_at(stream, first + done);
        run = run_of_rows(stream, first + done, w->count - done);
        status = mg_map_bring(dataset->map, row, run, error);
        const char *rows = (const char *)mg_map_rows(dataset->map) +
                           (size_t)(row * dataset->features) * mg_cell_size(dataset->cell);
        if (!status && !dataset->checked) status = mg_source_check(dataset->source, row, run, rows, error);
    }
    return status;
}

// Sets up a window of copied rows: copies one run of consecutive rows after the other.
static mg_status copy_window(mg_stream *stream, window *w, int64_t first, mg_error *error) {
    mg_dataset *dataset = stream->dataset;
    mg_status status = MG_OK;
    w->first = first;
    w->count = rows_of_window(stream, first);
    w->store.count = 0;
    for (int64_t done = 0; !status && done < w->count;) {
        int64_t row = row_at(stream, first + done), run = run_of_rows(stream, first + done, w->count - done);
        int64_t stored = mg_source_stored(dataset->source, dataset->select, row, run);
        int64_t room = dataset->layout == MG_CSR ? w->store.stored - w->store.indptr[w->store.count] : 0;
        // Windows of CSR rows differ in size, so the store may have to grow.
        if (stored > room) {
            size_t capacity = (size_t)w->store.stored, again = capacity,
                   need = (size_t)(w->store.stored - room + stored);
            status = mg_memory_grow(&w->store.indices, &capacity, need, sizeof *w->store.indices, error);
            if (!status)
                status = mg_memory_grow(&w->store.values, &again, need, sizeof *w->store.values, error);
            if (!status) w->store.stored = (int64_t)capacity;
        }
        if (!status) status = mg_source_read(dataset->source, dataset->select, row, run, &w->store, error);
        if (!status && dataset->label)
            memcpy(w->label + done, dataset->label + row, (size_t)run * sizeof *w->label);
        if (!status && dataset->weight)
            memcpy(w->weight + done, dataset->weight + row, (size_t)run * sizeof *w->weight);
        done += run;
    }
    if (!status) order_rows(stream, w);
    return status;
}

// Reads the next window. Returns false if that failed; stream->failure then has the error.
static bool read_window(mg_stream *stream, window *w) {
    w->in_place = stream->in_place;
    mg_status status =
        (w->in_place ? bring_window : copy_window)(stream, w, stream->reader_at, &stream->failure);
    // If reading failed because another program wrote to the file, the message says so.
    mg_status changed = mg_dataset_check(stream->dataset, &stream->failure);
    stream->reader_at += w->count;
    return !status && !changed;
}

static void *read_ahead(void *context) {
    mg_stream *stream = context;
    void *item;
    while (stream->reader_at < stream->dataset->count && mg_ring_pop(stream->empty, &item))
        if (!read_window(stream, item) || !mg_ring_push(stream->filled, item)) break;
    mg_ring_close(stream->filled);
    return NULL;
}

static void stop_reading(mg_stream *stream) {
    if (!stream->running) return;
    mg_ring_close(stream->empty);
    mg_ring_close(stream->filled);
    pthread_join(stream->thread, NULL);
    stream->running = false;
}

static mg_status create_window(mg_stream *stream, window *w, mg_error *error) {
    mg_dataset *dataset = stream->dataset;
    size_t rows = (size_t)stream->window_rows;
    mg_status status = mg_memory_get(&w->index, rows, sizeof *w->index, error);
    if (status || dataset->resident) return status;
    status = mg_memory_get(&w->label, rows, sizeof *w->label, error);
    if (!status && dataset->weight) status = mg_memory_get(&w->weight, rows, sizeof *w->weight, error);
    double values = (double)dataset->all.stored / (double)dataset->all.count;
    int64_t stored = (int64_t)(values * (double)rows * 1.05) + 1024;
    if (!status)
        status = mg_store_create(&w->store, dataset->layout, dataset->cell, dataset->features, (int64_t)rows,
                                 dataset->layout == MG_CSR ? stored : 0, error);
    return status;
}

static mg_status check_limit(const mg_stream *stream, int64_t memory_limit, mg_error *error) {
    const mg_dataset *dataset = stream->dataset;
    double stored = (double)dataset->all.stored / (double)dataset->all.count * (double)stream->window_rows;
    double bytes = WINDOWS * mg_store_bytes(dataset->layout, dataset->cell, dataset->features,
                                            stream->window_rows, (int64_t)stored);
    if (dataset->resident || memory_limit <= 0 || bytes <= (double)memory_limit) return MG_OK;
    return mg_fail(error, MG_CONFIG,
                   "data.memory_limit: %lld bytes cannot hold %d windows of rows (%.0f bytes): raise it or "
                   "lower data.window or train.batch",
                   (long long)memory_limit, WINDOWS, bytes);
}

mg_status mg_stream_create(mg_dataset *dataset, int64_t batch, uint64_t seed, bool shuffle,
                           int64_t memory_limit, mg_stream **out, mg_error *error) {
    *out = NULL;
    mg_stream *stream;
    mg_status status = mg_memory_zeroed(&stream, 1, sizeof *stream, error);
    if (status) return status;
    stream->dataset = dataset;
    stream->batch = batch;
    stream->seed = seed;
    stream->shuffle = shuffle;
    stream->in_place = dataset->map != NULL;
    int64_t rows = mg_max(dataset->window_rows / batch * batch, batch);
    stream->window_rows = rows > dataset->count ? mg_round_up(mg_max(dataset->count, 1), batch) : rows;
    stream->blocks = (dataset->count + dataset->block_rows - 1) / dataset->block_rows;
    if (stream->window_rows > MG_MOST_INDEX || stream->blocks > MG_MOST_INDEX)
        status = mg_fail(error, MG_CONFIG,
                         "data.window: a window of more than %u rows or blocks is not allowed: lower it",
                         MG_MOST_INDEX);
    if (!status) status = check_limit(stream, memory_limit, error);
    if (!status && shuffle)
        status = mg_memory_get(&stream->block_order, (size_t)stream->blocks, sizeof(uint32_t), error);
    if (!status) status = mg_ring_create(WINDOWS, &stream->filled, error);
    if (!status) status = mg_ring_create(WINDOWS, &stream->empty, error);
    for (int i = 0; !status && i < (dataset->resident ? 1 : WINDOWS); i++)
        status = create_window(stream, &stream->windows[i], error);
    if (status) mg_stream_destroy(stream);
    else *out = stream;
    return status;
}

void mg_stream_destroy(mg_stream *stream) {
    if (!stream) return;
    stop_reading(stream);
    for (int i = 0; i < WINDOWS; i++) {
        mg_store_destroy(&stream->windows[i].store);
        mg_memory_free(stream->windows[i].label);
        mg_memory_free(stream->windows[i].weight);
        mg_memory_free(stream->windows[i].index);
    }
    mg_ring_destroy(stream->filled);
    mg_ring_destroy(stream->empty);
    mg_memory_free(stream->block_order);
    mg_memory_free(stream);
}

// The page faults of the calling thread that had to wait for the disk.
static long major_faults(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_majflt;
}

// Decides whether rows continue to be used in place. If many pages of the last window were evicted before
// they were used, memory is short, and rows are copied from now on.
static void judge_place(mg_stream *stream) {
    if (stream->open && stream->open->in_place && major_faults() - stream->faults > MOST_FAULTS)
        stream->in_place = false;
}

mg_status mg_stream_seek(mg_stream *stream, int64_t epoch, int64_t batch, mg_error *error) {
    (void)error; // no error is possible at present
    judge_place(stream);
    stop_reading(stream);
    stream->epoch = epoch;
    stream->at = batch * stream->batch;
    stream->open = NULL;
    order_blocks(stream, epoch);
    int64_t first = stream->at / stream->window_rows * stream->window_rows;
    if (stream->dataset->resident) {
        if (first < stream->dataset->count) {
            stream->open = &stream->windows[0];
            lay_out(stream, stream->open, first);
        }
        return MG_OK;
    }
    mg_ring_reopen(stream->filled);
    mg_ring_reopen(stream->empty);
    for (int i = 0; i < WINDOWS; i++) mg_ring_push(stream->empty, &stream->windows[i]);
    stream->reader_at = first;
    stream->failure = (mg_error){0};
    // If the thread cannot start, windows are read when they are needed.
    stream->running = mg_thread_start(&stream->thread, read_ahead, stream);
    return MG_OK;
}

// Opens the window that begins at position stream->at.
static mg_status advance_window(mg_stream *stream, mg_error *error) {
    if (stream->dataset->resident) {
        lay_out(stream, stream->open, stream->at);
        return MG_OK;
    }
    judge_place(stream);
    if (stream->running && stream->open) mg_ring_push(stream->empty, stream->open);
    void *item = &stream->windows[0];
    double start = mg_clock_seconds();
    bool there = stream->running ? mg_ring_pop(stream->filled, &item) : read_window(stream, item);
    stream->waited += mg_clock_seconds() - start;
    stream->open = there ? item : NULL;
    stream->faults = stream->in_place ? major_faults() : 0;
    if (there) return MG_OK;
    if (error) *error = stream->failure;
    return stream->failure.status ? stream->failure.status
                                  : mg_fail(error, MG_FAILED,
                                            "the thread that reads the next rows ended without an error: "
                                            "report this as a fault of margin");
}

static mg_rows rows_in_place(const mg_dataset *dataset) {
    return (mg_rows){
        .features = dataset->features,
        .layout = MG_DENSE,
        .cell = dataset->cell,
        .dense = mg_map_rows(dataset->map),
        .stride = dataset->features, // features are a multiple of MG_LANES here
    };
}

mg_status mg_stream_next(mg_stream *stream, mg_batch *batch, mg_error *error) {
    *batch = (mg_batch){0};
    mg_dataset *dataset = stream->dataset;
    if (stream->at >= dataset->count) return MG_OK;
    if (!stream->open || stream->at >= stream->open->first + stream->open->count) {
        mg_status status = advance_window(stream, error);
        if (status) return status;
    }
    window *w = stream->open;
    int64_t offset = stream->at - w->first, left = w->count - offset;
    bool by_number = dataset->resident || w->in_place;
    batch->rows =
        w->in_place ? rows_in_place(dataset) : mg_store_rows(dataset->resident ? &dataset->store : &w->store);
    batch->rows.index = w->index + offset;
    batch->rows.count = mg_min(left, stream->batch);
    batch->rows.behind = left - batch->rows.count;
    batch->label = by_number || !dataset->label ? dataset->label : w->label;
    batch->weight = by_number ? dataset->weight : w->weight;
    batch->first = stream->at;
    stream->at += batch->rows.count;
    return MG_OK;
}

mg_status mg_stream_check(const mg_stream *stream, mg_error *error) {
    const mg_dataset *dataset = stream->dataset;
    if (!dataset->map) return MG_OK; // copied windows were checked when they were read
    mg_status status = mg_dataset_check(dataset, error);
    return status ? status : mg_map_check(dataset->map, error);
}

double mg_stream_waited(mg_stream *stream) {
    double waited = stream->waited;
    stream->waited = 0;
    return waited;
}
