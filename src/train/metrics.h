// metrics.h - metrics.jsonl: one JSON object a line, appended during the run. On resume, lines of work that
// will be repeated are removed.
#ifndef MG_TRAIN_METRICS_H
#define MG_TRAIN_METRICS_H

#include "base/status.h"
#include "base/writer.h"
#include "io/directory.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_metrics {
    int fd;
    int64_t events; // epoch and eval lines so far; a checkpoint stores this number
    char *path;
    // what could not be written yet: it is tried again with the next line
    mg_writer pending;
    mg_error lost;    // why a line is lost: there was no memory for it
    mg_error failure; // of the last attempt; MG_OK if every line is written
} mg_metrics;

// Opens metrics.jsonl for appending. keep_events < 0: the file starts empty. Otherwise the first keep_events
// epoch and eval lines are kept, with the lines between them, and *seconds becomes the training time that
// they contain. Errors: MG_IO, MG_MEMORY.
mg_status mg_metrics_open(const mg_directory *directory, int64_t keep_events, mg_metrics *metrics,
                          double *seconds, mg_error *error);
// Returns false if the open file is no longer metrics.jsonl of the directory: it was deleted or renamed.
bool mg_metrics_are_there(const mg_metrics *metrics, const mg_directory *directory);

void mg_metrics_close(mg_metrics *metrics);

// The `end` event of a run.
typedef struct mg_metrics_ending {
    int64_t step;
    int64_t events; // counted lines before it
    double seconds; // of training
} mg_metrics_ending;

// Returns true if the last line of the directory's metrics.jsonl is an `end` event.
bool mg_metrics_find_end(const mg_directory *directory, mg_metrics_ending *out);

// Begins a line: {"event": name, "step": ..., "epoch": ..., "seconds": ...
void mg_metrics_begin(mg_writer *line, const char *event, int64_t step, int64_t epoch, double seconds);

// Ends the line and writes it, after any pending ones. `counted`: it is an epoch or eval line. The writer is
// empty afterwards.
void mg_metrics_end(mg_metrics *metrics, mg_writer *line, int counted);

#endif
