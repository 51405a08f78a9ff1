// test_settings.c - values from files and --set: which of them counts, what is refused and at which line,
// hostile files, and failing allocations.
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

// Keys and sections are compared completely, whatever their length.
static void test_long_keys(void **state) {
    (void)state;
    enum { LONG = 64 };
    static int64_t value;
    char key[LONG + 1], section[LONG + 1], set[3 * LONG];
    memset(key, 'k', LONG);
    memset(section, 's', LONG);
    key[LONG] = section[LONG] = '\0';
    const mg_option row = {
        .name = key, .type = MG_OPTION_INT, .offset = 0, .preset = "1", .low = 0, .high = 9, .help = "Long."};
    const mg_section only = {.name = section, .help = "long", .options = &row, .count = 1};
    const mg_binding binding = {&only, 0};
    mg_settings settings;
    mg_error error;
    assert_int_equal(mg_settings_create(&settings, &binding, 1, &value, &error), MG_OK);
    snprintf(set, sizeof set, "%s.%s=7", section, key);
    assert_int_equal(mg_settings_set(&settings, set, &error), MG_OK);
    assert_int_equal(value, 7);
    snprintf(set, sizeof set, "%s.%sx=8", section, key);
    assert_int_equal(mg_settings_set(&settings, set, &error), MG_CONFIG);
    snprintf(set, sizeof set, "%s.%.60s=8", section, key);
    assert_int_equal(mg_settings_set(&settings, set, &error), MG_CONFIG);
    snprintf(set, sizeof set, "%.60s.%s=8", section, key);
    assert_int_equal(mg_settings_set(&settings, set, &error), MG_CONFIG);
    assert_int_equal(value, 7);
    mg_settings_destroy(&settings);
}

static void test_who_wins(void **state) {
    (void)state;
    fixture f;
    start(&f);
    assert_int_equal(f.values.train.batch, 256);
    assert_null(mg_settings_origin(&f.settings, "train.batch"));
    assert_int_equal(feed(&f, "# a comment\ntrain:\n  batch: 64\n  rate: 1/4\n  solver: dual\n  limit: 2h\n"
                              "  average: off\ndata:\n  train: 'a b.h5'\n"),
                     MG_OK);
    assert_int_equal(f.values.train.batch, 64);
    assert_true(f.values.train.rate == 0.25 && f.values.train.limit == 7200 && !f.values.train.average);
    assert_string_equal(f.values.train.solver, "dual");
    assert_string_equal(f.values.data.train, "a b.h5");
    assert_string_equal(mg_settings_origin(&f.settings, "train.batch"), "x.yaml:3");
    assert_string_equal(mg_settings_origin(&f.settings, "data.train"), "x.yaml:9");
    assert_int_equal(mg_settings_set(&f.settings, "train.batch=1e3", &f.error), MG_OK);
    assert_int_equal(mg_settings_set(&f.settings, "data.train=a=b.c", &f.error), MG_OK);
    assert_int_equal(f.values.train.batch, 1000);
    assert_string_equal(f.values.data.train, "a=b.c");
    assert_string_equal(mg_settings_origin(&f.settings, "train.batch"), "--set");
    assert_int_equal(mg_settings_set(&f.settings, "train.batch=", &f.error), MG_OK);
    assert_int_equal(mg_settings_set(&f.settings, "data.train=null", &f.error), MG_OK);
    assert_int_equal(f.values.train.batch, 256);
    assert_null(f.values.data.train);
    assert_null(mg_settings_origin(&f.settings, "train.batch"));
    assert_null(mg_settings_origin(&f.settings, "train.nothing"));
    assert_null(mg_settings_origin(&f.settings, "batch"));
    mg_settings_destroy(&f.settings);
}

// With an empty file all options have their defaults.
static void test_empty(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n",
        "# only a comment\n",
        "---\n",
        "---\n...\n",
        "~\n",
        "train:\n",
        "train:\n  batch:\n",
        "train: ~\n",
        "train:\n  batch: null\n",
        "{}\n",
        "train: {}\n",
        "\xef\xbb\xbftrain:\n",
        "%YAML 1.1\n---\ntrain:\n",
        "train:\r\n  batch: ~\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fixture f;
        start(&f);
        char *before = printed(&f);
        if (feed(&f, texts[i]) != MG_OK) fail_msg("case %zu: %s", i, f.error.text);
        char *after = printed(&f);
        assert_string_equal(before, after);
        mg_memory_free(before);
        mg_memory_free(after);
        mg_settings_destroy(&f.settings);
    }
}

typedef struct refusal {
    const char *text, *message;
} refusal;

static const refusal refusals[] = {
    {"train:\n  solver: dual\n  epocs: 3\n", "x.yaml:3: unknown key train.epocs; did you mean train.epochs?"},
    {"train:\n  validation: x\n", "x.yaml:2: unknown key train.validation; did you mean data.validation?"},
    {"data:\n  lamda: 1\n", "x.yaml:2: unknown key data.lamda; did you mean train.lambda?"},
    {"train:\n  batch_size: 1\n", "x.yaml:2: unknown key train.batch_size; did you mean train.batch?"},
    {"data:\n  zz: 1\n", "x.yaml:2: unknown key data.zz (keys of data: train, validation)"},
    {"trian:\n  batch: 1\n", "x.yaml:1: unknown section trian; did you mean train?"},
    {"\nepochs: 3\n", "x.yaml:2: unknown section epochs; did you mean train.epochs? (sections: data, train)"},
    {"zebra:\n", "x.yaml:1: unknown section zebra (sections: data, train)"},
    {"train.epochs: 3\n",
     "x.yaml:1: unknown section train.epochs; write train: and in the next line, indented, epochs:"},
    {"\n\n\n\n\ntrain:\n  batch: 0\n", "x.yaml:7: train.batch: 0 is not allowed (1 to 16777216)"},
    {"train:\n  batch: 4x\n", "x.yaml:2: train.batch: '4x' is not a whole number (1 to 16777216)"},
    {"train:\n  batch: |\n    4\n", "x.yaml:2: train.batch: '4\\n' is not a whole number (1 to 16777216)"},
    {"train:\n  solver: daul\n",
     "x.yaml:2: train.solver: 'daul' is not allowed (sgd, dual, newton); did you mean dual?"},
    {"train:\n  rate: 0\n", "x.yaml:2: train.rate: 0 is not allowed (more than 0)"},
    {"train:\n  average: maybe\n", "x.yaml:2: train.average: maybe is not allowed (true or false)"},
    {"train: 3\n", "x.yaml:1: section train must contain lines of the form key: value, not a single value"},
    {"train:\n  batch:\n    a: 1\n", "x.yaml:2: train.batch: a single value is expected, not a mapping"},
    {"train:\n  batch: [1, 2]\n", "x.yaml:2:10: a list is not allowed here; a single value is expected"},
    {"train:\n  batch:\n    - 1\n", "x.yaml:3:5: a list is not allowed here; a single value is expected"},
    {"- train\n", "x.yaml:1:1: a list is not allowed here; a single value is expected"},
    {"hello\n", "x.yaml:1:1: a mapping (lines of the form key: value) is expected here"},
    {"train:\n  batch: 1\n  rate: 1\n  batch: 2\n", "x.yaml:4:3: key batch is given twice, first in line 2"},
    {"train:\n  batch: 1\ntrain:\n  rate: 1\n", "x.yaml:3:1: key train is given twice, first in line 1"},
    {"train:\n  batch: &a 1\n", "x.yaml:2:10: anchors are not supported"},
    {"train: &a\n  batch: 1\n", "x.yaml:1:8: anchors are not supported"},
    {"train:\n  batch: *a\n", "x.yaml:2:10: aliases are not supported"},
    {"train:\n  <<: *a\n", "x.yaml:2:7: aliases are not supported"},
    {"train:\n  batch: !!int 1\n", "x.yaml:2:10: tags are not supported"},
    {"train: !x\n  batch: 1\n", "x.yaml:1:8: tags are not supported"},
    {"train:\n---\ntrain:\n", "x.yaml:2:1: a second document; a file may have only one"},
    {"---\n---\n", "x.yaml:2:1: a second document; a file may have only one"},
    {"train:\n  class_weight:\n    a:\n      b: 1\n", "x.yaml:4:7: nested too deeply"},
    {"? {a: 1}\n: 2\n", "x.yaml:1:3: a key (a single word) is expected here"},
    {"train:\n  ? \n  : 2\n", "x.yaml:2:4: a key (a single word) is expected here"},
    {"train:\n\tbatch: 1\n", "x.yaml:2:1: a tab in the indentation; indent with spaces"},
    {"train:\n  batch: 1\n\trate: 1\n", "x.yaml:3:1: a tab in the indentation; indent with spaces"},
    {"train:\n  batch: 1\n   rate: 1\n",
     "x.yaml:3:8: not valid YAML: mapping values are not allowed in this context"},
    {"train:\n  batch: 'a\n",
     "x.yaml:3:1: not valid YAML: found unexpected end of stream while scanning a quoted scalar"},
    {"train: {batch: 1\n",
     "x.yaml:2:1: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping"},
    {"train: }\n",
     "x.yaml:1:8: not valid YAML: did not find expected node content while parsing a block node"},
    {"train:\n  batch: \"\\q\"\n",
     "x.yaml:2:11: not valid YAML: found unknown escape character while parsing a quoted scalar"},
    {"data:\n  train: \"a\\0b\"\n", "x.yaml:2:10: a value contains a zero byte"},
    {"data:\n  train: \xff\n", "x.yaml:2:10: not UTF-8 text: invalid leading UTF-8 octet"},
    {"data:\n  train: \xc3(\n", "x.yaml:2:11: not UTF-8 text: invalid trailing UTF-8 octet"},
    {"data:\n  train: \x01\n", "x.yaml:2:10: not UTF-8 text: control characters are not allowed"},
    {"train:\n  class_weight: {}\n",
     "x.yaml:2: train.class_weight: an empty mapping: remove the key, or add lines label: weight"},
    {"train:\n  class_weight:\n    cat: 2\n    dog: x\n",
     "x.yaml:2: train.class_weight: 'x' is not allowed as weight of label 'dog' (none, balanced, or label: "
     "weight pairs, each weight 0 to 1e30)"},
    {"train:\n  class_weight: {a: 1, b: 1, a: 2}\n", "x.yaml:2:30: key a is given twice, first in line 2"},
};

static void test_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        fixture f;
        start(&f);
        assert_int_equal(feed(&f, refusals[i].text), MG_CONFIG);
        assert_string_equal(f.error.text, refusals[i].message);
        assert_int_equal(f.error.status, MG_CONFIG);
        mg_settings_destroy(&f.settings);
    }
}

static const refusal set_refusals[] = {
    {"train.batch=0", "--set: train.batch: 0 is not allowed (1 to 16777216)"},
    {"train.epocs=3", "--set: unknown key train.epocs; did you mean train.epochs?"},
    {"trian.epochs=3", "--set: unknown section trian; did you mean train?"},
    {"epochs=3",
     "--set: 'epochs=3' does not name a section; write section.key=value; did you mean train.epochs?"},
    {"epochs=3.5",
     "--set: 'epochs=3.5' does not name a section; write section.key=value; did you mean train.epochs?"},
    {"train.batch", "--set: 'train.batch' is not of the form section.key=value"},
    {"", "--set: '' is not of the form section.key=value"},
    {"=", "--set: '=' does not name a section; write section.key=value"},
    {".=", "--set: unknown section  (sections: data, train)"},
    {"train.=1",
     "--set: unknown key train. (keys of train: solver, epochs, batch, threads, memory, rate, lambda, C, "
     "limit, average, class_weight)"},
    {"train.class_weight={a: -1}",
     "--set: train.class_weight: '-1' is not allowed as weight of label 'a' (none, "
     "balanced, or label: weight pairs, each weight 0 to 1e30)"},
    {"train.class_weight={a: {b: 1}}",
     "--set: train.class_weight: '' is not allowed as weight of label 'a' (none, "
     "balanced, or label: weight pairs, each weight 0 to 1e30)"},
    {"train.class_weight={a: 1",
     "--set:2:1: not valid YAML: did not find expected ',' or '}' while parsing a flow "
     "mapping"},
    {"data.train=\xff", "--set: data.train: the text is not valid UTF-8"},
};

static void test_set_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof set_refusals / sizeof *set_refusals; i++) {
        fixture f;
        start(&f);
        assert_int_equal(mg_settings_set(&f.settings, set_refusals[i].text, &f.error), MG_CONFIG);
        assert_string_equal(f.error.text, set_refusals[i].message);
        mg_settings_destroy(&f.settings);
    }
}

// Weights come from block mappings, flow mappings and --set; a later mapping replaces the whole earlier one.
static void test_weights(void **state) {
    (void)state;
    fixture f;
    start(&f);
    assert_int_equal(feed(&f, "train:\n  class_weight:\n    cat: 2\n    null: 1/4\n    3: 1\n    'a b': 0\n"),
                     MG_OK);
    const mg_option_weights *weights = &f.values.train.class_weight;
    assert_null(weights->word);
    assert_int_equal(weights->count, 4);
    assert_string_equal(weights->labels[1], "null");
    assert_string_equal(weights->labels[3], "a b");
    assert_true(weights->weights[1] == 0.25);
    assert_string_equal(mg_settings_origin(&f.settings, "train.class_weight"), "x.yaml:2");
    assert_int_equal(mg_settings_set(&f.settings, "train.class_weight={dog: 5}", &f.error), MG_OK);
    assert_int_equal(weights->count, 1);
    assert_string_equal(weights->labels[0], "dog");
    assert_int_equal(mg_settings_set(&f.settings, "train.class_weight=balanced", &f.error), MG_OK);
    assert_string_equal(weights->word, "balanced");
    assert_int_equal(mg_settings_set(&f.settings, "train.class_weight=", &f.error), MG_OK);
    assert_string_equal(weights->word, "none");
    mg_settings_destroy(&f.settings);
}

static void test_check(void **state) {
    (void)state;
    fixture f;
    start(&f);
    assert_int_equal(mg_settings_check(&f.settings, &f.error), MG_OK);
    assert_int_equal(feed(&f, "train:\n  lambda: 1\n"), MG_OK);
    assert_int_equal(mg_settings_set(&f.settings, "train.C=2", &f.error), MG_OK);
    assert_int_equal(mg_settings_check(&f.settings, &f.error), MG_CONFIG);
    assert_string_equal(f.error.text, "lambda (x.yaml:2) and C (--set)");
    mg_settings_destroy(&f.settings);
}

// A truncated or changed file is either read or refused; an error is one line.
static void test_damaged(void **state) {
    (void)state;
    static const char text[] = "# head\ntrain: {batch: 64, rate: 1e-3}\ndata:\n  train: \"a\\x41\\u00e9\"\n"
                               "  validation: >\n    folded\n    text\n";
    unsigned bits = 1;
    for (size_t cut = 0; cut < 4000; cut++) {
        fixture f;
        char damaged[sizeof text];
        memcpy(damaged, text, sizeof text);
        size_t length = cut < sizeof text ? cut : sizeof text - 1;
        for (int flips = 0; cut >= sizeof text && flips < 3; flips++) {
            bits = bits * 1664525u + 1013904223u;
            damaged[bits / 65536 % (sizeof text - 1)] = (char)(bits >> 8);
        }
        start(&f);
        mg_status status = mg_settings_read(&f.settings, "x.yaml", damaged, length, &f.error);
        assert_true(status == MG_OK || status == MG_CONFIG);
        if (status) assert_true(strncmp(f.error.text, "x.yaml:", 7) == 0 && !strpbrk(f.error.text, "\n\r\t"));
        mg_settings_destroy(&f.settings);
    }
}

// Returns `head` followed by repetitions of `unit`, up to `bytes` bytes.
static char *repeated(const char *head, const char *unit, size_t bytes) {
    char *text = malloc(bytes + strlen(head) + 1);
    size_t length = strlen(head), step = strlen(unit);
    memcpy(text, head, length);
    for (; length + step <= bytes; length += step) memcpy(text + length, unit, step);
    text[length] = '\0';
    return text;
}

// Files that would cost a careless reader much time or memory; each must be refused quickly.
static void test_hostile(void **state) {
    (void)state;
    static const char *const units[] = {"[",    "{",     "{a: ",  "- ", "? ",    "a: ", "&a ", "!a ",
                                        "\n",   "#",     " ",     "'",  "\"",    "a,",  "|",   "\t",
                                        "\xc3", "- - [", "a:\n ", "%",  "---\n", "*a ", ": ",  "{?"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        for (int inside = 0; inside < 3; inside++) {
            static const char *const heads[] = {"", "train:\n  class_weight: ", "train:\n  class_weight: {"};
            fixture f;
            char *text = repeated(heads[inside], units[i], 1 << 18);
            start(&f);
            mg_status status = feed(&f, text);
            assert_true(status == MG_OK || status == MG_CONFIG);
            free(text);
            mg_settings_destroy(&f.settings);
        }
    }
}

// With many different labels, duplicates are found by sorting, and the number of labels is limited.
static void test_many_labels(void **state) {
    (void)state;
    enum { LABELS = 200000 };
    fixture f;
    char *text = malloc(LABELS * 16 + 100), *at = text;
    at += sprintf(at, "train:\n  class_weight:\n");
    for (int i = 0; i < LABELS; i++) at += sprintf(at, "    l%d: 1\n", i * 7 % LABELS);
    start(&f);
    assert_int_equal(feed(&f, text), MG_OK);
    assert_int_equal(f.values.train.class_weight.count, LABELS);
    sprintf(at, "    l77: 1\n");
    assert_int_equal(feed(&f, text), MG_CONFIG);
    assert_string_equal(f.error.text, "x.yaml:200003:5: key l77 is given twice, first in line 14");
    free(text);
    text = repeated("train:\n  class_weight: {", "a, ", 4 << 20);
    assert_int_equal(feed(&f, text), MG_CONFIG);
    assert_non_null(strstr(f.error.text, "more than a million keys and values"));
    free(text);
    mg_settings_destroy(&f.settings);
}

static void test_files(void **state) {
    (void)state;
    fixture f;
    start(&f);
    assert_int_equal(mg_settings_read_file(&f.settings, "/nowhere/x.yaml", &f.error), MG_CONFIG);
    assert_string_equal(f.error.text, "/nowhere/x.yaml: cannot be opened: No such file or directory");
    assert_int_equal(mg_settings_read_file(&f.settings, "/", &f.error), MG_CONFIG);
    assert_string_equal(f.error.text, "/: is a directory; a file is needed");
    assert_int_equal(mg_settings_read_file(&f.settings, "/dev/zero", &f.error), MG_CONFIG);
    assert_string_equal(f.error.text,
                        "/dev/zero: longer than 16 MiB; a configuration file is never that long");
    char *path = temporary("a.yaml", "train:\n  batch: 3\n");
    assert_int_equal(mg_settings_read_file(&f.settings, path, &f.error), MG_OK);
    assert_int_equal(f.values.train.batch, 3);
    remove_temporary(path);
    mg_settings_destroy(&f.settings);
}

// Each allocation fails once. Every time one line reports it, nothing leaks, and nothing incomplete is
// returned.
static void test_no_memory(void **state) {
    (void)state;
    static const char text[] =
        "train:\n  batch: 64\n  class_weight: {a: 1, b: 2}\ndata: {train: x, validation: y}\n";
    mg_status status = MG_MEMORY;
    for (int64_t k = 1; status; k++) {
        fixture f = {0};
        mg_writer writer = {0};
        char *out = NULL;
        assert_true(k < 200);
        mg_memory_fail_at(k, true);
        status = mg_settings_create(&f.settings, bindings, 2, &f.values, &f.error);
        if (!status) status = feed(&f, text);
        if (!status) status = mg_settings_set(&f.settings, "train.class_weight={c: 3}", &f.error);
        if (!status) status = mg_settings_set(&f.settings, "data.train=z", &f.error);
        if (!status) {
            mg_settings_write(&f.settings, &writer);
            mg_settings_write_canonical(&f.settings, &writer);
            mg_settings_write_reference(bindings, 2, &writer);
            status = mg_writer_take(&writer, &out, &f.error);
        }
        mg_memory_fail_at(0, false);
        if (status) assert_non_null(strstr(f.error.text, "out of memory"));
        mg_memory_free(out);
        mg_settings_destroy(&f.settings);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_keys),    cmocka_unit_test(test_who_wins),
        cmocka_unit_test(test_empty),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_set_refusals), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_hostile),      cmocka_unit_test(test_many_labels),
        cmocka_unit_test(test_files),        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
