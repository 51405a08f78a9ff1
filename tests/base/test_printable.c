// test_printable.c - characters from files neither control a terminal nor make JSON invalid.
#include "base/json.h"
#include "base/memory.h"
#include "base/printable.h"
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct pair {
    const char *raw, *shown, *json;
} pair;

static const pair pairs[] = {
    {"plain", "plain", "\"plain\""},
    {"", "", "\"\""},
    {"Äpfel 日本 €", "Äpfel 日本 €", "\"Äpfel 日本 €\""},
    {"\033[31mred", "\\x1b[31mred", "\"\\u001b[31mred\""},
    {"a\nb\rc\td", "a\\nb\\rc\\td", "\"a\\u000ab\\u000dc\\u0009d\""},
    {"\177", "\\x7f", "\"\\u007f\""},
    {"\302\205\302\233\302\240", "\\u0085\\u009b\302\240",
     "\"\\u0085\\u009b\302\240\""}, // C1 control characters; U+00A0 is a space
    {"\342\200\256x\342\201\246y\342\201\251", "\\u202ex\\u2066y\\u2069",
     "\"\\u202ex\\u2066y\\u2069\""},            // characters that reorder text
    {"\342\200\250", "\\u2028", "\"\\u2028\""}, // a line separator
    {"caf\351", "caf\\xe9", "\"caf\\\\xe9\""},  // Latin-1
    {"\377\376", "\\xff\\xfe", "\"\\\\xff\\\\xfe\""},
    {"\355\240\200", "\\xed\\xa0\\x80", "\"\\\\xed\\\\xa0\\\\x80\""}, // a surrogate
    {"\342\202", "\\xe2\\x82", "\"\\\\xe2\\\\x82\""},                 // truncated
    {"C:\\new \"x\"", "C:\\new \"x\"", "\"C:\\\\new \\\"x\\\"\""},
};

static void test_pairs(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        mg_writer out = {0}, json = {0};
        char buffer[64], again[64];
        mg_printable_add(&out, pairs[i].raw);
        mg_json_text(&json, pairs[i].raw);
        mg_writer_add(&out, "");
        assert_string_equal(out.text ? out.text : "", pairs[i].shown);
        assert_string_equal(json.text, pairs[i].json);
        assert_int_equal(mg_printable(pairs[i].raw, buffer, sizeof buffer), strlen(pairs[i].shown));
        assert_string_equal(buffer, pairs[i].shown);
        mg_printable(buffer, again, sizeof again); // printable text does not change again
        assert_string_equal(again, buffer);
        mg_writer_clear(&out);
        mg_writer_clear(&json);
    }
}

static void test_every_character(void **state) {
    (void)state;
    for (int a = 1; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char raw[] = {(char)a, (char)b, 0};
            char out[64];
            mg_printable(raw, out, sizeof out);
            for (const char *c = out; *c; c++) assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
}

static void test_room(void **state) {
    (void)state;
    char out[8];
    assert_int_equal(mg_printable("ab\ncdefg", out, 5), 9); // no escape is split
    assert_string_equal(out, "ab\\n");
    assert_int_equal(mg_printable("ab\ncdefg", out, 4), 9);
    assert_string_equal(out, "ab");
    assert_int_equal(mg_printable("x", out, 1), 1);
    assert_string_equal(out, "");
    assert_int_equal(mg_printable("x\n", NULL, 0), 3);
}

static void test_lines(void **state) {
    (void)state;
    mg_error error;
    mg_writer out = {0};
    mg_fail(&error, MG_DATA, "%s: %d", "a\nb\033", 3);
    assert_string_equal(error.text, "a\\nb\\x1b: 3");
    mg_printable_line(&out, "%-4s|", "x\n");
    assert_string_equal(out.text, "x\\n  |\n");
    mg_writer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
