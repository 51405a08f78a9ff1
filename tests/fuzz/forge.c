// forge.c - the target for forged files. The input says what to change in a sealed model or checkpoint of a
// real run. Then the file is sealed again and used. Either it is refused with one line, or it works: training
// continues for a few steps, and rows get finite scores. The files remain valid HDF5, because this is no test
// of how libhdf5 handles hostile bytes.
#include "forge_runs.h"
#include "fuzz.h"
#include "support_forge.h"

#include <margin/explain.h>
#include <margin/export.h>
#include <margin/inspect.h>
#include <margin/measure.h>
#include <margin/predict.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CHANGES = 6, STEPS = 4, NEWTON_STEPS = 1 };

// ---- changes ------------------------------------------------------------------------------------

typedef struct input {
    const uint8_t *bytes;
    size_t left;
} input;

static unsigned take(input *in) {
    if (!in->left) return 0;
    in->left--;
    return *in->bytes++;
}

static double take_value(input *in) {
    static const double values[] = {
        0,       1,    -1,    2,    0.5,   -0.5,  1e-3,   7,        16,        63,     64,     65,
        100,     1e3,  1e6,   1e9,  1e12,  1e14,  0x1p31, -0x1p31,  0x1p32,    0x1p53, 0x1p62, 0x1p63,
        -0x1p63, 1e30, -1e30, 3e38, 1e-38, 1e-45, 1e300,  INFINITY, -INFINITY, NAN};
    unsigned which = take(in), more = take(in) << 8;
    more |= take(in);
    if (which < 128) return values[which % (sizeof values / sizeof *values)];
    return which < 200 ? (double)more - 32768 : ldexp((double)(more & 255) - 128, (int)(more >> 8) - 128);
}

static hid_t take_type(input *in) {
    const hid_t types[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_FLOAT, H5T_NATIVE_INT8,   H5T_NATIVE_UINT8,
                           H5T_NATIVE_INT32,  H5T_NATIVE_INT64, H5T_NATIVE_UINT64, H5T_IEEE_F64BE,
                           H5T_C_S1,          H5T_STD_I64BE,    H5T_STD_REF_OBJ};
    return types[take(in) % (sizeof types / sizeof *types)];
}

// Sizes that a file of a few kilobytes can declare; none of them may be believed without a check.
static void take_hollow(hid_t file, const char *field, input *in) {
    hsize_t dims[3];
    for (int i = 0; i < 3; i++) dims[i] = (hsize_t)take(in) << take(in) % 40;
    forge_hollow(file, field, take_type(in), (int)(take(in) % 3) + 1, dims);
}

// Writes a number over some bytes of a data set, whatever type it has: packed fields and texts too.
static void poke(hid_t file, const char *field, unsigned place, input *in) {
    unsigned width = take(in) % 4;
    double real = take_value(in);
    float single = (float)real;
    int64_t whole = real > -0x1p62 && real < 0x1p62 ? (int64_t)real : INT64_MIN;
    const void *const bytes[] = {&whole, &single, &whole, &real};
    const size_t sizes[] = {1, sizeof single, sizeof whole, sizeof real};
    forge_poke(file, field, width > 1 ? place / 8 * 8 : place, bytes[width], sizes[width]);
}

static void change_recipe(hid_t file, unsigned which) {
    static const char *const recipes[] = {
        "format: text\nngrams: word:1:2\nbits: 18\nweighting: tf\n",
        "format: text\nngrams: char:1:5\nbits: 28\nweighting: tf-idf\nunit: true\n",
        "format: text\nbits: 2\n",
        "format: text",
        "format: csv\nlabel: kind\nheader: true\ndelimiter: comma\n",
        "format: csv\nlabel: 1\nheader: false\nid: 2\ndecimal: comma\ndelimiter: semicolon\n",
        "format: csv\ntext: ab\nlabel: kind\n",
        "format: svmlight\nbase: 7\n",
        "format: svmlight\nbase: 0\nfeatures: 1000000\n",
        "format: idx\n",
        "label: none\n\n\nformat: csv\n: \n"};
    forge_text(file, "recipe", recipes[which % (sizeof recipes / sizeof *recipes)]);
}

static void change(hid_t file, const image *of, input *in) {
    static const char *const texts[] = {"",       "x",    "softmax",      "unit",     "total",
                                        "log1p",  "none", "a\nb\x1b[31m", "\xff\xfe", "margin model",
                                        "../../x"};
    const char *field = of->field[take(in) % (unsigned)of->count];
    bool attribute = H5Aexists(file, field) > 0;
    unsigned how = take(in) % 12, place = take(in) << 8;
    place |= take(in);
    if (how < 4) forge_set(file, field, place, take_value(in));
    else if (how == 4) forge_set(file, field, -1, take_value(in));
    else if (how == 5 && attribute) forge_text(file, field, texts[place % (sizeof texts / sizeof *texts)]);
    else if (how < 7) {
        hsize_t dims[3] = {take(in), 1 + take(in) % 50, 2};
        hid_t type = take_type(in);
        int rank = (int)(take(in) % 5) - 1;
        forge_replace(file, field, type, rank, dims, take_value(in));
    } else if (how == 7) forge_delete(file, field);
    else if (how == 11) change_recipe(file, place);
    else if (how == 10 && !attribute) poke(file, field, place, in);
    else if (how == 8 && !attribute) take_hollow(file, field, in);
    else if (!attribute)
        forge_relink(file, field, (forge_link)(place % 4), of->field[take(in) % (unsigned)of->count]);
}

// ---- use ----------------------------------------------------------------------------------------

static void expect_refusal(mg_status status, mg_error *error) {
    if (status != MG_NONFINITE) fuzz_refusal(status, error);
}

// Restores the directory as the stopped run left it, so that all inputs find the same state.
static void restore_directory(int kind) {
    static const char *const results[] = {"model.h5", "path.jsonl"};
    char path[120];
    look_through(kind, NULL);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/run%d/%s", root, kind, results[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/run%d/metrics.jsonl", root, kind);
    put_file(path, metrics[kind].bytes, metrics[kind].size);
}

// If a checkpoint is accepted, some more steps are trained, and the checkpoint that they write must be
// accepted too.
static void use_checkpoint(int kind, const unsigned char *bytes, size_t size) {
    char path[400];
    mg_error error = {0};
    restore_directory(kind);
    snprintf(path, sizeof path, "%s/run%d/checkpoints/step-%012d.h5", root, kind, 8);
    put_file(path, bytes, size);
    FILE *nowhere = fopen("/dev/null", "w");
    mg_inspect(path, NULL, NULL, nowhere, &error);
    fclose(nowhere);
    error = (mg_error){0};
    // A Newton step costs as much as twenty steps of the other solvers.
    bool newton = uses_newton(kind);
    mg_status status = run(kind, true, newton ? NEWTON_STEPS : STEPS, &error);
    if (status && status != MG_STOPPED) expect_refusal(status, &error);
    else if (status == MG_STOPPED) {
        error = (mg_error){0};
        status = run(kind, true, 1, &error);
        fuzz_check(status == MG_OK || status == MG_STOPPED || status == MG_NONFINITE, error.text);
    }
}

// Without a checkpoint, a run starts if begun.h5 is correct.
static void use_begun(bool with_init, const unsigned char *bytes, size_t size) {
    char path[120], model[120];
    mg_error error = {0};
    restore_directory(0);
    snprintf(path, sizeof path, "%s/run0/begun.h5", root);
    put_file(path, bytes, size);
    snprintf(model, sizeof model, "%s/init.h5", root);
    init_model = with_init ? model : NULL;
    mg_status status = run(0, true, STEPS, &error);
    init_model = NULL;
    if (status && status != MG_STOPPED) expect_refusal(status, &error);
    put_file(path, begun.bytes, begun.size);
}

static mg_status count_answers(void *context, const char *text, size_t bytes, mg_error *error) {
    (void)error;
    for (size_t i = 0; i < bytes; i++) *(int *)context += text[i] == '\n';
    fuzz_check(!memmem(text, bytes, "nan", 3), "every probability is a number");
    return MG_OK;
}

// Answers lines of all kinds. A predictor must still work after it has refused one.
static void use_lines(mg_predictor *predictor) {
    static const char *const lines[] = {"1:1 2:-3\n",
                                        "0:1",
                                        "hello world good day\n",
                                        "ab,cd\n",
                                        "cd,kind,ab\n",
                                        "1,2\n",
                                        "3,5,x\n",
                                        "\n",
                                        "x\thello\n",
                                        "7;\"8,5\";9",
                                        "9:1 4000000000:2\n"};
    const char *answer;
    size_t length;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        mg_error error = {0};
        mg_status status =
            mg_predictor_line(predictor, "lines", lines[i], strlen(lines[i]), &answer, &length, &error);
        if (status) expect_refusal(status, &error);
        else fuzz_check(!memmem(answer, length, "nan", 3), "every probability is a number");
    }
}

// What else reads models.
static void look_at_model(const char *path) {
    mg_model *model;
    mg_error error = {0};
    FILE *nowhere = fopen("/dev/null", "w");
    const mg_explain_request explain = {.model = path, .top = 3};
    mg_inspect(path, NULL, NULL, nowhere, &error);
    mg_explain(&explain, nowhere, &error);
    fclose(nowhere);
    if (mg_model_load(path, &model, &error)) return;
    char out[120];
    snprintf(out, sizeof out, "%s/exported", root);
    for (int i = 0; mg_export_format_name(i); i++)
        mg_model_export(model, mg_export_format_name(i), out, &error);
    mg_model_destroy(model);
}

static void use_model(int kind, const unsigned char *bytes, size_t size) {
    static const int rows_of[MODELS] = {FORGE_ROWS, FORGE_ROWS, 6, 4};
    char path[120], data[120];
    int answers = 0;
    mg_predictor *predictor = NULL;
    mg_measurement *measurement = NULL;
    mg_error error = {0};
    snprintf(path, sizeof path, "%s/model.h5", root);
    static const char *const data_of[MODELS] = {"dense3.h5", "sparse3.h5", "table.csv", "texts"};
    snprintf(data, sizeof data, "%s/%s", root, data_of[kind]);
    put_file(path, bytes, size);
    look_at_model(path);
    mg_status status = mg_predictor_open(
        &(mg_predict_options){.model = path, .probabilities = kind < OF_TABLE, .threads = 1, .base = -1},
        &predictor, &error);
    if (!status) {
        const mg_predict_sink sink = {count_answers, &answers};
        status = mg_predictor_file(predictor, data, &sink, &error);
        fuzz_check(status || answers == rows_of[kind], "every row has an answer");
        use_lines(predictor);
    }
    if (status) expect_refusal(status, &error);
    mg_predictor_close(predictor);
    error = (mg_error){0};
    status =
        mg_measure(&(mg_measure_request){.model = path, .data = data, .threads = 1}, &measurement, &error);
    if (status) expect_refusal(status, &error);
    mg_measurement_destroy(measurement);
}

int fuzz_forge(const uint8_t *bytes, size_t size) {
    prepare();
    input in = {bytes, size};
    int which = (int)(take(&in) % (KINDS + MODELS + 2)), kind = which < KINDS ? which : which - KINDS;
    bool with_init = kind == MODELS + 1;
    const image *of = &checkpoints[kind];
    if (which >= KINDS) of = kind < MODELS ? &models[kind] : with_init ? &warm : &begun;
    hid_t file = forge_open(of->bytes, of->size);
    for (int i = 0; i < MOST_CHANGES && in.left > 0; i++) change(file, of, &in);
    size_t forged_size;
    unsigned char *forged = forge_close(file, &forged_size);
    if (which < KINDS) use_checkpoint(kind, forged, forged_size);
    else if (kind < MODELS) use_model(kind, forged, forged_size);
    else use_begun(with_init, forged, forged_size);
    free(forged);
    return 0;
}
