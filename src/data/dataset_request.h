// dataset_request.h - which rows of a file a data set is to have, and how they are prepared.
#ifndef MG_DATA_DATASET_REQUEST_H
#define MG_DATA_DATASET_REQUEST_H

#include "comm/comm.h"
#include "data/columns.h"
#include "data/labels.h"
#include "data/source.h"

typedef enum mg_selection { MG_SELECT_ALL, MG_SELECT_KEPT, MG_SELECT_HELD_OUT } mg_selection;

typedef struct mg_dataset_request {
    const char *path; // as in data/files.h
    mg_h5 *file;      // the open file `path`; NULL: mg_dataset_open opens it
    // Names in the file. labels NULL: none are read; weights NULL: every row has weight 1.
    const char *features, *labels, *weights;
    const char *names;   // names of the columns: a data set, "none", or "auto" (also NULL), which finds them
                         // by the layout
    bool names_optional; // if the data set `names` is missing, it is not an error
    const mg_known_columns *like; // gives the rows these columns, as mg_dataset_match does; may be NULL
    mg_preparation preparation;
    mg_selection selection;
    double held_out;     // fraction of held-out rows, for MG_SELECT_KEPT and _HELD_OUT (mg_split_rows)
    int64_t folds, fold; // if folds > 0, fold number `fold` of `folds` is held out instead
    uint64_t seed;
    const mg_classes *known; // NULL: the classes are those that occur
    bool allow_unknown;      // rows with a label that `known` lacks get class MG_UNKNOWN
    bool drop_unlabelled;    // rows without a label are not selected; otherwise they are an error
    int64_t memory_limit;    // 0: chosen from the free memory
    int64_t window_bytes;    // bytes of the rows that are shuffled together
    // Read all rows once, for moments and fingerprint, and keep them in memory if they fit.
    bool survey;
    // The shards of the rows (train.shards), and the ranks that share them; NULL: a single shard. This rank
    // reads the features of its own shards only. All ranks must open the data set.
    mg_comm *comm;
    // After the survey, leave out the columns for which no row stores a value, if that pays (mg_used_pays).
    // Only for CSR rows.
    bool drop_unused;
} mg_dataset_request;

#endif
