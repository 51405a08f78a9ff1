// label_values.c - reads and checks label values: whole numbers or texts. A text is kept byte for byte,
// whatever its encoding; messages escape what is not printable UTF-8 (base/printable.h).
#include "data/label_values.h"

#include "base/memory.h"
#include "data/cells.h"
#include "io/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 1000 }; // most bytes of a text; converted labels have the same limit

// span NULL: any length.
static mg_status check_length(mg_h5 *file, const char *name, const mg_h5_array *array,
                              const mg_label_span *span, mg_error *error) {
    int64_t columns = mg_h5_array_columns(array), length = mg_h5_array_rows(array),
            rows = span ? span->rows : length;
    if (columns == 1 && length == rows) return MG_OK;
    char shape[MG_H5_SHAPE];
    mg_h5_array_shape(array, shape);
    if (!span)
        return mg_fail(error, MG_DATA, "%s: categories %s have shape %s; a vector is needed",
                       mg_h5_path(file), name, shape);
    bool one_hot = length == rows && columns > 1;
    return mg_fail(
        error, MG_DATA,
        "%s: labels %s have shape %s but there are %lld rows of features; one label per row ([N] or "
        "[N, 1]) is needed%s",
        mg_h5_path(file), name, shape, (long long)rows,
        one_hot                          ? ": store y.argmax(1)"
        : length == 1 && columns == rows ? ": store y.ravel()"
                                         : "");
}

static mg_status check_text(mg_h5 *file, const char *name, int64_t i, const char *text, mg_error *error) {
    size_t bytes = strlen(text);
    const char *path = mg_h5_path(file);
    if (bytes > LONGEST)
        return mg_fail(error, MG_DATA, "%s: %s[%lld] has %zu bytes; a label has at most %d: shorten it", path,
                       name, (long long)i, bytes, LONGEST);
    return MG_OK;
}

static mg_status read_reals(mg_h5 *file, const char *name, mg_h5_array *array, const mg_label_span *span,
                            mg_raw_labels *out, mg_error *error) {
    mg_h5_type type = mg_h5_array_type(array);
    int64_t rows = span->count;
    void *cells = NULL;
    mg_status status = mg_memory_get(&cells, (size_t)rows, mg_h5_type_size(type), error);
    if (!status) status = mg_memory_zeroed(&out->number, (size_t)rows, sizeof *out->number, error);
    if (!status) status = mg_h5_array_read(array, span->first, rows, cells, error);
    for (int64_t i = 0; !status && i < rows; i++) {
        double label = mg_cells_real(type, cells, i);
        if (isnan(label)) out->missing[i] = MG_MISSING_NAN;
        else if (!out->missing[i] && (!(fabs(label) <= 0x1p53) || label != floor(label)))
            status = mg_fail(
                error, MG_DATA,
                "%s: %s[%lld] is %g; a label must be a whole number or a string: margin learns classes: "
                "store their names",
                mg_h5_path(file), name, (long long)(span->first + i), label);
        else if (!out->missing[i]) out->number[i] = (int64_t)label;
    }
    mg_memory_free(cells);
    return status;
}

static mg_status read_texts(mg_h5 *file, const char *name, mg_h5_array *array, const mg_label_span *span,
                            mg_raw_labels *out, mg_error *error) {
    out->texts = true;
    out->text_count = span->count;
    mg_status status = mg_h5_array_read_some_texts(array, span->first, span->count, &out->text, error);
    if (status) out->text_count = 0;
    for (int64_t i = 0; !status && i < out->text_count; i++) {
        if (out->missing[i]) *out->text[i] = '\0'; // the text of a masked value is ignored
        else if (mg_text_missing(out->text[i], strlen(out->text[i]))) out->missing[i] = MG_MISSING_WORD;
        else status = check_text(file, name, span->first + i, out->text[i], error);
    }
    return status;
}

static mg_status read_mask(mg_h5 *file, const char *name, mg_raw_labels *out, const mg_label_span *span,
                           mg_error *error) {
    mg_h5_array *array;
    int64_t *mask = NULL;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    status = check_length(file, name, array, span, error);
    if (!status) status = mg_h5_array_read_some_int64(array, span->first, span->count, &mask, error);
    for (int64_t i = 0; !status && i < span->count; i++)
        out->missing[i] = mask[i] ? MG_MISSING_MASK : MG_MISSING_NOT;
    mg_memory_free(mask);
    mg_h5_array_close(array);
    return status;
}

mg_status mg_label_values_read(mg_h5 *file, const char *name, const mg_label_span *span, mg_raw_labels *out,
                               int64_t *count, mg_error *error) {
    char values[MG_H5_NAME], mask[MG_H5_NAME];
    bool masked = mg_h5_find(file, name) == MG_H5_GROUP;
    if (strlen(name) + sizeof "/values" > sizeof values)
        return mg_fail(error, MG_DATA, "%s: the name of the labels is longer than %d bytes", mg_h5_path(file),
                       MG_H5_NAME - 8);
    snprintf(values, sizeof values, masked ? "%s/values" : "%s", name);
    snprintf(mask, sizeof mask, "%s/mask", name);
    mg_h5_array *array;
    mg_status status = mg_h5_array_open(file, values, &array, error);
    if (status) return status;
    mg_h5_type type = mg_h5_array_type(array);
    status = check_length(file, values, array, span, error);
    const mg_label_span all = {mg_h5_array_rows(array), 0, mg_h5_array_rows(array)};
    if (count) *count = all.rows;
    if (!span) span = &all;
    if (!status) status = mg_memory_zeroed(&out->missing, (size_t)span->count, 1, error);
    if (!status && masked) status = read_mask(file, mask, out, span, error);
    if (!status && (type == MG_H5_TEXT || mg_h5_array_named(array)))
        status = read_texts(file, values, array, span, out, error);
    else if (!status && type > MG_H5_U64) status = read_reals(file, values, array, span, out, error);
    else if (!status)
        status = mg_h5_array_read_some_int64(array, span->first, span->count, &out->number, error);
    mg_h5_array_close(array);
    return status;
}

mg_status mg_label_codes_read(mg_h5 *file, const char *name, const mg_label_span *span, mg_raw_labels *out,
                              mg_error *error) {
    mg_h5_array *array;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    status = check_length(file, name, array, span, error);
    if (!status) status = mg_memory_zeroed(&out->missing, (size_t)span->count, 1, error);
    if (!status) status = mg_h5_array_read_some_int64(array, span->first, span->count, &out->number, error);
    mg_h5_array_close(array);
    return status;
}
