// test_sabotage.c - nothing in a checkpoint is there in vain: whatever is restored wrongly, the resumed run shows it. The list of
// what there is comes from the files themselves.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"

#include <hdf5.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_NAMES = 64 };

typedef struct names {
    char text[MOST_NAMES][64]; // "state/weights" a data set, "@step" an attribute
    int count;
    bool shown[MOST_NAMES]; // its sabotage changed something
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

static herr_t take_set(hid_t group, const char *name, const H5L_info_t *info, void *list) {
    (void)group, (void)info;
    add_name(list, "state/", name);
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

// ---- altering ----------------------------------------------------------------------------------------------------------

// Numbers become others of their kind, also when they are 0.
static void alter_values(hid_t type, size_t count, void *values) {
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    for (size_t i = 0; i < count; i++) {
        char *at = (char *)values + i * size;
        if (class == H5T_FLOAT && size == 4) *(float *)(void *)at = 1.5f * *(float *)(void *)at + 0.125f;
        else if (class == H5T_FLOAT) *(double *)(void *)at = 1.5 * *(double *)(void *)at + 0.125;
        else if (class == H5T_INTEGER && size == 8) *(int64_t *)(void *)at += 1;
        else at[i == 0 && size > 1 ? size - 2 : 0] ^= 1; // text, bytes
    }
}

static void alter_attribute(hid_t file, const char *name) {
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    char value[256] = "";
    assert_true(H5Tget_size(type) <= sizeof value && H5Aread(attribute, type, value) >= 0);
    alter_values(type, 1, value);
    assert_true(H5Awrite(attribute, type, value) >= 0);
    H5Tclose(type);
    H5Aclose(attribute);
}

static void alter_set(hid_t file, const char *name) {
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set), space = H5Dget_space(set);
    size_t count = (size_t)H5Sget_simple_extent_npoints(space), size = H5Tget_size(type);
    char *values = malloc(count * size + 1);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    if (strcmp(name, "config")) alter_values(type, count, values);
    else *strstr(values, "sgd.average: ") = 'r';
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    free(values);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
}

// A copy of the checkpoint with one thing altered, and a seal that fits again.
static void write_altered(const char *from, const char *name, const char *to) {
    size_t size;
    const char *bare = support_path("bare.h5");
    unsigned char *bytes = support_read(from, &size);
    support_write(bare, bytes, size - MG_SEAL_BYTES);
    free(bytes);
    hid_t file = H5Fopen(bare, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    if (name[0] == '@') alter_attribute(file, name + 1);
    else if (name[0]) alter_set(file, name);
    H5Fclose(file);
    bytes = support_read(bare, &size);
    bytes = realloc(bytes, size + MG_SEAL_BYTES);
    mg_file_seal(bytes, size, bytes + size);
    support_write(to, bytes, size + MG_SEAL_BYTES);
    free(bytes);
}

// ---- runs --------------------------------------------------------------------------------------------------------------

// Resumes from the checkpoint with `name` altered ("": nothing), in a directory whose metrics tell more than the checkpoint
// knows of, as after a crash. Did anything come out differently?
static bool differs(const support_run *base, const char *checkpoint, const char *reference, const char *name) {
    char to[4200], model[4200], metrics[4200];
    const char *directory = support_path("sabotaged");
    mkdir(directory, 0777);
    mkdir(support_path("sabotaged/checkpoints"), 0777);
    snprintf(to, sizeof to, "%s/checkpoints/%s", directory, strrchr(checkpoint, '/') + 1);
    snprintf(model, sizeof model, "%s/model.h5", reference);
    snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", reference);
    write_altered(checkpoint, name, to);
    support_copy(metrics, support_path("sabotaged/metrics.jsonl"));
    support_run run = *base;
    support_set(&run, "output.directory=%s", directory);
    run.resume = true;
    mg_status status = support_train(&run);
    bool different = status != MG_OK;
    if (!different) {
        char *lines[2] = {support_metrics(reference), support_metrics(directory)};
        different = strcmp(lines[0], lines[1]) || !support_same(model, support_path("sabotaged/model.h5"));
        free(lines[0]);
        free(lines[1]);
    }
    support_remove(directory);
    return different;
}

// Everything a checkpoint of this run holds, at every step until its sabotage shows.
static void sabotage(const support_run *base, names *list, bool *expected) {
    const char *reference = support_path("reference"), *stopped = support_path("stopped");
    support_run run = *base;
    support_set(&run, "output.directory=%s", reference);
    support_expect(&run, MG_OK);
    for (int64_t at = 1; at <= run.result.step; at++) {
        support_run part = *base;
        names here = {0};
        support_set(&part, "output.directory=%s", stopped);
        part.stop_after = at;
        support_train(&part);
        const char *checkpoint = support_newest(stopped);
        list_checkpoint(checkpoint, &here);
        if (differs(base, checkpoint, reference, "")) fail_msg("an unaltered checkpoint of step %lld differs", (long long)at);
        for (int i = 0; i < here.count; i++) {
            int n = add_name(list, "", here.text[i]);
            expected[n] = true;
            if (!list->shown[n]) list->shown[n] = differs(base, checkpoint, reference, here.text[i]);
        }
        support_remove(stopped);
    }
    support_remove(reference);
}

static void expect_all_shown(const names *list, const bool *expected, const char *what) {
    for (int i = 0; i < list->count; i++)
        if (expected[i] && !list->shown[i]) fail_msg("%s: %s may be restored wrongly and nothing comes of it", what, list->text[i]);
}

static void test_sabotage(void **unused) {
    (void)unused;
    static const struct {
        support_form form;
        const char *update, *scale; // update "": solver dual
    } kinds[] = {{SUPPORT_F32, "", "none"},             {SUPPORT_CSR, "", "0.01"},             {SUPPORT_F32, "adagrad", "standard"}, {SUPPORT_F32, "momentum", "none"}, {SUPPORT_CSR, "adagrad", "none"},
                 {SUPPORT_CSR, "momentum", "none"},    {SUPPORT_CSR, "plain", "standard"}};
    const char *data = support_path("data.h5");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        names list = {0};
        bool expected[MOST_NAMES] = {0};
        char what[100];
        snprintf(what, sizeof what, "%s, %s, %s", support_form_names[kinds[k].form], kinds[k].update, kinds[k].scale);
        support_data(data, kinds[k].form, 64, 20, 3, 41);
        for (int average = 1; average >= 0; average--) {
            support_run run = support_new(data, "");
            if (kinds[k].update[0]) support_set(&run, "sgd.update=%s", kinds[k].update);
            else support_set(&run, "train.solver=dual");
            support_set(&run, "data.scale=%s", kinds[k].scale);
            support_set(&run, "sgd.average=%s", average ? "true" : "false");
            support_set(&run, "train.batch=16");
            support_set(&run, "train.epochs=5");
            bool certified = !kinds[k].update[0] && !average; // then no epoch is better than another
            support_set(&run, certified ? "train.tolerance=1e-4" : "data.validation=0.25");
            support_set(&run, "train.patience=2");
            support_set(&run, "model.lambda=%s", kinds[k].update[0] ? "0.01" : "1e-5");
            sabotage(&run, &list, expected);
        }
        assert_true(list.count >= 20);
        expect_all_shown(&list, expected, what);
    }
}

// A checkpoint of another version is refused as such, however well it would read.
static void test_other_version(void **unused) {
    (void)unused;
    const char *data = support_path("version.h5"), *directory = support_path("version");
    support_data(data, SUPPORT_F32, 64, 20, 3, 42);
    support_run run = support_new(data, directory);
    run.stop_after = 1;
    support_set(&run, "train.batch=16");
    support_expect(&run, MG_STOPPED);
    const char *const attributes[] = {"@format_version", "@margin_version"}, *newest = support_newest(directory), *kept = support_path("kept.h5");
    support_copy(newest, kept);
    run.resume = true;
    run.stop_after = 2;
    for (int n = 0; n < 2; n++) {
        write_altered(kept, attributes[n], newest);
        support_expect(&run, MG_CONFIG);
        if (!strstr(run.error.text, "was written by margin") || !strstr(run.error.text, newest)) fail_msg("%s: %s", attributes[n], run.error.text);
    }
    write_altered(kept, "", newest);
    support_expect(&run, MG_STOPPED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sabotage), cmocka_unit_test(test_other_version)};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
