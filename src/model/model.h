// model.h - a trained model, as stored in model.h5: everything that prediction needs.
#ifndef MG_MODEL_MODEL_H
#define MG_MODEL_MODEL_H

#include "calibration/calibration.h"
#include "data/columns.h"
#include "data/labels.h"
#include "data/used.h"
#include "io/directory.h"

#define MG_MODEL_IN_MEMORY "the model" // path, in messages, of a model that was not read from a file

// What scoring computes from the weights of a model, once. Only src/train/score.c knows what it contains.
typedef struct mg_model_derived {
    void (*destroy)(struct mg_model_derived *derived);
} mg_model_derived;

typedef struct mg_model {
    char *path; // path of the file, or a text for messages
    int64_t classes_count, features;
    mg_used used;      // the used features; only these have weights, the weights of all others are 0
    int64_t per_class; // weights of a class: used.count, or `features` if all features have weights
    float *weights;    // [classes][per_class] weights of prepared rows; they contain the scales of the
                       // columns (M19)
    float *bias;       // [classes]
    mg_classes classes;
    mg_columns columns;                // names and recipe of the training file
    char *loss, *rows, *transform;     // names, as in the configuration
    char *features_name, *labels_name; // data sets of the training file; evaluation uses the same names by
                                       // default
    double delta, lambda, objective;
    double dual;        // lower bound from the certificate; NaN if there is none
    double square_norm; // ||W||^2 for scaled features; needed for the objective on other data
    double bias_value;  // value of the constant feature
    int64_t step, epoch, training_rows;
    mg_calibration calibration; // turns scores into probabilities
    // One for each layout of rows; NULL until it is needed. Threads that score set it.
    _Atomic(mg_model_derived *) derived[2];
} mg_model;

// Creates a model with weights of zero: for all features, or only for the used ones. Errors: MG_MEMORY.
mg_status mg_model_new(int64_t classes, int64_t features, mg_model **out, mg_error *error);
mg_status mg_model_new_used(int64_t classes, int64_t features, const mg_used *used, mg_model **out,
                            mg_error *error);
void mg_model_free(mg_model *model);

// Adds the weights (0) of unused features, for programs that expect all features. Errors: MG_MEMORY.
mg_status mg_model_expand(mg_model *model, mg_error *error);

// Replaces the calibration, and takes ownership of the new one.
void mg_model_calibrate(mg_model *model, const mg_calibration *calibration);

// Writes the file completely or not at all. `was`: as for mg_directory_end. Errors: MG_IO, MG_MEMORY.
mg_status mg_model_write(const mg_model *model, const mg_directory *directory, const char *name,
                         const mg_named *was, mg_error *error);

// Checks that the values can be those of a trained model: finite weights, classes in order, a known
// loss, names that are not too long, a bound that is not above its objective. Errors: MG_DATA; the message
// lacks the path.
mg_status mg_model_check(const mg_model *model, mg_error *error);

// Checks that numbers are within the bounds of a model file. Errors: MG_DATA; the message lacks the path.
mg_status mg_model_check_numbers(const mg_model *model, mg_error *error);

// Reads a model. Checks the seal before anything is parsed, and then every field before it is used: a correct
// seal shows that the file is intact, but not that a run wrote it. Errors: MG_IO, MG_DATA.
mg_status mg_model_read(const char *path, mg_model **out, mg_error *error);

// The same for an open file, which stays open. `path` is used in messages.
mg_status mg_model_read_open(int fd, const char *path, mg_model **out, mg_error *error);

// The same for content in memory, whose seal has been checked. `path` is used in messages.
mg_status mg_model_parse(const char *path, const unsigned char *content, size_t size, mg_model **out,
                         mg_error *error);

#endif
