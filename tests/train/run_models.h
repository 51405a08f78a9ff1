// run_models.h - compares the models of two runs.
#ifndef MG_TEST_RUN_MODELS_H
#define MG_TEST_RUN_MODELS_H

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 500, FEATURES = 37, CLASSES = 5 };

static inline mg_model *load_model(const char *directory) {
    char path[4200];
    mg_model *model;
    mg_error error = {0};
    snprintf(path, sizeof path, "%s/model.h5", directory);
    if (mg_model_read(path, &model, &error)) fail_msg("%s", error.text);
    return model;
}

// Not fmax: gcc 12 for ARM crashes on fmax in a loop over widened floats.
static inline void raise_to(double *most, double value) {
    if (value > *most) *most = value;
}

// The largest difference between the weights and biases of two models, relative to the largest weight.
static inline double model_difference(const char *a, const char *b) {
    mg_model *x = load_model(a), *y = load_model(b);
    assert_int_equal(x->classes_count, y->classes_count);
    assert_int_equal(x->features, y->features);
    double most = 0, largest = 0;
    for (int64_t i = 0; i < x->classes_count * x->features; i++) {
        raise_to(&most, fabs((double)x->weights[i] - (double)y->weights[i]));
        raise_to(&largest, fabs((double)x->weights[i]));
    }
    for (int64_t k = 0; k < x->classes_count; k++) {
        raise_to(&most, fabs((double)x->bias[k] - (double)y->bias[k]));
        raise_to(&largest, fabs((double)x->bias[k]));
    }
    mg_model_free(x);
    mg_model_free(y);
    return most / largest;
}

static inline void expect_same_model(const char *a, const char *b, const char *what) {
    char paths[2][4200];
    snprintf(paths[0], sizeof paths[0], "%s/model.h5", a);
    snprintf(paths[1], sizeof paths[1], "%s/model.h5", b);
    support_expect_same(paths[0], paths[1], what);
}

#endif
