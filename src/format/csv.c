// csv.c - tables of numbers with one column of labels: comma, tab, semicolon or space separated, quoted as
// RFC 4180 says, with or without a header.
#include "format/fields.h"
#include "format/format.h"
#include "format/header.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct options {
    char *delimiter;    // "auto", a name or one character
    const char *header; // "auto", "yes", "no"
    char *label;        // "auto", "first", "last", "none", a name of the header, a column counted from 1
} options;

typedef struct reader {
    mg_record record;
    options *options;
    bool header;
    int64_t columns, label; // fields of a record; index of the label's, -1 without labels
    int64_t rows;
    float *cells; // [columns] of one row
    mg_header names;
    const mg_format_like *like;
} reader;

static const struct {
    const char *name;
    char character;
} delimiters[] = {{"comma", ','}, {"tab", '\t'}, {"semicolon", ';'}, {"space", ' '}, {"pipe", '|'}};

enum { DELIMITERS = sizeof delimiters / sizeof *delimiters, MOST_COLUMNS = 1 << 26 };

// 0 when the name is not one.
static char delimiter_of(const char *name) {
    for (int i = 0; i < DELIMITERS; i++)
        if (!strcmp(delimiters[i].name, name)) return delimiters[i].character;
    bool plain = name[0] > ' ' && name[0] < 0x7f && name[1] == '\0' && !strchr("\"+-.0123456789eE", name[0]);
    return plain || !strcmp(name, "\t") || !strcmp(name, " ") ? name[0] : '\0';
}

static mg_status check_delimiter(const char *value, mg_error *error) {
    if (!strcmp(value, "auto") || delimiter_of(value)) return MG_OK;
    return mg_fail(error, MG_CONFIG, "auto, comma, tab, semicolon, space, pipe or one character");
}

// Fields per record of the first two lines, by delimiter; a quoted line break ends the guess there.
static int probe(const char *head, size_t bytes) {
    const char *end = head + bytes, *stop = memchr(head, '\n', bytes);
    if (!stop) stop = end;
    if (memchr(head, '\0', bytes)) return 0;
    for (int i = 0; i < DELIMITERS; i++)
        if (memchr(head, delimiters[i].character, (size_t)(stop - head))) return 1;
    return 0;
}

static mg_status first_record(reader *r, mg_error *error) {
    mg_status status = mg_text_rewind(r->record.text, error);
    if (!status) status = mg_record_next(&r->record, error);
    if (!status && !r->record.line)
        status = mg_fail(error, MG_DATA, "%s: has no rows", mg_text_path(r->record.text));
    return status;
}

// The delimiter that cuts the first two records into the same, largest number of fields.
static mg_status find_delimiter(reader *r, mg_error *error) {
    r->record.delimiter = delimiter_of(r->options->delimiter);
    if (r->record.delimiter) return MG_OK;
    int64_t most = 1;
    char best = '\0';
    for (int i = 0; i < DELIMITERS; i++) {
        int64_t first = 0, second;
        r->record.delimiter = delimiters[i].character;
        mg_error ignored; // a delimiter under which the quoting makes no sense is the wrong one
        mg_status status = first_record(r, &ignored);
        if (status && status != MG_DATA) return mg_fail(error, status, "%s", ignored.text);
        if (!status) status = mg_record_count(&r->record, &first, &ignored);
        if (!status) status = mg_record_next(&r->record, &ignored);
        second = first;
        if (!status && r->record.line) status = mg_record_count(&r->record, &second, &ignored);
        if (status || first != second || first <= most) continue;
        most = first;
        best = delimiters[i].character;
    }
    r->record.delimiter = best ? best : ',';
    return MG_OK;
}
typedef enum kind { NUMBER, WORD, ABSENT } kind;

static kind kind_of(const mg_span *field) {
    double value;
    const char *end = field->text + field->bytes;
    if (field->bytes == 0) return ABSENT;
    return mg_text_number(field->text, end, &value) == end ? NUMBER : WORD;
}

// What each field of the record is; its texts are used up.
static mg_status read_kinds(reader *r, kind *kinds, mg_error *error) {
    mg_span field;
    bool more;
    for (int64_t i = 0; i < r->columns; i++) {
        mg_status status = mg_record_field(&r->record, &field, &more, error);
        if (status) return status;
        kinds[i] = more ? kind_of(&field) : ABSENT;
    }
    return MG_OK;
}

// A header has no number in it, and a word where the second record has a number.
static bool looks_like_header(const reader *r, const kind *first, const kind *second) {
    bool differs = false;
    for (int64_t i = 0; i < r->columns; i++) {
        if (first[i] == NUMBER) return false;
        differs = differs || (first[i] == WORD && second[i] == NUMBER);
    }
    return differs;
}

static mg_status find_header(reader *r, kind *first, kind *second, mg_error *error) {
    mg_status status = first_record(r, error);
    if (!status) status = mg_record_count(&r->record, &r->columns, error);
    if (!status) status = read_kinds(r, first, error);
    if (!status) status = mg_record_next(&r->record, error);
    if (status) return status;
    if (!r->record.line) {
        r->header = !strcmp(r->options->header, "yes");
        memcpy(second, first, (size_t)r->columns * sizeof *second);
        return MG_OK;
    }
    status = read_kinds(r, second, error);
    r->header = strcmp(r->options->header, "auto") ? !strcmp(r->options->header, "yes")
                                                   : looks_like_header(r, first, second);
    if (!r->header) memcpy(second, first, (size_t)r->columns * sizeof *second);
    return status;
}

// Column of the header called `name`, or -1. Case counts only when `exact`.
static mg_status find_name(reader *r, const char *name, bool exact, int64_t *column, mg_error *error) {
    mg_span field;
    bool more = true;
    *column = -1;
    mg_status status = r->header ? first_record(r, error) : MG_OK;
    for (int64_t i = 0; r->header && !status && *column < 0 && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more || field.bytes != strlen(name)) continue;
        if (exact ? !memcmp(field.text, name, field.bytes) : !strncasecmp(field.text, name, field.bytes))
            *column = i;
    }
    return status;
}

static mg_status label_by_option(reader *r, mg_error *error) {
    const char *value = r->options->label;
    int64_t number;
    r->label = -1;
    if (!strcmp(value, "none")) return MG_OK;
    if (!strcmp(value, "first")) r->label = 0;
    if (!strcmp(value, "last")) r->label = r->columns - 1;
    if (r->label >= 0) return MG_OK;
    mg_status status = find_name(r, value, true, &r->label, error);
    if (status || r->label >= 0) return status;
    if (mg_parse_int(value, &number) && number >= 1 && number <= r->columns) {
        r->label = number - 1;
        return MG_OK;
    }
    return mg_fail(error, MG_USAGE, "%s: has no column '%s' for --label (first, last, none, %sor 1 to %lld)",
                   mg_text_path(r->record.text), value, r->header ? "a name of the header, " : "",
                   (long long)r->columns);
}

// `kinds` of the first record of data.
static mg_status find_label(reader *r, const kind *kinds, mg_error *error) {
    static const char *const usual[] = {"label", "class", "target", "y"};
    int64_t last = r->columns - 1;
    if (strcmp(r->options->label, "auto") != 0) return label_by_option(r, error);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        mg_status status = find_name(r, usual[i], false, &r->label, error);
        if (status || r->label >= 0) return status;
    }
    r->label = kinds[0] == WORD && kinds[last] != WORD ? 0 : last;
    if (kinds[0] != WORD || kinds[last] != WORD) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s: neither the first nor the last column is a number: say --label first or last, or for texts "
        "--format text",
        mg_text_path(r->record.text));
}

// Delimiter, header, number of columns and place of the label from the first two records.
static mg_status settle(reader *r, mg_error *error) {
    kind *kinds;
    mg_status status = find_delimiter(r, error);
    if (!status) status = first_record(r, error);
    if (!status) status = mg_record_count(&r->record, &r->columns, error);
    if (status) return status;
    if (r->columns < 2 || r->columns > MOST_COLUMNS)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld columns (2 to %d are allowed); --delimiter says what separates them",
                       mg_text_path(r->record.text), (long long)r->columns, MOST_COLUMNS);
    status = mg_memory_zeroed(&kinds, (size_t)r->columns * 2, sizeof *kinds, error);
    if (status) return status;
    status = find_header(r, kinds, kinds + r->columns, error);
    if (!status) status = find_label(r, kinds + r->columns, error);
    mg_memory_free(kinds);
    if (!status) status = mg_memory_zeroed(&r->cells, (size_t)r->columns, sizeof *r->cells, error);
    return status;
}

// The label's place as later files need it, without names.
static mg_status keep_label(reader *r, mg_error *error) {
    char place[32];
    snprintf(place, sizeof place, "%lld", (long long)r->label + 1);
    const char *text = r->label < 0                 ? "none"
                       : r->label == 0              ? "first"
                       : r->label == r->columns - 1 ? "last"
                                                    : place;
    mg_memory_free(r->options->label);
    return mg_memory_text(&r->options->label, text, error);
}

// The header, which must be that of the file of --like when that had one.
static mg_status keep_header(reader *r, mg_error *error) {
    const mg_format_like *like = r->like;
    r->options->header = mg_format_auto_yes_no(r->header ? 1 : 2);
    if (!r->header) return MG_OK;
    mg_status status = first_record(r, error);
    if (!status) status = mg_header_read(&r->record, r->columns, r->label, &r->names, error);
    if (status || !like || !like->names) return status;
    return mg_header_compare(&r->names, mg_text_path(r->record.text), like->names, like->label_name, like->path, error);
}

static mg_status wrong_count(const reader *r, int64_t fields, mg_error *error) {
    return mg_text_fail(r->record.text, r->record.bytes, MG_DATA, error,
                        "the record has %lld fields, the first one has %lld", (long long)fields,
                        (long long)r->columns);
}

// One feature. An unquoted number is read where it stands; everything else is cut out as a field first.
static inline mg_status read_cell(reader *r, int64_t column, float *cell, mg_error *error) {
    mg_record *record = &r->record;
    const char *end = record->line + record->bytes, *at = record->line + record->at;
    double value;
    if (record->at <= record->bytes) {
        while (at < end && *at == ' ')
            at++;
        const char *after = mg_text_number(at, end, &value);
        if (after && (after == end || *after == record->delimiter) && record->delimiter != ' ' &&
            fabs(value) <= (double)FLT_MAX) {
            *cell = (float)value;
            record->at = (size_t)(after - record->line) + 1;
            return MG_OK;
        }
    }
    mg_span field;
    bool more;
    mg_status status = mg_record_field(record, &field, &more, error);
    if (status) return status;
    if (!more) return wrong_count(r, column, error);
    end = field.text + field.bytes;
    if (mg_text_number(field.text, end, &value) != end || !(fabs(value) <= (double)FLT_MAX))
        return mg_number_refuse(record->text, field.offset, field.text, end, error);
    *cell = (float)value;
    return MG_OK;
}

static mg_status read_record(reader *r, mg_sink *sink, mg_error *error) {
    float *cell = r->cells;
    mg_span field;
    bool more;
    for (int64_t i = 0; i < r->columns; i++) {
        if (i != r->label) {
            mg_status status = read_cell(r, i, cell++, error);
            if (status) return status;
            continue;
        }
        mg_status status = mg_record_field(&r->record, &field, &more, error);
        if (status) return status;
        if (!more) return wrong_count(r, i, error);
        status = sink->label(sink, field.text, field.bytes, error);
        if (status) return mg_text_place(r->record.text, field.offset, status, error);
    }
    if (r->record.at <= r->record.bytes) {
        int64_t rest;
        mg_status status = mg_record_count(&r->record, &rest, error);
        return status ? status : wrong_count(r, r->columns + rest, error);
    }
    return MG_OK;
}

static mg_status walk(reader *r, mg_sink *sink, bool put, mg_error *error) {
    mg_status status = mg_text_rewind(r->record.text, error);
    if (!status && r->header) status = mg_record_next(&r->record, error);
    size_t bytes = (size_t)(r->columns - (r->label >= 0)) * sizeof *r->cells;
    for (r->rows = 0; !status; r->rows++) {
        status = mg_record_next(&r->record, error);
        if (status || !r->record.line) break;
        status = read_record(r, sink, error);
        if (!status && put) status = sink->dense(sink, r->cells, bytes, error);
    }
    if (!status && r->rows == 0)
        status = mg_fail(error, MG_DATA, "%s: has no rows", mg_text_path(r->record.text));
    return status;
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    mg_status status = settle(r, error);
    if (!status) status = keep_label(r, error);
    if (!status) status = keep_header(r, error);
    if (!status) status = walk(r, sink, false, error);
    if (status) return status;
    shape->rows = r->rows;
    shape->features = r->columns - (r->label >= 0);
    shape->layout = MG_DENSE;
    shape->cell = MG_H5_F32;
    shape->labelled = r->label >= 0;
    shape->names = r->header ? &r->names.names : NULL;
    shape->label_name = r->names.label_name;
    return MG_OK;
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    return walk(at, sink, true, error);
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_text_close(r->record.text);
    mg_memory_free(r->cells);
    mg_header_clear(&r->names);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->options = request->options;
    r->like = request->like;
    status = mg_text_open(&r->record.text, request->inputs[0], request->watch, error);
    if (status)
        close_reader(r);
    else
        *out = r;
    return status;
}

static const mg_option rows[] = {
    {.name = "delimiter",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, delimiter),
     .preset = "auto",
     .check = check_delimiter,
     .help =
         "What separates fields: comma, tab, semicolon, space (any run of blanks), pipe or one character."},
    {.name = "header",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(options, header),
     .preset = "auto",
     .choice = mg_format_auto_yes_no,
     .changes_result = true,
     .help = "Is the first line one of names; auto: yes when it holds no number and the second one does."},
    {.name = "label",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, label),
     .preset = "auto",
     .changes_result = true,
     .help = "Column of the labels: first, last, none, a name of the header or a number from 1; auto: the "
             "one called "
             "label, class, target or y, else the one that is no number, else the last."},
};

static const mg_section section = {
    .name = "csv", .help = "delimited text", .options = rows, .count = sizeof rows / sizeof *rows};

const mg_format mg_format_csv = {
    .name = "csv",
    .arguments = "FILE",
    .help = "numbers separated by commas, tabs, semicolons or spaces",
    .inputs_low = 1,
    .inputs_high = 1,
    .section = &section,
    .options_size = sizeof(options),
    .probe = probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
