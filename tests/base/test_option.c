// test_option.c - options of every type: the values of texts, the errors for wrong ones, and how values are
// printed.
#include "base/memory.h"
#include "base/option.h"
#include "base/utf8.h"
#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct sample {
    int64_t whole, size;
    double real, rate, duration;
    bool flag;
    char *text, *even;
    const char *choice;
    mg_option_weights weights;
} sample;

static const char *solver_name(int i) {
    static const char *const names[] = {"sgd", "dual", "newton"};
    return i < 3 ? names[i] : NULL;
}

static const char *weight_word(int i) {
    static const char *const names[] = {"none", "balanced"};
    return i < 2 ? names[i] : NULL;
}

static mg_status check_even(const char *value, mg_error *error) {
    if (strlen(value) % 2 == 0) return MG_OK;
    return mg_fail(error, MG_DATA, "texts of even length");
}

#define AT(field) offsetof(sample, field)
static const mg_option rows[] = {
    {"whole", MG_OPTION_INT, AT(whole), "256", 1, 1 << 24, NULL, NULL, true, "A whole number."},
    {"size", MG_OPTION_BYTES, AT(size), "", 0, 0x1p50, NULL, NULL, true, "A size."},
    {"real", MG_OPTION_REAL, AT(real), "", -INFINITY, INFINITY, NULL, NULL, true, "A number."},
    {"rate", MG_OPTION_REAL, AT(rate), ".5", MG_ABOVE_ZERO, MG_BELOW_ONE, NULL, NULL, true, "A rate."},
    {"duration", MG_OPTION_SECONDS, AT(duration), "10m", 0, INFINITY, NULL, NULL, true, "A duration."},
    {"flag", MG_OPTION_BOOL, AT(flag), "true", 0, 0, NULL, NULL, true, "A flag."},
    {"text", MG_OPTION_TEXT, AT(text), "", 0, 0, NULL, NULL, true, "A text."},
    {"even", MG_OPTION_TEXT, AT(even), "ab", 0, 0, NULL, check_even, true, "A text of even length."},
    {"choice", MG_OPTION_CHOICE, AT(choice), "sgd", 0, 0, solver_name, NULL, true, "A name."},
    {"weights", MG_OPTION_WEIGHTS, AT(weights), "none", 0, 1e30, weight_word, NULL, true, "Weights."},
};
#undef AT

static const mg_section section = {
    .name = "s", .help = "samples", .options = rows, .count = sizeof rows / sizeof *rows};

// Parses `value`, and returns the value as it is printed, or the error. The text is static.
static const char *take(sample *values, const char *name, const char *value) {
    static char out[4096];
    mg_error error;
    char *printed;
    const mg_option *option = mg_section_find(&section, name);
    assert_non_null(option);
    mg_status status = mg_option_parse(&section, option, values, value, &error);
    if (!status) status = mg_option_print(option, values, &printed, &error);
    snprintf(out, sizeof out, "%s", status ? error.text : printed);
    if (!status) mg_memory_free(printed);
    assert_null(strchr(out, '\n'));
    return out;
}

typedef struct parse_case {
    const char *option, *value, *printed;
} parse_case;

static const parse_case parse_cases[] = {
    {"whole", "1", "1"},
    {"whole", "1e6", "1000000"},
    {"whole", "+7", "7"},
    {"whole", "64.0", "64"},
    {"whole", "0", "s.whole: 0 is not allowed (1 to 16777216)"},
    {"whole", "-3", "s.whole: -3 is not allowed (1 to 16777216)"},
    {"whole", "16777217", "s.whole: 16777217 is not allowed (1 to 16777216)"},
    {"whole", "4x", "s.whole: '4x' is not a whole number (1 to 16777216)"},
    {"whole", "1.5", "s.whole: '1.5' is not a whole number (1 to 16777216)"},
    {"whole", "", "s.whole: '' is not a whole number (1 to 16777216)"},
    {"whole", " 4", "s.whole: ' 4' is not a whole number (1 to 16777216)"},
    {"whole", "4 ", "s.whole: '4 ' is not a whole number (1 to 16777216)"},
    {"whole", "0x10", "s.whole: '0x10' is not a whole number (1 to 16777216)"},
    {"whole", "99999999999999999999", "s.whole: 99999999999999999999 is not allowed (1 to 16777216)"},
    {"whole", "-9223372036854775809", "s.whole: -9223372036854775809 is not allowed (1 to 16777216)"},
    {"whole", "1e30", "s.whole: 1e30 is not allowed (1 to 16777216)"},
    {"size", "0", "0"},
    {"size", "4097", "4097"},
    {"size", "512MB", "512MB"},
    {"size", "2GiB", "2GiB"},
    {"size", "1.5 GiB", "1536MiB"},
    {"size", "1024kB", "1000KiB"},
    {"size", "2048B", "2KiB"},
    {"size", "1.5", "s.size: '1.5' is not a size such as 4096, 512MB or 2GiB (0 to 1024TiB)"},
    {"size", "5Q", "s.size: '5Q' is not a size such as 4096, 512MB or 2GiB (0 to 1024TiB)"},
    {"size", "5 ", "s.size: '5 ' is not a size such as 4096, 512MB or 2GiB (0 to 1024TiB)"},
    {"size", "-1", "s.size: -1 is not allowed (0 to 1024TiB)"},
    {"size", "1e300TB", "s.size: '1e300TB' is not a size such as 4096, 512MB or 2GiB (0 to 1024TiB)"},
    {"real", "1e-3", "0.001"},
    {"real", "1e-05", "1e-5"},
    {"real", "1E+30", "1e30"},
    {"real", ".5", "0.5"},
    {"real", "7.", "7"},
    {"real", "-0", "-0"},
    {"real", "1/255", "0.00392156862745098"},
    {"real", "1/3", "0.3333333333333333"},
    {"real", "0.1", "0.1"},
    {"real", "123456789012", "123456789012"},
    {"real", "4.9406564584124654e-324", "5e-324"},
    {"real", "1.7976931348623157e308", "1.7976931348623157e308"},
    {"real", "1e309", "s.real: '1e309' is not a number (any finite number)"},
    {"real", "1e-400", "s.real: '1e-400' is not a number (any finite number)"},
    {"real", "nan", "s.real: 'nan' is not a number (any finite number)"},
    {"real", "inf", "s.real: 'inf' is not a number (any finite number)"},
    {"real", ".", "s.real: '.' is not a number (any finite number)"},
    {"real", "1e", "s.real: '1e' is not a number (any finite number)"},
    {"real", "1/0", "s.real: '1/0' is not a number (any finite number)"},
    {"real", "1/", "s.real: '1/' is not a number (any finite number)"},
    {"real", "1/2/3", "s.real: '1/2/3' is not a number (any finite number)"},
    {"real", "1/-2", "s.real: '1/-2' is not a number (any finite number)"},
    {"real", "0x1p3", "s.real: '0x1p3' is not a number (any finite number)"},
    {"real", "1,5", "s.real: '1,5' is not a number (any finite number)"},
    {"real", "4x", "s.real: '4x' is not a number (any finite number)"},
    {"rate", "0", "s.rate: 0 is not allowed (more than 0, less than 1)"},
    {"rate", "1", "s.rate: 1 is not allowed (more than 0, less than 1)"},
    {"rate", "255/256", "0.99609375"},
    {"duration", "90", "90"},
    {"duration", "90s", "90"},
    {"duration", "1.5m", "90"},
    {"duration", "2h", "7200"},
    {"duration", "0.25", "0.25"},
    {"duration", "5 x", "s.duration: '5 x' is not a duration such as 90, 90s, 1.5m or 2h (at least 0)"},
    {"duration", "-5s", "s.duration: -5s is not allowed (at least 0)"},
    {"flag", "true", "true"},
    {"flag", "Yes", "true"},
    {"flag", "on", "true"},
    {"flag", "OFF", "false"},
    {"flag", "no", "false"},
    {"flag", "False", "false"},
    {"flag", "1", "s.flag: 1 is not allowed (true or false)"},
    {"text", "runs/a-1_b.yaml", "runs/a-1_b.yaml"},
    {"text", "/data/x", "/data/x"},
    {"text", "", "\"\""},
    {"text", "yes", "\"yes\""},
    {"text", "Null", "\"Null\""},
    {"text", "~", "\"~\""},
    {"text", "3", "\"3\""},
    {"text", "1e3", "\"1e3\""},
    {"text", ".5", "\".5\""},
    {"text", "./x", "\"./x\""},
    {"text", " a ", "\" a \""},
    {"text", "a: b", "\"a: b\""},
    {"text", "a #b", "\"a #b\""},
    {"text", "say \"hi\\\"", "\"say \\\"hi\\\\\\\"\""},
    {"text", "a\nb\tc\x01", "\"a\\nb\\tc\\x01\""},
    {"text", "\xc3\xa9t\xc3\xa9", "\"\xc3\xa9t\xc3\xa9\""},
    {"text", "\xc2\x85\xe2\x80\xa8\xef\xbb\xbf", "\"\\x85\\u2028\\ufeff\""},
    {"text", "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
    {"text", "\xff", "s.text: the text is not valid UTF-8"},
    {"even", "abcd", "abcd"},
    {"even", "abc", "s.even: 'abc' is not allowed (texts of even length)"},
    {"choice", "dual", "dual"},
    {"choice", "daul", "s.choice: 'daul' is not allowed (sgd, dual, newton); did you mean dual?"},
    {"choice", "SGD", "s.choice: 'SGD' is not allowed (sgd, dual, newton); did you mean sgd?"},
    {"choice", "zzz", "s.choice: 'zzz' is not allowed (sgd, dual, newton)"},
    {"weights", "balanced", "balanced"},
    {"weights", "balance",
     "s.weights: 'balance' is not allowed (none, balanced, or label: weight pairs, each weight 0 to 1e30); "
     "did you mean "
     "balanced?"},
};

static void test_parse(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof parse_cases / sizeof *parse_cases; i++) {
        sample values = {0};
        assert_string_equal(take(&values, parse_cases[i].option, parse_cases[i].value),
                            parse_cases[i].printed);
        mg_section_clear(&section, &values);
    }
}

// A number that is printed and parsed has the same bits.
static void test_numbers_round_trip(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        double value, back;
        char text[MG_REAL_TEXT];
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        mg_print_real(value, text);
        assert_true(mg_parse_real(text, &back));
        assert_memory_equal(&value, &back, sizeof value);
        int64_t whole = (int64_t)bits, whole_back;
        char digits[32];
        snprintf(digits, sizeof digits, "%lld", (long long)whole);
        assert_true(mg_parse_int(digits, &whole_back));
        assert_int_equal(whole, whole_back);
    }
    int64_t out;
    assert_true(mg_parse_int("-9223372036854775808", &out) && out == INT64_MIN);
    assert_true(mg_parse_int("9223372036854775807", &out) && out == INT64_MAX);
    assert_false(mg_parse_int("9223372036854775808", &out));
    assert_false(mg_parse_int("-9223372036854775809", &out));
    assert_false(mg_parse_int("-", &out));
    assert_false(mg_parse_int("", &out));
}

static void test_presets(void **state) {
    (void)state;
    sample values = {0};
    mg_error error;
    assert_int_equal(mg_section_preset(&section, &values, &error), MG_OK);
    assert_int_equal(values.whole, 256);
    assert_true(values.size == MG_UNSET_INT && isnan(values.real) && values.rate == .5 &&
                values.duration == 600);
    assert_true(values.flag && !values.text && !strcmp(values.even, "ab") && values.choice == solver_name(0));
    assert_string_equal(values.weights.word, "none");
    assert_string_equal(take(&values, "whole", "9"), "9");
    assert_string_equal(take(&values, "whole", NULL), "256");
    assert_string_equal(take(&values, "real", "9"), "9");
    assert_string_equal(take(&values, "real", NULL), "");
    assert_string_equal(take(&values, "text", "x"), "x");
    assert_string_equal(take(&values, "text", NULL), "");
    assert_string_equal(take(&values, "size", NULL), "");
    // a refused value leaves the old one unchanged
    assert_string_equal(take(&values, "even", "odd"), "s.even: 'odd' is not allowed (texts of even length)");
    assert_string_equal(values.even, "ab");
    mg_section_clear(&section, &values);
    mg_section_clear(&section, &values);
}

static void test_weights(void **state) {
    (void)state;
    sample values = {0};
    mg_error error;
    const mg_option *option = mg_section_find(&section, "weights");
    char label[32], *printed, longest[1002];
    assert_int_equal(mg_section_preset(&section, &values, &error), MG_OK);
    assert_int_equal(mg_option_add_weight(&section, option, &values, "cat", "1/2", &error), MG_OK);
    assert_null(values.weights.word);
    assert_int_equal(mg_option_add_weight(&section, option, &values, "a b", "3", &error), MG_OK);
    assert_int_equal(mg_option_print(option, &values, &printed, &error), MG_OK);
    assert_string_equal(printed, "{cat: 0.5, \"a b\": 3}");
    mg_memory_free(printed);
    assert_int_equal(mg_option_add_weight(&section, option, &values, "dog", "-1", &error), MG_CONFIG);
    assert_string_equal(error.text,
                        "s.weights: '-1' is not allowed as weight of label 'dog' (none, balanced, or label: "
                        "weight pairs, each weight 0 to 1e30)");
    for (int i = 2; i < 1000; i++) {
        snprintf(label, sizeof label, "label %d", i);
        assert_int_equal(mg_option_add_weight(&section, option, &values, label, "2", &error), MG_OK);
    }
    assert_int_equal(values.weights.count, 1000);
    assert_string_equal(values.weights.labels[0], "cat");
    assert_string_equal(values.weights.labels[999], "label 999");
    assert_true(values.weights.weights[0] == .5 && values.weights.weights[999] == 2);
    memset(longest, 'x', 1001);
    longest[1001] = '\0';
    assert_int_equal(mg_option_add_weight(&section, option, &values, longest, "2", &error), MG_CONFIG);
    assert_string_equal(take(&values, "weights", "balanced"), "balanced");
    assert_int_equal(values.weights.count, 0);
    mg_section_clear(&section, &values);
}

// An error quotes only the start of a long value, in whole characters, and stays one line.
static void test_long_values(void **state) {
    (void)state;
    sample values = {0};
    char longest[5000], brief[MG_SHORT_TEXT];
    memset(longest, '7', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_string_equal(
        take(&values, "choice", longest),
        "s.choice: '777777777777777777777777777777777777777777777777777777777777...' is not allowed "
        "(sgd, dual, newton)");
    for (int shift = 0; shift < 4; shift++) {
        memset(longest, 'a', 4);
        for (int i = 0; i < 100; i++) memcpy(longest + shift + 4 * i, "\xf0\x9f\x98\x80", 5);
        mg_shorten(longest, brief);
        assert_true(mg_utf8_valid(brief) && strlen(brief) < MG_SHORT_TEXT);
        assert_string_equal(brief + strlen(brief) - 3, "...");
    }
    assert_string_equal(mg_shorten("short", brief), "short");
}

static const char *key_name(int i, const void *context) {
    static const char *const names[] = {"epochs", "batch",         "lambda", "rate",
                                        "C",      "every_seconds", "seed",   "eta"};
    (void)context;
    return i < 8 ? names[i] : NULL;
}

static void test_nearest(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"epocs", "epochs"},
        {"epoch", "epochs"},
        {"bacth", "batch"},
        {"batch_size", "batch"},
        {"lamda", "lambda"},
        {"learning_rate", "rate"},
        {"c", "C"},
        {"EPOCHS", "epochs"},
        {"sed", "seed"},
        {"every_secs", "every_seconds"},
        {"num_epochs", "epochs"},
        {"beta", "eta"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(mg_nearest_name(pairs[i][0], key_name, NULL), pairs[i][1]);
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_null(mg_nearest_name("x", key_name, NULL));
    assert_null(mg_nearest_name("", key_name, NULL));
    assert_null(mg_nearest_name("zebra", key_name, NULL));
    assert_null(mg_nearest_name(longest, key_name, NULL));
}

static void test_allowed(void **state) {
    (void)state;
    static const struct {
        mg_option_type type;
        double low, high;
        const char *text;
    } cases[] = {
        {MG_OPTION_INT, 1, 1e9, "1 to 1e9"},
        {MG_OPTION_INT, 0, 9e18, "0 to 9e18"},
        {MG_OPTION_INT, 0, 0x1p63, "at least 0"},
        {MG_OPTION_INT, -INFINITY, 5, "at most 5"},
        {MG_OPTION_BYTES, 4096, 1e15, "4KiB to 1000TB"},
        {MG_OPTION_REAL, 0, 1, "0 to 1"},
        {MG_OPTION_REAL, MG_ABOVE_ZERO, INFINITY, "more than 0"},
        {MG_OPTION_REAL, MG_ABOVE_ZERO, 1, "more than 0, at most 1"},
        {MG_OPTION_REAL, -INFINITY, MG_BELOW_ONE, "less than 1"},
        {MG_OPTION_REAL, 0, MG_BELOW_ONE, "at least 0, less than 1"},
        {MG_OPTION_REAL, 1e-30, 1e30, "1e-30 to 1e30"},
        {MG_OPTION_BOOL, 0, 0, "true or false"},
    };
    char text[200], tiny[8];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mg_option option = {.type = cases[i].type, .low = cases[i].low, .high = cases[i].high};
        mg_option_allowed(&option, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    mg_option_allowed(mg_section_find(&section, "weights"), tiny, sizeof tiny);
    assert_string_equal(tiny, "none, b");
    for (int type = MG_OPTION_INT; type <= MG_OPTION_SECONDS; type++)
        assert_true(strlen(mg_option_type_name((mg_option_type)type)) > 0);
}

static void test_utf8(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff",
                                      "a\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(mg_utf8_valid(bad[i]));
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    assert_true(mg_utf8_valid(text));
    assert_int_equal(mg_utf8_next(&text), 'a');
    assert_int_equal(mg_utf8_next(&text), 0xe9);
    assert_int_equal(mg_utf8_next(&text), 0x20ac);
    assert_int_equal(mg_utf8_next(&text), 0x1f600);
    assert_int_equal(mg_utf8_next(&text), 0);
    assert_int_equal(mg_utf8_next(&text), 0);
}

// In a locale with a decimal comma, files are read and written in the same way. Skipped if no such locale is
// installed.
static void test_locale(void **state) {
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "es_ES.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!found) skip();
    sample values = {0};
    const char *printed = take(&values, "real", "0.25");
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(printed, "0.25");
}

// Each allocation fails once: the error is one line, nothing leaks, and the old value is kept.
static void test_no_memory(void **state) {
    (void)state;
    mg_status status = MG_MEMORY;
    for (int64_t k = 1; status; k++) {
        sample values = {0};
        mg_error error = {0};
        char *printed = NULL;
        assert_true(k < 100);
        mg_memory_fail_at(k, true);
        status = mg_section_preset(&section, &values, &error);
        if (!status)
            status = mg_option_parse(&section, mg_section_find(&section, "text"), &values, "a b", &error);
        for (int i = 0; i < 40 && !status; i++)
            status = mg_option_add_weight(&section, mg_section_find(&section, "weights"), &values, "l", "1",
                                          &error);
        if (!status)
            status = mg_option_print(mg_section_find(&section, "weights"), &values, &printed, &error);
        mg_memory_fail_at(0, false);
        if (status) {
            assert_int_equal(status, MG_MEMORY);
            assert_non_null(strstr(error.text, "out of memory"));
        }
        mg_memory_free(printed);
        mg_section_clear(&section, &values);
    }
}

static void test_writer(void **state) {
    (void)state;
    mg_writer writer = {0};
    mg_error error;
    char *text;
    assert_int_equal(mg_writer_take(&writer, &text, &error), MG_OK);
    assert_string_equal(text, "");
    mg_memory_free(text);
    for (int i = 0; i < 1000; i++) mg_writer_format(&writer, "%d,%s;", i % 10, "x");
    mg_writer_clear(&writer);
    mg_writer_add(&writer, "a");
    mg_memory_fail_at(1, true);
    for (int i = 0; i < 100; i++) mg_writer_add(&writer, "bbbb");
    mg_memory_fail_at(0, false);
    assert_int_equal(mg_writer_take(&writer, &text, &error), MG_MEMORY);
    assert_null(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),       cmocka_unit_test(test_numbers_round_trip),
        cmocka_unit_test(test_presets),     cmocka_unit_test(test_weights),
        cmocka_unit_test(test_long_values), cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_allowed),     cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_locale),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
