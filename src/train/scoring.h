// scoring.h - a loaded model, with everything that scoring needs: kernel, loss, threads, and weights in the
// layout of the rows.
#ifndef MG_TRAIN_SCORING_H
#define MG_TRAIN_SCORING_H

#include "data/raw.h"
#include "model/model.h"
#include "train/evaluate.h"

#include <margin/status.h>

typedef struct mg_scoring {
    mg_model *model;
    mg_team team;
    mg_scorer scorer;           // points to `team`, so the struct must not be moved after loading
    mg_preparation preparation; // its limits point to `clip`
    mg_clip clip;               // its arrays are those of the model
    mg_raw raw;                 // the rows, if they are read from a file that is not HDF5
    bool ready;                 // `weights` has been created
    mg_weights weights;
} mg_scoring;

// Loads a model from the open file `fd` or, if that is -1, from `path`. threads 0: all threads that this
// process may use. Errors: MG_IO, MG_DATA, MG_MEMORY, MG_USAGE.
mg_status mg_scoring_load(const char *path, int fd, int threads, const mg_notices *notices,
                          mg_scoring *scoring, mg_error *error);
void mg_scoring_clear(mg_scoring *scoring);

// Reports one printable line. `kind`: "warning" or "note".
void mg_scoring_tell(const mg_notices *notices, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Creates the weights for rows of `layout`, unless they exist. Errors: MG_MEMORY.
mg_status mg_scoring_prepare(mg_scoring *scoring, mg_layout layout, mg_error *error);

// Names of a data file and its data sets. The file may be one of any input format, which is then read by the
// recipe of the model; `labels` is the column of the labels, or the file that holds them. features or names
// NULL: the names in the model; labels or weights NULL: none are read.
typedef struct mg_scoring_data {
    const char *path, *features, *names, *labels, *weights;
    // Only for a file that is not HDF5: the column of the ids; that of labels which are not read. May be
    // NULL.
    const char *id, *skipped;
    bool allow_unknown, drop_unlabelled;
    const volatile sig_atomic_t *stop; // ends a conversion; may be NULL
    bool complete;   // it is an error if the file lacks features of the model; otherwise they are 0
    double held_out; // above 0: only this fraction of the rows, which a training with `seed` has held out
    uint64_t seed;
} mg_scoring_data;

// How lines and files that are not HDF5 are read for the model.
mg_raw_request mg_scoring_raw(const mg_scoring *scoring, const mg_scoring_data *data);

// Opens a data file whose rows are streamed in file order, and creates the weights for them. Errors: MG_IO,
// MG_DATA, MG_MEMORY.
mg_status mg_scoring_open(mg_scoring *scoring, const mg_scoring_data *data, mg_dataset **out,
                          mg_error *error);

// The same for rows with labels. If the only problem is labels that the model does not know, the message also
// says how to skip their rows.
mg_status mg_scoring_open_labelled(mg_scoring *scoring, const mg_scoring_data *data, mg_dataset **out,
                                   mg_error *error);

// True if scores can be turned into probabilities: the model is calibrated, or its loss is softmax.
bool mg_scoring_gives_probabilities(const mg_model *model, const mg_loss *loss);
void mg_scoring_probabilities(const mg_model *model, const mg_loss *loss, const float *scores, float *to);

// Reports how a file that is not HDF5 was read and which features were matched by name. Also reports the rows
// that were left out because they have no label, and values that are too small for float32. Call it at
// the end, because an error must be the only line.
void mg_scoring_report(const mg_scoring *scoring, const mg_notices *notices, const mg_dataset *dataset);

#endif
