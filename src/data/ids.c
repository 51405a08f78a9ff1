// ids.c - reads the ids of rows.
#include "data/ids.h"

#include "base/memory.h"
#include "base/number.h"
#include "data/raw_labels.h"

#include <stdio.h>
#include <string.h>

#define MOST_FIRST INT64_C(1000000000000000000) // no number of a row overflows

bool mg_ids_counted(const char *wanted, int64_t *first) { return mg_parse_int(wanted, first); }

static bool ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

// AnnData names the index of a table in an attribute of the table. `place` becomes the data set for
// GROUP/_index.
static mg_status find_index(mg_h5 *file, const char *wanted, char place[MG_H5_NAME], mg_error *error) {
    char group[MG_H5_NAME], *index;
    snprintf(place, MG_H5_NAME, "%s", wanted);
    if (!ends_with(wanted, "/_index") || mg_h5_find(file, wanted) != MG_H5_MISSING) return MG_OK;
    snprintf(group, sizeof group, "%.*s", (int)(strlen(wanted) - strlen("/_index")), wanted);
    if (mg_h5_find(file, group) != MG_H5_GROUP || !mg_h5_has_attribute(file, group, "_index")) return MG_OK;
    mg_status status = mg_h5_attribute_text(file, group, "_index", &index, error);
    if (status) return status;
    if ((size_t)snprintf(place, MG_H5_NAME, "%s/%s", group, index) >= MG_H5_NAME)
        status =
            mg_fail(error, MG_DATA, "%s: the name of the index of %s is too long", mg_h5_path(file), group);
    mg_memory_free(index);
    return status;
}

static mg_status name_column(mg_h5 *file, const char *place, mg_ids *ids, mg_error *error) {
    if (file && mg_h5_has_attribute(file, place, MG_IDS_COLUMN))
        return mg_h5_attribute_text(file, place, MG_IDS_COLUMN, &ids->column, error);
    return mg_memory_text(&ids->column, "id", error);
}

static mg_status read_array(mg_h5 *file, const char *place, int64_t rows, mg_ids *ids, mg_error *error) {
    mg_h5_array *array;
    char shape[MG_H5_SHAPE];
    mg_status status = mg_h5_array_open(file, place, &array, error);
    if (status) return status;
    mg_h5_type type = mg_h5_array_type(array);
    if (mg_h5_array_rows(array) != rows || mg_h5_array_columns(array) != 1)
        status = mg_fail(error, MG_DATA,
                         "%s: ids %s have shape %s, but there are %lld rows: one id per row is needed",
                         mg_h5_path(file), place, mg_h5_array_shape(array, shape), (long long)rows);
    else if (type == MG_H5_TEXT || mg_h5_array_named(array))
        status = mg_h5_array_read_texts(array, &ids->text, error);
    else if (type <= MG_H5_U64) status = mg_h5_array_read_int64(array, &ids->number, error);
    else
        status = mg_fail(error, MG_DATA, "%s: ids %s are %s; whole numbers or strings are allowed",
                         mg_h5_path(file), place, mg_h5_type_name(type));
    mg_h5_array_close(array);
    return status;
}

// Reads a column of AnnData that is a group: a categorical, or values with a mask.
static mg_status read_group(mg_h5 *file, const char *place, int64_t rows, mg_ids *ids, mg_error *error) {
    mg_raw_labels raw = {0};
    mg_status status = mg_raw_labels_read(file, place, rows, true, &raw, error);
    for (int64_t i = 0; !status && i < rows; i++)
        if (raw.missing[i])
            status = mg_fail(error, MG_DATA, "%s: ids %s: row %lld has none: one id per row is needed",
                             mg_h5_path(file), place, (long long)i);
    if (!status && raw.texts) status = mg_memory_zeroed(&ids->text, (size_t)rows, sizeof *ids->text, error);
    for (int64_t i = 0; !status && raw.texts && i < rows; i++)
        status = mg_memory_text(&ids->text[i], raw.text[raw.number[i]], error);
    if (!status && !raw.texts) {
        ids->number = raw.number;
        raw.number = NULL;
    }
    mg_raw_labels_clear(&raw);
    return status;
}

mg_status mg_ids_read(mg_h5 *file, const char *wanted, int64_t rows, mg_ids *out, mg_error *error) {
    char place[MG_H5_NAME];
    *out = (mg_ids){.count = rows};
    out->counts = mg_ids_counted(wanted, &out->first);
    if (out->counts && (out->first < -MOST_FIRST || out->first > MOST_FIRST))
        return mg_fail(error, MG_USAGE, "id: %s is not allowed (-1e18 to 1e18, the number of the first row)",
                       wanted);
    if (out->counts) return name_column(NULL, wanted, out, error);
    if (mg_h5_parts(file) > 1)
        return mg_fail(
            error, MG_USAGE,
            "id: %s: %s are several files, whose ids are not joined: take the files one by one, or "
            "0 for the numbers of the rows",
            wanted, mg_h5_path(file));
    if (strlen(wanted) >= MG_H5_NAME)
        return mg_fail(error, MG_DATA, "%s: the name of the ids is longer than %d bytes", mg_h5_path(file),
                       MG_H5_NAME - 1);
    mg_status status = find_index(file, wanted, place, error);
    if (!status)
        status = mg_h5_find(file, place) == MG_H5_GROUP ? read_group(file, place, rows, out, error)
                                                        : read_array(file, place, rows, out, error);
    if (!status) status = name_column(file, place, out, error);
    if (status) mg_ids_clear(out);
    return status;
}

void mg_ids_clear(mg_ids *ids) {
    mg_memory_free(ids->column);
    mg_memory_free(ids->number);
    if (ids->text) mg_h5_free_texts(ids->text, ids->count);
    *ids = (mg_ids){0};
}

const char *mg_ids_text(const mg_ids *ids, int64_t row, char buffer[MG_ID_BUFFER]) {
    if (ids->text) return ids->text[row];
    snprintf(buffer, MG_ID_BUFFER, "%lld", (long long)(ids->number ? ids->number[row] : ids->first + row));
    return buffer;
}
