// test_json.c - JSON objects: commas, escapes, and numbers that JSON cannot express.
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(mg_writer *writer, const char *text) {
    assert_int_equal(writer->status, MG_OK);
    assert_string_equal(writer->text, text);
    mg_writer_clear(writer);
}

static void test_object(void **unused) {
    (void)unused;
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_text(&out, "a", "x");
    mg_json_put_int(&out, "b", INT64_MIN);
    mg_json_put_real(&out, "c", 0.1);
    mg_json_put_bool(&out, "d", true);
    mg_json_put_bool(&out, "e", false);
    mg_writer_add(&out, "}");
    expect(&out, "{\"a\": \"x\", \"b\": -9223372036854775808, \"c\": 0.1, \"d\": true, \"e\": false}");
}

// There is no comma after an opening bracket, and one after a closing bracket.
static void test_nested(void **unused) {
    (void)unused;
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_key(&out, "list");
    mg_writer_add(&out, "[{");
    mg_json_put_int(&out, "one", 1);
    mg_writer_add(&out, "}]");
    mg_json_put_int(&out, "two", 2);
    mg_json_key(&out, "empty");
    mg_writer_add(&out, "{}");
    mg_json_put_text(&out, "last", "{");
    // the text before it ends with a bracket in quotes, which does not count
    mg_json_put_text(&out, "more", "[");
    mg_writer_add(&out, "}");
    expect(&out, "{\"list\": [{\"one\": 1}], \"two\": 2, \"empty\": {}, \"last\": \"{\", \"more\": \"[\"}");
}

static void test_first_key(void **unused) {
    (void)unused;
    mg_writer out = {0};
    mg_json_key(&out, "a\"b");
    expect(&out, "\"a\\\"b\": ");
}

// Each of the 255 bytes: quote and backslash are escaped, control characters become \u, and bytes that are
// not UTF-8 become the text \xNN.
static void test_every_byte(void **unused) {
    (void)unused;
    for (int byte = 1; byte < 256; byte++) {
        char text[2] = {(char)byte, 0}, wanted[16];
        mg_writer out = {0};
        if (byte == '"' || byte == '\\') snprintf(wanted, sizeof wanted, "\"\\%c\"", byte);
        else if (byte < 0x20 || byte == 0x7f) snprintf(wanted, sizeof wanted, "\"\\u%04x\"", (unsigned)byte);
        else if (byte < 0x80) snprintf(wanted, sizeof wanted, "\"%c\"", byte);
        else snprintf(wanted, sizeof wanted, "\"\\\\x%02x\"", (unsigned)byte);
        mg_json_text(&out, text);
        expect(&out, wanted);
    }
}

static void test_long_text(void **unused) {
    (void)unused;
    enum { LONG = 70000 };
    char *text = malloc(LONG + 1), *wanted = malloc(2 * LONG + 3);
    assert_non_null(text);
    assert_non_null(wanted);
    memset(text, '"', LONG);
    text[LONG] = 0;
    char *at = wanted;
    *at++ = '"';
    for (int i = 0; i < LONG; i++) {
        *at++ = '\\';
        *at++ = '"';
    }
    memcpy(at, "\"", 2);
    mg_writer out = {0};
    mg_json_text(&out, text);
    expect(&out, wanted);
    free(text);
    free(wanted);
}

static void test_reals(void **unused) {
    (void)unused;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{NAN, "null"},
                {INFINITY, "null"},
                {-INFINITY, "null"},
                {0, "0"},
                {0.5, "0.5"},
                {-2, "-2"},
                {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mg_writer out = {0};
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\"v\": %s", rows[i].text);
        mg_json_put_real(&out, "v", rows[i].value);
        expect(&out, wanted);
    }
    static const double exact[] = {5e-324, 1.7976931348623157e308, 0.1 + 0.2, -1e-7, 9007199254740993};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        mg_writer out = {0};
        mg_json_put_real(&out, "v", exact[i]);
        // gives the same bits when it is parsed
        assert_true(strtod(out.text + strlen("\"v\": "), NULL) == exact[i]);
        mg_writer_clear(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_object),     cmocka_unit_test(test_nested),    cmocka_unit_test(test_first_key),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_long_text), cmocka_unit_test(test_reals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
