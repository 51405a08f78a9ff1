// labels.h - maps labels of any kind to classes 0..K-1, in sorted order. An unknown label is never mapped to
// a similar class.
#ifndef MG_DATA_LABELS_H
#define MG_DATA_LABELS_H

#include "base/status.h"
#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_classes {
    int64_t count;
    bool texts;      // true: `text` is set; false: `number` is set
    int64_t *number; // [count] ascending
    char **text;     // [count] ascending by bytes
    // [count] of a model: shares of the classes in the weight of the training rows, with class weights. NULL:
    // unknown
    double *shares;
} mg_classes;

// Values in place of a class.
enum { MG_UNKNOWN = -1, MG_UNLABELLED = -2 };

typedef struct mg_labels_request {
    const char *name;         // name of the data set: integers, texts, or a group with codes and categories
    int64_t rows;             // number of rows of the file
    const int64_t *select;    // [count] row numbers, ascending; NULL: all rows
    int64_t count;            // number of rows to read
    const mg_classes *known;  // NULL: the classes are the labels that occur among these rows
    bool allow_unknown;       // a label that is not in `known` is class MG_UNKNOWN instead of an error
    bool allow_unlabelled;    // a row without a label is of class MG_UNLABELLED instead of an error
    const int64_t *part_rows; // of joined files: mg_source_part_rows
} mg_labels_request;

// Reads the labels: (*out)[i] is the class of the i-th row, an index into *classes. The caller frees both.
// Errors: MG_DATA with name[row] and the label; MG_IO, MG_MEMORY.
mg_status mg_labels_read(mg_h5 *file, const mg_labels_request *request, int32_t **out, mg_classes *classes,
                         mg_error *error);

// The classes of raw labels: their distinct values, sorted, except those of rows without a label. select
// NULL: of rows 0 .. count.
struct mg_raw_labels;
mg_status mg_classes_of(const struct mg_raw_labels *raw, const int64_t *select, int64_t count,
                        mg_classes *classes, mg_error *error);

// The classes of raw labels of rows of a file. request->select[i], or i if it is NULL, is a position in
// `raw`, whose first row has number `first` in the file. Errors: as mg_labels_read.
mg_status mg_labels_map(mg_h5 *file, const mg_labels_request *request, const struct mg_raw_labels *raw,
                        int64_t first, const mg_classes *classes, int32_t *out, mg_error *error);

// Packs the labels of classes into bytes, and makes classes of the different labels in the packed bytes of
// several. The caller frees *out.
mg_status mg_classes_pack(const mg_classes *classes, char **out, int64_t *bytes, mg_error *error);
mg_status mg_classes_unite(const char *packed, size_t bytes, bool texts, mg_classes *out, mg_error *error);

mg_status mg_classes_copy(const mg_classes *from, mg_classes *to, mg_error *error);
void mg_classes_clear(mg_classes *classes);

// Returns the class of a label given as text; -1 if there is no such class.
int64_t mg_classes_find(const mg_classes *classes, const char *label);

// Returns the label of class k as text. A number is printed into `buffer`.
enum { MG_LABEL_BUFFER = 24 };
const char *mg_classes_label(const mg_classes *classes, int64_t k, char buffer[MG_LABEL_BUFFER]);

#endif
