// test_config.c - margin's own configuration: every row of the tables is valid, files are read and printed,
// and wrong values are refused.
#include "settings_fixture.h"

#include "base/memory.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The following tests use margin's own sections.

static char *print_whole(const mg_config *config) {
    char *text = NULL;
    size_t length;
    mg_error error;
    FILE *file = open_memstream(&text, &length);
    assert_int_equal(mg_config_print(config, file, &error), MG_OK);
    fclose(file);
    return text;
}

// Every row is valid: a unique name, a help text, and a default within its range.
static void test_rows(void **state) {
    (void)state;
    int count;
    const mg_binding *all = mg_config_bindings(&count);
    for (int s = 0; s < count; s++) {
        const mg_section *section = all[s].section;
        assert_true(section->count > 0 && strlen(section->help) > 0);
        for (int i = 0; i < section->count; i++) {
            const mg_option *row = &section->options[i];
            bool number = row->type == MG_OPTION_INT || row->type == MG_OPTION_REAL ||
                          row->type == MG_OPTION_BYTES || row->type == MG_OPTION_SECONDS ||
                          row->type == MG_OPTION_WEIGHTS;
            if (mg_section_find(section, row->name) != row)
                fail_msg("%s.%s: two rows have this name", section->name, row->name);
            if (number && !(row->low < row->high))
                fail_msg("%s.%s: the range is empty", section->name, row->name);
            if (row->type == MG_OPTION_CHOICE && !row->choice)
                fail_msg("%s.%s: the choice has no names", section->name, row->name);
            if (row->type == MG_OPTION_BOOL && !row->preset[0])
                fail_msg("%s.%s: a preset is needed", section->name, row->name);
            size_t length = strlen(row->help);
            bool sentence = length > 0 && row->help[length - 1] == '.' && !strchr(row->help, '\n');
            if (!sentence) fail_msg("%s.%s: the help text is not a sentence", section->name, row->name);
            for (const char *c = row->name; *c; c++) assert_true(isalnum((unsigned char)*c) || *c == '_');
        }
    }
}

// If a solver names a section in its row, the configuration has that section, without any other change.
static void test_solver_sections(void **state) {
    (void)state;
    mg_config *config;
    int found = 0;
    assert_int_equal(mg_config_load(NULL, NULL, 0, &config, NULL), MG_OK);
    for (int i = 0; i < MG_SOLVERS; i++) {
        const mg_section *section = mg_solver_at(i)->section;
        if (!section) continue;
        const char *values = mg_config_values(config, section);
        assert_non_null(values);
        assert_in_range(values - (const char *)config, 0, sizeof *config - mg_solver_at(i)->options_size);
        char key[100];
        snprintf(key, sizeof key, "%s.%s", section->name, section->options[0].name);
        assert_null(mg_config_origin(config, key));
        found++;
    }
    assert_true(found >= 1);
    assert_null(mg_config_values(config, NULL));
    mg_config_destroy(config);
}

static void test_load(void **state) {
    (void)state;
    mg_config *config, *again;
    mg_error error;
    const char *sets[] = {"train.batch=64", "train.batch=32", "data.train=x.h5"};
    char *path = temporary("cells.v2.yaml",
                           "train:\n  epochs: 3\n  batch: 7\nmodel:\n  class_weight: {a: 1, 'b c': 2}\n");
    if (mg_config_load(path, sets, 3, &config, &error) != MG_OK) fail_msg("%s", error.text);
    assert_int_equal(config->train.batch, 32);
    assert_int_equal(config->train.epochs, 3);
    assert_string_equal(config->data.train, "x.h5");
    assert_string_equal(config->output.directory, "runs/cells.v2");
    assert_null(mg_config_origin(config, "output.directory"));
    assert_string_equal(mg_config_directory(config), "runs/cells.v2");
    assert_string_equal(mg_config_origin(config, "train.batch"), "--set");
    assert_non_null(strstr(mg_config_origin(config, "train.epochs"), "/cells.v2.yaml:2"));
    char *first = print_whole(config);
    remove_temporary(path);
    path = temporary("other.yaml", first);
    if (mg_config_load(path, NULL, 0, &again, &error) != MG_OK) fail_msg("%s", error.text);
    char *second = print_whole(again);
    assert_string_equal(first, second);
    remove_temporary(path);
    free(first);
    free(second);
    char *a, *b;
    assert_int_equal(mg_config_canonical(config, &a, &error), MG_OK);
    assert_int_equal(mg_config_canonical(again, &b, &error), MG_OK);
    assert_string_equal(a, b);
    mg_memory_free(a);
    mg_memory_free(b);
    mg_config_destroy(config);
    mg_config_destroy(again);
    mg_config_destroy(NULL);
}

static void test_load_refusals(void **state) {
    (void)state;
    mg_config *config;
    mg_error error;
    const char *both[] = {"model.lambda=1", "model.C=1"}, *bad[] = {"train.batch=0"};
    assert_int_equal(mg_config_load(NULL, both, 2, &config, &error), MG_CONFIG);
    assert_null(config);
    assert_true(strstr(error.text, "lambda") && strstr(error.text, "--set"));
    assert_int_equal(mg_config_load(NULL, bad, 1, &config, &error), MG_CONFIG);
    assert_int_equal(mg_config_load("/nowhere.yaml", NULL, 0, &config, NULL), MG_CONFIG);
    assert_int_equal(mg_config_load(NULL, NULL, 0, &config, &error), MG_OK);
    assert_string_equal(config->output.directory, "runs/unnamed");
    FILE *full = fopen("/dev/full", "w");
    if (full) {
        assert_int_equal(mg_config_print(config, full, &error), MG_FAILED);
        assert_string_equal(error.text, "the configuration cannot be written: No space left on device");
        assert_int_equal(mg_config_print_options(full, &error), MG_FAILED);
        fclose(full);
    }
    mg_config_destroy(config);
}

static void test_load_no_memory(void **state) {
    (void)state;
    mg_status status = MG_MEMORY;
    char *path = temporary("a.yaml", "train:\n  epochs: 3\nmodel:\n  class_weight: {a: 1, 'b c': 2}\n");
    const char *sets[] = {"data.train=x.h5"};
    for (int64_t k = 1; status; k++) {
        mg_config *config;
        mg_error error = {0};
        assert_true(k < 300);
        mg_memory_fail_at(k, false);
        status = mg_config_load(path, sets, 1, &config, &error);
        mg_memory_fail_at(0, false);
        assert_true((status == MG_OK) == (config != NULL));
        if (status) assert_int_equal(status, MG_MEMORY);
        mg_config_destroy(config);
    }
    remove_temporary(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_solver_sections),
        cmocka_unit_test(test_load),           cmocka_unit_test(test_load_refusals),
        cmocka_unit_test(test_load_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
