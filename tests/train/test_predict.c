// test_predict.c - predicts rows of files and lines; also for a user who waits for each answer before sending
// the next line.
#include "scored_files.h"

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
#include <sys/wait.h>
#include <unistd.h>

// ---- predictions ---------------------------------------------------------------------------------

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
    if (mg_predictor_file(predictor, path, &(mg_predict_sink){collect, NULL}, &error))
        fail_msg("%s", error.text);
    assert_string_equal(collected, expected);
    mg_predictor_close(predictor);
}

static void test_files(void **unused) {
    (void)unused;
    write_model(at("m.h5"), false, "none", "none");
    write_model(at("t.h5"), true, "none", "none");
    write_dense(at("bare.h5"), ROWS, NO_LABELS);
    answer_file(&(mg_predict_options){.model = at("m.h5")}, at("bare.h5"), "10\n10\n10\n30\n10\n20\n");
    answer_file(&(mg_predict_options){.model = at("t.h5")}, at("bare.h5"),
                "Äpfel\na\"b\na\"b\n日本\nÄpfel\na\"b\n");
    answer_file(&(mg_predict_options){.model = at("m.h5"), .top = 2}, at("bare.h5"),
                "10:2\t20:1\n10:1\t20:1\n10:1\t20:1\n30:3\t10:0\n10:3\t20:2\n20:5\t10:0\n");
    answer_file(&(mg_predict_options){.model = at("m.h5"), .scores = true}, at("bare.h5"),
                "10\t2\t1\t0\n10\t1\t1\t0\n10\t1\t1\t0\n30\t0\t0\t3\n10\t3\t2\t0\n20\t0\t5\t0\n");
    write_sparse(at("s.h5"));
    if (!access(at("s.h5"), F_OK))
        answer_file(&(mg_predict_options){.model = at("m.h5")}, at("s.h5"), "10\n10\n10\n30\n10\n20\n");
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
    answer_line(p, "word\n",
                "in:5:1: the line 'word' has no index:value pair: add them, or leave the line empty for a "
                "row of zeros");
    answer_line(p, "# a comment\n", "");
    answer_line(p, "1:1 2:x\n", "in:7:7: 'x' is not a number");
    answer_line(p, "ä 1:1 4:1\n",
                "in:8:7: index 4 is above 3, the largest allowed; the model has 3 features");
    answer_line(p, "0:1\n", "in:9:1: index 0, but indices begin at 1 (--base 1)");
    answer_line(p, "1:1 2:2 1:3\n", "in:10:9: feature 1 is given twice: keep one of its values");
    answer_line(p, "1:nan\n", "in:11:3: 'nan': missing values are not supported: fill or drop them");
    answer_line(p, "1:2 word\n", "in:12:5: 'word' is not of the form index:value");
    answer_line(p, "3:1\n", "30\n"); // a line after an error is still answered
    mg_predictor_close(p);
    p = open_predictor(&(mg_predict_options){.model = at("m.h5"), .base = 0, .top = 9});
    answer_line(p, "0:1 2:1e-3", "10:1\t30:0.00100000005\t20:0\n");
    mg_predictor_close(p);
    mg_error error;
    assert_int_equal(mg_predictor_open(&(mg_predict_options){.model = at("m.h5"), .base = 2}, &p, &error),
                     MG_USAGE);
    assert_null(p);
}

static void test_preparation(void **unused) {
    (void)unused;
    write_model(at("u.h5"), false, "unit", "log1p");
    write_dense(at("bare.h5"), ROWS, NO_LABELS);
    mg_predictor *p = open_predictor(&(mg_predict_options){.model = at("u.h5"), .base = 1, .scores = true});
    char expected[64];
    snprintf(expected, sizeof expected, "20\t%.9g\t%.9g\t0\n", (double)(float)log1p((double)0.6f),
             (double)(float)log1p((double)0.8f));
    answer_line(p, "2:8 1:6", expected);
    answer_line(p, "3:-2",
                "in:2:1: feature 3 is -1; log1p needs values above -1 (the model prepares rows as its "
                "training did; margin info shows how)");
    // A row of a file and the same row as a line have the same prediction.
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
    answer_line(p, "1:2 2:-2",
                "in:2:1: the row has values, but their sum is not above 0: they cannot be scaled to a total "
                "(the model prepares rows as its training did; margin info shows how)");
    answer_line(p, "1:3e38 2:-3e38 3:1e-30",
                "in:3:1: feature 1 is inf; scaling the row to a total leaves the range of float32 (the "
                "model prepares rows as its training did; margin info shows how)");
    mg_predictor_close(p);
}

// A user who waits for an answer before the next line must get it.
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
    alarm(60); // ends the test if an answer is missing
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_preparation),
        cmocka_unit_test(test_conversation),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
