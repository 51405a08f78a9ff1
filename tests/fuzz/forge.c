// forge.c - the target for forged files. The input says what to change in a sealed model or checkpoint of a
// real run. Then the file is sealed again and used. Either it is refused with one line, or it works: training
// continues for a few steps, and rows get finite scores. The files remain valid HDF5, because this is no test
// of how libhdf5 handles hostile bytes.
#include "fuzz.h"
#include "support_forge.h"

#include "io/file.h"
#include "io/h5_write.h"

#include <dirent.h>
#include <margin/calibrate.h>
#include <margin/config.h>
#include <margin/inspect.h>
#include <margin/measure.h>
#include <margin/predict.h>
#include <margin/path.h>
#include <margin/trainer.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FIELDS = 64, ROWS = 48, FEATURES = 9, MOST_CHANGES = 6, STEPS = 4, NEWTON_STEPS = 1 };

static const struct {
    bool sparse, path;
    int64_t stop; // the run is stopped after this step, so that there is a checkpoint
    int classes;
    const char *settings;
} kinds[] = {
    {false, false, 5, 3, "train.solver=sgd train.epochs=4 data.validation=0.3 sgd.update=momentum"},
    {true, false, 5, 3, "train.solver=sgd train.epochs=4"},
    {false, false, 8, 3, "train.solver=dual train.tolerance=1e-4"},
    {true, false, 8, 3, "train.solver=dual train.tolerance=1e-4 data.scale=max-abs"},
    {true, false, 8, 14, "train.solver=dual train.epochs=4"},
    {true, false, 8, 14, "train.solver=dual train.epochs=30 train.tolerance=1e-4 model.loss=one-vs-rest"},
    {false, false, 7, 3, "train.solver=newton train.tolerance=1e-6"},
    {true, false, 7, 3, "train.solver=newton train.tolerance=1e-6"},
    {false, false, 2, 3, "train.solver=newton train.tolerance=1e-9 model.loss=softmax"},
    {true, true, 40, 3, "train.solver=dual data.validation=0.3"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct image {
    unsigned char *bytes;
    size_t size;
    char field[MOST_FIELDS][80];
    int count;
} image;

static char root[64];
static mg_config *configs[KINDS];
static image checkpoints[KINDS], models[KINDS], metrics[KINDS];
static image begun, warm;      // begun.h5 of the first kind of run; of one with --init
static const char *init_model; // --init of the next run; NULL: weights of zero

// ---- files of real runs -------------------------------------------------------------------------

static int leave_unsynced(int fd) {
    (void)fd;
    return 0;
}

typedef struct part {
    const char *name;
    mg_h5_type type;
    int64_t rows, columns;
    const void *data;
    size_t bytes;
} part;

static void put_parts(mg_h5_writer *file, const part *parts, int count) {
    mg_error error = {0};
    mg_status status = MG_OK;
    int number[4];
    for (int i = 0; !status && i < count; i++) {
        const mg_h5_new_array array = {.type = parts[i].type,
                                       .rank = parts[i].columns > 1 ? 2 : 1,
                                       .dims = {parts[i].rows, parts[i].columns}};
        status = mg_h5_writer_array(file, parts[i].name, &array, &number[i], &error);
    }
    if (!status) status = mg_h5_writer_start(file, &error);
    for (int i = 0; !status && i < count; i++)
        status = mg_h5_writer_append(file, number[i], parts[i].data, parts[i].bytes, &error);
    if (!status) status = mg_h5_writer_commit(file, &error);
    mg_h5_writer_destroy(file);
    fuzz_check(!status, error.text);
}

static void make_data(const char *path, bool sparse, int classes) {
    mg_h5_writer *file;
    mg_error error = {0};
    float x[ROWS * FEATURES], values[ROWS * FEATURES];
    int64_t y[ROWS], pointers[ROWS + 1] = {0}, n = 0, shape[2] = {ROWS, FEATURES};
    int32_t indices[ROWS * FEATURES];
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % classes;
        for (int d = 0; d < FEATURES; d++) {
            float cell = (float)((i * 7 + d * 13 + i * d) % 5 - 1) + (d == i % classes % FEATURES ? 3.0F : 0);
            x[i * FEATURES + d] = cell;
            if (cell == 0) continue;
            values[n] = cell;
            indices[n++] = d;
        }
        pointers[i + 1] = n;
    }
    mg_status status = mg_h5_writer_create(&file, path, true, 0, &error);
    if (sparse) {
        if (!status) status = mg_h5_writer_group(file, "X", &error);
        if (!status) status = mg_h5_writer_int64(file, "X", "shape", shape, 2, &error);
        if (!status) status = mg_h5_writer_text(file, "X", "encoding-type", "csr_matrix", &error);
    }
    fuzz_check(!status, error.text);
    const part dense[] = {{"y", MG_H5_I64, ROWS, 1, y, sizeof y},
                          {"X", MG_H5_F32, ROWS, FEATURES, x, sizeof x}},
               csr[] = {{"y", MG_H5_I64, ROWS, 1, y, sizeof y},
                        {"X/data", MG_H5_F32, n, 1, values, (size_t)n * sizeof *values},
                        {"X/indices", MG_H5_I32, n, 1, indices, (size_t)n * sizeof *indices},
                        {"X/indptr", MG_H5_I64, ROWS + 1, 1, pointers, sizeof pointers}};
    if (sparse) put_parts(file, csr, sizeof csr / sizeof *csr);
    else put_parts(file, dense, sizeof dense / sizeof *dense);
}

static mg_config *configure(int kind) {
    char text[400], data[120], directory[120], *rest = text;
    const char *sets[20] = {data,
                            directory,
                            "train.threads=1",
                            "train.batch=16",
                            "checkpoint.every_seconds=0",
                            "model.lambda=0.001"};
    int count = kinds[kind].path ? 5 : 6;
    mg_config *config;
    mg_error error = {0};
    snprintf(data, sizeof data, "data.train=%s/%s%d.h5", root, kinds[kind].sparse ? "sparse" : "dense",
             kinds[kind].classes);
    snprintf(directory, sizeof directory, "output.directory=%s/run%d", root, kind);
    snprintf(text, sizeof text, "%s", kinds[kind].settings);
    for (char *word; (word = strsep(&rest, " "));) sets[count++] = word;
    sets[count++] = "sgd.eta=0.02";
    fuzz_check(!mg_config_load(NULL, sets, count, &config, &error), error.text);
    return config;
}

static bool stop_at(void *context, int64_t step) {
    int64_t *left = context;
    (void)step;
    return --*left <= 0;
}

static void hear(void *context, const char *line) {
    (void)context;
    for (const char *c = line; *c; c++)
        fuzz_check((unsigned char)*c >= ' ' && *c != 127, "a message is one printable line");
}

static mg_status run(int kind, bool resume, int64_t steps, mg_error *error) {
    mg_observer observer = {.context = &steps, .stop = stop_at, .message = hear};
    mg_train_result result;
    mg_path_result points;
    const mg_path_request path = {
        .C = "0.0001:0.01:10", .resume = resume, .overwrite = !resume, .observer = &observer};
    const mg_train_request train = {
        .init_model = init_model, .resume = resume, .overwrite = !resume, .observer = &observer};
    return kinds[kind].path ? mg_path(configs[kind], &path, &points, error)
                            : mg_train(configs[kind], &train, &result, error);
}

static void take_file(const char *path, image *to) {
    FILE *file = fopen(path, "rb");
    fuzz_check(file != NULL, path);
    to->bytes = malloc(1 << 20);
    to->size = fread(to->bytes, 1, 1 << 20, file);
    fclose(file);
}

static void put_file(const char *path, const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    fuzz_check(file && fwrite(bytes, 1, size, file) == size && !fclose(file), path);
}

static herr_t note_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
    (void)object, (void)info;
    image *to = context;
    if (to->count < MOST_FIELDS) snprintf(to->field[to->count++], 80, "%.70s", name);
    return 0;
}

static herr_t note_object(hid_t object, const char *name, const H5O_info_t *info, void *context) {
    (void)object;
    image *to = context;
    if (info->type == H5O_TYPE_DATASET && to->count < MOST_FIELDS)
        snprintf(to->field[to->count++], 80, "%.70s", name);
    return 0;
}

static void note_fields(image *to) {
    hid_t file = forge_open(to->bytes, to->size);
    H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, note_attribute, to);
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, note_object, to, H5O_INFO_BASIC);
    H5Fclose(file);
}

// Goes through the checkpoints of the directory. If `newest` is not NULL, copies the newest path to it;
// otherwise deletes all of them.
static void look_through(int kind, char *newest) {
    char directory[120], path[400];
    snprintf(directory, sizeof directory, "%s/run%d/checkpoints", root, kind);
    DIR *stream = opendir(directory);
    if (newest) *newest = 0;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        snprintf(path, sizeof path, "%s/%.250s", directory, entry->d_name);
        if (entry->d_name[0] == '.') continue;
        if (!newest) unlink(path);
        else if (strcmp(path, newest) > 0) memcpy(newest, path, strlen(path) + 1);
    }
    if (stream) closedir(stream);
}

static void clean(void) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", root);
    if (system(command)) return;
}

static void make_images(int kind) {
    char path[400];
    mg_error error = {0};
    configs[kind] = configure(kind);
    fuzz_check(run(kind, false, kinds[kind].stop, &error) == MG_STOPPED, "a run can be stopped");
    look_through(kind, path);
    take_file(path, &checkpoints[kind]);
    note_fields(&checkpoints[kind]);
    snprintf(path, sizeof path, "%s/run%d/metrics.jsonl", root, kind);
    take_file(path, &metrics[kind]);
    snprintf(path, sizeof path, "%s/run%d/begun.h5", root, kind);
    if (kind == 0) take_file(path, &begun);
    if (kind == 0) note_fields(&begun);
    error = (mg_error){0};
    if (kind > 1) return; // the models of all solvers have the same layout
    fuzz_check(!run(kind, true, 1000, &error), error.text);
    snprintf(path, sizeof path, "%s/run%d/model.h5", root, kind);
    // The first model is calibrated with a temperature, the second with sigmoids.
    char data[120];
    snprintf(data, sizeof data, "%s/%s3.h5", root, kind ? "sparse" : "dense");
    const mg_calibrate_request calibrate = {
        .model = path, .data = data, .method = kind ? "sigmoid" : NULL, .threads = 1};
    fuzz_check(!mg_calibrate(&calibrate, NULL, &error), error.text);
    take_file(path, &models[kind]);
    note_fields(&models[kind]);
}

// Makes the begun.h5 of a run that starts from the first model, and then restores that of the directory.
static void make_warm(void) {
    static char model[120];
    char path[120];
    mg_error error = {0};
    snprintf(model, sizeof model, "%s/init.h5", root);
    put_file(model, models[0].bytes, models[0].size);
    init_model = model;
    fuzz_check(run(0, false, kinds[0].stop, &error) == MG_STOPPED, "a run with --init can be stopped");
    init_model = NULL;
    snprintf(path, sizeof path, "%s/run0/begun.h5", root);
    take_file(path, &warm);
    note_fields(&warm);
    put_file(path, begun.bytes, begun.size);
}

static void prepare(void) {
    if (root[0]) return;
    snprintf(root, sizeof root, "%s/margin-forge-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    fuzz_check(mkdtemp(root) != NULL, "there is a directory");
    atexit(clean);
    mg_file_calls.fsync = leave_unsynced;
    for (int form = 0; form < 4; form++) {
        char path[120];
        snprintf(path, sizeof path, "%s/%s%d.h5", root, form / 2 ? "sparse" : "dense", form % 2 ? 14 : 3);
        make_data(path, form / 2, form % 2 ? 14 : 3);
    }
    for (int kind = 0; kind < KINDS; kind++) make_images(kind);
    make_warm();
}

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

static void change(hid_t file, const image *of, input *in) {
    static const char *const texts[] = {"",       "x",    "softmax",      "unit",     "total",
                                        "log1p",  "none", "a\nb\x1b[31m", "\xff\xfe", "margin model",
                                        "../../x"};
    const char *field = of->field[take(in) % (unsigned)of->count];
    bool attribute = H5Aexists(file, field) > 0;
    unsigned how = take(in) % 10, place = take(in) << 8;
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
    bool newton = strstr(kinds[kind].settings, "newton") != NULL;
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

static void use_model(int kind, const unsigned char *bytes, size_t size) {
    char path[120], data[120];
    int answers = 0;
    mg_predictor *predictor = NULL;
    mg_measurement *measurement = NULL;
    mg_error error = {0};
    snprintf(path, sizeof path, "%s/model.h5", root);
    snprintf(data, sizeof data, "%s/%s3.h5", root, kind ? "sparse" : "dense");
    put_file(path, bytes, size);
    mg_status status = mg_predictor_open(
        &(mg_predict_options){.model = path, .probabilities = true, .threads = 1}, &predictor, &error);
    if (!status) {
        const mg_predict_sink sink = {count_answers, &answers};
        status = mg_predictor_file(predictor, data, &sink, &error);
        fuzz_check(status || answers == ROWS, "every row has an answer");
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
    int which = (int)(take(&in) % (KINDS + 4)), kind = which < KINDS ? which : which - KINDS;
    const image *const begins[] = {&begun, &warm};
    const image *of = which < KINDS ? &checkpoints[kind] : kind < 2 ? &models[kind] : begins[kind == 3];
    hid_t file = forge_open(of->bytes, of->size);
    for (int i = 0; i < MOST_CHANGES && in.left > 0; i++) change(file, of, &in);
    size_t forged_size;
    unsigned char *forged = forge_close(file, &forged_size);
    if (which < KINDS) use_checkpoint(kind, forged, forged_size);
    else if (kind < 2) use_model(kind, forged, forged_size);
    else use_begun(kind == 3, forged, forged_size);
    free(forged);
    return 0;
}
