// model.h - a trained classifier as the file model.h5 holds it: complete, so that prediction needs nothing
// else.
#ifndef MG_MODEL_MODEL_H
#define MG_MODEL_MODEL_H

#include "data/columns.h"
#include "data/labels.h"
#include "io/directory.h"

typedef struct mg_model {
    char *path; // it was loaded from
    int64_t classes_count, features;
    float *weights; // [classes][features], of rows as prepared; column scaling is folded in (M19)
    float *bias;    // [classes]
    mg_classes classes;
    mg_columns columns;                // of the training file
    char *loss, *rows, *transform;     // names
    char *features_name, *labels_name; // data sets it was trained from: the defaults for evaluation
    double delta, lambda, objective;
    double dual;        // certified lower bound of any objective; NaN without a certificate
    double square_norm; // ||W||^2 of the scaled features, for the objective on other data
    double bias_value;  // of the constant feature
    int64_t step, epoch, training_rows;
} mg_model;

// An empty model of the given size. Errors: MG_MEMORY.
mg_status mg_model_create(int64_t classes, int64_t features, mg_model **out, mg_error *error);
void mg_model_destroy(mg_model *model);

// Writes the file whole or not at all. Errors: MG_IO, MG_MEMORY.
mg_status mg_model_save(const mg_model *model, const mg_directory *directory, const char *name,
                        mg_error *error);

// Values a trained model can have: finite weights, classes in their order, names that exist. Errors: MG_DATA,
// without the path.
mg_status mg_model_check(const mg_model *model, mg_error *error);

// Checks the seal before anything is parsed, and every field before it is used: a seal says that a file is
// whole, not that a run wrote it. Errors: MG_IO, MG_DATA.
mg_status mg_model_load(const char *path, mg_model **out, mg_error *error);

// The same of content that is in memory and whose seal was checked; `path` is for messages.
mg_status mg_model_parse(const char *path, const unsigned char *content, size_t size, mg_model **out,
                         mg_error *error);

#endif
