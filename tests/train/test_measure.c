// test_measure.c - metrics against numbers worked out by hand, answers to rows of files and of lines, descriptions of files.
#include "base/memory.h"
#include "io/file.h"
#include "io/h5.h"
#include "model/model.h"

#include <margin/inspect.h>
#include <margin/model.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
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

static int begin(void **unused) {
    (void)unused;
    strcpy(directory, "/tmp/margin_measure_XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int end(void **unused) {
    (void)unused;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static void write_image(mg_h5_image *image, const char *path) {
    assert_int_equal(mg_h5_image_write(image, path, NULL), MG_OK);
}

// Three features, three classes, scores equal to the row: what a row scores can be read off it.
static const float rows_x[6][3] = {
    {2, 1, 0},  // of 0: right, margin kept
    {1, 1, 0},  // of 0: tied with 1, the lower class wins: right; loss 1
    {1, 1, 0},  // of 1: tied with 0: wrong, second; loss 1
    {0, 0, 3},  // of 2: right
    {3, 2, 0},  // of 2: third; loss 4
    {0, 5, 0},  // of no class of the model
};
enum { ROWS = 6, KNOWN = 5, K = 3 };
static const int64_t rows_y[ROWS] = {10, 10, 20, 30, 30, 77};
static const char *const rows_text[ROWS] = {"Äpfel", "Äpfel", "a\"b", "日本", "日本", "none"};

static void write_model(const char *path, bool texts, const char *rows, const char *transform) {
    mg_model *model;
    const char *const names[K] = {"a\"b", "Äpfel", "日本"}; // ascending by bytes: classes 0 and 1 change places
    assert_int_equal(mg_model_create(K, K, &model, NULL), MG_OK);
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
    mg_error error;
    mg_directory *folder;
    const char *name;
    if (mg_directory_open_parent(path, &folder, &name, &error)) fail_msg("%s", error.text);
    if (mg_model_save(model, folder, name, &error)) fail_msg("%s", error.text);
    mg_directory_close(folder);
    mg_model_destroy(model);
}

typedef enum labels { NO_LABELS, INTEGERS, TEXTS } labels;

static void write_dense(const char *path, int64_t rows, labels kind) {
    mg_h5_image *image;
    assert_int_equal(mg_h5_image_create(&image, NULL), MG_OK);
    const float weights[ROWS] = {1, 3, 1, 1, 2, 9};
    mg_h5_image_array(image, "X", MG_H5_F32, 2, (int64_t[]){rows, K}, rows_x);
    if (kind == INTEGERS) mg_h5_image_array(image, "y", MG_H5_I64, 1, &rows, rows_y);
    if (kind == TEXTS) mg_h5_image_texts(image, "y", rows, rows_text);
    mg_h5_image_array(image, "w", MG_H5_F32, 1, &rows, weights);
    write_image(image, path);
}

static void write_sparse(const char *path) {
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
    write_image(image, path);
    // The image has no attribute of two numbers: the shape is put in through the library.
    char command[400];
    snprintf(command, sizeof command, "python3 -c \"import h5py; f = h5py.File('%s', 'r+'); f['X'].attrs['shape'] = [%d, %d]\" 2>/dev/null",
             path, (int)shape[0], (int)shape[1]);
    if (system(command)) unlink(path);
}

static mg_measurement *measure(const mg_measure_request *request) {
    mg_measurement *m;
    mg_error error;
    if (mg_measure(request, &m, &error)) fail_msg("%s", error.text);
    return m;
}

#define assert_near(value, expected) assert_true(fabs((value) - (expected)) < 1e-6)

static void check_numbers(const mg_measurement *m) {
    assert_int_equal(m->rows, KNOWN);
    assert_int_equal(m->skipped, 1);
    assert_int_equal(m->correct, 3);
    assert_near(m->accuracy, 0.6);
    assert_near(m->mean_loss, (0 + 1 + 1 + 0 + 4) / 5.0);
    assert_near(m->objective, 1.2 + 0.25 * 3);
    assert_int_equal(m->top[0], 3);
    assert_int_equal(m->top[1], 4);
    assert_int_equal(m->top[2], 5);
    const int64_t confusion[K * K] = {2, 0, 0, 1, 0, 0, 1, 0, 1};
    assert_memory_equal(m->confusion, confusion, sizeof confusion);
    assert_near(m->per_class[0].precision, 0.5);
    assert_near(m->per_class[0].recall, 1);
    assert_near(m->per_class[0].f1, 2.0 / 3);
    assert_true(isnan(m->per_class[1].precision)); // never predicted
    assert_near(m->per_class[1].recall, 0);
    assert_near(m->per_class[1].f1, 0);
    assert_near(m->per_class[2].precision, 1);
    assert_near(m->per_class[2].recall, 0.5);
    assert_int_equal(m->per_class[2].support, 2);
    assert_near(m->macro_f1, (2.0 / 3 + 0 + 2.0 / 3) / 3);
    assert_string_equal(m->per_class[1].label, "20");
}

static void test_numbers(void **unused) {
    (void)unused;
    write_model(at("m.h5"), false, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    write_sparse(at("s.h5"));
    for (int sparse = 0; sparse < 2; sparse++) {
        if (sparse && access(at("s.h5"), F_OK)) continue; // no python3 with h5py
        for (int threads = 1; threads < 4; threads++) {
            mg_measurement *m = measure(&(mg_measure_request){
                .model = at("m.h5"), .data = at(sparse ? "s.h5" : "d.h5"), .skip_unknown = true, .threads = threads});
            check_numbers(m);
            mg_measurement_destroy(m);
        }
    }
}

static void test_weights(void **unused) {
    (void)unused;
    write_model(at("m.h5"), false, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    mg_measurement *m =
        measure(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5"), .weights = "w", .skip_unknown = true});
    // Of the rows that count: those left out weigh 9.
    assert_near(m->mean_loss, (1 * 0 + 3 * 1 + 1 * 1 + 1 * 0 + 2 * 4) / 8.0);
    assert_near(m->accuracy, 0.6);
    mg_measurement_destroy(m);
}

static void refuse(const mg_measure_request *request, mg_status expected, const char *part) {
    mg_measurement *m;
    mg_error error = {0};
    assert_int_equal(mg_measure(request, &m, &error), expected);
    assert_null(m);
    if (!strstr(error.text, part)) fail_msg("'%s' is not in: %s", part, error.text);
    assert_null(strchr(error.text, '\n'));
}

static void test_refusals(void **unused) {
    (void)unused;
    static volatile sig_atomic_t stop = 1;
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    write_dense(at("dt.h5"), KNOWN, TEXTS);
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5")}, MG_DATA, "y[5] is 77");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5")}, MG_DATA, "(--unknown skip)");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("dt.h5"), .skip_unknown = true}, MG_DATA, "none of its 5 rows");
    refuse(&(mg_measure_request){.model = at("d.h5"), .data = at("d.h5")}, MG_DATA, "attribute format");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("missing.h5")}, MG_IO, "cannot be opened");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5"), .labels = "nope"}, MG_DATA, "nope is missing");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5"), .skip_unknown = true, .stop = &stop}, MG_STOPPED, "stopped");
    mg_h5_image *image;
    const float wide[2][4] = {{0}};
    mg_h5_image_create(&image, NULL);
    mg_h5_image_array(image, "X", MG_H5_F32, 2, (int64_t[]){2, 4}, wide);
    mg_h5_image_array(image, "y", MG_H5_I64, 1, (int64_t[]){2}, rows_y);
    write_image(image, at("wide.h5"));
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("wide.h5")}, MG_DATA, "wide.h5: has 4 features but there are 3 in the model");
    FILE *file = fopen(at("m.h5"), "r+b");
    fseek(file, 200, SEEK_SET);
    fputc('!', file);
    fclose(file);
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5")}, MG_DATA, "seal does not match");
}

// ---- answers -----------------------------------------------------------------------------------------------------------

static char collected[4096];

static mg_status collect(void *context, const char *text, size_t bytes, mg_error *error) {
    (void)context, (void)error;
    assert_true(strlen(collected) + bytes < sizeof collected);
    strncat(collected, text, bytes);
    return MG_OK;
}

static mg_predictor *open_predictor(const mg_predict_options *options) {
    mg_predictor *predictor;
    mg_error error;
    if (mg_predictor_open(options, &predictor, &error)) fail_msg("%s", error.text);
    return predictor;
}

static void answer_file(const mg_predict_options *options, const char *path, const char *expected) {
    mg_predictor *predictor = open_predictor(options);
    mg_error error;
    collected[0] = 0;
    if (mg_predictor_file(predictor, path, &(mg_predict_sink){collect, NULL}, &error)) fail_msg("%s", error.text);
    assert_string_equal(collected, expected);
    mg_predictor_close(predictor);
}

static void test_files(void **unused) {
    (void)unused;
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("bare.h5"), ROWS, NO_LABELS);
    answer_file(&(mg_predict_options){.model = at("m.h5")}, at("bare.h5"), "10\n10\n10\n30\n10\n20\n");
    answer_file(&(mg_predict_options){.model = at("t.h5")}, at("bare.h5"), "Äpfel\na\"b\na\"b\n日本\nÄpfel\na\"b\n");
    answer_file(&(mg_predict_options){.model = at("m.h5"), .top = 2}, at("bare.h5"),
                "10:2\t20:1\n10:1\t20:1\n10:1\t20:1\n30:3\t10:0\n10:3\t20:2\n20:5\t10:0\n");
    answer_file(&(mg_predict_options){.model = at("m.h5"), .scores = true}, at("bare.h5"),
                "10\t2\t1\t0\n10\t1\t1\t0\n10\t1\t1\t0\n30\t0\t0\t3\n10\t3\t2\t0\n20\t0\t5\t0\n");
    write_sparse(at("s.h5"));
    if (!access(at("s.h5"), F_OK)) answer_file(&(mg_predict_options){.model = at("m.h5")}, at("s.h5"), "10\n10\n10\n30\n10\n20\n");
}

static void answer_line(mg_predictor *predictor, const char *line, const char *expected) {
    const char *answer;
    size_t bytes;
    mg_error error = {0};
    mg_status status = mg_predictor_line(predictor, "in", line, strlen(line), &answer, &bytes, &error);
    if (status) {
        assert_string_equal(error.text, expected);
    } else {
        assert_int_equal(bytes, strlen(answer));
        assert_string_equal(answer, expected);
    }
}

static void test_lines(void **unused) {
    (void)unused;
    write_model(at("m.h5"), false, "none", "none");
    mg_predictor *p = open_predictor(&(mg_predict_options){.model = at("m.h5"), .base = 1});
    answer_line(p, "1:2 2:1\n", "10\n");
    answer_line(p, "77 3:0.5 1:.25 # why not\r\n", "30\n");
    answer_line(p, "\t 2:1", "20\n");
    answer_line(p, "", "10\n"); // a row of zeros
    answer_line(p, "word\n", "in:5:1: the line 'word' has no index:value; an empty line is a row of zeros");
    answer_line(p, "# a comment\n", "");
    answer_line(p, "1:1 2:x\n", "in:7:7: 'x' is not a number");
    answer_line(p, "ä 1:1 4:1\n", "in:8:7: index 4 is past 3, the last one allowed; the model has 3 features");
    answer_line(p, "0:1\n", "in:9:1: index 0, but indices begin at 1 (--base 1)");
    answer_line(p, "1:1 2:2 1:3\n", "in:10:9: feature 1 is given twice");
    answer_line(p, "1:nan\n", "in:11:3: 'nan': missing values are not supported: fill or drop them");
    answer_line(p, "1:2 word\n", "in:12:5: 'word' is not index:value");
    answer_line(p, "3:1\n", "30\n"); // it goes on
    mg_predictor_close(p);
    p = open_predictor(&(mg_predict_options){.model = at("m.h5"), .base = 0, .top = 9});
    answer_line(p, "0:1 2:1e-3", "10:1\t30:0.00100000005\t20:0\n");
    mg_predictor_close(p);
    mg_error error;
    assert_int_equal(mg_predictor_open(&(mg_predict_options){.model = at("m.h5"), .base = 2}, &p, &error), MG_USAGE);
    assert_null(p);
}

static void test_preparation(void **unused) {
    (void)unused;
    write_model(at("u.h5"), false, "unit", "log1p");
    write_dense(at("bare.h5"), ROWS, NO_LABELS);
    mg_predictor *p = open_predictor(&(mg_predict_options){.model = at("u.h5"), .base = 1, .scores = true});
    char expected[64];
    snprintf(expected, sizeof expected, "20\t%.9g\t%.9g\t0\n", (double)(float)log1p((double)0.6f), (double)(float)log1p((double)0.8f));
    answer_line(p, "2:8 1:6", expected);
    answer_line(p, "3:-2", "in:2:1: feature 3 is -1; log1p needs values above -1 (the model prepares rows so)");
    // A row of the file and the same as a line answer alike.
    mg_error error;
    collected[0] = 0;
    assert_int_equal(mg_predictor_file(p, at("bare.h5"), &(mg_predict_sink){collect, NULL}, &error), MG_OK);
    char first[64];
    snprintf(first, sizeof first, "%.*s\n", (int)strcspn(collected, "\n"), collected);
    answer_line(p, "1:2 2:1", first);
    mg_predictor_close(p);
    write_model(at("u.h5"), false, "total", "none");
    p = open_predictor(&(mg_predict_options){.model = at("u.h5"), .base = 1});
    answer_line(p, "1:0 2:0", "10\n");
    answer_line(p, "1:2 2:-2", "in:2:1: the row has values, but their sum is not above 0: they cannot be scaled to a total (the model prepares rows so)");
    answer_line(p, "1:3e38 2:-3e38 3:1e-30", "in:3:1: feature 1 is inf; scaling the row to a total leaves the range of float32 (the model prepares rows so)");
    mg_predictor_close(p);
}

// ---- the program -------------------------------------------------------------------------------------------------------

// Runs a shell command; its standard output goes to `out`. Returns its exit status.
static int shell(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int shell(char *out, size_t size, const char *format, ...) {
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

static void test_json(void **unused) {
    (void)unused;
    char out[4096];
    if (system("python3 -c pass 2>/dev/null")) skip();
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    write_dense(at("dt.h5"), ROWS, TEXTS);
    const char *program = "import json, sys; d = json.load(sys.stdin); "
                          "print(d['rows'], d['skipped'], d['accuracy'], round(d['mean_loss'], 6), d['confusion'], "
                          "[c['label'] for c in d['per_class']], [c['precision'] for c in d['per_class']], d['top_k_accuracy'])";
    assert_int_equal(shell(out, sizeof out, "%s eval --json --unknown skip %s %s | PYTHONIOENCODING=utf-8 python3 -c \"%s\"", MG_MARGIN,
                           at("m.h5"), at("d.h5"), program), 0);
    assert_string_equal(out, "5 1 0.6 1.2 [[2, 0, 0], [1, 0, 0], [1, 0, 1]] [10, 20, 30] [0.5, None, 1] {'1': 0.6, '2': 0.8}\n");
    assert_int_equal(shell(out, sizeof out, "%s eval --json --unknown skip %s %s | PYTHONIOENCODING=utf-8 python3 -c \"%s\"", MG_MARGIN,
                           at("t.h5"), at("dt.h5"), program), 0);
    // Classes of texts are in another order, and the tie of the second and third row goes to the lowest of that order.
    assert_string_equal(out, "5 1 0.6 1.2 [[1, 0, 0], [1, 1, 0], [0, 1, 1]] ['a\"b', 'Äpfel', '日本'] [0.5, 0.5, 1] {'1': 0.6, '2': 0.8}\n");
}

static void test_commands(void **unused) {
    (void)unused;
    char out[8192];
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    write_dense(at("dt.h5"), ROWS, TEXTS);
    assert_int_equal(shell(out, sizeof out, "%s eval %s %s 2>&1", MG_MARGIN, at("m.h5"), at("d.h5")), 3);
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1); // one line
    assert_int_equal(shell(out, sizeof out, "%s eval %s 2>&1", MG_MARGIN, at("m.h5")), 2);
    assert_int_equal(shell(out, sizeof out, "%s eval --unknown skip %s %s", MG_MARGIN, at("t.h5"), at("dt.h5")), 0);
    assert_non_null(strstr(out, "\n日本    100.00%")); // two columns a character: padded to the width of "class"
    assert_non_null(strstr(out, "\nÄpfel    50.00%"));
    assert_int_equal(shell(out, sizeof out, "%s predict %s %s | head -n 1; echo ${PIPESTATUS:-0}", MG_MARGIN, at("m.h5"), at("d.h5")), 0);
    assert_int_equal(shell(out, sizeof out, "%s predict %s %s -o %s && cat %s", MG_MARGIN, at("m.h5"), at("d.h5"), at("o.txt"), at("o.txt")), 0);
    assert_string_equal(out, "10\n10\n10\n30\n10\n20\n");
    assert_int_equal(shell(out, sizeof out, "printf '1:1\\n1:x\\n' | %s predict %s - -o %s 2>&1", MG_MARGIN, at("m.h5"), at("p.txt")), 3);
    assert_string_equal(out, "margin predict: standard input:2:3: 'x' is not a number\n");
    assert_int_equal(shell(out, sizeof out, "ls %s | grep -c '^p.txt'", directory), 1); // neither it nor a temporary
    assert_int_equal(shell(out, sizeof out, "trap '' PIPE; yes 1:1 2>/dev/null | %s predict %s - 2>&1 >/dev/full", MG_MARGIN, at("m.h5")), 1);
    assert_int_equal(shell(out, sizeof out, "trap '' PIPE; (yes 1:1 2>/dev/null | %s predict %s - | head -n 1) 2>&1", MG_MARGIN, at("m.h5")), 0);
    assert_string_equal(out, "10\n");
    assert_int_equal(shell(out, sizeof out, "%s info %s --verify", MG_MARGIN, at("m.h5")), 0);
    assert_non_null(strstr(out, "m.h5: whole, "));
    assert_int_equal(shell(out, sizeof out, "%s list losses", MG_MARGIN), 0);
    assert_non_null(strstr(out, "crammer-singer"));
    assert_int_equal(shell(out, sizeof out, "%s list nothing 2>&1", MG_MARGIN), 2);
    assert_int_equal(shell(out, sizeof out, "%s config --set train.epochs=7", MG_MARGIN), 0);
    assert_non_null(strstr(out, "  epochs: 7\n"));
    assert_int_equal(shell(out, sizeof out, "%s --version", MG_MARGIN), 0);
    assert_non_null(strstr(out, "libyaml"));
}

// Whoever waits for an answer before the next question must get it.
static void test_conversation(void **unused) {
    (void)unused;
    int to[2], from[2];
    char answer[16];
    write_model(at("m.h5"), false, "none", "none");
    char model[128];
    snprintf(model, sizeof model, "%s", at("m.h5"));
    assert_int_equal(pipe(to) | pipe(from), 0);
    pid_t child = fork();
    if (!child) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        execl(MG_MARGIN, "margin", "predict", model, "-", (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    alarm(60); // a silence would hang the test
    for (int i = 0; i < 100; i++) {
        char line[16], expected[16];
        snprintf(line, sizeof line, "%d:1\n", i % 3 + 1);
        snprintf(expected, sizeof expected, "%d\n", (i % 3 + 1) * 10);
        assert_int_equal(write(to[1], line, strlen(line)), (ssize_t)strlen(line));
        ssize_t got = read(from[0], answer, sizeof answer - 1);
        assert_true(got > 0);
        answer[got] = 0;
        assert_string_equal(answer, expected);
    }
    alarm(0);
    close(to[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(from[0]);
}

static void test_descriptions(void **unused) {
    (void)unused;
    char out[8192];
    int64_t bytes;
    mg_error error;
    write_model(at("m.h5"), false, "none", "none");
    write_dense(at("d.h5"), ROWS, TEXTS);
    const char *const paths[] = {at("m.h5"), at("d.h5")};
    const char *const parts[][3] = {{"crammer-singer", "3, integers: 10, 20, 30", "float32 [3, 3]"},
                                    {"6 rows of 3 features, dense", "4, texts", "日本"}};
    for (int i = 0; i < 2; i++) {
        FILE *file = fmemopen(out, sizeof out, "w");
        if (mg_inspect(paths[i], NULL, NULL, file, &error)) fail_msg("%s", error.text);
        fclose(file);
        for (int p = 0; p < 3; p++)
            if (!strstr(out, parts[i][p])) fail_msg("'%s' is not in:\n%s", parts[i][p], out);
        assert_int_equal(mg_inspect_seal(paths[i], &bytes, &error), MG_OK);
        assert_int_equal(truncate(paths[i], bytes - 1), 0);
        assert_int_equal(mg_inspect_seal(paths[i], &bytes, &error), MG_DATA);
    }
    assert_int_equal(mg_inspect(at("missing.h5"), NULL, NULL, stdout, &error), MG_IO);
    assert_int_equal(mg_version_text(out, sizeof out, &error), MG_OK);
    assert_int_equal(mg_version_text(out, 10, &error), MG_USAGE);
    for (int i = 0; mg_list_kind(i); i++) {
        FILE *file = fmemopen(out, sizeof out, "w");
        assert_int_equal(mg_list_print(mg_list_kind(i), file, &error), MG_OK);
        fclose(file);
        assert_non_null(strstr(out, "\n  "));
    }
}

// Every allocation of a measurement may fail: an error each time, never a crash or a leak.
static void test_memory(void **unused) {
    (void)unused;
    write_model(at("m.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, TEXTS);
    const mg_measure_request request = {.model = at("m.h5"), .data = at("d.h5"), .skip_unknown = true, .threads = 1};
    const mg_predict_options options = {.model = at("m.h5"), .top = 2, .base = 1, .threads = 1};
    mg_status status = MG_MEMORY;
    mg_measurement *m;
    mg_predictor *p;
    for (int64_t k = 1; status; k++) {
        mg_error error = {0};
        mg_memory_fail_at(k, false);
        status = mg_measure(&request, &m, &error);
        mg_memory_fail_at(0, false);
        if (status && status != MG_MEMORY && status != MG_FAILED) fail_msg("%d: %s", status, error.text);
        assert_true(!status == !!m);
        mg_measurement_destroy(m);
    }
    status = MG_MEMORY;
    for (int64_t k = 1; status; k++) {
        const char *answer;
        size_t bytes;
        mg_error error = {0};
        mg_memory_fail_at(k, false);
        status = mg_predictor_open(&options, &p, &error);
        if (!status) status = mg_predictor_line(p, "in", "2:1 1:1", 7, &answer, &bytes, &error);
        mg_memory_fail_at(0, false);
        if (status) assert_int_equal(status, MG_MEMORY);
        mg_predictor_close(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_weights), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_files),        cmocka_unit_test(test_lines),   cmocka_unit_test(test_preparation),
        cmocka_unit_test(test_json),         cmocka_unit_test(test_commands), cmocka_unit_test(test_conversation),
        cmocka_unit_test(test_descriptions), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
