// csv_find.c - finds the columns that options name, by a name of the header or by a number. What may be two
// columns is refused.
#include "format/csv.h"

#include "base/memory.h"
#include "base/option.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BY_NUMBER "column:" // before a number that is not a name

mg_status mg_csv_find_both(mg_csv *r, const char *name, bool exact, int64_t found[2], mg_error *error) {
    mg_span field;
    bool more = true;
    found[0] = found[1] = -1;
    mg_status status = r->header ? mg_csv_first_record(r, error) : MG_OK;
    for (int64_t i = 0; r->header && !status && found[1] < 0 && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more || field.bytes != strlen(name)) continue;
        if (exact ? !memcmp(field.text, name, field.bytes) : !strncasecmp(field.text, name, field.bytes))
            found[found[0] >= 0] = i;
    }
    return status;
}

// Finds the column of this name. If two columns have it, the error advises to rename one of them and, if
// `number` is set, how to give the number of the column instead.
static mg_status find_name(mg_csv *r, const char *name, bool number, int64_t *column, mg_error *error) {
    int64_t found[2];
    char shown[MG_NAME_SHOWN], advice[64] = "";
    mg_status status = mg_csv_find_both(r, name, true, found, error);
    *column = found[0];
    if (status || found[1] < 0) return status;
    if (number)
        snprintf(advice, sizeof advice, ", or give its number: " BY_NUMBER "%lld", (long long)found[0] + 1);
    return mg_fail(error, MG_DATA,
                   "%s: columns %lld and %lld are both named '%s'; names must differ: rename one of them%s",
                   mg_text_path(r->record.text), (long long)found[0] + 1, (long long)found[1] + 1,
                   mg_name_shown(name, shown), advice);
}

mg_status mg_csv_find_name(mg_csv *r, const char *name, int64_t *column, mg_error *error) {
    return find_name(r, name, false, column, error);
}

const char *mg_csv_column_text(mg_csv *r, int64_t column, char out[MG_CSV_SHOWN * 2]) {
    mg_span field = {0};
    bool more = true;
    char name[MG_CSV_SHOWN], brief[MG_SHORT_TEXT];
    mg_error ignored;
    int used = snprintf(out, MG_CSV_SHOWN * 2, "column %lld", (long long)column + 1);
    mg_status status = r->header ? mg_csv_first_record(r, &ignored) : MG_DATA;
    for (int64_t i = 0; !status && i <= column && more; i++)
        status = mg_record_field(&r->record, &field, &more, &ignored);
    if (status || !more) return out;
    size_t kept = field.bytes < sizeof name ? field.bytes : sizeof name - 1;
    memcpy(name, field.text, kept);
    name[kept] = '\0';
    snprintf(out + used, MG_CSV_SHOWN * 2 - (size_t)used, " '%s'", mg_shorten(name, brief));
    return out;
}

mg_status mg_csv_name_of(mg_csv *r, int64_t column, char out[MG_NAME_LONGEST + 1], mg_error *error) {
    mg_span field = {0};
    bool more = true;
    mg_status status = mg_csv_first_record(r, error);
    for (int64_t i = 0; !status && more && i <= column; i++)
        status = mg_record_field(&r->record, &field, &more, error);
    size_t bytes = !status && more && field.bytes <= MG_NAME_LONGEST ? field.bytes : 0;
    if (bytes) memcpy(out, field.text, bytes);
    out[bytes] = '\0';
    return status;
}

// The column of a number, which is -1 for other texts.
static int64_t column_at(const mg_csv *r, const char *text) {
    size_t bytes = strlen(BY_NUMBER);
    int64_t number;
    if (!strncmp(text, BY_NUMBER, bytes)) text += bytes;
    return mg_parse_int(text, &number) && number >= 1 && number <= r->columns ? number - 1 : -1;
}

// Finds the column of a name, if there is one; `place` is the column that the text means otherwise.
static mg_status name_or_place(mg_csv *r, const char *text, int64_t place, int64_t *column, mg_error *error) {
    char shown[MG_NAME_SHOWN];
    mg_status status = find_name(r, text, true, column, error);
    if (status) return status;
    if (*column < 0) *column = place;
    if (place < 0 || *column == place) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "%s: '%s' may be column %lld, which has this name, or column %lld: give " BY_NUMBER
                   "%lld or " BY_NUMBER "%lld",
                   mg_text_path(r->record.text), mg_name_shown(text, shown), (long long)*column + 1,
                   (long long)place + 1, (long long)*column + 1, (long long)place + 1);
}

mg_status mg_csv_column_of(mg_csv *r, const char *item, bool recipe, int64_t *column, mg_error *error) {
    int64_t place = column_at(r, item);
    if (!recipe) return name_or_place(r, item, place, column, error);
    // Numbers in a recipe do not count the label column, because it may be elsewhere or missing in another
    // file.
    *column = place + (place >= 0 && r->label >= 0 && place >= r->label);
    if (*column >= r->columns) *column = -1;
    return MG_OK;
}

mg_status mg_csv_label_by_option(mg_csv *r, int64_t *label, mg_error *error) {
    const char *value = r->options->label;
    const mg_format_like *like = r->like;
    bool raw = like && like->raw, recipe = like && !raw && like->label && !strcmp(value, like->label);
    *label = -1;
    if (!strcmp(value, "none")) return MG_OK;
    int64_t place = column_at(r, value);
    if (!strcmp(value, "first")) place = 0;
    if (!strcmp(value, "last")) place = r->columns - 1;
    if (recipe) *label = place;
    mg_status status = recipe ? MG_OK : name_or_place(r, value, place, label, error);
    if (status || *label >= 0) return status;
    return mg_fail(error, MG_USAGE,
                   "%s: has no column '%s' for --label%s (first, last, none, %sor 1 to %lld)",
                   mg_text_path(r->record.text), value, raw ? "s" : "",
                   r->header ? "a name of the header, " : "", (long long)r->columns);
}

mg_status mg_csv_by_number(mg_csv *r, const char **out, mg_error *error) {
    char text[24];
    mg_span field;
    bool more = true;
    *out = "";
    mg_status status = r->header ? mg_csv_first_record(r, error) : MG_OK;
    for (int64_t i = 0; r->header && !status && i < r->columns && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more || !field.bytes || field.bytes >= sizeof text) continue;
        memcpy(text, field.text, field.bytes);
        text[field.bytes] = '\0';
        int64_t place = column_at(r, text);
        if (place >= 0 && place != i) *out = BY_NUMBER;
    }
    return status;
}
