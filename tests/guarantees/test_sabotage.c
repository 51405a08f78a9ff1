// test_sabotage.c - everything in a checkpoint matters: if anything is changed in it, the resumed run or path
// has another result. The list of contents comes from the files themselves; in fields with several meanings
// every number is tested.
#include "support.h"

#include <margin/path.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"

#include <hdf5.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_NAMES = 128, WAYS = 3 };

typedef struct names {
    // "state/weights" is a data set, "state/clock[2]" one number of it, "@step" an attribute.
    char text[MOST_NAMES][64];
    int count;
    bool shown[MOST_NAMES]; // a change of it made a difference
} names;

static int add_name(names *list, const char *prefix, const char *name) {
    char text[64];
    snprintf(text, sizeof text, "%s%.50s", prefix, name);
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->text[i], text)) return i;
    assert_true(list->count < MOST_NAMES);
    strcpy(list->text[list->count], text);
    return list->count++;
}

// Lists the numbers of 64-bit integer fields separately: such fields are short, and each number has its own
// meaning. The exception is a field with one number per feature.
static herr_t take_set(hid_t group, const char *name, const H5L_info_t *info, void *list) {
    hid_t set = H5Dopen2(group, name, H5P_DEFAULT), type = H5Dget_type(set), space = H5Dget_space(set);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    (void)info;
    if (H5Tget_size(type) < 8 || count == 1 || !strcmp(name, "decayed")) add_name(list, "state/", name);
    else
        for (int i = 0; i < (int)count; i++) {
            char one[64];
            snprintf(one, sizeof one, "%.40s[%d]", name, i);
            add_name(list, "state/", one);
        }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    return 0;
}

static herr_t take_attribute(hid_t object, const char *name, const H5A_info_t *info, void *list) {
    (void)object, (void)info;
    add_name(list, "@", name);
    return 0;
}

static void list_checkpoint(const char *path, names *list) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), group = H5Gopen2(file, "state", H5P_DEFAULT);
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, take_set, list);
    H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, take_attribute, list);
    add_name(list, "", "config");
    H5Gclose(group);
    H5Fclose(file);
}

// ---- changes ------------------------------------------------------------------------------------

// Changes numbers to others of the same kind, zeros too. `way`: a small change, a large one, or another sign.
static void alter_values(hid_t type, size_t count, void *values, int way) {
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    double sign = way == 2 ? -1 : 1;
    for (size_t i = 0; i < count; i++) {
        char *at = (char *)values + i * size;
        double *real = (double *)(void *)at;
        int64_t *integer = (int64_t *)(void *)at;
        if (class == H5T_FLOAT && size == 4) *(float *)(void *)at = 1.5f * *(float *)(void *)at + 0.125f;
        else if (class == H5T_FLOAT)
            *real = !isfinite(*real) ? 0 : sign * (way ? 1000 * *real + 1000 : 1.5 * *real + 0.125);
        else if (class == H5T_INTEGER && size == 8) *integer = way ? *integer / 2 : *integer + 1;
        else at[i == 0 && size > 1 ? size - 2 : 0] ^= 1; // texts and bytes
    }
}

static void alter_attribute(hid_t file, const char *name, int way) {
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    char value[256] = "";
    assert_true(H5Tget_size(type) <= sizeof value && H5Aread(attribute, type, value) >= 0);
    alter_values(type, 1, value, way);
    assert_true(H5Awrite(attribute, type, value) >= 0);
    H5Tclose(type);
    H5Aclose(attribute);
}

static void alter_set(hid_t file, const char *name, int way) {
    char path[64];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(name, "["), name);
    hid_t set = H5Dopen2(file, path, H5P_DEFAULT), type = H5Dget_type(set), space = H5Dget_space(set);
    size_t count = (size_t)H5Sget_simple_extent_npoints(space), size = H5Tget_size(type), from = 0;
    char *values = malloc(count * size + 1);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    if (strchr(name, '[')) from = (size_t)atoi(strchr(name, '[') + 1), count = 1;
    if (strcmp(name, "config")) alter_values(type, count, values + from * size, way);
    else *strstr(values, "sgd.average: ") = 'r';
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    free(values);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
}

// Writes a copy of the checkpoint in which one thing is changed and the seal is correct.
static void write_altered(const char *from, const char *name, int way, const char *to) {
    size_t size;
    const char *bare = support_path("bare.h5");
    unsigned char *bytes = support_read(from, &size);
    support_write(bare, bytes, size - MG_SEAL_BYTES);
    free(bytes);
    hid_t file = H5Fopen(bare, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    if (name[0] == '@') alter_attribute(file, name + 1, way);
    else if (name[0]) alter_set(file, name, way);
    H5Fclose(file);
    bytes = support_read(bare, &size);
    bytes = realloc(bytes, size + MG_SEAL_BYTES);
    mg_file_seal(bytes, size, bytes + size);
    support_write(to, bytes, size + MG_SEAL_BYTES);
    free(bytes);
}

// ---- runs ---------------------------------------------------------------------------------------

typedef struct any_run {
    support_run run;
    const char *C; // for a path; NULL: a run
    mg_path_result points;
} any_run;

static mg_status perform(any_run *job) {
    mg_observer observer;
    const mg_path_request request = {.C = job->C, .resume = job->run.resume, .observer = &observer};
    if (!job->C) return support_train(&job->run);
    mg_config *config = support_configure(&job->run, &observer);
    mg_status status = config ? mg_path(config, &request, &job->points, &job->run.error) : job->run.status;
    mg_config_destroy(config);
    return support_ended(&job->run, status);
}

static bool same_lines(const char *a, const char *b, const char *name) {
    char paths[2][4200];
    snprintf(paths[0], sizeof paths[0], "%s/%s", a, name);
    snprintf(paths[1], sizeof paths[1], "%s/%s", b, name);
    char *lines[2] = {support_lines(paths[0], NULL), support_lines(paths[1], NULL)};
    bool same = !strcmp(lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
    return same;
}

// Compares the training times of the points, which a checkpoint contains too. Runs differ by far less than
// 100 seconds, but a changed checkpoint may give any time.
static bool same_points(const any_run *a, const any_run *b) {
    for (int i = 0; i < a->points.points; i++)
        if (fabs(a->points.point[i].seconds - b->points.point[i].seconds) > 100) return false;
    return true;
}

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

// Compares what a run reports at its end, except for the model. The gap is included, because epoch lines have
// it only if the epoch ended with a certificate.
static bool same_results(const mg_train_result *a, const mg_train_result *b) {
    return same_number(a->objective, b->objective) && same_number(a->dual, b->dual) &&
           same_number(a->gap, b->gap) && a->converged == b->converged && !strcmp(a->warning, b->warning);
}

// Resumes from the checkpoint with `name` changed ("": nothing), in a directory whose metrics have more lines
// than the checkpoint counts, as after a crash. Returns true if the result is different.
static bool differs(const any_run *whole, const char *checkpoint, const char *reference, const char *name,
                    int way) {
    char to[4200], model[4200], metrics[4200];
    const char *directory = support_path("sabotaged");
    mkdir(directory, 0777);
    mkdir(support_path("sabotaged/checkpoints"), 0777);
    snprintf(to, sizeof to, "%s/checkpoints/%s", directory, strrchr(checkpoint, '/') + 1);
    snprintf(model, sizeof model, "%s/model.h5", reference);
    snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", reference);
    write_altered(checkpoint, name, way, to);
    support_copy(metrics, support_path("sabotaged/metrics.jsonl"));
    any_run resumed = *whole;
    support_set(&resumed.run, "output.directory=%s", directory);
    resumed.run.resume = true;
    bool different = perform(&resumed) != MG_OK;
    if (!different) {
        char *lines[2] = {support_metrics(reference), support_metrics(directory)};
        different = strcmp(lines[0], lines[1]) || !support_same(model, support_path("sabotaged/model.h5"));
        free(lines[0]);
        free(lines[1]);
    }
    if (!different && !whole->C) different = !same_results(&whole->run.result, &resumed.run.result);
    if (!different && whole->C)
        different = !same_lines(reference, directory, "path.jsonl") || !same_points(whole, &resumed);
    support_remove(directory);
    return different;
}

// What is changed in a checkpoint, and whether it made a difference. A whole field must make one in every
// kind of run; a single number must make one in at least one kind.
typedef struct trials {
    const char *only; // only names that contain this text
    names whole, *numbers;
} trials;

static void try(trials *trial, const any_run *whole, const char *checkpoint, const char *reference,
                const char *name) {
    names *list = strchr(name, '[') ? trial->numbers : &trial->whole;
    if (!strstr(name, trial->only)) return;
    int n = add_name(list, "", name);
    for (int way = 0; way < WAYS && !list->shown[n]; way++)
        list->shown[n] = differs(whole, checkpoint, reference, name, way);
}

// Changes everything in the checkpoints of this run, step after step, until each change makes a difference.
static void sabotage(const any_run *base, trials *trial) {
    const char *reference = support_path("reference"), *stopped = support_path("stopped");
    any_run whole = *base;
    support_set(&whole.run, "output.directory=%s", reference);
    if (perform(&whole)) fail_msg("the reference: %s", whole.run.error.text);
    for (int64_t at = 1; at <= whole.run.steps; at++) {
        any_run part = *base;
        names here = {0};
        support_set(&part.run, "output.directory=%s", stopped);
        part.run.stop_after = at;
        perform(&part);
        const char *checkpoint = support_newest(stopped);
        list_checkpoint(checkpoint, &here);
        if (differs(&whole, checkpoint, reference, "", 0))
            fail_msg("an unaltered checkpoint of step %lld differs", (long long)at);
        for (int i = 0; i < here.count; i++) try(trial, &whole, checkpoint, reference, here.text[i]);
        support_remove(stopped);
    }
    support_remove(reference);
}

static void expect_all_shown(const names *list, const char *what) {
    for (int i = 0; i < list->count; i++)
        if (!list->shown[i])
            fail_msg("%s: a wrong %s in a checkpoint makes no difference", what, list->text[i]);
}

enum { VARIANTS = 2, MOST_SETTINGS = 6 };

#define AVERAGED                                                                                             \
    { "sgd.average=true", "sgd.average=false" }
#define CERTIFIED                                                                                            \
    { "", "train.tolerance=1e-4" }

static const struct kind {
    const char *name;
    support_form form;
    const char *only, *C; // `only` of trials; `C` of any_run
    // NULL: no more variants. What several variants have in common needs to make a difference in only one of
    // them.
    const char *variants[VARIANTS];
    const char *settings[MOST_SETTINGS];
} kinds[] = {
    {"dual, dense",
     SUPPORT_F32,
     "",
     NULL,
     CERTIFIED,
     {"train.solver=dual", "data.scale=none", "model.lambda=1e-5"}},
    {"dual, sparse",
     SUPPORT_CSR,
     "",
     NULL,
     CERTIFIED,
     {"train.solver=dual", "data.scale=0.01", "model.lambda=1e-2", "train.epochs=16"}},
    {"dual, rounds",
     SUPPORT_CSR,
     "[",
     NULL,
     CERTIFIED,
     {"train.solver=dual", "data.validation=", "train.batch=64", "train.epochs=24"}},
    {"newton",
     SUPPORT_F32,
     "[",
     NULL,
     {"train.tolerance=1e-6"},
     {"train.solver=newton", "data.scale=standard", "train.epochs=0"}},
    {"stalled",
     SUPPORT_F32,
     "bounds[",
     NULL,
     {"train.tolerance=1e-12"},
     {"train.solver=newton", "data.scale=standard", "train.epochs=0"}},
    {"path",
     SUPPORT_U8,
     "path",
     "1e-2:1e-1:10",
     {""},
     {"train.solver=dual", "data.scale=0.01", "train.epochs=4"}},
    {"adagrad, dense", SUPPORT_F32, "", NULL, AVERAGED, {"sgd.update=adagrad", "data.scale=standard"}},
    {"momentum, dense", SUPPORT_F32, "", NULL, AVERAGED, {"sgd.update=momentum", "data.scale=none"}},
    {"adagrad, sparse", SUPPORT_CSR, "", NULL, AVERAGED, {"sgd.update=adagrad", "data.scale=none"}},
    {"momentum, sparse", SUPPORT_CSR, "", NULL, AVERAGED, {"sgd.update=momentum", "data.scale=none"}},
    {"adam, dense", SUPPORT_F32, "", NULL, AVERAGED, {"sgd.update=adam", "data.scale=standard"}},
    {"adam, sparse", SUPPORT_CSR, "", NULL, AVERAGED, {"sgd.update=adam", "data.scale=max-abs"}},
    {"plain, sparse", SUPPORT_CSR, "", NULL, AVERAGED, {"sgd.update=plain", "data.scale=standard"}},
};

static any_run run_of(const struct kind *kind, const char *data, const char *variant) {
    any_run job = {.run = support_new(data, ""), .C = kind->C};
    support_set(&job.run, "train.batch=16");
    support_set(&job.run, "train.epochs=5");
    support_set(&job.run, "train.patience=2");
    support_set(&job.run, "model.lambda=0.01");
    // With a certificate, all epochs are equally good.
    support_set(&job.run, "data.validation=%s", strstr(variant, "tolerance") ? "" : "0.25");
    for (int s = 0; s < MOST_SETTINGS && kind->settings[s]; s++)
        support_set(&job.run, "%s", kind->settings[s]);
    if (variant[0]) support_set(&job.run, "%s", variant);
    return job;
}

static void test_sabotage(void **unused) {
    (void)unused;
    static names numbers;
    const char *data = support_path("data.h5");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        trials trial = {.only = kinds[k].only, .numbers = &numbers};
        support_data(data, kinds[k].form, 64, 20, 3, 41);
        for (int v = 0; v < VARIANTS && kinds[k].variants[v]; v++) {
            any_run job = run_of(&kinds[k], data, kinds[k].variants[v]);
            sabotage(&job, &trial);
        }
        if (!kinds[k].only[0]) assert_true(trial.whole.count >= 20);
        expect_all_shown(&trial.whole, kinds[k].name);
    }
    assert_true(numbers.count >= 20);
    expect_all_shown(&numbers, "of any kind of run");
}

// A checkpoint of another version is refused with that reason, even if it could be read.
static void test_other_version(void **unused) {
    (void)unused;
    const char *data = support_path("version.h5"), *directory = support_path("version");
    support_data(data, SUPPORT_F32, 64, 20, 3, 42);
    support_run run = support_new(data, directory);
    run.stop_after = 1;
    support_set(&run, "train.batch=16");
    support_expect(&run, MG_STOPPED);
    const char *const attributes[] = {"@format_version", "@margin_version"},
                      *newest = support_newest(directory), *kept = support_path("kept.h5");
    support_copy(newest, kept);
    run.resume = true;
    run.stop_after = 2;
    for (int n = 0; n < 2; n++) {
        write_altered(kept, attributes[n], 0, newest);
        support_expect(&run, MG_CONFIG);
        if (!strstr(run.error.text, "was written by margin") || !strstr(run.error.text, newest))
            fail_msg("%s: %s", attributes[n], run.error.text);
    }
    write_altered(kept, "", 0, newest);
    support_expect(&run, MG_STOPPED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sabotage), cmocka_unit_test(test_other_version)};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
