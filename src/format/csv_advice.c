// csv_advice.c - returns errors about records that are not rows, with advice. tests/format/test_advice.py
// follows the advice of each message.
#include "format/csv.h"

#include "io/text.h"

#include <stdio.h>
#include <string.h>

enum { ADVICE = 640, MOST_LISTED = 120 }; // room for a line and two lists

// Advice to correct the record. If it is a single line, includes a command that removes it.
static void remove_line(const mg_csv *r, char out[ADVICE / 2]) {
    const mg_text *text = r->record.text;
    if (memchr(r->record.line, '\n', r->record.bytes))
        snprintf(out, ADVICE / 2, "correct or remove the record");
    else
        snprintf(out, ADVICE / 2, "correct the line, or remove it: %ssed %lldd %s> NEW",
                 mg_text_packed(text) ? "gzip -dc < FILE | " : "", (long long)mg_text_line_number(text),
                 mg_text_packed(text) ? "" : "< FILE ");
}

static bool is_bad(const mg_csv *r, mg_span *field) {
    double value;
    return !mg_csv_number(r, field, &value) && !mg_text_missing(field->text, field->bytes);
}

// Lists, as --drop expects them, the columns from `column` on that are not numbers; returns their number. If
// the list would be too long, it is empty. Consumes the fields of the record.
static int64_t list_bad(mg_csv *r, int64_t column, char list[MOST_LISTED]) {
    mg_span field;
    bool more = true;
    mg_error ignored;
    int64_t count = 1;
    size_t used = (size_t)snprintf(list, MOST_LISTED, "%s%lld", r->kept.by_number, (long long)column + 1);
    for (int64_t i = column + 1; i < r->columns && more; i++) {
        if (mg_record_field(&r->record, &field, &more, &ignored) || !more) break;
        if (r->kept.special[i] || !is_bad(r, &field)) continue;
        count++;
        if (used < MOST_LISTED)
            used += (size_t)snprintf(list + used, MOST_LISTED - used, ",%s%lld", r->kept.by_number,
                                     (long long)i + 1);
    }
    if (used >= MOST_LISTED) *list = '\0';
    return count;
}

// Advice for a table of texts that has no header, without which --text cannot name its columns.
static bool advise_texts(const mg_csv *r, char out[ADVICE]) {
    bool first = r->label == 0;
    if (memchr(r->record.line, '\t', r->record.bytes) && strchr("\t ", r->record.delimiter)) {
        snprintf(out, ADVICE, "texts before a tab and a label: --format text --label last");
        return true;
    }
    if (r->columns != 2 || r->label < 0 || r->record.delimiter == ' ' || r->header) return false;
    snprintf(out, ADVICE,
             "texts need a first line of names: sed '1i %s%c%s' < FILE > NEW, then --text text --label label",
             first ? "label" : "text", r->record.delimiter, first ? "text" : "label");
    return true;
}

// Advice for whole columns of texts. They cannot all be left out if there are no other features (`all`).
static void advise_columns(const mg_csv *r, int64_t bad, bool all, const char *list, int64_t column,
                           char out[ADVICE]) {
    const char *it = bad > 1 ? "them" : "it";
    int used = snprintf(out, ADVICE, "--one-hot %s makes a feature of each value", list);
    if (!all) used += snprintf(out + used, ADVICE - (size_t)used, "; --drop %s leaves %s out", list, it);
    if (!all || bad > 1)
        snprintf(out + used, ADVICE - (size_t)used, "; --id %s%lld keeps %s as ids of the rows",
                 r->kept.by_number, (long long)column + 1, bad > 1 ? "one of them" : "it");
}

// Chooses the advice. If the wrong field is in the first row, the whole column is probably wrong; in a later
// row, only that line.
static void advise(mg_csv *r, int64_t column, char out[ADVICE]) {
    char list[MOST_LISTED], line[ADVICE / 2];
    int64_t rest = 0, bad;
    bool whole = !mg_record_count(&r->record, &rest, NULL) && column + 1 + rest == r->columns;
    remove_line(r, line);
    bad = list_bad(r, column, list);
    bool drop = whole && *list, all = bad >= r->kept.numbers && !r->hots.count;
    if (r->rows == 0 && !r->header && advise_texts(r, out)) return;
    if (!drop || r->like) snprintf(out, ADVICE, "%s", line);
    else if (r->rows == 0) advise_columns(r, bad, all, list, column, out);
    else if (bad == 1 && !all)
        snprintf(out, ADVICE, "%s; or leave the column out: --drop %s; or, if it has texts: --one-hot %s",
                 line, list, list);
    else snprintf(out, ADVICE, "%s", line);
}

// Returns the error that a value is missing.
static mg_status refuse_missing(const mg_csv *r, int64_t column, const mg_span *field, mg_error *error) {
    const mg_format_like *like = r->like;
    char drop[64] = "";
    int shown = (int)(field->bytes < 40 ? field->bytes : 40);
    if (r->kept.numbers + r->hots.count > 1)
        snprintf(drop, sizeof drop, "; --drop %s%lld leaves the column out", r->kept.by_number,
                 (long long)column + 1);
    if (!like)
        return mg_text_fail(
            r->record.text, field->offset, MG_DATA, error,
            "'%.*s' is a missing value: --missing median (or mean, zero) fills such values in%s", shown,
            field->text, drop);
    return mg_text_fail(
        r->record.text, field->offset, MG_DATA, error,
        "'%.*s' is a missing value, and %s was made without convert --missing: fill it in, or "
        "convert the training file again with --missing median (or mean, zero)",
        shown, field->text, like->path);
}

mg_status mg_csv_refuse_cell(mg_csv *r, int64_t column, const mg_span *field, mg_error *error) {
    char advice[ADVICE];
    int64_t group = 0;
    const char *end = field->text + field->bytes, *c = field->text;
    if (mg_text_missing(field->text, field->bytes)) return refuse_missing(r, column, field, error);
    bool point = r->comma && memchr(field->text, '.', field->bytes);
    mg_status status = point ? mg_fail(error, MG_DATA, "'%.*s' is not a number",
                                       (int)(field->bytes < 40 ? field->bytes : 40), field->text)
                             : mg_number_complain(field->text, end, error);
    const char *mark = memchr(c, ',', field->bytes);
    for (c = mark ? mark + 1 : end; c < end && *c >= '0' && *c <= '9'; c++) group++;
    if (point)
        snprintf(advice, sizeof advice,
                 "with --decimal comma a number has no point: tr -d . < FILE > NEW removes all points");
    else if (mark && mark > field->text && group == 3)
        snprintf(advice, sizeof advice,
                 "if commas group the digits: sed -E ':a;s/(%s),([0-9]{3})/\\1\\2/;ta' < FILE > NEW removes "
                 "them; if it is a decimal comma: --decimal comma",
                 r->record.delimiter == ',' ? "\"[0-9]+" : "[0-9]");
    else if (mark && mark > field->text && group > 0 && c == end && !r->comma)
        snprintf(advice, sizeof advice, "--decimal comma reads it as a decimal comma");
    else advise(r, column, advice);
    bool raw = r->like && r->like->raw; // the advice is about flags of convert
    if (error && !raw)
        snprintf(error->text + strlen(error->text), sizeof error->text - strlen(error->text), "; %s", advice);
    return mg_text_place(r->record.text, field->offset, status, error);
}

mg_status mg_csv_refuse_count(const mg_csv *r, int64_t fields, mg_error *error) {
    char advice[ADVICE];
    remove_line(r, advice);
    bool second = !r->header && r->rows == 1;
    return mg_text_fail(
        r->record.text, r->record.bytes, MG_DATA, error,
        "the record has %lld fields, the first one has %lld%s; %s", (long long)fields, (long long)r->columns,
        second || (r->header && r->rows == 0) ? " (which may be a title: remove it with sed 1d)" : "",
        advice);
}

static bool begins_comment(char first) { return first == '#' || first == '%'; }

// Counts the fields of the first record, and of the next record that does not begin with the same comment
// character (-1: there is none). Returns false if they cannot be read.
static bool count_both(mg_csv *r, char delimiter, int64_t fields[2]) {
    mg_error ignored;
    r->record.delimiter = delimiter;
    fields[0] = fields[1] = 0;
    mg_status status = mg_csv_first_record(r, &ignored);
    if (!status) status = mg_record_count(&r->record, &fields[0], &ignored);
    char first = status ? '\0' : *r->record.line;
    do {
        if (!status) status = mg_record_next(&r->record, &ignored);
    } while (!status && r->record.line && begins_comment(first) && *r->record.line == first);
    if (!status && r->record.line) status = mg_record_count(&r->record, &fields[1], &ignored);
    if (!status && !r->record.line) fields[1] = -1;
    return !status && r->record.line;
}

mg_status mg_csv_check_top(mg_csv *r, mg_error *error) {
    const char all[] = {',', '\t', ';', '|', ' ', mg_csv_delimiter(r->options->delimiter)};
    const char *path = mg_text_path(r->record.text), *packed = "";
    int64_t fields[2];
    r->record.delimiter = ',';
    mg_status status = mg_csv_first_record(r, error);
    if (status) return status;
    char first = *r->record.line;
    if (mg_text_packed(r->record.text)) packed = "gzip -dc < FILE | ";
    const char *from = *packed ? "" : "< FILE ";
    if (r->record.bytes >= 4 && r->record.bytes <= 6 && !strncmp(r->record.line, "sep=", 4))
        return mg_fail(
            error, MG_DATA,
            "%s:1: sep= names the delimiter for a spreadsheet and is no row: remove the line: %ssed 1d "
            "%s> NEW",
            path, packed, from);
    bool comment = begins_comment(first), two = false, alone = false;
    if (!comment && strcmp(r->options->delimiter, "auto") != 0) return MG_OK;
    for (size_t i = 0; i < sizeof all && all[i]; i++) {
        bool both = count_both(r, all[i], fields);
        alone = alone || fields[1] < 0;
        if (alone && (fields[0] > 1 || r->line)) return MG_OK;
        if (!both) continue;
        two = two || (fields[1] > 1 && all[i] != ' ');
        if (fields[0] == fields[1] && fields[0] > 1) return MG_OK;
    }
    if (comment)
        return mg_fail(
            error, MG_DATA,
            "%s:1: begins with '%c' and has %s: if it is a comment, remove such lines: %ssed '/^%c/d' "
            "%s> NEW",
            path, first, alone ? "one column" : "another number of columns than the next line", packed, first,
            from);
    if (!two) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s:1: no delimiter divides it into as many fields as the next line: if it is a title, remove it: "
        "%ssed 1d %s> NEW",
        path, packed, from);
}
