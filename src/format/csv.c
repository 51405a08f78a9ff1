// csv.c - tables of numbers with one column of labels: separated by comma, tab, semicolon or space, quoted
// according to RFC 4180, with or without a header.
#include "format/csv.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static mg_status check_delimiter(const char *value, mg_error *error) {
    if (!strcmp(value, "auto") || mg_csv_delimiter(value)) return MG_OK;
    return mg_fail(error, MG_CONFIG, "auto, comma, tab, semicolon, space, pipe or one character");
}

static const char *missing_name(int i) {
    static const char *const names[] = {"error", "median", "mean", "zero"};
    return i >= 0 && i < 4 ? names[i] : NULL;
}

static const char *decimal_name(int i) {
    static const char *const names[] = {"point", "comma"};
    return i >= 0 && i < 2 ? names[i] : NULL;
}

// Reads features from `column` on, as long as they are unquoted numbers, which are parsed directly in the
// line. Returns the column behind them. Most of the time of a conversion is spent here.
static int64_t read_numbers(mg_csv *r, int64_t column, double **cells) {
    mg_record *record = &r->record;
    const char *end = record->line + record->bytes, *at = record->line + record->at;
    const bool *special = r->kept.special;
    const char delimiter = record->delimiter;
    double *to = *cells, value;
    int64_t lost = 0;
    if (r->comma || delimiter == ' ') return column;
    for (; column < r->columns && !special[column] && at <= end; column++) {
        const char *from = at;
        while (from < end && *from == ' ') from++;
        const char *after = mg_text_number(from, end, &value);
        if (!after || (after < end && *after != delimiter) || !(fabs(value) <= (double)FLT_MAX)) break;
        *to++ = value;
        lost += mg_text_vanishes(value);
        at = after + 1;
    }
    if (lost) mg_text_lose(record->text, lost);
    record->at = (size_t)(at - record->line);
    *cells = to;
    return column;
}

// Reads one feature that read_numbers has left.
static mg_status read_cell(mg_csv *r, int64_t column, double *cell, mg_error *error) {
    mg_record *record = &r->record;
    mg_span field;
    bool more;
    double value;
    mg_status status = mg_record_field(record, &field, &more, error);
    if (status) return status;
    if (!more) return mg_csv_refuse_count(r, column, error);
    if (r->fill && mg_text_missing(field.text, field.bytes)) {
        *cell = NAN;
        r->absent++;
        return MG_OK;
    }
    if (!mg_csv_number(r, &field, &value) || !(fabs(value) <= (double)FLT_MAX))
        return mg_csv_refuse_cell(r, column, &field, error);
    *cell = value;
    if (mg_text_vanishes(value)) mg_text_lose(record->text, 1);
    return MG_OK;
}

static mg_status read_label(mg_csv *r, const mg_span *field, mg_sink *sink, mg_error *error) {
    char column[MG_CSV_SHOWN * 2];
    mg_status status = mg_csv_check_label(r, field, error);
    if (status) return status;
    status = sink->label(sink, field->text, field->bytes, error);
    if (!status) return MG_OK;
    status = mg_text_place(r->record.text, field->offset, status, error);
    if (!r->by_place || !error) return status;
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    return mg_fail(error, status,
                   "%s; margin guessed that the labels are in %s: --label selects another column", text,
                   mg_csv_column_text(r, r->label, column));
}

static mg_status read_record(mg_csv *r, mg_sink *sink, mg_error *error) {
    double *cell = r->wide;
    mg_csv_hot *hot = r->hots.list, *hots_end = hot ? hot + r->hots.count : NULL;
    mg_span field;
    bool more;
    for (int64_t i = read_numbers(r, 0, &cell); i < r->columns; i = read_numbers(r, i + 1, &cell)) {
        if (!r->kept.special[i]) {
            mg_status status = read_cell(r, i, cell++, error);
            if (status) return status;
            continue;
        }
        mg_status status = mg_record_field(&r->record, &field, &more, error);
        if (status) return status;
        if (!more) return mg_csv_refuse_count(r, i, error);
        if (i == r->kept.id) status = sink->id(sink, field.text, field.bytes, error);
        if (status) return mg_text_place(r->record.text, field.offset, status, error);
        if (hot < hots_end && hot->column == i) {
            status = mg_csv_hot_take(r, hot++, &field, error);
            if (status) return status;
        }
        if (i != r->label) continue;
        if (r->pass == MG_CSV_SURVEY) mg_csv_watch_label(r, &field);
        status = read_label(r, &field, sink, error);
        if (status) return status;
    }
    if (r->record.at <= r->record.bytes) {
        int64_t rest;
        mg_status status = mg_record_count(&r->record, &rest, error);
        return status ? status : mg_csv_refuse_count(r, r->columns + rest, error);
    }
    return MG_OK;
}

static mg_status put_row(mg_csv *r, mg_sink *sink, mg_error *error) {
    mg_rounding_look(&r->rounding, r->wide, r->cells);
    if (r->hots.count) mg_csv_hot_spread(r);
    return sink->dense(sink, r->hots.row, (size_t)r->kept.features * sizeof *r->hots.row, error);
}

mg_status mg_csv_walk(mg_csv *r, mg_sink *sink, mg_csv_pass pass, mg_error *error) {
    r->pass = pass;
    mg_text_repeat_header(r->record.text, r->header);
    mg_status status = mg_text_rewind(r->record.text, error);
    if (!status && r->header) status = mg_record_next(&r->record, error);
    for (r->rows = 0; !status; r->rows++) {
        status = mg_record_next(&r->record, error);
        if (status || !r->record.line) break;
        r->absent = 0;
        if (r->like && r->like->is_label && r->record.skipped)
            status = mg_format_refuse_blank(r->record.text, mg_text_line_number(r->record.text) - 1, error);
        if (!status) status = read_record(r, sink, error);
        if (status) break;
        if (r->absent && pass == MG_CSV_PUT) mg_csv_fill_row(r);
        for (int64_t i = 0; (pass == MG_CSV_PUT || r->fill) && i < r->kept.numbers; i++)
            r->cells[i] = (float)r->wide[i];
        if (r->fill && pass != MG_CSV_PUT) mg_csv_fill_learn(r);
        if (pass == MG_CSV_PUT) status = put_row(r, sink, error);
        if (pass == MG_CSV_SURVEY) mg_csv_watch_row(r);
    }
    if (!status && r->rows == 0 && !(r->line && r->header))
        status = mg_fail(error, MG_DATA, "%s: has no rows", mg_text_path(r->record.text));
    return status;
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    mg_csv *r = at;
    mg_status status = mg_csv_settle(r, &shape->guesses, error);
    if (!status) status = mg_csv_keep_header(r, error);
    if (!status && r->like) status = mg_csv_hot_settle(r, error);
    if (!status) status = mg_csv_compare_names(r, error);
    if (!status) status = mg_csv_fill_begin(r, error);
    if (!status) status = mg_csv_watch_begin(r, error);
    if (!status) status = mg_csv_walk(r, sink, MG_CSV_SURVEY, error);
    if (!status) shape->rows = r->rows;
    if (!status && !r->like) status = mg_csv_hot_settle(r, error);
    if (!status && !(r->like && r->like->raw)) status = mg_csv_judge(r, error);
    if (!status) status = mg_csv_fill_finish(r, error);
    if (!status) status = mg_csv_keep(r, error);
    mg_csv_watch_end(r);
    if (status) return status;
    shape->features = r->kept.features;
    shape->layout = MG_DENSE;
    shape->cell = MG_H5_F32;
    shape->labelled = r->label >= 0;
    shape->names = r->header || r->names.names.count ? &r->names.names : NULL;
    shape->fill = mg_csv_fill_values(r);
    shape->label_name = r->names.label_name;
    shape->ids = r->kept.id >= 0;
    shape->id_name = r->kept.id_name;
    shape->unknown = r->kept.unknown;
    shape->header = r->header;
    return MG_OK;
}

// The index of the column that holds a number.
static int64_t column_of(const mg_csv *r, int64_t feature) {
    int64_t column = 0;
    for (;; column++)
        if (!r->kept.special[column] && feature-- == 0) return column;
}

// Warns of columns whose differences float32 loses.
static void tell_rounding(mg_csv *r) {
    char column[MG_CSV_SHOWN * 2], lost[MG_ROUNDING_TEXT];
    int64_t worst = 0, count = mg_rounding_worst(&r->rounding, &worst);
    if (count == 0) return;
    mg_rounding_text(&r->rounding, worst, count, lost);
    mg_tell_line(&r->tell, "warning: %s: %s %s", mg_text_path(r->record.text),
                 mg_csv_column_text(r, column_of(r, worst), column), lost);
}

// Notes columns that have the same value in every row, so that they say nothing about the label.
static void tell_constant(mg_csv *r) {
    char column[MG_CSV_SHOWN * 2], list[200] = "", others[64] = "";
    int64_t count = 0, first = 0;
    size_t used = 0;
    for (int64_t j = 0; j < r->kept.numbers && r->rows > 1; j++) {
        if (r->rounding.column[j].low < r->rounding.column[j].high) continue;
        int64_t place = column_of(r, j);
        if (count++ == 0) first = place;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s%lld", used ? "," : " ",
                                     r->kept.by_number, (long long)place + 1);
    }
    if (!count) return;
    if (count > 1) snprintf(others, sizeof others, " and %lld more", (long long)count - 1);
    mg_tell_line(&r->tell, "note: %s: %s%s: the same in every row; --drop%s leaves %s out",
                 mg_text_path(r->record.text), mg_csv_column_text(r, first, column), others,
                 used < sizeof list ? list : "", count > 1 ? "them" : "it");
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    mg_csv *r = at;
    mg_status status = mg_rounding_begin(&r->rounding, r->kept.numbers, error);
    if (!status) status = mg_csv_walk(r, sink, MG_CSV_PUT, error);
    if (!status) mg_tell_lost(&r->tell, r->record.text);
    if (!status) tell_rounding(r);
    if (!status && !r->like) tell_constant(r);
    mg_rounding_clear(&r->rounding);
    return status;
}

static void close_reader(void *at) {
    mg_csv *r = at;
    if (!r) return;
    mg_text_close(r->record.text);
    mg_csv_watch_end(r);
    mg_header_clear(&r->names);
    mg_csv_hot_clear(r);
    mg_csv_fill_end(r->fill);
    mg_memory_free(r->kept.dropped);
    mg_memory_free(r->kept.special);
    mg_memory_free(r->kept.id_name);
    mg_memory_free(r->cells);
    mg_memory_free(r->wide);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    mg_csv *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->options = request->options;
    r->tell = request->tell;
    r->like = request->like;
    r->held = request->held;
    r->facts = request->facts;
    r->line = request->line != NULL;
    status = mg_format_open_text(request, &r->record.text, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static const mg_option rows[] = {
    {.name = "delimiter",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_csv_options, delimiter),
     .preset = "auto",
     .check = check_delimiter,
     .help =
         "Delimiter of the fields: comma, tab, semicolon, space (any run of blanks), pipe or one character."},
    {.name = "header",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(mg_csv_options, header),
     .preset = "auto",
     .choice = mg_format_auto_yes_no,
     .changes_result = true,
     .help =
         "Whether the first line holds names. auto: yes when it has no number and the second line has one."},
    {.name = "label",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_csv_options, label),
     .preset = "auto",
     .changes_result = true,
     .help = "Column of the labels: first, last, none, a name of the header or a number from 1 (column:2 "
             "is always a number). auto: the "
             "column called label, class, target or y; else the first or the last, if it is not a number; "
             "else the last."},
    {.name = "drop",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_csv_options, drop),
     .preset = "",
     .changes_result = true,
     .help =
         "Columns to leave out: names of the header or numbers from 1, separated by commas, such as id,3. "
         "column:3 is always a number, also if a column is named 3."},
    {.name = "id",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_csv_options, id),
     .preset = "",
     .changes_result = false,
     .help = "Column with an id for each row: a name of the header or a number from 1. It is stored as the "
             "data set id, for margin predict --id id, and is no feature."},
    {.name = "one-hot",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_csv_options, one_hot),
     .preset = "",
     .changes_result = true,
     .help =
         "Columns of texts, each of which becomes one feature for each of its values, COLUMN=VALUE: names "
         "of the header or numbers from 1, separated by commas."},
    {.name = "missing",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(mg_csv_options, missing),
     .preset = "",
     .choice = missing_name,
     .changes_result = true,
     .help =
         "Missing values (an empty cell, NA, NaN, null, ? and similar words): an error, or replaced by the "
         "median or the mean of the training rows, or by 0. Default: error."},
    {.name = "decimal",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(mg_csv_options, decimal),
     .preset = "point",
     .choice = decimal_name,
     .changes_result = false,
     .help = "Decimal separator of numbers: point (or .) as in 1.5, or comma (or ,) as in 1,5."},
};

static bool learns(const void *at) {
    const mg_csv_options *o = at;
    return o->one_hot || (o->missing && strcmp(o->missing, "zero"));
}

static const char *const remembered[] = {"delimiter", "decimal", NULL};

static const mg_section section = {
    .name = "csv", .help = "delimited text", .options = rows, .count = sizeof rows / sizeof *rows};

const mg_format mg_format_csv = {
    .name = "csv",
    .arguments = "FILE...",
    .help = "numbers separated by commas, tabs, semicolons or spaces",
    .most_inputs = MG_FORMAT_MOST_INPUTS,
    .section = &section,
    .options_size = sizeof(mg_csv_options),
    .remembered = remembered,
    .probe = mg_csv_probe,
    .open = open_reader,
    .learns = learns,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
