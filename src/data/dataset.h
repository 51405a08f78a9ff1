// dataset.h - one file's rows of interest: labels and weights in memory, features in memory, in place in the
// file, or read as they are needed.
#ifndef MG_DATA_DATASET_H
#define MG_DATA_DATASET_H

#include "data/columns.h"
#include "data/labels.h"
#include "data/moments.h"
#include "data/source.h"
#include "data/split.h"
#include "rows/store.h"

// Which rows of the file.
typedef enum mg_selection { MG_SELECT_ALL, MG_SELECT_KEPT, MG_SELECT_HELD_OUT } mg_selection;

typedef struct mg_dataset_request {
    const char *path;
    mg_h5 *file; // of that path, opened before; NULL: it is opened now
    const char *features, *labels,
        *weights;        // names in the file; labels NULL: none are read; weights NULL: all weigh 1
    const char *names;   // of the columns: a data set, "none", or "auto" (NULL): found by the layout
    bool names_optional; // such a data set need not be there
    mg_preparation preparation;
    mg_selection selection;
    double held_out;     // fraction, for the two partial selections (mg_split_rows)
    int64_t folds, fold; // folds > 0: held out is that fold of so many instead
    uint64_t seed;
    const mg_classes *known; // NULL: classes are those that occur
    bool allow_unknown;      // rows with a label that is not known get class -1
    int64_t memory_limit;    // 0: by the machine
    int64_t window_bytes;    // of rows shuffled together
    bool survey;             // read all rows once now: moments and fingerprint; keeps them when they fit
} mg_dataset_request;

typedef struct mg_dataset {
    char *path;
    mg_h5 *file;
    mg_source *source;
    int64_t *select; // [count] rows of the file, ascending; NULL: all
    int64_t count;   // rows
    int64_t entries; // stored values of CSR, else count * features
    int64_t features;
    mg_layout layout;
    mg_cell cell;
    mg_columns columns; // what the file says of them
    int32_t *label;     // [count], NULL without labels
    mg_classes classes;
    float *weight;       // [count], mean 1; NULL: all 1
    double total_weight; // before scaling to mean 1
    int64_t unseen;      // classes of the file of which no row is held out, for the two partial selections
    char unseen_label[MG_NAME_SHOWN]; // the first of them
    bool resident;                    // store holds all rows
    bool checked;                     // every row was looked at once, by the survey
    mg_map *map; // all rows in place in the file, when it has them as kernels read them and they are not
                 // resident; else NULL
    mg_store store;
    mg_moments moments;   // after a survey
    uint64_t fingerprint; // of labels, weights and (after a survey) every row
    int64_t block_rows; // consecutive rows that stay together in an epoch's order, whatever the file's chunks
    int64_t survey_rows; // read together by the survey
    int64_t window_rows; // rows shuffled together, before rounding to batches
} mg_dataset;

mg_status mg_dataset_open(const mg_dataset_request *request, mg_dataset **out, mg_error *error);
void mg_dataset_close(mg_dataset *dataset);

// Compares the columns with those known: names where both have them, the recipe, the number. A sparse file
// may have fewer columns than `features`, and then gets as many: the rest is 0. `whose` ends a sentence about
// the known ones ("in the model m.h5"). Errors: MG_DATA naming the first difference.
mg_status mg_dataset_match(mg_dataset *dataset, const mg_columns *known, int64_t features, const char *whose,
                           mg_error *error);

// Gives back the memory of resident rows, when none will be read again.
void mg_dataset_release_rows(mg_dataset *dataset);

// Multiplies the weights by class weights (per class [K], NULL: none) and scales them to mean 1 (M21).
// `total` before that goes to dataset->total_weight. Errors: MG_DATA when all weights are zero.
mg_status mg_dataset_weigh(mg_dataset *dataset, const double *class_weight, mg_error *error);

#endif
