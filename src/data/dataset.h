// dataset.h - the selected rows of a file, or of several joined files. Labels and weights are in memory. The
// features are in memory, used in place in the file, or read when they are needed.
#ifndef MG_DATA_DATASET_H
#define MG_DATA_DATASET_H

#include "comm/comm.h"
#include "data/clip.h"
#include "data/dataset_request.h"
#include "data/labels.h"
#include "data/moments.h"
#include "data/selection.h"
#include "data/source.h"
#include "data/used.h"
#include "rows/store.h"

// The selected rows of all ranks. If there is one rank, these are the rows of its data set.
typedef struct mg_dataset_all {
    mg_comm *comm;  // as in the request
    int64_t count;  // number of rows
    int64_t first;  // the number of the first one that this rank has
    int64_t stored; // number of stored values
    double *sums;   // [classes + 1] sums of their weights: of each class, and of all; set by mg_dataset_weigh
} mg_dataset_all;

typedef struct mg_dataset {
    char *path; // for messages
    mg_h5 *file;
    mg_source *source;
    mg_dataset_all all;
    int64_t *select;  // [count] numbers of the selected rows in the file, ascending; NULL: all rows
    int64_t count;    // number of rows of this rank
    int64_t stored;   // number of stored values; for dense rows, count * features
    int64_t features; // columns of the rows; if unused columns of CSR rows are left out, only the used ones
    mg_used used;     // CSR rows: the columns that are kept. Dense rows: the columns for which there are
                      // weights
    mg_layout layout;
    mg_cell cell;
    mg_columns columns; // names and recipe from the file
    int32_t *label;     // [count]; NULL without labels
    mg_classes classes;
    float *weight;       // [count] weight of a row, mean 1 over all ranks; NULL: all 1
    double total_weight; // sum of the weights before they were scaled to mean 1
    mg_left_out left_out;
    bool resident; // `store` holds all rows, or is a view of a program's rows
    bool checked;  // the survey has checked every row
    // A mapping of all rows in the file, if they are stored as kernels read them and are not in memory;
    // otherwise NULL.
    mg_map *map;
    mg_store store;
    mg_moments moments;   // set by a survey, unless the request has known classes
    uint64_t fingerprint; // fingerprint of labels, weights and, after a survey, all rows
    // Rows of a block; they stay together in the order of an epoch. Independent of the file's chunks.
    int64_t block_rows;
    int64_t window_rows; // rows that are shuffled together, before rounding to whole minibatches
} mg_dataset;

// The number of shards of this rank, and the first row of one of them, counted from the first row of this
// rank. A shard ends where the next one begins.
static inline int64_t mg_dataset_own_shards(const mg_dataset *dataset) {
    return dataset->all.comm ? mg_comm_own_shards(dataset->all.comm) : 1;
}

static inline int64_t mg_dataset_shard_row(const mg_dataset *dataset, int64_t s) {
    const mg_comm *comm = dataset->all.comm;
    if (!comm) return s > 0 ? dataset->count : 0;
    return mg_comm_shard_row(comm, dataset->all.count, comm->first + s) - dataset->all.first;
}

mg_status mg_dataset_open(const mg_dataset_request *request, mg_dataset **out, mg_error *error);
void mg_dataset_close(mg_dataset *dataset);

// Writes one line about the rows that were left out; "" if there are none.
enum { MG_UNLABELLED_TEXT = MG_PATH_TEXT + MG_H5_NAME + 128 };
void mg_dataset_unlabelled_text(const mg_dataset *dataset, char out[MG_UNLABELLED_TEXT]);

// Fails if somebody has written to the file since it was opened. Call it after rows were read or used in
// place, before the result is used. If all rows are in memory, mg_dataset_open has already checked this after
// reading them. Any thread may call it. Errors: MG_DATA, MG_IO.
mg_status mg_dataset_check(const mg_dataset *dataset, mg_error *error);

// The number of columns of the file, used or not.
static inline int64_t mg_dataset_width(const mg_dataset *dataset) {
    return dataset->used.width ? dataset->used.width : dataset->features;
}

// Leaves out all other columns of CSR rows from now on, wherever rows are read, and renumbers the used ones.
// Dense rows do not change. Does nothing if all columns are used. Errors: MG_MEMORY.
mg_status mg_dataset_use(mg_dataset *dataset, const mg_used *used, mg_error *error);

// Gives the rows the columns of another file. If both have names, the columns are matched by name. Otherwise
// the numbers of columns must be the same, but sparse rows may have fewer; the missing ones are 0. No column
// of the data set may have been left out before (mg_dataset_use). dataset->features becomes known->features.
// Call it before rows are placed, through the request of mg_dataset_open, unless known->same is set. Errors:
// MG_DATA with the first difference of the recipes, or of columns that cannot be matched.
mg_status mg_dataset_match(mg_dataset *dataset, const mg_known_columns *known, mg_error *error);

// Describes which columns were matched by name, and that `others` are not used (mg_align_text); "" if the
// rows have the columns of the file.
void mg_dataset_matched(const mg_dataset *dataset, int64_t others, char out[MG_ALIGN_TEXT]);

// Clips rows that were read before the limits of the preparation were known. Errors: MG_DATA if a column of
// sparse rows has zeros outside of them.
mg_status mg_dataset_clip(mg_dataset *dataset, const mg_clip *clip, mg_error *error);

// Frees rows that are in memory. They must not be read again.
void mg_dataset_release_rows(mg_dataset *dataset);

// Sums of the weights of the rows of all ranks, as dataset->all.sums, in the order of the rows. Collective.
mg_status mg_dataset_sum_weights(const mg_dataset *dataset, double *sums, mg_error *error);

// (M21) Multiplies the weights of all ranks by class weights ([K]; NULL: all 1), and scales them to mean 1.
// dataset->total_weight becomes their sum before scaling. Collective. Errors: MG_DATA if all weights are
// zero.
mg_status mg_dataset_weigh(mg_dataset *dataset, const double *class_weight, mg_error *error);

#endif
