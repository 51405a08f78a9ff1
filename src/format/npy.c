// npy.c - arrays saved by NumPy: X.npy with the rows, y.npy with the labels. Only little-endian arrays in C
// order are read.
#include "format/npy.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { MOST_HEADER = 1 << 16, MOST_DIMENSIONS = 32, MOST_LABEL = 1000 };

typedef struct reader {
    mg_npy rows, labels; // labels.input is NULL if no file is given
} reader;

static int probe(const char *head, size_t bytes) {
    return bytes >= 8 && !memcmp(head, "\x93NUMPY", 6) ? 2 : 0;
}

// The value of 'key': in the header's Python literal; NULL if the key is missing.
static const char *value_of(const char *header, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(header, quoted);
    if (!at) return NULL;
    at += strlen(quoted);
    while (*at == ' ') at++;
    if (*at++ != ':') return NULL;
    while (*at == ' ') at++;
    return at;
}

static bool find_type(const char *name, mg_h5_type *out) {
    static const struct {
        char name[4];
        mg_h5_type type;
    } types[] = {{"b1", MG_H5_U8},  {"u1", MG_H5_U8},  {"i1", MG_H5_I8},  {"u2", MG_H5_U16},
                 {"i2", MG_H5_I16}, {"u4", MG_H5_U32}, {"i4", MG_H5_I32}, {"u8", MG_H5_U64},
                 {"i8", MG_H5_I64}, {"f2", MG_H5_F16}, {"f4", MG_H5_F32}, {"f8", MG_H5_F64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *out = types[i].type;
        return true;
    }
    return false;
}

// Parses 'descr': '<f4', '|u1', '<U12', '|S5'.
static mg_status read_type(mg_npy *a, const char *header, mg_error *error) {
    const char *value = value_of(header, "descr"), *path = mg_input_path(a->input);
    char order, name[16], type[4] = "";
    if (!value || sscanf(value, "'%c%15[A-Za-z0-9]'", &order, name) != 2)
        return mg_fail(error, MG_DATA,
                       "%s: its header does not name a plain type ('descr'): save an array of numbers", path);
    if (order == '>')
        return mg_fail(error, MG_DATA, "%s: is big-endian ('>%s'); save a.astype('<%s')", path, name, name);
    if ((*name == 'U' || *name == 'S') && sscanf(name + 1, "%8zu", &a->width) == 1 &&
        a->width <= MOST_LABEL) {
        a->kind = *name;
        return MG_OK;
    }
    if (*name == 'O')
        return mg_fail(error, MG_DATA,
                       "%s: type '|O' is not read, because it holds Python objects: save a.astype(str), or "
                       "a.astype('f4') if they are numbers",
                       path);
    if (strlen(name) == 2) memcpy(type, name, 2);
    if ((order != '<' && order != '|') || !find_type(type, &a->cells.type))
        return mg_fail(error, MG_DATA,
                       "%s: type '%c%s' is not read (allowed: u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8)", path, order,
                       name);
    return MG_OK;
}

// Parses 'shape': (60000, 28, 28). All dimensions but the first are features.
static mg_status read_shape(mg_npy *a, const char *header, mg_error *error) {
    const char *at = value_of(header, "shape"), *path = mg_input_path(a->input);
    bool good = at && *at == '(';
    if (good) at++;
    a->cells.columns = 1;
    for (a->dimensions = 0; good && a->dimensions < MOST_DIMENSIONS;) {
        while (*at == ' ' || *at == ',') at++;
        if (*at < '0' || *at > '9') break;
        int64_t n = 0;
        for (; good && *at >= '0' && *at <= '9'; at++)
            good = !__builtin_mul_overflow(n, 10, &n) && !__builtin_add_overflow(n, *at - '0', &n);
        if (a->dimensions++ == 0) a->cells.rows = n;
        else good = good && !__builtin_mul_overflow(a->cells.columns, n, &a->cells.columns);
    }
    return good && *at == ')'
               ? MG_OK
               : mg_fail(error, MG_DATA,
                         "%s: its header has no readable 'shape': save it again with numpy.save", path);
}

static mg_status parse_header(mg_npy *a, const char *header, mg_error *error) {
    const char *order = value_of(header, "fortran_order"), *path = mg_input_path(a->input);
    mg_status status = read_type(a, header, error);
    if (!status) status = read_shape(a, header, error);
    if (status) return status;
    if (!order || (strncmp(order, "False", 5) != 0 && strncmp(order, "True", 4) != 0))
        return mg_fail(error, MG_DATA,
                       "%s: its header has no readable 'fortran_order': save it again with numpy.save", path);
    if (*order == 'T' && a->dimensions > 1)
        return mg_fail(error, MG_DATA, "%s: is in Fortran order; save numpy.ascontiguousarray(a)", path);
    return MG_OK;
}

// The header: magic bytes, version, length of the literal in 2 or 4 bytes, the literal.
mg_status mg_npy_header(mg_npy *a, mg_error *error) {
    unsigned char fixed[8], length[4] = {0};
    const char *path = mg_input_path(a->input);
    mg_status status = mg_input_exact(a->input, fixed, 8, "the NPY header", error);
    if (status) return status;
    if (memcmp(fixed, "\x93NUMPY", 6) != 0)
        return mg_fail(error, MG_DATA, "%s: is not an NPY file (numpy.save writes one)", path);
    if (fixed[6] < 1 || fixed[6] > 3)
        return mg_fail(error, MG_DATA, "%s: is NPY version %d.%d (1.0 to 3.0 are read)", path, fixed[6],
                       fixed[7]);
    status = mg_input_exact(a->input, length, fixed[6] == 1 ? 2 : 4, "the NPY header", error);
    if (status) return status;
    size_t bytes =
        (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (bytes > MOST_HEADER)
        return mg_fail(error, MG_DATA, "%s: its header has %zu bytes; at most %d are allowed", path, bytes,
                       MOST_HEADER);
    char *header;
    status = mg_memory_zeroed(&header, bytes + 1, 1, error);
    if (status) return status;
    status = mg_input_exact(a->input, header, bytes, "the NPY header", error);
    if (!status) status = parse_header(a, header, error);
    mg_memory_free(header);
    return status;
}

mg_status mg_npy_headers(mg_npy *rows, mg_npy *labels, mg_error *error) {
    mg_status status = mg_npy_header(rows, error);
    if (status) return status;
    const char *path = mg_input_path(rows->input);
    if (rows->kind || rows->dimensions < 2)
        return mg_fail(error, MG_DATA,
                       "%s: features need two or more dimensions of numbers; X comes before y: X.npy y.npy",
                       path);
    status = mg_binary_check(&rows->cells, rows->input, error);
    if (status || !labels->input) return status;
    status = mg_npy_header(labels, error);
    return status ? status : mg_npy_check_labels(labels, rows->cells.rows, error);
}

mg_status mg_npy_check_labels(const mg_npy *labels, int64_t rows, mg_error *error) {
    const char *path = mg_input_path(labels->input);
    if (labels->dimensions < 1 || labels->cells.columns != 1)
        return mg_fail(error, MG_DATA, "%s: labels need one dimension; save y.ravel() or y.argmax(1)", path);
    if (labels->cells.rows == rows) return MG_OK;
    return mg_fail(error, MG_DATA, "%s: has %lld labels for the %lld rows of features", path,
                   (long long)labels->cells.rows, (long long)rows);
}

static mg_status read_headers(reader *r, mg_error *error) {
    return mg_npy_headers(&r->rows, &r->labels, error);
}

// Converts one UCS-4 text, padded with zeros, to UTF-8.
static bool to_utf8(const unsigned char *cell, size_t width, char *out, size_t *bytes) {
    uint32_t c;
    char *to = out;
    for (; width > 0; width--) { // skip the padding
        memcpy(&c, cell + (width - 1) * 4, 4);
        if (c != 0) break;
    }
    for (size_t i = 0; i < width; i++) {
        memcpy(&c, cell + i * 4, 4);
        if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
        if (c < 0x80) {
            *to++ = (char)c;
        } else if (c < 0x800) {
            *to++ = (char)(0xc0 | c >> 6);
            *to++ = (char)(0x80 | (c & 0x3f));
        } else {
            if (c >= 0x10000) *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12);
            *to++ = (char)(0x80 | (c >> 6 & 0x3f));
            *to++ = (char)(0x80 | (c & 0x3f));
        }
    }
    *bytes = (size_t)(to - out);
    return true;
}

static mg_status read_texts(const mg_npy *a, mg_sink *sink, mg_error *error) {
    size_t cell = a->kind == 'U' ? a->width * 4 : a->width, bytes;
    unsigned char stored[MOST_LABEL * 4];
    char text[MOST_LABEL * 4 + 1];
    for (int64_t i = 0; i < a->cells.rows; i++) {
        mg_status status = mg_input_exact(a->input, stored, cell, "its labels", error);
        if (status) return status;
        bool good = true;
        if (a->kind == 'U') {
            good = to_utf8(stored, a->width, text, &bytes);
        } else {
            for (bytes = a->width; bytes > 0 && stored[bytes - 1] == 0; bytes--) {
            }
            memcpy(text, stored, bytes);
        }
        mg_error inner = {.text = "is no Unicode text"};
        text[good ? bytes : 0] = '\0';
        if (good && a->kind == 'S' && mg_text_utf8(text, bytes) < bytes) {
            good = false;
            strcpy(inner.text, "is not UTF-8; save numpy.char.decode(y, 'latin-1')");
        }
        status = good ? sink->label(sink, text, bytes, &inner) : MG_DATA;
        if (status)
            return mg_fail(error, status, "%s: label %lld (from 0): %s", mg_input_path(a->input),
                           (long long)i, inner.text);
    }
    return MG_OK;
}

mg_status mg_npy_labels(const mg_npy *a, mg_sink *sink, mg_error *error) {
    mg_status status =
        a->kind ? read_texts(a, sink, error) : mg_binary_labels(&a->cells, a->input, sink, error);
    return status ? status : mg_input_finish(a->input, error);
}

static mg_status read_labels(reader *r, mg_sink *sink, mg_error *error) {
    return r->labels.input ? mg_npy_labels(&r->labels, sink, error) : MG_OK;
}

static mg_status holds_labels(const char *path, bool *is, mg_error *error) {
    mg_npy array = {0};
    mg_status status = mg_input_open(&array.input, path, NULL, error);
    if (!status) status = mg_npy_header(&array, error);
    *is = !status && array.cells.columns == 1;
    mg_input_close(array.input);
    return status;
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_input_close(r->rows.input);
    mg_input_close(r->labels.input);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    status = mg_input_open(&r->rows.input, request->inputs[0], request->watch, error);
    if (!status && request->input_count > 1)
        status = mg_input_open(&r->labels.input, request->inputs[1], request->watch, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    mg_status status = read_headers(r, error);
    if (status) return status;
    shape->rows = r->rows.cells.rows;
    shape->features = r->rows.cells.columns;
    shape->layout = MG_DENSE;
    shape->cell = r->rows.cells.type;
    shape->labelled = r->labels.input != NULL;
    return read_labels(r, sink, error);
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_status status = mg_input_rewind(r->rows.input, error);
    if (!status && r->labels.input) status = mg_input_rewind(r->labels.input, error);
    if (!status) status = read_headers(r, error);
    if (!status) status = mg_binary_copy(&r->rows.cells, r->rows.input, sink, error);
    if (!status) status = mg_input_finish(r->rows.input, error);
    return status ? status : read_labels(r, sink, error);
}

static const mg_section section = {.name = "npy", .help = "NPY files have no options"};

const mg_format mg_format_npy = {
    .name = "npy",
    .arguments = "X.npy... [y.npy...]",
    .help = "arrays saved by NumPy",
    .most_inputs = 2,
    .section = &section,
    .probe = probe,
    .open = open_reader,
    .holds_labels = holds_labels,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
