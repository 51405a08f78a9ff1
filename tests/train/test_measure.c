// test_measure.c - compares metrics with numbers computed by hand, as values and as JSON; descriptions of
// files; failing allocations.
#include "scored_files.h"

#include "base/memory.h"
#include "io/h5.h"

#include <margin/inspect.h>
#include <margin/list.h>
#include <margin/version.h>
#include <margin/measure.h>
#include <margin/predict.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    assert_int_equal(m->close_rows, 2); // the rows with ties
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
    assert_true(isnan(m->per_class[1].precision)); // this class is never predicted
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
        if (sparse && access(at("s.h5"), F_OK)) continue; // python3 with h5py is missing
        for (int threads = 1; threads < 4; threads++) {
            mg_measurement *m = measure(&(mg_measure_request){.model = at("m.h5"),
                                                              .data = at(sparse ? "s.h5" : "d.h5"),
                                                              .skip_unknown = true,
                                                              .threads = threads});
            check_numbers(m);
            mg_measurement_destroy(m);
        }
    }
}

static void test_weights(void **unused) {
    (void)unused;
    write_model(at("m.h5"), false, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    mg_measurement *m = measure(
        &(mg_measure_request){.model = at("m.h5"), .data = at("d.h5"), .weights = "w", .skip_unknown = true});
    // only of rows that are measured; those left out have weight 9
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
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("dt.h5"), .skip_unknown = true}, MG_DATA,
           "none of its 5 rows");
    refuse(&(mg_measure_request){.model = at("d.h5"), .data = at("d.h5")}, MG_DATA, "attribute format");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("missing.h5")}, MG_IO, "cannot be opened");
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5"), .labels = "nope"}, MG_DATA,
           "nope is missing");
    refuse(
        &(mg_measure_request){.model = at("m.h5"), .data = at("d.h5"), .skip_unknown = true, .stop = &stop},
        MG_STOPPED, "stopped");
    mg_h5_image *image;
    const float wide[2][4] = {{0}};
    mg_h5_image_create(&image, NULL);
    mg_h5_image_array(image, "X", MG_H5_F32, 2, (int64_t[]){2, 4}, wide);
    mg_h5_image_array(image, "y", MG_H5_I64, 1, (int64_t[]){2}, rows_y);
    support_write_image(image, at("wide.h5"));
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("wide.h5")}, MG_DATA,
           "wide.h5: has 4 features but there are 3 in the model");
    // Its labels are unknown too, but advice about them would not help.
    const int64_t other_y[2] = {77, 78};
    mg_h5_image_create(&image, NULL);
    mg_h5_image_array(image, "X", MG_H5_F32, 2, (int64_t[]){2, 4}, wide);
    mg_h5_image_array(image, "y", MG_H5_I64, 1, (int64_t[]){2}, other_y);
    support_write_image(image, at("other.h5"));
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("other.h5")}, MG_DATA,
           "other.h5: has 4 features but there are 3 in the model");
    FILE *file = fopen(at("m.h5"), "r+b");
    fseek(file, 200, SEEK_SET);
    fputc('!', file);
    fclose(file);
    refuse(&(mg_measure_request){.model = at("m.h5"), .data = at("d.h5")}, MG_DATA, "does not match the");
}

static void test_json(void **unused) {
    (void)unused;
    char out[4096];
    if (system("python3 -c pass 2>/dev/null")) skip();
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    write_dense(at("dt.h5"), ROWS, TEXTS);
    const char *program =
        "import json, sys; d = json.load(sys.stdin); "
        "print(d['rows'], d['skipped'], d['accuracy'], round(d['mean_loss'], 6), d['confusion'], "
        "[c['label'] for c in d['per_class']], [c['precision'] for c in d['per_class']], "
        "d['top_k_accuracy'])";
    assert_int_equal(shell(out, sizeof out,
                           "%s eval --json --unknown skip %s %s | PYTHONIOENCODING=utf-8 python3 -c \"%s\"",
                           MG_MARGIN, at("m.h5"), at("d.h5"), program),
                     0);
    assert_string_equal(
        out,
        "5 1 0.6 1.2 [[2, 0, 0], [1, 0, 0], [1, 0, 1]] [10, 20, 30] [0.5, None, 1] {'1': 0.6, '2': 0.8}\n");
    assert_int_equal(shell(out, sizeof out,
                           "%s eval --json --unknown skip %s %s | PYTHONIOENCODING=utf-8 python3 -c \"%s\"",
                           MG_MARGIN, at("t.h5"), at("dt.h5"), program),
                     0);
    // The order of text classes is different, so the ties in rows 2 and 3 go to another class.
    assert_string_equal(out, "5 1 0.6 1.2 [[1, 0, 0], [1, 1, 0], [0, 1, 1]] ['a\"b', 'Äpfel', '日本'] [0.5, "
                             "0.5, 1] {'1': 0.6, '2': 0.8}\n");
}

static void test_commands(void **unused) {
    (void)unused;
    char out[1 << 15];
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, INTEGERS);
    write_dense(at("dt.h5"), ROWS, TEXTS);
    assert_int_equal(shell(out, sizeof out, "%s eval %s %s 2>&1", MG_MARGIN, at("m.h5"), at("d.h5")), 3);
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1); // one line only
    assert_int_equal(shell(out, sizeof out, "%s eval %s 2>&1", MG_MARGIN, at("m.h5")), 2);
    assert_int_equal(
        shell(out, sizeof out, "%s eval --unknown skip %s %s", MG_MARGIN, at("t.h5"), at("dt.h5")), 0);
    assert_non_null(
        // two columns per character; padded to the width of "class"
        strstr(out, "\n日本    100.00%"));
    assert_non_null(strstr(out, "\nÄpfel    50.00%"));
    assert_int_equal(shell(out, sizeof out, "%s predict %s %s | head -n 1; echo ${PIPESTATUS:-0}", MG_MARGIN,
                           at("m.h5"), at("d.h5")),
                     0);
    assert_int_equal(shell(out, sizeof out, "%s predict %s %s -o %s && cat %s", MG_MARGIN, at("m.h5"),
                           at("d.h5"), at("o.txt"), at("o.txt")),
                     0);
    assert_string_equal(out, "10\n10\n10\n30\n10\n20\n");
    assert_int_equal(shell(out, sizeof out, "printf '1:1\\n1:x\\n' | %s predict %s - -o %s 2>&1", MG_MARGIN,
                           at("m.h5"), at("p.txt")),
                     3);
    assert_string_equal(out, "margin predict: standard input:2:3: 'x' is not a number\n");
    assert_int_equal(shell(out, sizeof out, "ls %s | grep -c '^p.txt'", directory),
                     1); // neither the file nor a temporary file
    assert_int_equal(shell(out, sizeof out,
                           "trap '' PIPE; yes 1:1 2>/dev/null | %s predict %s - 2>&1 >/dev/full", MG_MARGIN,
                           at("m.h5")),
                     1);
    assert_int_equal(shell(out, sizeof out,
                           "trap '' PIPE; (yes 1:1 2>/dev/null | %s predict %s - | head -n 1) 2>&1",
                           MG_MARGIN, at("m.h5")),
                     0);
    assert_string_equal(out, "10\n");
    assert_int_equal(shell(out, sizeof out, "%s info %s --verify", MG_MARGIN, at("m.h5")), 0);
    assert_non_null(strstr(out, "m.h5: intact, "));
    assert_int_equal(shell(out, sizeof out, "%s list losses", MG_MARGIN), 0);
    assert_non_null(strstr(out, "crammer-singer"));
    assert_int_equal(shell(out, sizeof out, "%s list nothing 2>&1", MG_MARGIN), 2);
    assert_int_equal(shell(out, sizeof out, "%s config --set train.epochs=7", MG_MARGIN), 0);
    assert_non_null(strstr(out, "  epochs: 7\n"));
    assert_int_equal(shell(out, sizeof out, "%s --version", MG_MARGIN), 0);
    assert_non_null(strstr(out, "libyaml"));
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
                                    {"6 rows of 3 features, dense", "4, strings", "日本"}};
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

// Each allocation of a measurement fails in turn: the result is an error, never a crash or a leak.
static void test_memory(void **unused) {
    (void)unused;
    write_model(at("m.h5"), true, "none", "none");
    write_dense(at("d.h5"), ROWS, TEXTS);
    const mg_measure_request request = {
        .model = at("m.h5"), .data = at("d.h5"), .skip_unknown = true, .threads = 1};
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
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_weights),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_commands), cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
