// forge_runs.c - trains the runs whose files are forged.
#include "forge_runs.h"

#include "fuzz.h"
#include "support_forge.h"

#include "io/file.h"
#include "io/h5_write.h"

#include <assert.h>
#include <dirent.h>
#include <margin/calibrate.h>
#include <margin/config.h>
#include <margin/convert.h>
#include <margin/path.h>
#include <margin/trainer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = FORGE_ROWS, FEATURES = 9 };

static const struct {
    bool sparse, path;
    int64_t stop; // the run is stopped after this step, so that there is a checkpoint
    int classes;
    const char *settings;
} kinds[] = {
    {false, false, 5, 3, "train.solver=sgd train.epochs=4 data.validation=0.3 sgd.update=momentum"},
    {true, false, 5, 3, "train.solver=sgd train.epochs=4"},
    {false, false, 8, 3, "train.solver=dual train.tolerance=1e-4"},
    {false, false, 8, 3, "train.solver=dual train.epochs=4 data.scale=standard"},
    {true, false, 8, 3, "train.solver=dual train.tolerance=1e-4 data.scale=max-abs"},
    {true, false, 8, 14, "train.solver=dual train.epochs=4"},
    {true, false, 8, 14, "train.solver=dual train.epochs=30 train.tolerance=1e-4 model.loss=one-vs-rest"},
    {false, false, 7, 3, "train.solver=newton train.tolerance=1e-6"},
    {true, false, 7, 3, "train.solver=newton train.tolerance=1e-6"},
    {false, false, 2, 3, "train.solver=newton train.tolerance=1e-9 model.loss=softmax"},
    {true, true, 40, 3, "train.solver=dual data.validation=0.3"},
};
static_assert(sizeof kinds / sizeof *kinds == KINDS, "one row for each kind");

char root[64];
image checkpoints[KINDS], models[MODELS], metrics[KINDS], begun, warm;
const char *init_model;
static mg_config *configs[KINDS];

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
    if (!status) status = mg_h5_writer_commit(&file, 1, &error);
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

mg_status run(int kind, bool resume, int64_t steps, mg_error *error) {
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

void put_file(const char *path, const unsigned char *bytes, size_t size) {
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

void look_through(int kind, char *newest) {
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

// Converts a file and trains a model of it.
static void make_raw(int which, const char *name, const char *text, const mg_convert_setting settings[2]) {
    char raw[120], data[128], path[160];
    const char *inputs[] = {raw};
    mg_error error = {0};
    mg_config *config;
    mg_train_result result;
    snprintf(raw, sizeof raw, "%s/%s", root, name);
    snprintf(data, sizeof data, "%s.h5", raw);
    put_file(raw, (const unsigned char *)text, strlen(text));
    const mg_convert_options convert = {
        .inputs = inputs, .input_count = 1, .output = data, .settings = settings, .setting_count = 2};
    fuzz_check(!mg_convert(&convert, NULL, &error), error.text);
    char train[160], directory[160];
    const char *sets[] = {train,
                          directory,
                          "train.threads=1",
                          "train.epochs=2",
                          "train.batch=4",
                          "data.scale=standard",
                          "data.clip=1.5"};
    snprintf(train, sizeof train, "data.train=%s", data);
    snprintf(directory, sizeof directory, "output.directory=%s.run", raw);
    fuzz_check(!mg_config_load(NULL, sets, which == OF_TABLE ? 7 : 5, &config, &error), error.text);
    fuzz_check(!mg_train(config, &(mg_train_request){0}, &result, &error), error.text);
    mg_config_destroy(config);
    snprintf(path, sizeof path, "%s.run/model.h5", raw);
    take_file(path, &models[which]);
    note_fields(&models[which]);
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

void prepare(void) {
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
    static const mg_convert_setting of_table[] = {{"label", "kind"}, {"header", "yes"}},
                                    of_texts[] = {{"weighting", "tf-idf"}, {"bits", "6"}};
    make_raw(OF_TABLE, "table.csv", "ab,cd,kind\n1,2,x\n2,1,y\n3,5,x\n4,4,y\n5,9,x\n6,7,y\n", of_table);
    make_raw(OF_TEXTS, "texts", "x\thello world\ny\tgood night\nx\thello you\ny\tgood day\n", of_texts);
    make_warm();
}

bool uses_newton(int kind) { return strstr(kinds[kind].settings, "newton") != NULL; }
