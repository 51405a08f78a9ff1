// fit_arrays.h - the same rows, of every type, in arrays of a program and in a file.
#ifndef MG_TEST_FIT_ARRAYS_H
#define MG_TEST_FIT_ARRAYS_H

#include "h5_files.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/fit.h>

#include <stdlib.h>
#include <string.h>

// How rows are stored: the type of the cells, or of values, indices and indptr of CSR.
typedef struct array_form {
    const char *name;
    mg_data_type type, indices, indptr;
    bool sparse;
    bool lent; // rows can be used without a copy, unless they are prepared
} array_form;

static const array_form array_forms[] = {
    {"uint8", MG_DATA_UINT8, 0, 0, false, true},
    {"int8", MG_DATA_INT8, 0, 0, false, true},
    {"float16", MG_DATA_FLOAT16, 0, 0, false, true},
    {"float32", MG_DATA_FLOAT32, 0, 0, false, true},
    {"float64", MG_DATA_FLOAT64, 0, 0, false, false},
    {"csr f32 i32 i32", MG_DATA_FLOAT32, MG_DATA_INT32, MG_DATA_INT32, true, true},
    {"csr f32 i32 i64", MG_DATA_FLOAT32, MG_DATA_INT32, MG_DATA_INT64, true, true},
    {"csr f32 i64 i64", MG_DATA_FLOAT32, MG_DATA_INT64, MG_DATA_INT64, true, false},
    {"csr f64 i32 i64", MG_DATA_FLOAT64, MG_DATA_INT32, MG_DATA_INT64, true, false},
};
enum { ARRAY_FORMS = sizeof array_forms / sizeof *array_forms };
enum { FORM_F32 = 3, FORM_CSR = 5 };

typedef struct arrays {
    double *x; // [rows][features] the values as double
    void *cells, *values, *indices, *indptr;
    int64_t *csr_indptr, *csr_indices; // CSR arrays for the file
    double *csr_values;
    int64_t *labels;
    double *weights;
    mg_data_dense dense;
    mg_data_csr csr;
    mg_data data;
} arrays;

static inline uint16_t half_of(double value) { // `value` must be exact in half precision
    float wide = (float)value;
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    if (value == 0) return 0;
    return (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 0xff) - 112) << 10) | (bits >> 13 & 0x3ff));
}

static inline void put_cell(mg_data_type type, void *cells, int64_t i, double value) {
    switch (type) {
    case MG_DATA_UINT8: ((uint8_t *)cells)[i] = (uint8_t)value; break;
    case MG_DATA_INT8: ((int8_t *)cells)[i] = (int8_t)value; break;
    case MG_DATA_INT32: ((int32_t *)cells)[i] = (int32_t)value; break;
    case MG_DATA_INT64: ((int64_t *)cells)[i] = (int64_t)value; break;
    case MG_DATA_FLOAT16: ((uint16_t *)cells)[i] = half_of(value); break;
    case MG_DATA_FLOAT32: ((float *)cells)[i] = (float)value; break;
    case MG_DATA_FLOAT64: ((double *)cells)[i] = value; break;
    }
}

static inline size_t size_of(mg_data_type type) {
    static const size_t sizes[] = {1, 1, 4, 8, 2, 4, 8};
    return sizes[type];
}

// A value that the type can hold. It is larger for features of the row's own class.
static inline double value_of(const array_form *form, int64_t noise, bool own) {
    int64_t whole = noise % 3 ? noise % 20 + (own ? 15 : 0) : 0;
    if (form->sparse) return (double)whole / 7;
    switch (form->type) {
    case MG_DATA_UINT8: return (double)whole;
    case MG_DATA_INT8: return (double)(whole - 10);
    case MG_DATA_FLOAT16: return (double)(whole - 10) / 4;
    default: return (double)(whole - 10) / 7;
    }
}

static inline void make_csr(arrays *a, const array_form *form) {
    int64_t n = a->data.rows * a->data.features, stored = 0;
    a->csr_indptr = calloc((size_t)a->data.rows + 1, sizeof(int64_t));
    a->csr_indices = calloc((size_t)n + 1, sizeof(int64_t));
    a->csr_values = calloc((size_t)n + 1, sizeof(double));
    a->indptr = calloc((size_t)a->data.rows + 1, 8);
    a->indices = calloc((size_t)n + 1, 8);
    a->values = calloc((size_t)n + 1, 8);
    for (int64_t i = 0; i < n; i++) {
        if (a->x[i] != 0) {
            a->csr_values[stored] = a->x[i];
            a->csr_indices[stored] = i % a->data.features;
            put_cell(form->type, a->values, stored, a->x[i]);
            put_cell(form->indices, a->indices, stored++, (double)(i % a->data.features));
        }
        if ((i + 1) % a->data.features) continue;
        int64_t row = i / a->data.features;
        a->csr_indptr[row + 1] = stored;
        put_cell(form->indptr, a->indptr, row + 1, (double)stored);
    }
    a->csr = (mg_data_csr){form->type, a->values, form->indices, a->indices, form->indptr, a->indptr, stored};
    a->data.csr = &a->csr;
}

// Makes arrays. The struct must not be moved afterwards, because a->data points into it.
static inline void make_arrays(arrays *a, const array_form *form, int64_t rows, int64_t features,
                               int64_t classes) {
    int64_t n = rows * features;
    uint64_t state = 12345;
    *a = (arrays){.data = {.rows = rows, .features = features}};
    a->x = calloc((size_t)n, sizeof *a->x);
    a->labels = calloc((size_t)rows, sizeof *a->labels);
    a->weights = calloc((size_t)rows, sizeof *a->weights);
    for (int64_t i = 0; i < rows; i++) {
        int64_t class = i % classes;
        for (int64_t d = 0; d < features; d++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            a->x[i * features + d] = value_of(form, (int64_t)(state >> 40), d % classes == class);
        }
        a->labels[i] = 10 * (i % 9 ? class : (class + 1) % classes) - 7;
        a->weights[i] = (double)(1 + i % 4) / 2;
    }
    a->data.labels = a->labels;
    a->data.weights = a->weights;
    if (form->sparse) {
        make_csr(a, form);
        return;
    }
    a->cells = calloc((size_t)n, size_of(form->type));
    for (int64_t i = 0; i < n; i++) put_cell(form->type, a->cells, i, a->x[i]);
    a->dense = (mg_data_dense){form->type, a->cells, 0};
    a->data.dense = &a->dense;
}

static inline void free_arrays(arrays *a) {
    void *const blocks[] = {a->x,          a->cells,       a->values,     a->indices, a->indptr,
                            a->csr_indptr, a->csr_indices, a->csr_values, a->labels,  a->weights};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) free(blocks[b]);
    *a = (arrays){0};
}

// Writes the same rows, labels and weights (data set "w") to a file.
static inline void save_arrays(const arrays *a, const array_form *form, const char *path) {
    hid_t file = create_file(path), half = half_precision(0);
    const hid_t types[] = {H5T_STD_U8LE, H5T_STD_I8LE,   H5T_STD_I32LE, H5T_STD_I64LE,
                           half,         H5T_IEEE_F32LE, H5T_IEEE_F64LE};
    const csr_types csr = {types[form->type], types[form->indices], types[form->indptr]};
    hsize_t rows = (hsize_t)a->data.rows;
    if (form->sparse)
        put_csr(file, "X",
                (csr_rows){a->data.rows, a->data.features, a->csr_indptr, a->csr_indices, a->csr_values}, csr,
                &storages[0]);
    else put_matrix(file, "X", types[form->type], rows, (hsize_t)a->data.features, H5T_NATIVE_DOUBLE, a->x);
    put_vector(file, "y", H5T_STD_I64LE, rows, H5T_NATIVE_INT64, a->labels);
    put_vector(file, "w", H5T_IEEE_F64LE, rows, H5T_NATIVE_DOUBLE, a->weights);
    H5Tclose(half);
    H5Fclose(file);
}

// Creates a configuration from texts "section.key=value"; NULL ends the list.
static inline mg_config *configure(const char *const *sets) {
    mg_config *config;
    mg_error error = {0};
    int count = 0;
    while (sets[count]) count++;
    if (mg_config_load(NULL, sets, count, &config, &error)) fail_msg("%s", error.text);
    return config;
}

static inline mg_status fit_with(const mg_fit_request *request, const char *const *sets, mg_model **model,
                                 mg_fit_result *result, mg_error *error) {
    mg_config *config = configure(sets);
    mg_status status = mg_fit(config, request, model, result, error);
    mg_config_destroy(config);
    assert_true(!status == (*model != NULL));
    return status;
}

static const char *const short_run[] = {"train.solver=sgd", "sgd.eta=0.01", "train.epochs=2", NULL};

#endif
