// raw_lines.c - reads single lines with the readers of the formats: each line is a text of its own, or one
// with the header before it.
#include "data/raw.h"

#include "base/memory.h"
#include "data/align.h"
#include "data/convert.h"
#include "io/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct mg_raw_lines {
    mg_sink sink; // must be the first member
    mg_raw_model model;
    mg_convert_options options;
    mg_convert_setting setting;
    mg_conversion c; // of the current line
    mg_names_index names;
    char *text;                         // the header, a line feed, and the current line
    size_t text_capacity, header_bytes; // header_bytes: 0: there is no header
    mg_align align;                     // of the columns of the header
    mg_facts facts;                     // of all lines
    mg_raw_line *line;
    uint32_t *indices;
    float *values, *dense;
    size_t index_capacity, value_capacity, dense_capacity;
};

static mg_status take_row(mg_raw_lines *lines, const uint32_t *indices, const float *values, int64_t count,
                          mg_error *error) {
    size_t room = (size_t)count + 1; // plus 1, because there may be no values
    mg_status status =
        mg_memory_grow(&lines->indices, &lines->index_capacity, room, sizeof *lines->indices, error);
    if (!status)
        status = mg_memory_grow(&lines->values, &lines->value_capacity, room, sizeof *lines->values, error);
    int64_t kept = 0;
    for (int64_t e = 0; !status && e < count; e++) {
        if (values[e] == 0) continue;
        lines->indices[kept] = indices ? indices[e] : (uint32_t)e;
        lines->values[kept++] = values[e];
    }
    lines->line->count = kept;
    return status;
}

static mg_status take_sparse(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                             mg_error *error) {
    return take_row((mg_raw_lines *)sink, indices, values, count, error);
}

static mg_status take_dense(mg_sink *sink, const void *cells, size_t bytes, mg_error *error) {
    mg_raw_lines *lines = (mg_raw_lines *)sink;
    const float *row = cells;
    int64_t count = (int64_t)(bytes / sizeof *row);
    if (!lines->align.width) return take_row(lines, NULL, row, count, error);
    mg_status status = mg_memory_grow(&lines->dense, &lines->dense_capacity, (size_t)lines->align.width,
                                      sizeof *lines->dense, error);
    if (status) return status;
    mg_align_dense(&lines->align, sizeof *row, row, lines->dense);
    return take_row(lines, NULL, lines->dense, lines->align.width, error);
}

// A text may have a TAB of its own, so what is before the TAB must be a label.
static mg_status check_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    const mg_raw_lines *lines = (const mg_raw_lines *)sink;
    char label[MG_LABEL_LONGEST + 1];
    if (strcmp(lines->c.format->name, "text")) return MG_OK;
    size_t kept = bytes <= MG_LABEL_LONGEST ? bytes : 0;
    memcpy(label, text, kept);
    label[kept] = '\0';
    if (kept && mg_classes_find(lines->model.classes, label) >= 0) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "the line has a TAB, but '%.*s' is not a label of the model: give the text alone, without TABs",
        (int)(bytes < 40 ? bytes : 40), text);
}

bool mg_raw_has_lines(const mg_columns *columns) {
    return mg_recipe_is(columns->recipe, "format", "text") || mg_recipe_is(columns->recipe, "format", "csv");
}

mg_status mg_raw_lines_open(const mg_raw_model *model, mg_raw_lines **out, mg_error *error) {
    mg_raw_lines *lines;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&lines, 1, sizeof *lines, error);
    if (status) return status;
    lines->model = *model;
    lines->sink = (mg_sink){.dense = take_dense, .sparse = take_sparse, .label = check_label};
    lines->setting = (mg_convert_setting){"header", "no"};
    lines->options.settings = &lines->setting;
    status = mg_names_index_create(&model->columns->names, &lines->names, error);
    if (status) mg_raw_lines_close(lines);
    else *out = lines;
    return status;
}

void mg_raw_lines_close(mg_raw_lines *lines) {
    if (!lines) return;
    mg_names_index_clear(&lines->names);
    mg_align_clear(&lines->align);
    void *const blocks[] = {lines->text, lines->indices, lines->values, lines->dense, lines};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
}

const char *mg_raw_lines_facts(const mg_raw_lines *lines, char out[MG_RAW_FACTS_TEXT]) {
    return mg_facts_text(&lines->facts, out);
}

// A table of texts has its texts in one column; a line is such a text.
static mg_status forget_columns(mg_conversion *c, mg_error *error) {
    size_t bytes;
    mg_status status = MG_OK;
    static const char *const names[] = {"text", "label"};
    if (strcmp(c->format->name, "text") || !mg_recipe_find(c->known->recipe, "text", &bytes)) return MG_OK;
    for (size_t i = 0; !status && i < sizeof names / sizeof *names; i++)
        status = mg_option_parse(c->format->section, mg_section_find(c->format->section, names[i]), c->values,
                                 NULL, error);
    return status;
}

// Reads the row of the current line with the reader of the format.
static mg_status read_row(mg_raw_lines *lines, bool header, mg_error *error) {
    const mg_raw_line *line = lines->line;
    mg_conversion *c = &lines->c;
    lines->options.inputs = &line->name;
    lines->options.input_count = 1;
    lines->options.setting_count = header ? 0 : 1;
    mg_convert_begin(c, &lines->options);
    mg_status status = mg_convert_follow_model(c, &lines->model, error);
    if (!status) status = mg_convert_read_options(c, error);
    if (!status) status = forget_columns(c, error);
    const mg_format_request request = {
        .inputs = &line->name,
        .input_count = 1,
        .line = header ? lines->text : line->text,
        .line_bytes = header ? lines->header_bytes + 1 + line->bytes : line->bytes,
        .line_number = header ? line->number - 1 : line->number,
        .options = c->values,
        .like = &c->like,
        .facts = &lines->facts,
    };
    if (!status) status = c->format->open(&c->reader, &request, error);
    if (!status) status = c->format->survey(c->reader, &lines->sink, &c->shape, error);
    const mg_names_parties parties = {line->name, lines->model.path, ""};
    if (!status && header && !lines->align.width)
        status = mg_align_create(&c->known->names, c->shape.names, &parties, &lines->align, error);
    return status ? status : c->format->read(c->reader, &lines->sink, error);
}

// True if the recipe has a one-hot column of this name: "features:3=city,5=job".
static bool is_one_hot(const mg_columns *columns, const char *name) {
    size_t bytes, length = strlen(name);
    const char *at = mg_recipe_find(columns->recipe, "one-hot", &bytes), *end = at ? at + bytes : NULL;
    while (length && at && (at = memchr(at, '=', (size_t)(end - at)))) {
        at++;
        const char *stop = memchr(at, ',', (size_t)(end - at));
        if (!stop) stop = end;
        if ((size_t)(stop - at) == length && !memcmp(at, name, length)) return true;
        at = stop;
    }
    return false;
}

// True if the line is the header of a table: it names all features in their order, or at least half of
// its fields name one and one of these names is no number. One name alone may be the label of a record.
static bool is_header(const mg_raw_lines *lines) {
    const mg_columns *columns = lines->model.columns;
    size_t at, bytes = lines->line->bytes;
    const char *text = lines->line->text;
    char name[MG_NAME_LONGEST + 1];
    int64_t fields = 0, found = 0, words = 0, before = -1;
    bool ascending = true;
    if (!mg_recipe_is(columns->recipe, "header", "yes") || !columns->names.count) return false;
    for (size_t from = 0; from < bytes; from = at + 1) {
        for (at = from; at < bytes && !strchr(",;\t|", text[at]);) at++;
        fields++;
        size_t count = at - from, quotes = count > 1 && text[from] == '"' && text[at - 1] == '"';
        if (count - 2 * quotes > MG_NAME_LONGEST) continue;
        memcpy(name, text + from + quotes, count - 2 * quotes);
        name[count - 2 * quotes] = '\0';
        int64_t feature = mg_names_find(&lines->names, name);
        if (feature < 0 && is_one_hot(columns, name)) found++, words++;
        if (feature < 0) continue;
        double value;
        found++;
        ascending = ascending && feature > before;
        before = feature;
        words += mg_text_number(name, name + strlen(name), &value) == NULL;
    }
    return (ascending && found == columns->names.count) || (words > 0 && 2 * found >= fields);
}

// Puts the line behind the header.
static mg_status join_header(mg_raw_lines *lines, mg_error *error) {
    size_t at = lines->header_bytes + 1, bytes = lines->line->bytes;
    mg_status status = mg_memory_grow(&lines->text, &lines->text_capacity, at + bytes + 1, 1, error);
    if (!status) memcpy(lines->text + at, lines->line->text, bytes);
    return status;
}

static mg_status keep_header(mg_raw_lines *lines, mg_error *error) {
    size_t bytes = lines->line->bytes;
    mg_status status = mg_memory_grow(&lines->text, &lines->text_capacity, bytes + 2, 1, error);
    if (status) return status;
    memcpy(lines->text, lines->line->text, bytes);
    lines->text[bytes] = '\n';
    lines->header_bytes = bytes;
    lines->line->header = true;
    return MG_OK;
}

// Adds the number of the line to a message that only has its name.
static mg_status add_line(const mg_raw_line *line, mg_status status, mg_error *error) {
    size_t bytes = strlen(line->name);
    if (!error || status != MG_DATA || strncmp(error->text, line->name, bytes) ||
        strncmp(error->text + bytes, ": ", 2))
        return status;
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    return mg_fail(error, status, "%s:%lld: %s", line->name, (long long)line->number, text + bytes + 2);
}

mg_status mg_raw_line_read(mg_raw_lines *lines, mg_raw_line *line, mg_error *error) {
    bool text = mg_recipe_is(lines->model.columns->recipe, "format", "text"),
         header = lines->header_bytes > 0;
    lines->line = line;
    line->header = false;
    line->count = 0;
    if (!line->bytes)
        return mg_fail(error, MG_DATA, "%s:%lld: the line is empty: %s is needed", line->name,
                       (long long)line->number, text ? "a text" : "a record of the table");
    if (!text && !header && is_header(lines)) return keep_header(lines, error);
    mg_status status = header ? join_header(lines, error) : MG_OK;
    if (!status) status = read_row(lines, header, error);
    mg_convert_end(&lines->c);
    line->indices = lines->indices;
    line->values = lines->values;
    if (!status && text && !line->count)
        status = mg_fail(
            error, MG_DATA, "%s:%lld: the text '%.*s' has no n-gram of the kind that the model counts",
            line->name, (long long)line->number, (int)(line->bytes < 40 ? line->bytes : 40), line->text);
    return add_line(line, status, error);
}
