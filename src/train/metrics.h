// metrics.h - metrics.jsonl: one JSON object a line, appended during the run. When a run is resumed, lines of
// steps that will be repeated are removed first.
#ifndef MG_TRAIN_METRICS_H
#define MG_TRAIN_METRICS_H

#include "base/status.h"
#include "base/writer.h"
#include "io/directory.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_metrics {
    int fd;
    int64_t events; // number of epoch and eval lines so far; checkpoints store it
    char *path;
    // lines that could not be written yet; they are tried again with the next line
    mg_writer pending;
    mg_error lost;    // set when a line was lost because there was no memory for it
    mg_error failure; // failure of the last attempt to write; status MG_OK if all lines are written
} mg_metrics;

// Opens metrics.jsonl for appending. If keep_events is negative, the file starts empty. Otherwise the first
// keep_events epoch and eval lines remain, with all lines between them, and *seconds becomes the training
// time that they report. Errors: MG_IO, MG_MEMORY.
mg_status mg_metrics_open(const mg_directory *directory, int64_t keep_events, mg_metrics *metrics,
                          double *seconds, mg_error *error);
// Returns false if the open file is no longer the metrics.jsonl of the directory, because it was deleted or
// renamed.
bool mg_metrics_are_there(const mg_metrics *metrics, const mg_directory *directory);

void mg_metrics_close(mg_metrics *metrics);

// The last line of a finished run, its `end` event.
typedef struct mg_metrics_ending {
    int64_t step;
    int64_t events; // number of epoch and eval lines before it
    double seconds; // training time
} mg_metrics_ending;

// Sets *found to whether the last line of the directory's metrics.jsonl is an `end` event; false if there is
// no such file. Errors: MG_IO (it is there, but cannot be read), MG_MEMORY.
mg_status mg_metrics_find_end(const mg_directory *directory, mg_metrics_ending *out, bool *found,
                              mg_error *error);

// Starts a line in the writer: {"event": name, "step": ..., "epoch": ..., "seconds": ...
void mg_metrics_begin(mg_writer *line, const char *event, int64_t step, int64_t epoch, double seconds);

// Ends the line and writes it, after pending lines. `counted`: 1 for an epoch or eval line, 0 otherwise. The
// writer is empty afterwards.
void mg_metrics_end(mg_metrics *metrics, mg_writer *line, int counted);

#endif
