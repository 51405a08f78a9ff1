// test_text.c - splits files into lines in every possible way; compares numbers with strtod.
#include "base/memory.h"
#include "base/hash.h"
#include "format/fields.h"
#include "io/text.h"

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
#include <zlib.h>

static char folder[] = "/tmp/margin-text-XXXXXX";
static char path[128];

static int set_up(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/input", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_plain(const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

// Writes a gzip file; with `mode` "ab", appends another gzip member.
static void write_gzip(const char *bytes, size_t size, const char *mode) {
    gzFile file = gzopen(path, mode);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

static void expect_lines(const char *const *lines, int count) {
    mg_text *text;
    mg_error error;
    char *line;
    size_t bytes;
    assert_int_equal(mg_text_open(&text, path, NULL, &error), MG_OK);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            assert_int_equal(mg_text_line(text, &line, &bytes, &error), MG_OK);
            assert_non_null(line);
            assert_int_equal(bytes, strlen(lines[i]));
            assert_memory_equal(line, lines[i], bytes);
        }
        assert_int_equal(mg_text_line(text, &line, &bytes, &error), MG_OK);
        assert_null(line);
        assert_int_equal(mg_text_line(text, &line, &bytes, &error), MG_OK);
        assert_null(line);
        assert_int_equal(mg_text_rewind(text, &error), MG_OK);
    }
    mg_text_close(text);
}

static void ends_of_lines(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int count;
        const char *lines[4];
    } cases[] = {
        {"", 0, {0}},
        {"\n", 1, {""}},
        {"a", 1, {"a"}},
        {"a\n", 1, {"a"}},
        {"a\nb", 2, {"a", "b"}},
        {"a\r\nb\r\n", 2, {"a", "b"}},
        {"a\r", 1, {"a"}},
        {"\n\na\n", 3, {"", "", "a"}},
        {"\xef\xbb\xbf"
         "a\nb\n",
         2,
         {"a", "b"}},
        {"\xef\xbb", 1, {"\xef\xbb"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_plain(cases[i].bytes, strlen(cases[i].bytes));
        expect_lines(cases[i].lines, cases[i].count);
        write_gzip(cases[i].bytes, strlen(cases[i].bytes), "wb");
        expect_lines(cases[i].lines, cases[i].count);
    }
}

static void members_of_gzip_are_one_file(void **state) {
    (void)state;
    static const char *const lines[] = {"one", "two", "three"};
    write_gzip("one\ntw", 6, "wb");
    write_gzip("", 0, "ab");
    write_gzip("o\nthree\n", 8, "ab");
    expect_lines(lines, 3);
}

static void lines_longer_than_any_buffer(void **state) {
    (void)state;
    size_t sizes[] = {(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20, 1}, total = 0;
    enum { COUNT = sizeof sizes / sizeof *sizes };
    char *lines[COUNT], *all = malloc(32 << 20);
    for (int i = 0; i < COUNT; i++) {
        lines[i] = malloc(sizes[i] + 1);
        memset(lines[i], 'a' + i, sizes[i]);
        lines[i][sizes[i]] = '\0';
        total += (size_t)sprintf(all + total, "%s\n", lines[i]);
    }
    write_plain(all, total);
    expect_lines((const char *const *)lines, COUNT);
    write_gzip(all, total, "wb");
    expect_lines((const char *const *)lines, COUNT);
    for (int i = 0; i < COUNT; i++) free(lines[i]);
    free(all);
}

// Reads to the end, or to the first failure.
static mg_status read_all(mg_error *error) {
    mg_text *text;
    char *line = path;
    size_t bytes;
    mg_status status = mg_text_open(&text, path, NULL, error);
    while (!status && line) status = mg_text_line(text, &line, &bytes, error);
    mg_text_close(text);
    return status;
}

static void expect_failure(mg_status expected, const char *part) {
    mg_error error = {.text = ""};
    assert_int_equal(read_all(&error), expected);
    if (!strstr(error.text, part)) fail_msg("'%s' is not in '%s'", part, error.text);
}

static void damaged_gzip_is_refused(void **state) {
    (void)state;
    char packed[4096];
    char plain[3000];
    for (size_t i = 0; i < sizeof plain; i++) plain[i] = (char)('a' + mg_hash_mix(i) % 26);
    write_gzip(plain, sizeof plain, "wb");
    FILE *file = fopen(path, "rb");
    size_t size = fread(packed, 1, sizeof packed, file);
    fclose(file);
    for (size_t cut = 2; cut < size; cut += 17) {
        write_plain(packed, cut);
        expect_failure(MG_DATA, "truncated");
    }
    write_plain(packed, size - 1);
    expect_failure(MG_DATA, "truncated");
    packed[size - 6] ^= 1; // in the checksum
    write_plain(packed, size);
    expect_failure(MG_DATA, "damaged");
    packed[size - 6] ^= 1;
    packed[size] = '!';
    write_plain(packed, size + 1);
    expect_failure(MG_DATA, "other bytes follow");
}

static void what_is_no_file_is_refused(void **state) {
    (void)state;
    mg_text *text;
    mg_error error;
    assert_int_equal(mg_text_open(&text, folder, NULL, &error), MG_IO);
    assert_non_null(strstr(error.text, "directory"));
    assert_int_equal(mg_text_open(&text, "/nowhere/at all", NULL, &error), MG_IO);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(mg_text_open(&text, "/dev/null", NULL, &error), MG_IO);
    assert_non_null(strstr(error.text, "a regular file is needed"));
    write_plain("\xff\xfe"
                "1\0",
                4);
    expect_failure(MG_DATA, "UTF-16");
}

static void places_count_characters(void **state) {
    (void)state;
    mg_text *text;
    mg_error error;
    char *line, expected[256];
    size_t bytes;
    write_plain("first\n\xc3\xa4\xe2\x82\xacx\n", 13);
    assert_int_equal(mg_text_open(&text, path, NULL, &error), MG_OK);
    mg_text_line(text, &line, &bytes, &error);
    mg_text_line(text, &line, &bytes, &error);
    assert_int_equal(mg_text_fail(text, 5, MG_DATA, &error, "an %s", "x"), MG_DATA);
    snprintf(expected, sizeof expected, "%s:2:3: an x", path);
    assert_string_equal(error.text, expected);
    mg_text_close(text);
}

static void utf8_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes, good;
    } cases[] = {
        {"", 0, 0},
        {"plain ASCII text of some length", 31, 31},
        {"12345678\xff", 9, 8},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, 9},
        {"a\xc3", 2, 1},
        {"\xc0\x80", 2, 0},
        {"\xed\xa0\x80", 3, 0},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\x80", 1, 0},
        {"a\0b", 3, 1},
        {"1234567\0"
         "12345678",
         16, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(mg_text_utf8(cases[i].text, cases[i].bytes), cases[i].good);
    // the bytes after the text would complete its last character
    assert_int_equal(mg_text_utf8("\xc3\xa4", 1), 0);
}

static void compare(const char *text) {
    double value = -1;
    const char *end = text + strlen(text), *after = mg_text_number(text, end, &value);
    double expected = strtod(text, NULL);
    // an underflow must not give 0, because conversions report such values
    if (expected == 0 && strcspn(text, "123456789") < strcspn(text, "eE"))
        expected = copysign(0x1p-1074, expected);
    if (after != end || memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("%s read as %a, not %a", text, value, expected);
}

static void numbers_are_rounded_correctly(void **state) {
    (void)state;
    static const char *const cases[] = {
        "0",
        "-0",
        "+1",
        "1.",
        ".5",
        "-.5e1",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.5",
        "18446744073709551615",
        "18446744073709551616",
        "1e-22",
        "123456789012345678e-19",
        "0.1",
        "0.3",
        "2.5e-320",
        "4.9e-324",
        "1.7976931348623157e308",
        "1e309",
        "-1e999",
        "1e-999",
        "0e999",
        "0.0000000000000000000000000001",
        // the first 64 bits of the quotient are exactly halfway, so the remainder decides
        "9695808345493995284e-19",
        "9237726397136683532e-19",
        "9959243316861055573e-19",
        "9999999999999999999e-19",
        "9007199254740993e-1",
        "1.00000000000000011102230246251565",
        "0.500000000000000166533453693773481063544750213623046875",
        "1e9999999999999999999",
        "0000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) compare(cases[i]);
    for (uint64_t i = 0; i < 300000; i++) {
        char text[64];
        uint64_t a = mg_hash_mix(i), b = mg_hash_mix(a);
        double real;
        uint64_t bits = a & UINT64_C(0x7fefffffffffffff);
        memcpy(&real, &bits, sizeof real);
        if (i % 3 == 0) snprintf(text, sizeof text, "%.*g", (int)(b % 20) + 1, real);
        if (i % 3 == 1)
            snprintf(text, sizeof text, "%.*f", (int)(b % 17), (double)(int64_t)a / (double)(b | 1));
        if (i % 3 == 2)
            snprintf(text, sizeof text, "%llue%d", (unsigned long long)(a >> b % 64),
                     (int)(b >> 33) % 48 - 23);
        compare(text);
    }
}

static void rubbish_is_no_number(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int taken; // number of characters of the number; -1: not a number
    } cases[] = {{"", -1},     {"-", -1},   {".", -1},   {"e5", -1},  {"nan", -1},  {"inf", -1}, {"1e", -1},
                 {"1e+", -1},  {"--1", -1}, {"+-1", -1}, {"0x10", 1}, {"1.2.3", 3}, {"1,5", 1},  {"4x", 1},
                 {"1e5.5", 3}, {" 1", -1},  {"1 ", 1},   {"1d5", 1},  {"1e-5f", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value;
        const char *text = cases[i].text, *after = mg_text_number(text, text + strlen(text), &value);
        assert_int_equal(after ? after - text : -1, cases[i].taken);
    }
    char long_number[2000];
    double value;
    memset(long_number, '1', sizeof long_number);
    assert_null(mg_text_number(long_number, long_number + sizeof long_number, &value));
}

static void whole_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool whole;
        int64_t value;
    } cases[] = {{"0", true, 0},
                 {"+7", true, 7},
                 {"-7", true, -7},
                 {"007", true, 7},
                 {"1.0", true, 1},
                 {"1e3", true, 1000},
                 {"-2.50e1", true, -25},
                 {"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"9223372036854775808", false, 0},
                 {"0.5", false, 0},
                 {"1e300", false, 0},
                 {"", false, 0},
                 {"+", false, 0},
                 {"1 ", false, 0},
                 {"a", false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        const char *text = cases[i].text;
        assert_int_equal(mg_text_whole(text, text + strlen(text), &value), cases[i].whole);
        if (cases[i].whole) assert_int_equal(value, cases[i].value);
    }
}

// Joins all fields of the file: '|' between records, '^' between fields.
static mg_status join_fields(char delimiter, char *out, mg_error *error) {
    mg_record record = {.delimiter = delimiter};
    mg_span field;
    bool more;
    *out = '\0';
    mg_status status = mg_text_open(&record.text, path, NULL, error);
    if (status) return status;
    while (!(status = mg_record_next(&record, error)) && record.line) {
        int64_t counted, taken = 0;
        if (*out) strcat(out, "|");
        status = mg_record_count(&record, &counted, error);
        while (!status && !(status = mg_record_field(&record, &field, &more, error)) && more) {
            if (taken++) strcat(out, "^");
            strncat(out, field.text, field.bytes);
        }
        if (status) break;
        assert_int_equal(counted, taken);
    }
    mg_text_close(record.text);
    return status;
}

static void records_are_cut_into_fields(void **state) {
    (void)state;
    static const struct {
        char delimiter;
        const char *bytes, *fields; // fields: NULL if the file is refused
    } cases[] = {
        {',', "a,b\nc,d\n", "a^b|c^d"},
        {',', "\n\na,b\n  \nc,d", "a^b|c^d"},
        {',', " a , b \n", "a^b"},
        {',', "a,\n,b\n", "a^|^b"},
        {',', "\"a\",\"b,c\"\n", "a^b,c"},
        {',', "\"a \"\"b\"\"\",c\n", "a \"b\"^c"},
        {',', "\"\"\"\",\"\"\n", "\"^"},
        {',', "\"two\nlines\",x\ny,z\n", "two\nlines^x|y^z"},
        {',', "\"three\r\n\r\nlines\",x\r\n", "three\r\n\r\nlines^x"},
        {',', " \"a\" , \"b\" \n", "a^b"},
        {',', "5\" pipe,6\"\n", "5\" pipe^6\""},
        {',', "\"a\n", NULL},
        {',', "\"a\"b,c\n", NULL},
        {'\t', "a b\t\"c\td\"\t\n", "a b^c\td^"},
        {' ', "  a   b\tc  \n", "a^b^c"},
        {' ', "\"a b\" c\n", "a b^c"},
        {';', "1,5;2\n", "1,5^2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char joined[512];
        mg_error error = {.text = ""};
        write_plain(cases[i].bytes, strlen(cases[i].bytes));
        mg_status status = join_fields(cases[i].delimiter, joined, &error);
        if ((status == MG_OK) != (cases[i].fields != NULL)) fail_msg("case %zu: %s", i, error.text);
        if (cases[i].fields) assert_string_equal(joined, cases[i].fields);
    }
}

// Reads all lines; returns the error of the last one.
static mg_status read_again(mg_text *text, mg_error *error) {
    char *line;
    size_t bytes;
    mg_status status = mg_text_rewind(text, error);
    do {
        if (!status) status = mg_text_line(text, &line, &bytes, error);
    } while (!status && line);
    return status;
}

static void put(const char *name, const char *bytes, const char *mode) {
    FILE *file = fopen(name, mode);
    assert_non_null(file);
    assert_true(fputs(bytes, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

// Of several files, each must be the same in every reading, also if it has the same size and number of lines.
static void parts_that_change_are_refused(void **state) {
    (void)state;
    static const char *const words[] = {"written to", "replaced"};
    char second[160], other[160];
    mg_text *text;
    mg_error error;
    snprintf(second, sizeof second, "%s-2", path);
    snprintf(other, sizeof other, "%s-3", path);
    for (int how = 0; how < 2; how++) {
        const char *const paths[] = {path, second};
        write_plain("1\n", 2);
        put(second, "2\n", "w");
        assert_int_equal(mg_text_open_parts(&text, paths, 2, NULL, &error), MG_OK);
        for (int pass = 0; pass < 2; pass++) assert_int_equal(read_again(text, &error), MG_OK);
        put(how ? other : second, how ? "3\n" : "3\n4\n", "w");
        if (how) assert_int_equal(rename(other, second), 0);
        assert_int_equal(read_again(text, &error), MG_DATA);
        assert_memory_equal(error.text, second, strlen(second));
        assert_non_null(strstr(error.text, words[how]));
        mg_text_close(text);
        assert_int_equal(unlink(second), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_of_lines),
        cmocka_unit_test(members_of_gzip_are_one_file),
        cmocka_unit_test(lines_longer_than_any_buffer),
        cmocka_unit_test(damaged_gzip_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(places_count_characters),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(numbers_are_rounded_correctly),
        cmocka_unit_test(rubbish_is_no_number),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(records_are_cut_into_fields),
        cmocka_unit_test(parts_that_change_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
