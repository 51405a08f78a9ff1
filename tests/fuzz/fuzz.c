// fuzz.c - functions that targets share: an input as a file, a sink that counts, and the report of a finding.
#include "fuzz.h"

#include "base/memory.h"
#include "format/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char fuzz_input[300];

void fuzz_check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s: does not hold: %s\n", fuzz_input, what);
    abort();
}

void fuzz_refusal(mg_status status, const mg_error *error) {
    fuzz_check(status == error->status, "the status in the error is the one returned");
    fuzz_check(status == MG_CONFIG || status == MG_DATA || status == MG_USAGE || status == MG_MEMORY,
               "the input is blamed");
    fuzz_check(error->text[0] != 0, "a refusal has a text");
    for (const char *c = error->text; *c; c++)
        fuzz_check((unsigned char)*c >= ' ' && *c != 127, "a refusal is one printable line");
}

typedef struct counts {
    mg_sink sink;
    mg_format_shape shape;
    int64_t rows, stored, labels;
    size_t bytes;
} counts;

static mg_status count_dense(mg_sink *sink, const void *cells, size_t bytes, mg_error *error) {
    (void)error;
    ((counts *)(void *)sink)->bytes += bytes;
    volatile uint8_t end = bytes ? ((const uint8_t *)cells)[bytes - 1] : 0;
    (void)end;
    return MG_OK;
}

static mg_status count_sparse(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                              mg_error *error) {
    (void)error;
    counts *c = (counts *)(void *)sink;
    for (int64_t i = 0; c->shape.features && i < count; i++) {
        fuzz_check(indices[i] < c->shape.features && (!i || indices[i] > indices[i - 1]),
                   "indices ascend below the number of features");
        fuzz_check(isfinite(values[i]), "values are finite");
    }
    c->rows++;
    c->stored += count;
    return MG_OK;
}

static mg_status count_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    (void)error;
    ((counts *)(void *)sink)->labels++;
    volatile char end = bytes ? text[bytes - 1] : 0;
    (void)end;
    return MG_OK;
}

static mg_status count_code(mg_sink *sink, int64_t label, mg_error *error) {
    (void)error, (void)label;
    ((counts *)(void *)sink)->labels++;
    return MG_OK;
}

static void check_counts(const counts *c) {
    const mg_format_shape *shape = &c->shape;
    fuzz_check(shape->rows > 0 && shape->features > 0, "a file that is accepted has rows and features");
    if (shape->layout == MG_DENSE)
        fuzz_check(c->bytes == (size_t)shape->rows * (size_t)shape->features * mg_h5_type_size(shape->cell),
                   "all cells came");
    else fuzz_check(c->rows == shape->rows && c->stored == shape->stored, "all rows came");
    fuzz_check(!shape->labelled || c->labels == shape->rows, "a label came for every row");
}

static mg_status read_twice(const mg_format *format, const mg_format_request *request, mg_error *error) {
    void *reader;
    counts c = {
        .sink = {.dense = count_dense, .sparse = count_sparse, .label = count_label, .code = count_code}};
    mg_status status = format->open(&reader, request, error);
    if (status) return status;
    mg_format_shape shape = {0};
    status = format->survey(reader, &c.sink, &shape, error);
    c = (counts){.sink = c.sink, .shape = shape};
    if (!status) status = format->read(reader, &c.sink, error);
    if (!status) check_counts(&c);
    format->close(reader);
    return status;
}

static mg_status read_settings(const mg_format *format, void *values, const char *settings, mg_error *error) {
    char text[400], *rest = text;
    mg_status status = mg_section_preset(format->section, values, error);
    snprintf(text, sizeof text, "%s", settings);
    for (char *word; !status && (word = strsep(&rest, " "));) {
        char *value = strchr(word, '=');
        if (!value) continue;
        *value++ = 0;
        const mg_option *option = mg_section_find(format->section, word);
        fuzz_check(option != NULL, "the target's own settings exist");
        status = mg_option_parse(format->section, option, values, value, error);
    }
    return status;
}

// Creates a file without a name from the bytes. `path` leads to it while the descriptor is open.
static int put_file(fuzz_bytes content, char path[40]) {
    int fd = memfd_create("input", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && write(fd, content.bytes, content.size) == (ssize_t)content.size,
               "the input can be put into a file");
    snprintf(path, 40, "/proc/self/fd/%d", fd);
    return fd;
}

void fuzz_format(const char *name, const char *settings, fuzz_bytes rows, fuzz_bytes labels) {
    char paths[2][40];
    const char *inputs[] = {paths[0], paths[1]};
    void *values;
    mg_error error = {0};
    const mg_format *format = mg_format_find(name);
    int fds[2] = {put_file(rows, paths[0]), put_file(labels, paths[1])};
    format->probe(rows.bytes, rows.size < MG_PROBE_BYTES ? rows.size : MG_PROBE_BYTES);
    fuzz_check(!mg_memory_zeroed(&values, 1, format->options_size + 1, &error),
               "there is memory for options");
    mg_status status = read_settings(format, values, settings, &error);
    const mg_format_request request = {
        .inputs = inputs, .input_count = labels.bytes ? 2 : 1, .options = values};
    if (!status) status = read_twice(format, &request, &error);
    if (status) fuzz_refusal(status, &error);
    mg_section_clear(format->section, values);
    mg_memory_free(values);
    for (int i = 0; i < 2; i++) close(fds[i]);
}
