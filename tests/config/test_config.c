// test_config.c - files and --set: who wins, what is refused at which line, printing that reads back, hostile
// files.
#include "base/memory.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Rows of our own: the program's may change without these expectations changing.
typedef struct files {
    char *train;
    char *validation;
} files;

typedef struct fit {
    const char *solver;
    int64_t epochs, batch, threads, memory;
    double rate, lambda, C, limit;
    bool average;
    mg_option_weights class_weight;
} fit;

typedef struct whole {
    files data;
    fit train;
} whole;

static const char *solver_name(int i) {
    static const char *const names[] = {"sgd", "dual", "newton"};
    return i < 3 ? names[i] : NULL;
}

static const char *weight_word(int i) {
    static const char *const names[] = {"none", "balanced"};
    return i < 2 ? names[i] : NULL;
}

static const mg_option file_rows[] = {
    {"train", MG_OPTION_TEXT, offsetof(files, train), "", 0, 0, NULL, NULL, false, "Training rows."},
    {"validation", MG_OPTION_TEXT, offsetof(files, validation), "", 0, 0, NULL, NULL, false,
     "Validation rows."},
};

#define AT(field) offsetof(fit, field)
static const mg_option fit_rows[] = {
    {"solver", MG_OPTION_CHOICE, AT(solver), "sgd", 0, 0, solver_name, NULL, true, "How."},
    {"epochs", MG_OPTION_INT, AT(epochs), "20", 1, 1e9, NULL, NULL, true, "How often."},
    {"batch", MG_OPTION_INT, AT(batch), "256", 1, 1 << 24, NULL, NULL, true,
     "Rows of a minibatch | of them."},
    {"threads", MG_OPTION_INT, AT(threads), "0", 0, 4096, NULL, NULL, false, "Threads."},
    {"memory", MG_OPTION_BYTES, AT(memory), "1GiB", 0, 1e15, NULL, NULL, false, "Memory."},
    {"rate", MG_OPTION_REAL, AT(rate), "1e-2", MG_ABOVE_ZERO, INFINITY, NULL, NULL, true, "Rate."},
    {"lambda", MG_OPTION_REAL, AT(lambda), "", MG_ABOVE_ZERO, INFINITY, NULL, NULL, true, "Lambda."},
    {"C", MG_OPTION_REAL, AT(C), "", MG_ABOVE_ZERO, INFINITY, NULL, NULL, true, "C."},
    {"limit", MG_OPTION_SECONDS, AT(limit), "", 0, 1e9, NULL, NULL, true, "Time limit."},
    {"average", MG_OPTION_BOOL, AT(average), "true", 0, 0, NULL, NULL, true, "Average."},
    {"class_weight", MG_OPTION_WEIGHTS, AT(class_weight), "none", 0, 1e30, weight_word, NULL, true,
     "Weights."},
};
#undef AT

static const mg_section file_section = {.name = "data", .help = "files", .options = file_rows, .count = 2};
static mg_status check_fit(const void *values, const char *const *origins, mg_error *error);
static const mg_section fit_section = {.name = "train",
                                       .help = "training",
                                       .options = fit_rows,
                                       .count = sizeof fit_rows / sizeof *fit_rows,
                                       .check = check_fit};

static mg_status check_fit(const void *values, const char *const *origins, mg_error *error) {
    const fit *all = values;
    if (isnan(all->lambda) || isnan(all->C)) return MG_OK;
    return mg_fail(error, MG_CONFIG, "lambda (%s) and C (%s)",
                   mg_section_origin(&fit_section, origins, "lambda"),
                   mg_section_origin(&fit_section, origins, "C"));
}

static const mg_binding bindings[] = {{&file_section, offsetof(whole, data)},
                                      {&fit_section, offsetof(whole, train)}};

typedef struct fixture {
    whole values;
    mg_settings settings;
    mg_error error;
} fixture;

static void start(fixture *f) {
    memset(f, 0, sizeof *f);
    assert_int_equal(mg_settings_create(&f->settings, bindings, 2, &f->values, &f->error), MG_OK);
}

static mg_status feed(fixture *f, const char *text) {
    return mg_settings_read(&f->settings, "x.yaml", text, strlen(text), &f->error);
}

// The printed form; the caller frees it.
static char *printed(fixture *f) {
    mg_writer writer = {0};
    char *text;
    mg_settings_write(&f->settings, &writer);
    assert_int_equal(mg_writer_take(&writer, &text, &f->error), MG_OK);
    return text;
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

// Files that say nothing leave every preset.
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
    {"train: 3\n", "x.yaml:1: section train holds lines of the form key: value, not a value itself"},
    {"train:\n  batch:\n    a: 1\n", "x.yaml:2: train.batch: a single value is expected, not a mapping"},
    {"train:\n  batch: [1, 2]\n", "x.yaml:2:10: a list is not allowed here, a single value is expected"},
    {"train:\n  batch:\n    - 1\n", "x.yaml:3:5: a list is not allowed here, a single value is expected"},
    {"- train\n", "x.yaml:1:1: a list is not allowed here, a single value is expected"},
    {"hello\n", "x.yaml:1:1: a mapping is expected here, lines of the form key: value"},
    {"train:\n  batch: 1\n  rate: 1\n  batch: 2\n", "x.yaml:4:3: key batch is given twice, first in line 2"},
    {"train:\n  batch: 1\ntrain:\n  rate: 1\n", "x.yaml:3:1: key train is given twice, first in line 1"},
    {"train:\n  batch: &a 1\n", "x.yaml:2:10: anchors are not supported"},
    {"train: &a\n  batch: 1\n", "x.yaml:1:8: anchors are not supported"},
    {"train:\n  batch: *a\n", "x.yaml:2:10: aliases are not supported"},
    {"train:\n  <<: *a\n", "x.yaml:2:7: aliases are not supported"},
    {"train:\n  batch: !!int 1\n", "x.yaml:2:10: tags are not supported"},
    {"train: !x\n  batch: 1\n", "x.yaml:1:8: tags are not supported"},
    {"train:\n---\ntrain:\n", "x.yaml:2:1: a second document; one file holds one"},
    {"---\n---\n", "x.yaml:2:1: a second document; one file holds one"},
    {"train:\n  class_weight:\n    a:\n      b: 1\n", "x.yaml:4:7: nested too deeply"},
    {"? {a: 1}\n: 2\n", "x.yaml:1:3: a key is expected here, a single word"},
    {"train:\n  ? \n  : 2\n", "x.yaml:2:4: a key is expected here, a single word"},
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
    {"data:\n  train: \"a\\0b\"\n", "x.yaml:2:10: a text with a zero character"},
    {"data:\n  train: \xff\n", "x.yaml:2:10: not UTF-8 text: invalid leading UTF-8 octet"},
    {"data:\n  train: \xc3(\n", "x.yaml:2:11: not UTF-8 text: invalid trailing UTF-8 octet"},
    {"data:\n  train: \x01\n", "x.yaml:2:10: not UTF-8 text: control characters are not allowed"},
    {"train:\n  class_weight: {}\n",
     "x.yaml:2: train.class_weight: an empty mapping; leave the key out or name a weight"},
    {"train:\n  class_weight:\n    cat: 2\n    dog: x\n",
     "x.yaml:2: train.class_weight: 'x' is not allowed as weight of label 'dog' (none, balanced, or label: "
     "weight "
     "pairs, each weight 0 to 1e30)"},
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
    {"epochs=3", "--set: 'epochs=3' names no section, write section.key=value; did you mean train.epochs?"},
    {"epochs=3.5",
     "--set: 'epochs=3.5' names no section, write section.key=value; did you mean train.epochs?"},
    {"train.batch", "--set: 'train.batch' is not of the form section.key=value"},
    {"", "--set: '' is not of the form section.key=value"},
    {"=", "--set: '=' names no section, write section.key=value"},
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

// Weights come from block and flow mappings and from --set; a later mapping replaces the earlier whole.
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

// print(parse(print(c))) == print(c), also for texts that look like something else.
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
    for (int i = 0; i < 300; i++)
        strcat(text, "\\x01");
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

static char *canonical(fixture *f) {
    mg_writer writer = {0};
    char *text;
    mg_settings_write_canonical(&f->settings, &writer);
    assert_int_equal(mg_writer_take(&writer, &text, &f->error), MG_OK);
    return text;
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
    // Threads and paths may differ between a run and its resumption.
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

// Whatever is cut off or flipped: an answer, one line when it is an error.
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

// `unit` over and over, up to `bytes`.
static char *repeated(const char *head, const char *unit, size_t bytes) {
    char *text = malloc(bytes + strlen(head) + 1);
    size_t length = strlen(head), step = strlen(unit);
    memcpy(text, head, length);
    for (; length + step <= bytes; length += step)
        memcpy(text + length, unit, step);
    text[length] = '\0';
    return text;
}

// Sizes that make careless readers slow or large; each must be refused soon.
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

// Many different labels: duplicates are looked for by sorting, and there is an end to them.
static void test_many_labels(void **state) {
    (void)state;
    enum { LABELS = 200000 };
    fixture f;
    char *text = malloc(LABELS * 16 + 100), *at = text;
    at += sprintf(at, "train:\n  class_weight:\n");
    for (int i = 0; i < LABELS; i++)
        at += sprintf(at, "    l%d: 1\n", i * 7 % LABELS);
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

static char *temporary(const char *name, const char *text) {
    static char path[256];
    snprintf(path, sizeof path, "/tmp/margin_test_config_%d", (int)getpid());
    mkdir(path, 0700);
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "/%s", name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void remove_temporary(const char *path) {
    char folder[256];
    snprintf(folder, sizeof folder, "/tmp/margin_test_config_%d", (int)getpid());
    unlink(path);
    rmdir(folder);
}

static void test_files(void **state) {
    (void)state;
    fixture f;
    start(&f);
    assert_int_equal(mg_settings_read_file(&f.settings, "/nowhere/x.yaml", &f.error), MG_CONFIG);
    assert_string_equal(f.error.text, "/nowhere/x.yaml: cannot be opened: No such file or directory");
    assert_int_equal(mg_settings_read_file(&f.settings, "/", &f.error), MG_CONFIG);
    assert_string_equal(f.error.text, "/: cannot be read: Is a directory");
    assert_int_equal(mg_settings_read_file(&f.settings, "/dev/zero", &f.error), MG_CONFIG);
    assert_string_equal(f.error.text, "/dev/zero: longer than 16 MiB, this is no configuration file");
    char *path = temporary("a.yaml", "train:\n  batch: 3\n");
    assert_int_equal(mg_settings_read_file(&f.settings, path, &f.error), MG_OK);
    assert_int_equal(f.values.train.batch, 3);
    remove_temporary(path);
    mg_settings_destroy(&f.settings);
}

// Every allocation fails: one line says so, nothing leaks, nothing half-built is handed out.
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

// From here on: the program's own sections.

static char *print_whole(const mg_config *config) {
    char *text = NULL;
    size_t length;
    mg_error error;
    FILE *file = open_memstream(&text, &length);
    assert_int_equal(mg_config_print(config, file, &error), MG_OK);
    fclose(file);
    return text;
}

// Every row is sound: named once, helped, within its own range by default.
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
                fail_msg("%s.%s: twice", section->name, row->name);
            if (number && !(row->low < row->high)) fail_msg("%s.%s: no range", section->name, row->name);
            if (row->type == MG_OPTION_CHOICE && !row->choice)
                fail_msg("%s.%s: no names", section->name, row->name);
            if (row->type == MG_OPTION_BOOL && !row->preset[0])
                fail_msg("%s.%s: no preset", section->name, row->name);
            size_t length = strlen(row->help);
            bool sentence = length > 0 && row->help[length - 1] == '.' && !strchr(row->help, '\n');
            if (!sentence) fail_msg("%s.%s: help is no sentence", section->name, row->name);
            for (const char *c = row->name; *c; c++)
                assert_true(isalnum((unsigned char)*c) || *c == '_');
        }
    }
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
        cmocka_unit_test(test_who_wins),       cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_set_refusals),
        cmocka_unit_test(test_weights),        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_long_label),     cmocka_unit_test(test_printed_text),
        cmocka_unit_test(test_canonical),      cmocka_unit_test(test_check),
        cmocka_unit_test(test_damaged),        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_many_labels),    cmocka_unit_test(test_files),
        cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_rows),
        cmocka_unit_test(test_load),           cmocka_unit_test(test_load_refusals),
        cmocka_unit_test(test_load_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
