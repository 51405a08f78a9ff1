// idx.c - the IDX files of MNIST and similar data sets: big-endian, one file of images and one of labels.
// Each image becomes one row.
#include "format/binary.h"

#include "base/memory.h"

#include <string.h>

enum { MOST_DIMENSIONS = 16 };

typedef struct reader {
    mg_input *images, *labels; // labels: NULL if no file is given
    mg_binary cells, codes;
} reader;

static int probe(const char *head, size_t bytes) {
    const unsigned char *c = (const unsigned char *)head;
    return bytes >= 8 && c[0] == 0 && c[1] == 0 && c[2] >= 0x08 && c[2] <= 0x0e && c[2] != 0x0a &&
                   c[3] >= 1 && c[3] <= MOST_DIMENSIONS
               ? 2
               : 0;
}

static bool find_type(unsigned char code, mg_h5_type *out) {
    static const struct {
        unsigned char code;
        mg_h5_type type;
    } types[] = {{0x08, MG_H5_U8},  {0x09, MG_H5_I8},  {0x0b, MG_H5_I16},
                 {0x0c, MG_H5_I32}, {0x0d, MG_H5_F32}, {0x0e, MG_H5_F64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].code != code) continue;
        *out = types[i].type;
        return true;
    }
    return false;
}

// The header: two zero bytes, the type, the number of dimensions; then each dimension in 32 bits.
static mg_status read_header(mg_input *input, mg_binary *cells, int *dimensions, mg_error *error) {
    unsigned char magic[4], size[4];
    const char *path = mg_input_path(input);
    *cells = (mg_binary){.swapped = true, .columns = 1};
    mg_status status = mg_input_exact(input, magic, 4, "the IDX header", error);
    if (status) return status;
    if (magic[0] || magic[1] || !find_type(magic[2], &cells->type))
        return mg_fail(error, MG_DATA,
                       "%s: is no IDX file: it begins with %02x %02x %02x %02x, but IDX begins with 00 00 "
                       "and a type (08 09 0b 0c 0d 0e): set the right --format",
                       path, magic[0], magic[1], magic[2], magic[3]);
    *dimensions = magic[3];
    if (*dimensions < 1 || *dimensions > MOST_DIMENSIONS)
        return mg_fail(error, MG_DATA, "%s: has %d dimensions (1 to %d are allowed)", path, *dimensions,
                       MOST_DIMENSIONS);
    for (int i = 0; i < *dimensions; i++) {
        status = mg_input_exact(input, size, 4, "the IDX header", error);
        if (status) return status;
        int64_t n =
            (int64_t)size[0] << 24 | (int64_t)size[1] << 16 | (int64_t)size[2] << 8 | (int64_t)size[3];
        if (i == 0) cells->rows = n;
        else if (__builtin_mul_overflow(cells->columns, n, &cells->columns))
            return mg_fail(
                error, MG_DATA,
                "%s: its header declares more than 2^63 cells: the file is damaged; copy or write it again",
                path);
    }
    return mg_binary_check(cells, input, error);
}

static mg_status read_headers(reader *r, mg_error *error) {
    int dimensions;
    mg_status status = read_header(r->images, &r->cells, &dimensions, error);
    if (status) return status;
    if (dimensions < 2)
        return mg_fail(error, MG_DATA,
                       "%s: has one dimension, as labels do; the images come first: IMAGES LABELS OUTPUT",
                       mg_input_path(r->images));
    if (!r->labels) return MG_OK;
    status = read_header(r->labels, &r->codes, &dimensions, error);
    if (status) return status;
    const char *path = mg_input_path(r->labels);
    if (dimensions != 1 || r->codes.type >= MG_H5_F16)
        return mg_fail(error, MG_DATA,
                       "%s: labels need one dimension of whole numbers; this has %d dimensions of %s", path,
                       dimensions, mg_h5_type_name(r->codes.type));
    if (r->codes.rows != r->cells.rows)
        return mg_fail(error, MG_DATA, "%s: has %lld labels for the %lld images of %s", path,
                       (long long)r->codes.rows, (long long)r->cells.rows, mg_input_path(r->images));
    return MG_OK;
}

static mg_status holds_labels(const char *path, bool *is, mg_error *error) {
    mg_input *input = NULL;
    mg_binary cells;
    int dimensions = 0;
    mg_status status = mg_input_open(&input, path, NULL, error);
    if (!status) status = read_header(input, &cells, &dimensions, error);
    *is = !status && dimensions == 1;
    mg_input_close(input);
    return status;
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_input_close(r->images);
    mg_input_close(r->labels);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    status = mg_input_open(&r->images, request->inputs[0], request->watch, error);
    if (!status && request->input_count > 1)
        status = mg_input_open(&r->labels, request->inputs[1], request->watch, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static mg_status read_labels(reader *r, mg_sink *sink, mg_error *error) {
    if (!r->labels) return MG_OK;
    mg_status status = mg_binary_labels(&r->codes, r->labels, sink, error);
    return status ? status : mg_input_finish(r->labels, error);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    mg_status status = read_headers(r, error);
    if (status) return status;
    shape->rows = r->cells.rows;
    shape->features = r->cells.columns;
    shape->layout = MG_DENSE;
    shape->cell = r->cells.type;
    shape->labelled = r->labels != NULL;
    return read_labels(r, sink, error);
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_status status = mg_input_rewind(r->images, error);
    if (!status && r->labels) status = mg_input_rewind(r->labels, error);
    if (!status) status = read_headers(r, error);
    if (!status) status = mg_binary_copy(&r->cells, r->images, sink, error);
    if (!status) status = mg_input_finish(r->images, error);
    return status ? status : read_labels(r, sink, error);
}

static const mg_section section = {.name = "idx", .help = "IDX files have no options"};

const mg_format mg_format_idx = {
    .name = "idx",
    .arguments = "IMAGES... [LABELS...]",
    .help = "images and labels in the format of MNIST",
    .most_inputs = 2,
    .section = &section,
    .probe = probe,
    .open = open_reader,
    .holds_labels = holds_labels,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
