// model.h - a trained classifier as stored in model.h5: everything that prediction needs.
#ifndef MG_MODEL_MODEL_H
#define MG_MODEL_MODEL_H

#include "data/columns.h"
#include "data/labels.h"
#include "data/used.h"
#include "io/directory.h"

#define MG_MODEL_IN_MEMORY "the model" // its path if it was not read from a file

// What scoring derives from the weights of a model once. The layer that scores knows its content.
typedef struct mg_model_derived {
    void (*destroy)(struct mg_model_derived *derived);
} mg_model_derived;

typedef struct mg_model {
    char *path; // file it was loaded from, or a text for messages
    int64_t classes_count, features;
    mg_used used;      // the features that have weights; those of the others are 0
    int64_t per_class; // weights of a class: used.count, or `features` if all of them have weights
    float *weights;    // [classes][per_class] for prepared rows; column scaling is folded in (M19)
    float *bias;       // [classes]
    mg_classes classes;
    mg_columns columns;                // of the training file
    char *loss, *rows, *transform;     // names
    char *features_name, *labels_name; // data sets it was trained on: the defaults for evaluation
    double delta, lambda, objective;
    double dual;        // certified lower bound of the objective; NaN without a certificate
    double square_norm; // ||W||^2 of the scaled features, for the objective on other data
    double bias_value;  // value of the constant feature
    int64_t step, epoch, training_rows;
    // One for each layout of rows; NULL until it is needed. Threads that score set it.
    _Atomic(mg_model_derived *) derived[2];
} mg_model;

// Creates a model of the given size, with zero weights, for all features or for the used ones alone. Errors:
// MG_MEMORY.
mg_status mg_model_new(int64_t classes, int64_t features, mg_model **out, mg_error *error);
mg_status mg_model_new_used(int64_t classes, int64_t features, const mg_used *used, mg_model **out,
                            mg_error *error);
void mg_model_free(mg_model *model);

// Gives every feature its weights, for programs that expect them. Errors: MG_MEMORY.
mg_status mg_model_expand(mg_model *model, mg_error *error);

// Writes the file completely or not at all. Errors: MG_IO, MG_MEMORY.
mg_status mg_model_write(const mg_model *model, const mg_directory *directory, const char *name,
                         mg_error *error);

// Checks that the values are those of a trained model: finite weights, classes in order, names of valid
// length. Errors: MG_DATA, without the path.
mg_status mg_model_check(const mg_model *model, mg_error *error);

// Checks that the numbers are within the bounds of a model file. Errors: MG_DATA, without the path.
mg_status mg_model_check_numbers(const mg_model *model, mg_error *error);

// Checks the seal before it parses anything, and every field before it is used: a correct seal shows that the
// file is intact, not that a run wrote it. Errors: MG_IO, MG_DATA.
mg_status mg_model_read(const char *path, mg_model **out, mg_error *error);

// The same for content in memory whose seal was checked; `path` is used in messages.
mg_status mg_model_parse(const char *path, const unsigned char *content, size_t size, mg_model **out,
                         mg_error *error);

#endif
