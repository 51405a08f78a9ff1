// metrics.h - metrics.jsonl: one JSON object a line, appended as the run goes; on resume, lines of work that
// will be done again are dropped.
#ifndef MG_TRAIN_METRICS_H
#define MG_TRAIN_METRICS_H

#include "base/status.h"
#include "base/writer.h"
#include "io/directory.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_metrics {
    int fd;
    int64_t events; // epoch and eval lines written so far: what a checkpoint remembers
    char *path;
    mg_writer pending; // lines, or the rest of one, that could not be written yet: they are tried again with
                       // the next
    mg_error lost;     // why a line is missing for good: there was no memory for it
    mg_error failure;  // of the last attempt; MG_OK when every line is written
} mg_metrics;

// Opens metrics.jsonl for appending. keep_events < 0: a fresh file. Otherwise the first keep_events epoch and
// eval lines stay with what is between them, and *seconds becomes the training time they tell. Errors: MG_IO,
// MG_MEMORY.
mg_status mg_metrics_open(const mg_directory *directory, int64_t keep_events, mg_metrics *metrics,
                          double *seconds, mg_error *error);
void mg_metrics_close(mg_metrics *metrics);

// The step of the `end` event that metrics.jsonl of the directory ends in, and the seconds of training it
// tells; -1: it ends in another line.
int64_t mg_metrics_end_step(const mg_directory *directory, double *seconds);

// Begins a line: {"event": name, "step": ..., "epoch": ..., "seconds": ...
void mg_metrics_begin(mg_writer *line, const char *event, int64_t step, int64_t epoch, double seconds);

// Ends the line and writes it, and what is pending before it. `counted`: an epoch or eval line. The writer is
// empty afterwards.
void mg_metrics_end(mg_metrics *metrics, mg_writer *line, int counted);

#endif
