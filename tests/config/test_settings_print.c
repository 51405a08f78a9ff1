// test_settings_print.c - a printed configuration has the same values when it is read. Also the canonical
// text, and the difference of two configurations.
#include "settings_fixture.h"

#include "base/memory.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// print(parse(print(c))) == print(c), also for texts that look like other values.
static void test_round_trip(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "train: {rate: 1/255, lambda: 1e-30, batch: 1e6, memory: 1.5GiB, limit: 90m, average: no, solver: "
        "newton}",
        "train:\n  class_weight: {a: 1, 'b: c': 2, '}': 3, '': 4, ' x ': 5, '#': 6, '\"': 7, \"\\u2028\\n\": "
        "8, yes: 9}",
        "data: {train: 'true', validation: '3'}",
        "data: {train: '', validation: ' a '}",
        "data: {train: 'a: b # c', validation: '1e-3'}",
        "data: {train: \"\\n\\t\\x01\\x7f\\x85\\ufeff\", validation: '~'}",
        "data: {train: '{a}', validation: '[a]'}",
        "data: {train: '- a', validation: '*a'}",
        "data: {train: \"\xc3\xa9 \xf0\x9f\x98\x80\", validation: 'null'}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fixture f, g;
        start(&f);
        start(&g);
        if (feed(&f, texts[i]) != MG_OK) fail_msg("case %zu: %s", i, f.error.text);
        char *first = printed(&f);
        if (feed(&g, first) != MG_OK) fail_msg("case %zu: %s", i, g.error.text);
        char *second = printed(&g);
        assert_string_equal(first, second);
        if (f.values.data.train) assert_string_equal(f.values.data.train, g.values.data.train);
        assert_memory_equal(&f.values.train.rate, &g.values.train.rate, sizeof(double));
        mg_memory_free(first);
        mg_memory_free(second);
        mg_settings_destroy(&f.settings);
        mg_settings_destroy(&g.settings);
    }
}

static void test_long_label(void **state) {
    (void)state;
    fixture f, g;
    char text[4096] = "train:\n  class_weight:\n    ? \"";
    start(&f);
    start(&g);
    for (int i = 0; i < 300; i++) strcat(text, "\\x01");
    strcat(text, "\"\n    : 2\n");
    assert_int_equal(feed(&f, text), MG_OK);
    char *first = printed(&f);
    assert_int_equal(feed(&g, first), MG_OK);
    assert_int_equal(strlen(g.values.train.class_weight.labels[0]), 300);
    mg_memory_free(first);
    mg_settings_destroy(&f.settings);
    mg_settings_destroy(&g.settings);
}

static void test_printed_text(void **state) {
    (void)state;
    fixture f;
    start(&f);
    char *text = printed(&f);
    assert_non_null(strstr(text, "# files\ndata:\n  # Training rows.\n  # train:\n"));
    assert_non_null(
        strstr(text, "\n\n# training\ntrain:\n  # How. (sgd, dual, newton; default sgd)\n  solver: sgd\n"));
    assert_non_null(strstr(text, "  # Rate. (more than 0; default 1e-2)\n  rate: 0.01\n"));
    assert_non_null(strstr(text, "  # C. (more than 0)\n  # C:\n"));
    mg_memory_free(text);
    mg_writer writer = {0};
    mg_settings_write_reference(bindings, 2, &writer);
    assert_int_equal(mg_writer_take(&writer, &text, &f.error), MG_OK);
    assert_non_null(
        strstr(text, "\n## train\n\nTraining.\n\n| key | type | default | allowed | meaning |\n"));
    assert_non_null(strstr(
        text,
        "| `train.batch` | whole number | `256` | 1 to 16777216 | Rows of a minibatch \\| of them. |\n"));
    mg_memory_free(text);
    mg_settings_destroy(&f.settings);
}

static void test_canonical(void **state) {
    (void)state;
    fixture f, g;
    char out[300], tiny[10];
    start(&f);
    start(&g);
    assert_int_equal(feed(&g, "train: {threads: 7, memory: 1}\ndata: {train: x}\n"), MG_OK);
    char *a = canonical(&f), *b = canonical(&g);
    assert_string_equal(
        a, "train.solver: sgd\ntrain.epochs: 20\ntrain.batch: 256\ntrain.rate: 0.01\ntrain.lambda: ~\n"
           "train.C: ~\ntrain.limit: ~\ntrain.average: true\ntrain.class_weight: none\n");
    // Options that may differ when a run is resumed, such as threads and paths, are not in the text.
    assert_string_equal(a, b);
    assert_int_equal(mg_config_difference(a, b, out, sizeof out), 0);
    assert_string_equal(out, "");
    mg_memory_free(b);
    assert_int_equal(feed(&g, "train: {batch: 64, C: 2}"), MG_OK);
    b = canonical(&g);
    assert_int_equal(mg_config_difference(a, b, out, sizeof out), 2);
    assert_string_equal(out, "train.batch: 256, now 64; train.C: unset, now 2");
    assert_int_equal(mg_config_difference(a, b, tiny, sizeof tiny), 2);
    assert_string_equal(tiny, "train.bat");
    mg_memory_free(b);
    assert_int_equal(mg_config_difference("a.b: 1\na.c: 2\n", "a.c: 2\na.d: 3", out, sizeof out), 2);
    assert_string_equal(out, "a.b: 1, now absent; a.d: absent, now 3");
    assert_int_equal(mg_config_difference("a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1",
                                          "a: 2\nb: 2\nc: 2\nd: 2\ne: 2\nf: 2", out, sizeof out),
                     6);
    assert_string_equal(out, "a: 1, now 2; b: 1, now 2; c: 1, now 2; d: 1, now 2; and 2 more");
    assert_int_equal(mg_config_difference("rubbish\n\n::\n", "", out, sizeof out), 2);
    mg_memory_free(a);
    mg_settings_destroy(&f.settings);
    mg_settings_destroy(&g.settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_long_label),
        cmocka_unit_test(test_printed_text),
        cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
