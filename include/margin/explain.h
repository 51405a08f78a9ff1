/* explain.h - shows the weights of a model: the features that speak most for and against each class, and
 * images of classes. */
#ifndef MARGIN_EXPLAIN_H
#define MARGIN_EXPLAIN_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_explain_request {
    const char *model;                 /* path of model.h5 */
    const char *label;                 /* only the class of this label; NULL: all classes */
    int64_t top;                       /* features for each class and each sign, 1 or more */
    bool json;                         /* one JSON object on one line */
    const volatile sig_atomic_t *stop; /* a flag that ends mg_explain_draw with MG_STOPPED; may be NULL */
} mg_explain_request;

/*
 * Writes, for each class, the features with the largest positive and the largest negative weights, by their
 * names or, if the model has none, as x0, x1 and so on. If the model has the scale of its columns (trained
 * with data.scale), weights are those of scaled features. Errors: MG_IO, MG_DATA, MG_USAGE (unknown label),
 * MG_MEMORY.
 */
mg_status mg_explain(const mg_explain_request *request, FILE *file, mg_error *error);

/*
 * Writes an image of `height` x `width` pixels, one for each feature, as DIRECTORY/NUMBER-LABEL.png for each
 * class (or only that of request->label). A positive weight is red, a negative one blue, zero white; the
 * largest magnitude of all classes has the full colour. The directory is created if it is missing. `file`
 * receives the name of each image on a line. Errors: those of mg_explain; MG_USAGE if the model has another
 * number of features.
 */
mg_status mg_explain_draw(const mg_explain_request *request, int64_t height, int64_t width,
                          const char *directory, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
