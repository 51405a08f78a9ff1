// test_format.c - converts svmlight and CSV, and one matrix in every format. Damaged files are refused with
// the right message, and existing files are not harmed.
#include "convert_files.h"

#include <margin/convert.h>

#include "format/ngram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// svmlight.

static void svmlight_rows(void **state) {
    (void)state;
    const double values[4 * 7] = {0, .5, 0, 2, 0, 0, 0,    0, 0, 0,  0, 0, 0, 0,
                                  1, 0,  0, 0, 0, 0, 1e-3, 0, 0, -7, 0, 0, 0, 0};
    const int64_t labels[4] = {1, -1, 1, 3};
    const char *text = "# comment\n+1 2:0.5 4:2 # more\n\n-1\n1.0 7:1e-3 1:1\n3\t3:-7  \r\n";
    put_text(0, text);
    mg_convert_report report = converted(1, "");
    assert_string_equal(report.format, "svmlight");
    assert_int_equal(report.rows, 4);
    assert_int_equal(report.classes, 3);
    assert_int_equal(report.stored, 5);
    expect_sparse(4, 7, 5, values);
    expect_integers(4, labels);
    expect_type("X/data", H5T_IEEE_F32LE);
    expect_type("X/indices", H5T_STD_I32LE);
    put_gzip(0, text, strlen(text));
    converted(1, "layout=dense");
    double floats[28];
    for (int i = 0; i < 28; i++) floats[i] = (double)(float)values[i];
    expect_dense(4, 7, floats);
    put_text(0, "a 0:1 3:2\nb 1:1");
    const double zero_based[10] = {1, 0, 0, 2, 0, 0, 1, 0, 0, 0};
    const char *const words[] = {"a", "b"};
    converted(1, "features=5");
    expect_sparse(2, 5, 3, zero_based);
    expect_texts(2, words);
    put_text(0, "1 4294967295:1\n");
    converted(1, "");
    expect_type("X/indices", H5T_STD_U32LE);
}

static void long_unsorted_rows_are_sorted(void **state) {
    (void)state;
    char text[8192] = "1", *at = text + 1;
    double values[256] = {0};
    for (int i = 0; i < 200; i++) at += sprintf(at, " %d:%d", i * 77 % 211 + 1, i + 1);
    strcpy(at, "\n");
    put_text(0, text);
    mg_convert_report report = converted(1, "layout=dense");
    for (int i = 0; i < 200; i++) values[i * 77 % 211] = i + 1;
    expect_dense(1, report.features, values);
}

// Text in tables.

static void csv_dialects(void **state) {
    (void)state;
    const double values[4] = {1, 2.5, -3, 4000};
    const char *const words[] = {"x", "y"};
    const int64_t numbers[] = {7, 8};
    static const struct {
        const char *text, *settings;
        int labels; // 0 none, 1 words, 2 numbers
    } cases[] = {
        {"1,2.5,x\n-3,4e3,y\n", "", 1},
        {"x,1,2.5\ny,-3,4e3\n", "", 1},
        {"1,2.5,7\n-3,4e3,8", "", 2},
        {"a,b,c\n1,2.5,x\n-3,4e3,y\n", "", 1},
        {"label,b,c\n7,1,2.5\n8,-3,4e3\n", "", 2},
        {"a,Class,c\n1,7,2.5\n-3,8,4e3\n", "", 2},
        {"1\t2.5\tx\r\n-3\t4e3\ty\r\n", "", 1},
        {"1;2.5;x\n-3;4e3;y\n", "", 1},
        {"  1  2.5 7\n -3 4e3   8  \n", "", 2},
        {" 1, 2.5, 7\n-3, 4e3, 8\n", "", 2},
        {"\"1\",\"2.5\",\"x\"\n\"-3\",4e3,y\n", "", 1},
        {"1|2.5|x\n-3|4e3|y\n", "delimiter=pipe", 1},
        {"1!2.5!x\n-3!4e3!y\n", "delimiter=!", 1},
        {"7,1,2.5\n8,-3,4e3\n", "label=first", 2},
        {"1,7,2.5\n-3,8,4e3\n", "label=2", 2},
        {"a,b,c\n1,7,2.5\n-3,8,4e3\n", "label=b", 2},
        {"1,2,3\n1,2.5,7\n-3,4e3,8\n", "header=yes", 2},
        {"1,2.5\n-3,4e3\n", "label=none", 0},
        {"\xef\xbb\xbf"
         "a,b,c\n1,2.5,x\n-3,4e3,y\n",
         "", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i % 2) put_text(0, cases[i].text);
        else put_gzip(0, cases[i].text, strlen(cases[i].text));
        mg_convert_report report = converted(1, cases[i].settings);
        assert_string_equal(report.format, "csv");
        expect_dense(2, 2, values);
        if (cases[i].labels == 1) expect_texts(2, words);
        if (cases[i].labels == 2) expect_integers(2, numbers);
        assert_int_equal(has("y"), cases[i].labels > 0);
    }
    put_text(0, "1,2,\"first\nsecond\"\n");
    unlink(output);
    refused(1, "", MG_DATA, "control character");
    put_text(0, "5,6,7\n");
    converted(1, "");
    const double one[2] = {5, 6};
    expect_dense(1, 2, one);
}

static void one_matrix_in_every_format(void **state) {
    (void)state;
    enum { ROWS = 7, COLUMNS = 5 };
    float cells[ROWS * COLUMNS];
    double values[ROWS * COLUMNS];
    const uint32_t dims[] = {ROWS, COLUMNS};
    char text[4096] = "", shape[32];
    unsigned char bytes[2048];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        cells[i] = (float)(i * i - 100) / 37;
        values[i] = (double)cells[i];
        sprintf(text + strlen(text), "%.9g%s", values[i], i % COLUMNS == COLUMNS - 1 ? "\n" : ",");
    }
    put_text(0, text);
    converted(1, "label=none");
    expect_dense(ROWS, COLUMNS, values);
    snprintf(shape, sizeof shape, "(%d, %d)", ROWS, COLUMNS);
    put(0, bytes, npy(bytes, "<f4", false, shape, cells, sizeof cells));
    converted(1, "");
    expect_dense(ROWS, COLUMNS, values);
    put(0, bytes, idx(bytes, 0x0d, 2, dims, cells, ROWS * COLUMNS, 4));
    converted(1, "");
    expect_dense(ROWS, COLUMNS, values);
}

// Everything that is refused.

static const struct {
    const char *file, *settings;
    mg_status status;
    const char *part;
} corpus[] = {
    {"svmlight/no_label.svm", "", MG_DATA, ":2:1: the line begins with '2:3'"},
    {"svmlight/repeated.svm", "", MG_DATA, ":2:11: feature 3 is given twice"},
    {"svmlight/repeated_next.svm", "", MG_DATA, ":1:7: feature 2 is given twice"},
    {"svmlight/no_colon.svm", "", MG_DATA, ":2:7: 'seven' is not of the form index:value"},
    {"svmlight/no_value.svm", "", MG_DATA, ":1:9: ''"},
    {"svmlight/no_index.svm", "format=svmlight", MG_DATA, ":1:3: ':5' is not of the form index:value"},
    {"svmlight/negative_index.svm", "format=svmlight", MG_DATA, ":1:3: '-3:5'"},
    {"svmlight/query.svm", "", MG_DATA, "qid"},
    {"svmlight/several_labels.svm", "", MG_DATA, "several labels"},
    {"svmlight/rubbish_value.svm", "", MG_DATA, ":2:5: '1.5x' is not a number"},
    {"svmlight/nan_value.svm", "", MG_DATA,
     ":1:5: 'nan': missing values are not supported: fill or drop them"},
    {"svmlight/infinite_value.svm", "", MG_DATA, ":1:5: '-inf' is not finite: replace it by a number"},
    {"svmlight/large_value.svm", "", MG_DATA, "1e39 does not fit"},
    {"svmlight/overflowing_value.svm", "", MG_DATA, "1e999 does not fit"},
    {"svmlight/hexadecimal_value.svm", "", MG_DATA, "'0x10' is not a number"},
    {"svmlight/large_index.svm", "", MG_DATA, "is above 4294967295"},
    {"svmlight/past_index.svm", "", MG_DATA, "index 4294967296 is above 4294967295"},
    {"svmlight/zero_index.svm", "base=1", MG_DATA, ":2:3: index 0, but indices begin at 1"},
    {"svmlight/zero_index.svm", "features=4", MG_DATA, ":2:7: index 4 is above 3"},
    {"svmlight/zero_index.svm", "features=0", MG_CONFIG, "svmlight.features: 0 is not allowed"},
    {"svmlight/zero_index.svm", "features=70000000 layout=dense", MG_DATA,
     "has 70000000 features (at most 67108864 are"},
    {"svmlight/zero_index.svm", "base=2", MG_CONFIG, "svmlight.base"},
    {"svmlight/zero_index.svm", "bits=2", MG_USAGE, "--bits is an option of format text"},
    {"svmlight/zero_index.svm", "laoyut=dense", MG_USAGE, "did you mean --layout"},
    {"svmlight/zero_index.svm", "format=svm", MG_USAGE, "unknown format 'svm'"},
    {"svmlight/fraction_label.svm", "", MG_DATA, ":2:1: label 0.5 is not a whole number"},
    {"svmlight/latin1_label.svm", "", MG_DATA, ":1:1: the label is not UTF-8 (byte fc)"},
    {"svmlight/control_label.svm", "", MG_DATA, "control character (byte 01)"},
    {"svmlight/only_comments.svm", "format=svmlight", MG_DATA, "has no rows"},
    {"svmlight/no_features.svm", "format=svmlight", MG_DATA, "has 0 features"},
    {"svmlight/zero_byte.svm", "", MG_DATA, ":2:5: "},
    {"svmlight/empty.svm", "", MG_DATA, "is empty"},
    {"svmlight/empty.svm", "format=svmlight", MG_DATA, "has no rows"},
    {"csv/rubbish_number.csv", "", MG_DATA, ":2:3: '4x' is not a number"},
    {"csv/rubbish_first.csv", "", MG_DATA, ":1:3: '4x' is not a number"},
    {"csv/empty_cell.csv", "", MG_DATA, ":2:3: '' is a missing value: --missing median"},
    {"csv/nan_cell.csv", "", MG_DATA, ":2:1: 'NaN' is a missing value"},
    {"csv/question_cell.csv", "", MG_DATA, ":2:3: '?' is a missing value"},
    {"csv/large_number.csv", "", MG_DATA, ":2:3: 4e38 does not fit"},
    {"csv/short_record.csv", "delimiter=comma", MG_DATA, ":2:"},
    {"csv/long_record.csv", "delimiter=comma", MG_DATA, ":2:8: the record has 4 fields, the first one has 3"},
    {"csv/trailing_delimiter.csv", "", MG_DATA, ":1:7: the label is empty"},
    {"csv/open_quote.csv", "", MG_DATA, ":2:1: a quoted field that begins in this record never ends"},
    {"csv/after_quote.csv", "", MG_DATA, ":2:8: text follows a closing quote"},
    {"csv/one_column.csv", "format=csv", MG_DATA, "has 1 columns"},
    {"csv/only_header.csv", "header=yes", MG_DATA, "has no rows"},
    {"csv/empty_label.csv", "", MG_DATA, ":2:5: the label is empty"},
    {"csv/fraction_label.csv", "", MG_DATA, ":2:5: label 5.5 is not a whole number"},
    {"csv/two_words.csv", "", MG_DATA, "neither the first nor the last column is a number"},
    {"csv/two_words.csv", "label=5", MG_USAGE, "has no column '5'"},
    {"csv/two_words.csv", "label=kind", MG_USAGE, "has no column 'kind'"},
    {"csv/middle_word.csv", "", MG_DATA, ":1:3: 'x' is not a number"},
    {"csv/middle_word.csv", "delimiter=ab", MG_CONFIG, "csv.delimiter"},
    {"csv/utf16.csv", "format=csv", MG_DATA, "UTF-16"},
    {"csv/latin1_label.csv", "", MG_DATA,
     ":1:5: the label is not UTF-8 (byte fc); convert the file: iconv -f"},
    {"csv/empty.csv", "format=csv", MG_DATA, "has no rows"},
    {"text/no_tab.tsv", "", MG_DATA, ":2:1: the line has no tab"},
    {"text/empty_label.tsv", "format=text", MG_DATA, ":1:1: the label is empty"},
    {"text/latin1.tsv", "", MG_DATA, ":2:7: byte f6 is not UTF-8; convert the file: iconv -f"},
    {"text/overlong.tsv", "", MG_DATA, ":1:3: byte c0 is not UTF-8"},
    {"text/surrogate.tsv", "", MG_DATA, ":1:4: byte ed is not UTF-8"},
    {"text/zero_byte.tsv", "format=text", MG_DATA, ":1:4: byte 00 is not UTF-8"},
    {"text/no_columns.csv", "text=text", MG_DATA,
     "does not name the columns 'text' (--text) and 'label' (--label)"},
    {"text/short_record.csv", "text=text", MG_DATA, ":3:1: the record has too few fields"},
    {"text/no_tab.tsv", "label=x", MG_USAGE, "--label x names a column of the header, so it needs --text"},
    {"text/no_tab.tsv", "ngrams=word:3:2", MG_CONFIG, "text.ngrams"},
    {"text/no_tab.tsv", "ngrams=char:0:2", MG_CONFIG, "text.ngrams"},
    {"text/no_tab.tsv", "bits=29", MG_CONFIG, "text.bits: 29 is not allowed"},
    {"text/empty.tsv", "format=text", MG_DATA, "has no rows"},
};

static void damaged_texts_are_refused(void **state) {
    (void)state;
    unlink(output);
    for (size_t i = 0; i < sizeof corpus / sizeof *corpus; i++) {
        char bytes[4096], path[512];
        snprintf(path, sizeof path, "%s/corpus/%s", MG_TEST_DATA, corpus[i].file);
        FILE *file = fopen(path, "rb");
        if (!file) fail_msg("%s is missing", path);
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        put(0, bytes, size);
        refused(1, corpus[i].settings, corpus[i].status, corpus[i].part);
        if (size == 0 || corpus[i].status != MG_DATA) continue;
        put_gzip(0, bytes, size);
        refused(1, corpus[i].settings, corpus[i].status, corpus[i].part);
    }
}

// Files.

static void outputs_are_not_harmed(void **state) {
    (void)state;
    char settings[256];
    put_text(0, "1,2,3\n");
    for (int h5 = 0; h5 < 2; h5++) {
        put_text(3, h5 ? "\x89HDF\r\n\x1a\nprecious" : "precious");
        assert_int_equal(rename(names[3], output), 0);
        refused(1, "", MG_IO, "already exists");
        put_text(0, "1,2x,3\n");
        refused(1, "overwrite=yes", h5 ? MG_DATA : MG_USAGE, h5 ? "2x" : "not an HDF5 file");
        char kept[17] = "";
        FILE *file = fopen(output, "rb");
        assert_int_equal(fread(kept, 1, 16, file), h5 ? 16 : 8);
        fclose(file);
        assert_string_equal(kept + 8 * h5, "precious");
    }
    put_text(0, "1,2,3\n");
    mg_error error;
    assert_int_equal(convert(1, "overwrite=yes", NULL, &error), MG_OK);
    const double row[2] = {1, 2};
    expect_dense(1, 2, row);
    unlink(output);
    assert_int_equal(link(names[0], output), 0);
    refused(1, "overwrite=yes", MG_USAGE, "is both an input and the output");
    unlink(output);
    snprintf(settings, sizeof settings, "like=%s", output);
    refused(1, settings, MG_IO, "cannot be opened");
    unlink(names[0]);
    refused(1, "", MG_IO, "No such file");
    assert_int_equal(mkdir(names[0], 0777), 0);
    refused(1, "", MG_DATA, "is a folder without files");
    rmdir(names[0]);
}

static void same_input_same_bytes(void **state) {
    (void)state;
    static const char *const inputs[][2] = {
        {"x\tone two\ny\ttwo\n", "weighting=tf-idf bits=8"}, {"1 1:1 2:3\n", ""}, {"1,2,a\n", ""}};
    static char first[1 << 18], second[1 << 18];
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        size_t sizes[2];
        for (int run = 0; run < 2; run++) {
            put_text(0, inputs[i][0]);
            converted(1, inputs[i][1]);
            if (run == 0 && i == 0) sleep(1); // so that times stored in the file would differ
            FILE *file = fopen(output, "rb");
            sizes[run] = fread(run ? second : first, 1, sizeof first, file);
            fclose(file);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(first, second, sizes[0]);
    }
}

static void rows_of_help(void **state) {
    (void)state;
    mg_convert_format format;
    mg_convert_option option;
    int formats = 0, options = 0;
    while (mg_convert_format_at(formats, &format)) {
        assert_true(*format.name && *format.help && *format.arguments);
        formats++;
    }
    while (mg_convert_option_at(options, &option)) {
        assert_true(*option.format && *option.name && *option.kind);
        assert_int_equal(option.help[strlen(option.help) - 1], '.');
        options++;
    }
    assert_true(formats >= 5 && options >= 13);
    assert_false(mg_convert_format_at(-1, &format));
    assert_false(mg_convert_option_at(-1, &option));
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svmlight_rows),
        cmocka_unit_test(long_unsorted_rows_are_sorted),
        cmocka_unit_test(csv_dialects),
        cmocka_unit_test(one_matrix_in_every_format),
        cmocka_unit_test(damaged_texts_are_refused),
        cmocka_unit_test(outputs_are_not_harmed),
        cmocka_unit_test(same_input_same_bytes),
        cmocka_unit_test(rows_of_help),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
