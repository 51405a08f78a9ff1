// raw_lines.c - reads single lines with the readers of the formats: each line is a text of its own, or one
// with the header before it.
#include "data/raw.h"

#include "base/memory.h"
#include "data/align.h"
#include "data/convert.h"
#include "format/pairs.h"
#include "format/text_follow.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// What is known about the first line. RECORDS: it was a row, as all others are.
typedef enum first_line { UNKNOWN, HEADER, RECORDS } first_line;

struct mg_raw_lines {
    mg_sink sink; // must be the first member
    mg_raw_request request;
    mg_convert_options options;
    mg_convert_setting settings[3];
    char *delimiter; // of the first record; NULL: not known, or there is none
    mg_conversion c; // of the current line
    first_line first;
    bool skipped, labelled; // a header was skipped that says nothing; lines have labels
    int64_t rows;
    char name[64];                      // of the lines
    char *text;                         // the header, a line feed, and the current line
    size_t text_capacity, header_bytes; // header_bytes: 0: there is no header
    mg_align align;                     // of the columns of the header
    mg_facts facts;                     // of all lines
    char matched[MG_ALIGN_TEXT];
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

static mg_status skip_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    (void)sink, (void)text, (void)bytes, (void)error;
    return MG_OK;
}

bool mg_raw_has_lines(const mg_columns *columns) {
    return mg_recipe_is(columns->recipe, "format", "text") || mg_recipe_is(columns->recipe, "format", "csv");
}

mg_status mg_raw_lines_open(const mg_raw_request *request, mg_raw_lines **out, mg_error *error) {
    mg_raw_lines *lines;
    *out = NULL;
    if (request->names && strcmp(request->names, "header") != 0 && strcmp(request->names, "none") != 0)
        return mg_fail(error, MG_USAGE,
                       "--names %s: is the name of a data set, but lines have none: give --names header if "
                       "the first line names the columns, --names none if it does not",
                       request->names);
    mg_status status = mg_memory_zeroed(&lines, 1, sizeof *lines, error);
    if (status) return status;
    lines->request = *request;
    lines->sink = (mg_sink){.dense = take_dense, .sparse = take_sparse, .label = skip_label};
    lines->options.settings = lines->settings;
    *out = lines;
    return MG_OK;
}

void mg_raw_lines_close(mg_raw_lines *lines) {
    if (!lines) return;
    mg_align_clear(&lines->align);
    void *const blocks[] = {lines->delimiter, lines->text,  lines->indices,
                            lines->values,    lines->dense, lines};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
}

mg_status mg_raw_lines_end(const mg_raw_lines *lines, char out[MG_RAW_LINES_TEXT], mg_error *error) {
    char facts[MG_FACTS_TEXT];
    bool header = lines->first == HEADER || lines->skipped;
    *out = '\0';
    if (header && !lines->rows)
        return mg_fail(error, MG_DATA,
                       "%s: has no rows: its only line is a header (--names none reads it as a row)",
                       lines->name);
    if (header)
        snprintf(out, MG_RAW_LINES_TEXT, "%s: the first line is a header%s%s", lines->name,
                 *lines->matched ? "; " : "", lines->matched);
    else if (lines->labelled)
        snprintf(out, MG_RAW_LINES_TEXT, "%s: the labels in the lines are not used", lines->name);
    size_t used = strlen(out);
    mg_facts_text(&lines->facts, facts);
    if (*facts) snprintf(out + used, MG_RAW_LINES_TEXT - used, "%s%s", used ? "; " : "", facts);
    return MG_OK;
}

// ---- a line -------------------------------------------------------------------------------------

// Sets the options that the user or an earlier line has decided.
static void set_options(mg_raw_lines *lines) {
    const char *names = lines->request.names, *header = NULL;
    mg_convert_options *o = &lines->options;
    if (lines->first == UNKNOWN && names) header = strcmp(names, "none") ? "yes" : "no";
    else if (lines->first != UNKNOWN) header = lines->first == HEADER ? "yes" : "no";
    o->setting_count = 0;
    if (header) lines->settings[o->setting_count++] = (mg_convert_setting){"header", header};
    if (lines->request.labels)
        lines->settings[o->setting_count++] = (mg_convert_setting){"label", lines->request.labels};
    if (lines->delimiter)
        lines->settings[o->setting_count++] = (mg_convert_setting){"delimiter", lines->delimiter};
    o->inputs = &lines->line->name;
    o->input_count = 1;
}

// Matches the columns of the header with the features.
static mg_status match(mg_raw_lines *lines, mg_error *error) {
    const mg_conversion *c = &lines->c;
    const char *model = lines->request.model.path;
    char whose[PATH_MAX + 32];
    snprintf(whose, sizeof whose, "in the model %s", model);
    const mg_names_parties parties = {lines->line->name, whose, ""};
    if (lines->first != HEADER || lines->align.width || !c->shape.names || !c->known->names.count)
        return MG_OK;
    mg_status status = mg_align_create(&c->known->names, c->shape.names, &parties, &lines->align, error);
    if (!status && lines->request.complete)
        status = mg_align_complete(&lines->align, &c->known->names, &parties, error);
    if (!status) mg_align_text(&lines->align, lines->align.width, c->shape.unknown, lines->matched);
    return status;
}

// Texts of a model whose table had them in a column: decides whether the first line is the header of such a
// table. *header becomes true if it is.
static mg_status find_table(mg_raw_lines *lines, const mg_format_request *request, bool *header,
                            mg_error *error) {
    const char *recipe = lines->request.model.columns->recipe, *names = lines->request.names;
    size_t bytes;
    const char *found = mg_recipe_find(recipe, "text", &bytes);
    char column[MG_NAME_LONGEST + 1];
    if (!mg_recipe_is(recipe, "format", "text") || !found || bytes >= sizeof column) return MG_OK;
    memcpy(column, found, bytes);
    column[bytes] = '\0';
    mg_status status = MG_OK;
    *header = names && !strcmp(names, "header");
    if (!names) status = mg_text_follow_table(request, column, lines->c.like.label, header, error);
    if (!status && !*header) lines->first = RECORDS;
    return status;
}

// All lines have the delimiter of the first record.
static mg_status keep_delimiter(mg_raw_lines *lines, mg_error *error) {
    const mg_section *section = lines->c.format->section;
    const mg_option *option = mg_section_find(section, "delimiter");
    char unused[2];
    if (lines->delimiter || !option) return MG_OK;
    return mg_memory_text(&lines->delimiter,
                          mg_convert_value_text(option, lines->c.values, unused, sizeof unused), error);
}

// Reads the row of the current line with the reader of the format. *header becomes true if there is only a
// header.
static mg_status read_row(mg_raw_lines *lines, bool *header, mg_error *error) {
    const mg_raw_line *line = lines->line;
    mg_conversion *c = &lines->c;
    bool joined = lines->first == HEADER;
    mg_format_request request = {
        .inputs = &line->name,
        .input_count = 1,
        .line = joined ? lines->text : line->text,
        .line_bytes = joined ? lines->header_bytes + 1 + line->bytes : line->bytes,
        .line_number = joined ? line->number - 1 : line->number,
        .like = &c->like,
        .facts = &lines->facts,
    };
    mg_convert_begin(c, &lines->options);
    mg_status status = mg_convert_follow_model(c, &lines->request.model, error);
    if (!status && lines->first == UNKNOWN) status = find_table(lines, &request, header, error);
    if (status || *header) return status;
    set_options(lines);
    status = mg_convert_read_options(c, error);
    request.options = c->values;
    if (!status) status = c->format->open(&c->reader, &request, error);
    if (!status) status = c->format->survey(c->reader, &lines->sink, &c->shape, error);
    *header = !status && c->shape.rows == 0;
    if (status || *header) return status;
    status = match(lines, error);
    if (!status) status = keep_delimiter(lines, error);
    return status ? status : c->format->read(c->reader, &lines->sink, error);
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
    lines->first = HEADER;
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

// Takes a header. Only that of a table says something about the lines after it.
static mg_status take_header(mg_raw_lines *lines, bool table, mg_error *error) {
    lines->line->header = true;
    lines->skipped = !table;
    if (table) return keep_header(lines, error);
    lines->first = RECORDS;
    return MG_OK;
}

mg_status mg_raw_line_read(mg_raw_lines *lines, mg_raw_line *line, mg_error *error) {
    size_t bytes;
    const char *recipe = lines->request.model.columns->recipe;
    bool text = mg_recipe_is(recipe, "format", "text"), header = false;
    bool table = !text || mg_recipe_find(recipe, "text", &bytes);
    lines->line = line;
    line->header = false;
    line->count = 0;
    snprintf(lines->name, sizeof lines->name, "%s", line->name);
    if (mg_skip_blanks(line->text, line->text + line->bytes) == line->text + line->bytes)
        return mg_fail(error, MG_DATA, "%s:%lld: the line is empty: %s is needed", line->name,
                       (long long)line->number, text ? "a text" : "a record of the table");
    mg_status status = lines->first == HEADER ? join_header(lines, error) : MG_OK;
    if (!status) status = read_row(lines, &header, error);
    if (!status && !header) {
        lines->rows++;
        lines->labelled = lines->labelled || lines->c.shape.labelled;
        if (lines->first == UNKNOWN) lines->first = RECORDS;
    }
    mg_convert_end(&lines->c);
    lines->c = (mg_conversion){0};
    if (!status && header) status = take_header(lines, table, error);
    line->indices = lines->indices;
    line->values = lines->values;
    return add_line(line, status, error);
}
