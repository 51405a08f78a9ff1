// scored_files.h - a model whose scores equal the features of a row, and files of rows for it.
#ifndef MG_TEST_SCORED_FILES_H
#define MG_TEST_SCORED_FILES_H

#include "support.h"
#include "base/memory.h"
#include "io/h5.h"
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static const char *at(const char *name) {
    static char paths[8][128];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, 128, "%s/%s", directory, name);
    return path;
}

static inline int begin(void **unused) {
    (void)unused;
    strcpy(directory, "/tmp/margin_measure_XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static inline int end(void **unused) {
    (void)unused;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

// Three features and three classes. The model's scores equal the row, so they can be read off it.
static const float rows_x[6][3] = {
    {2, 1, 0}, // class 0: correct, no margin violation
    {1, 1, 0}, // class 0: tied with class 1, but the lower class is predicted: correct; loss 1
    {1, 1, 0}, // class 1: tied with class 0: wrong, in second place; loss 1
    {0, 0, 3}, // class 2: correct
    {3, 2, 0}, // class 2: in third place; loss 4
    {0, 5, 0}, // a class that the model does not have
};
enum { ROWS = 6, KNOWN = 5, K = 3 };
static const int64_t rows_y[ROWS] = {10, 10, 20, 30, 30, 77};
static const char *const rows_text[ROWS] = {"Äpfel", "Äpfel", "a\"b", "日本", "日本", "nine"};

static inline void write_model(const char *path, bool texts, const char *rows, const char *transform) {
    mg_model *model;
    // ascending by bytes: "a\"b" is the first class here
    const char *const names[K] = {"a\"b", "Äpfel", "日本"};
    assert_int_equal(mg_model_new(K, K, &model, NULL), MG_OK);
    for (int k = 0; k < K; k++) model->weights[k * K + (texts && k < 2 ? 1 - k : k)] = 1;
    model->classes = (mg_classes){.count = K, .texts = texts};
    if (texts) mg_memory_zeroed(&model->classes.text, K, sizeof(char *), NULL);
    else mg_memory_zeroed(&model->classes.number, K, sizeof(int64_t), NULL);
    for (int k = 0; k < K; k++) {
        if (texts) mg_memory_text(&model->classes.text[k], names[k], NULL);
        else model->classes.number[k] = 10 * (k + 1);
    }
    mg_memory_text(&model->loss, "crammer-singer", NULL);
    mg_memory_text(&model->rows, rows, NULL);
    mg_memory_text(&model->transform, transform, NULL);
    mg_memory_text(&model->features_name, "X", NULL);
    mg_memory_text(&model->labels_name, "y", NULL);
    model->delta = 1;
    model->lambda = 0.5;
    model->square_norm = 3;
    model->bias_value = 1;
    model->training_rows = ROWS;
    mg_error error;
    mg_directory *folder;
    const char *name;
    if (mg_directory_open_parent(path, &folder, &name, &error)) fail_msg("%s", error.text);
    if (mg_model_write(model, folder, name, NULL, &error)) fail_msg("%s", error.text);
    mg_directory_close(folder);
    mg_model_free(model);
}

typedef enum labels { NO_LABELS, INTEGERS, TEXTS } labels;

static inline void write_dense(const char *path, int64_t rows, labels kind) {
    mg_h5_image *image;
    assert_int_equal(mg_h5_image_create(&image, NULL), MG_OK);
    const float weights[ROWS] = {1, 3, 1, 1, 2, 9};
    mg_h5_image_array(image, "X", MG_H5_F32, 2, (int64_t[]){rows, K}, rows_x);
    if (kind == INTEGERS) mg_h5_image_array(image, "y", MG_H5_I64, 1, &rows, rows_y);
    if (kind == TEXTS) mg_h5_image_texts(image, "y", rows, rows_text);
    mg_h5_image_array(image, "w", MG_H5_F32, 1, &rows, weights);
    support_write_image(image, path);
}

static inline void write_sparse(const char *path) {
    mg_h5_image *image;
    int64_t rows = ROWS, points = ROWS + 1, indptr[ROWS + 1] = {0}, stored = 0, shape[2] = {ROWS, K};
    int32_t indices[ROWS * K];
    float values[ROWS * K];
    for (int i = 0; i < ROWS; i++) {
        for (int d = 0; d < K; d++)
            if (rows_x[i][d] != 0) indices[stored] = d, values[stored++] = rows_x[i][d];
        indptr[i + 1] = stored;
    }
    assert_int_equal(mg_h5_image_create(&image, NULL), MG_OK);
    mg_h5_image_group(image, "X");
    mg_h5_image_array(image, "X/data", MG_H5_F32, 1, &stored, values);
    mg_h5_image_array(image, "X/indices", MG_H5_I32, 1, &stored, indices);
    mg_h5_image_array(image, "X/indptr", MG_H5_I64, 1, &points, indptr);
    mg_h5_image_array(image, "y", MG_H5_I64, 1, &rows, rows_y);
    support_write_image(image, path);
    // mg_h5_image cannot write an attribute of two numbers, so h5py adds the shape.
    char command[400];
    snprintf(
        command, sizeof command,
        "python3 -c \"import h5py; f = h5py.File('%s', 'r+'); f['X'].attrs['shape'] = [%d, %d]\" 2>/dev/null",
        path, (int)shape[0], (int)shape[1]);
    if (system(command)) unlink(path);
}

// ---- the program --------------------------------------------------------------------------------

// Runs a shell command, and stores its standard output in `out`. Returns its exit status.
static inline int shell(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline int shell(char *out, size_t size, const char *format, ...) {
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, size - 1, pipe);
    out[got] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
