// convert_plan.c - the layout of the output: X (dense, or compressed rows as AnnData stores them), y, and the
// recipe.
#include "data/convert.h"

#include "base/memory.h"
#include "data/convert_h5.h"
#include "data/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Bytes of all data that will be written; INT64_MAX if the number overflows.
static int64_t total_bytes(const mg_conversion *c, const mg_target *t) {
    const mg_format_shape *shape = &c->shape;
    int64_t rows, y, x;
    bool over =
        __builtin_mul_overflow(t->rows, c->labels.kind == MG_LABEL_TEXT ? (int64_t)c->labels.longest : 8, &y);
    if (shape->layout == MG_DENSE) {
        over |= __builtin_mul_overflow(t->rows, shape->features, &x);
        over |= __builtin_mul_overflow(x, (int64_t)mg_h5_type_size(shape->cell), &x);
    } else {
        over |= __builtin_mul_overflow(t->stored, 8, &x);
        over |= __builtin_mul_overflow(t->rows + 1, 8, &rows) || __builtin_add_overflow(x, rows, &x);
    }
    int64_t names = shape->names ? shape->names->count * (int64_t)mg_names_width(shape->names) : 0;
    over |= __builtin_add_overflow(x, y, &x) || __builtin_add_overflow(x, names, &x) ||
            __builtin_add_overflow(x, shape->scale ? shape->features * 4 : 0, &x) ||
            __builtin_add_overflow(x, shape->fill ? shape->features * 4 : 0, &x);
    int64_t ids;
    over |= __builtin_mul_overflow(t->rows, shape->ids ? (int64_t)c->own.width : 0, &ids) ||
            __builtin_add_overflow(x, ids, &x);
    return over ? INT64_MAX : x;
}

static mg_status plan_dense(mg_conversion *c, mg_target *t, mg_error *error) {
    const mg_h5_new_array cells = {.type = c->shape.cell, .rank = 2, .dims = {t->rows, c->shape.features}};
    mg_status status = mg_h5_writer_array(t->writer, "X", &cells, &t->x, error);
    if (!status) status = mg_h5_writer_text(t->writer, "X", "encoding-type", "array", error);
    return status ? status : mg_h5_writer_text(t->writer, "X", "encoding-version", "0.2.0", error);
}

static mg_status plan_vector(mg_target *t, const char *name, mg_h5_type type, int64_t count, int *array,
                             mg_error *error) {
    const mg_h5_new_array vector = {.type = type, .rank = 1, .dims = {count}};
    return mg_h5_writer_array(t->writer, name, &vector, array, error);
}

static mg_status plan_texts(mg_target *t, const char *name, size_t width, int64_t count, int *array,
                            mg_error *error) {
    const mg_h5_new_array texts = {.type = MG_H5_TEXT, .width = width, .rank = 1, .dims = {count}};
    return mg_h5_writer_array(t->writer, name, &texts, array, error);
}

static mg_status plan_sparse(mg_conversion *c, mg_target *t, mg_error *error) {
    const int64_t shape[2] = {t->rows, c->shape.features};
    mg_h5_type index = c->shape.features > INT32_MAX ? MG_H5_U32 : MG_H5_I32;
    mg_h5_writer *w = t->writer;
    mg_status status = mg_h5_writer_group(w, "X", error);
    if (!status) status = mg_h5_writer_text(w, "X", "encoding-type", "csr_matrix", error);
    if (!status) status = mg_h5_writer_text(w, "X", "encoding-version", "0.1.0", error);
    if (!status) status = mg_h5_writer_int64(w, "X", "shape", shape, 2, error);
    if (!status) status = plan_vector(t, "X/data", MG_H5_F32, t->stored, &t->x, error);
    if (!status) status = plan_vector(t, "X/indices", index, t->stored, &t->indices, error);
    return status ? status : plan_vector(t, "X/indptr", MG_H5_I64, t->rows + 1, &t->indptr, error);
}

// Declares the names of the columns, in the place where AnnData stores them.
static mg_status plan_names(mg_conversion *c, mg_target *t, int *names, mg_error *error) {
    const mg_names *list = c->shape.names;
    if (!list || !list->count) return MG_OK;
    mg_status status = mg_h5_writer_group(t->writer, "var", error);
    if (!status) status = mg_h5_writer_text(t->writer, "var", "_index", "_index", error);
    return status ? status : plan_texts(t, "var/_index", mg_names_width(list), list->count, names, error);
}

static mg_status plan_ids(mg_conversion *c, mg_target *t, mg_error *error) {
    mg_status status = plan_texts(t, MG_IDS_NAME, c->own.width, t->rows, &t->ids, error);
    if (status || !c->shape.id_name) return status;
    return mg_h5_writer_text(t->writer, MG_IDS_NAME, MG_IDS_COLUMN, c->shape.id_name, error);
}

static mg_status append_names(mg_conversion *c, mg_target *t, int names, mg_error *error) {
    const mg_names *list = c->shape.names;
    char cell[MG_NAME_LONGEST + 1];
    mg_status status = MG_OK;
    size_t width = list ? mg_names_width(list) : 0;
    for (int64_t i = 0; !status && list && i < list->count; i++) {
        memset(cell, 0, width);
        memcpy(cell, list->text[i], strlen(list->text[i]));
        status = mg_h5_writer_append(t->writer, names, cell, width, error);
    }
    return status;
}

// Writes the digest of the idf table, because files whose values were weighted by different tables must not
// be used together.
static mg_status plan_digest(mg_conversion *c, mg_target *t, mg_error *error) {
    char digest[MG_IDF_DIGEST];
    if (!c->shape.scale) return MG_OK;
    mg_idf_digest(c->shape.scale, c->shape.features, digest);
    return mg_h5_writer_text(t->writer, c->format->name, MG_COLUMNS_DIGEST, digest, error);
}

const char *mg_convert_value_text(const mg_option *option, const void *values, char *number, size_t size) {
    const char *at = (const char *)values + option->offset;
    int64_t whole;
    bool truth;
    const char *text;
    switch (option->type) {
    case MG_OPTION_INT:
        memcpy(&whole, at, sizeof whole);
        snprintf(number, size, "%" PRId64, whole);
        return whole == MG_UNSET_INT ? NULL : number;
    case MG_OPTION_BOOL: memcpy(&truth, at, sizeof truth); return truth ? "yes" : "no";
    case MG_OPTION_TEXT:
    case MG_OPTION_CHOICE: memcpy(&text, at, sizeof text); return text;
    default: return NULL;
    }
}

// Indices of the writer's arrays with a number for each column.
typedef struct column_tables {
    int scale, fill;
} column_tables;

static mg_status plan_table(mg_conversion *c, mg_target *t, const float *values, const char *name, int *array,
                            mg_error *error) {
    char path[64];
    if (!values) return MG_OK;
    snprintf(path, sizeof path, "%s/%s", c->format->name, name);
    return plan_vector(t, path, MG_H5_F32, c->shape.features, array, error);
}

// Writes the options with the values that the first pass has found, so that another file can be converted in
// the same way.
static mg_status plan_recipe(mg_conversion *c, mg_target *t, column_tables *tables, mg_error *error) {
    const mg_section *section = c->format->section;
    char number[32];
    bool kept = false, binding;
    for (int i = 0; i < section->count; i++)
        kept = mg_format_stores(c->format, &section->options[i], &binding) || kept;
    if (c->format == &mg_convert_h5 && !mg_convert_h5_renames(c->values)) return MG_OK;
    mg_status status = mg_h5_writer_text(t->writer, "/", MG_COLUMNS_FORMAT, c->format->name, error);
    if (!kept || status) return status;
    status = mg_h5_writer_group(t->writer, c->format->name, error);
    for (int i = 0; !status && i < section->count; i++) {
        const mg_option *option = &section->options[i];
        const char *value = mg_convert_value_text(option, c->values, number, sizeof number);
        if (mg_format_stores(c->format, option, &binding) && value)
            status = mg_h5_writer_text(t->writer, c->format->name, option->name, value, error);
    }
    if (!status && c->shape.label_name)
        status =
            mg_h5_writer_text(t->writer, c->format->name, MG_COLUMNS_LABEL_NAME, c->shape.label_name, error);
    if (!status) status = plan_digest(c, t, error);
    if (!status) status = plan_table(c, t, c->shape.scale, "idf", &tables->scale, error);
    return status ? status : plan_table(c, t, c->shape.fill, "fill", &tables->fill, error);
}

static mg_status append_table(mg_conversion *c, mg_target *t, const float *values, int array,
                              mg_error *error) {
    if (!values) return MG_OK;
    return mg_h5_writer_append(t->writer, array, values, (size_t)c->shape.features * sizeof *values, error);
}

mg_status mg_convert_plan(mg_conversion *c, mg_target *t, mg_error *error) {
    const mg_format_shape *shape = &c->shape;
    const int64_t zero = 0;
    int names = 0;
    column_tables tables = {0};
    const char *output = t->path;
    mg_status status = c->like.raw ? mg_h5_writer_create_unnamed(&t->writer, output, total_bytes(c, t), error)
                                   : mg_h5_writer_create(&t->writer, output, c->options->overwrite,
                                                         total_bytes(c, t), error);
    if (!status) status = shape->layout == MG_DENSE ? plan_dense(c, t, error) : plan_sparse(c, t, error);
    if (!status && shape->labelled)
        status = c->labels.kind == MG_LABEL_TEXT
                     ? plan_texts(t, "y", c->labels.longest, t->rows, &t->y, error)
                     : plan_vector(t, "y", MG_H5_I64, t->rows, &t->y, error);
    if (!status) status = plan_names(c, t, &names, error);
    if (!status && shape->ids) status = plan_ids(c, t, error);
    // Rows for a model were read by its recipe, so there is nothing to compare.
    if (!status && !c->like.raw) status = plan_recipe(c, t, &tables, error);
    if (!status) status = mg_h5_writer_start(t->writer, error);
    if (!status) status = append_names(c, t, names, error);
    if (!status && !c->like.raw) status = append_table(c, t, shape->scale, tables.scale, error);
    if (!status && !c->like.raw) status = append_table(c, t, shape->fill, tables.fill, error);
    if (!status && shape->layout == MG_CSR)
        status = mg_h5_writer_append(t->writer, t->indptr, &zero, sizeof zero, error);
    return status;
}
