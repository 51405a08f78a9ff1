// csv_columns.c - columns that --drop removes, and checks of guesses by the values of the first and the last
// column.
#include "format/csv.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/option.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LITTLE_CLASSES = 50 };

static mg_status drop_column(mg_csv *r, int64_t column, const char *item, mg_error *error) {
    const char *path = mg_text_path(r->record.text);
    if (column < 0)
        return mg_fail(error, MG_USAGE, "%s: has no column '%s'; --drop takes %snumbers from 1 to %lld", path,
                       item, r->header ? "names of the header and " : "", (long long)r->columns);
    if (column == r->label)
        return mg_fail(error, MG_USAGE,
                       "%s: --drop %s would leave out the column of the labels: take it out of --drop, or "
                       "select another column with --label",
                       path, item);
    for (int64_t h = 0; h < r->hots.count; h++)
        if (r->hots.list[h].column == column)
            return mg_fail(error, MG_USAGE,
                           "%s: the column %s is in --one-hot and in --drop: leave one of them out", path,
                           item);
    r->kept.features -= !r->kept.dropped[column];
    r->kept.dropped[column] = true;
    return MG_OK;
}

// Finds the column that --id names. It is no feature.
static mg_status find_id(mg_csv *r, mg_error *error) {
    const char *path = mg_text_path(r->record.text), *wanted = r->options->id;
    r->kept.id = -1;
    if (!wanted || !*wanted) return MG_OK;
    mg_status status = mg_csv_column_of(r, wanted, false, &r->kept.id, error);
    if (status) return status;
    if (r->kept.id < 0)
        return mg_fail(error, MG_USAGE, "%s: has no column '%s' for --id (%sa number from 1 to %lld)", path,
                       wanted, r->header ? "a name of the header or " : "", (long long)r->columns);
    if (r->kept.id == r->label)
        return mg_fail(error, MG_USAGE,
                       "%s: --id %s is the column of the labels: give another column, or select other labels "
                       "with --label",
                       path, wanted);
    r->kept.dropped[r->kept.id] = true;
    r->kept.features--;
    if (r->kept.features == 0)
        return mg_fail(error, MG_USAGE,
                       "%s: no features are left without the column of --id: leave --id out, or give a file "
                       "with more columns",
                       path);
    mg_span field;
    bool more = true;
    if (!r->header) return r->like && r->like->raw ? mg_csv_follow_id(r, error) : MG_OK;
    status = mg_csv_first_record(r, error);
    for (int64_t i = 0; !status && i <= r->kept.id; i++)
        status = mg_record_field(&r->record, &field, &more, error);
    if (status) return status;
    status = mg_memory_get(&r->kept.id_name, field.bytes + 1, 1, error);
    if (!status) memcpy(r->kept.id_name, field.text, field.bytes), r->kept.id_name[field.bytes] = 0;
    return status || !r->like || !r->like->raw ? status : mg_csv_follow_id(r, error);
}

static mg_status drop_list(mg_csv *r, mg_error *error) {
    if (!r->options->drop || !*r->options->drop) return MG_OK;
    char *list, *rest;
    mg_status status = mg_memory_text(&list, r->options->drop, error);
    if (status) return status;
    bool recipe = !strncmp(list, MG_CSV_FEATURES, strlen(MG_CSV_FEATURES));
    rest = recipe ? list + strlen(MG_CSV_FEATURES) : list;
    for (char *item; !status && (item = strsep(&rest, ","));) {
        int64_t column;
        status = mg_csv_column_of(r, item, recipe, &column, error);
        if (!status) status = drop_column(r, column, item, error);
    }
    mg_memory_free(list);
    if (!status && r->kept.features == 0)
        status = mg_fail(error, MG_USAGE,
                         "%s: no features are left without the columns of --drop: drop fewer columns",
                         mg_text_path(r->record.text));
    return status;
}

// Counts the columns of numbers, which are all that are neither dropped nor the label nor one-hot.
static void count_numbers(mg_csv *r) {
    int64_t h = 0;
    r->kept.numbers = 0;
    for (int64_t i = 0; i < r->columns; i++) {
        if (h < r->hots.count && r->hots.list[h].column == i) r->hots.list[h++].before = r->kept.numbers;
        r->kept.special[i] = r->kept.special[i] || i == r->label || r->kept.dropped[i];
        r->kept.numbers += !r->kept.special[i];
    }
    r->kept.features = r->kept.numbers;
}

mg_status mg_csv_find_dropped(mg_csv *r, mg_error *error) {
    r->kept.features = r->columns - (r->label >= 0);
    mg_status status = mg_memory_zeroed(&r->kept.dropped, (size_t)r->columns, sizeof *r->kept.dropped, error);
    if (!status)
        status = mg_memory_zeroed(&r->kept.special, (size_t)r->columns, sizeof *r->kept.special, error);
    if (!status) status = find_id(r, error);
    if (!status) status = mg_csv_hot_find(r, error);
    if (!status)
        status = mg_csv_follows_names(r) ? mg_csv_drop_unknown(r, &r->kept, error) : drop_list(r, error);
    if (!status) count_numbers(r);
    return status;
}

static mg_status keep_dropped(mg_csv *r, mg_error *error) {
    size_t capacity = 0, used = 0;
    char *text = NULL;
    mg_status status = MG_OK;
    for (int64_t i = 0, feature = 0; i < r->columns && !status; i++) {
        if (i == r->label) continue;
        feature++;
        if (!r->kept.dropped[i]) continue;
        status = mg_memory_grow(&text, &capacity, used + 64, 1, error);
        if (!status)
            used += (size_t)snprintf(text + used, capacity - used, "%s%lld", used ? "," : MG_CSV_FEATURES,
                                     (long long)feature);
    }
    if (!status && text) {
        mg_memory_free(r->options->drop);
        r->options->drop = NULL;
        status = mg_memory_text(&r->options->drop, text, error);
    }
    mg_memory_free(text);
    return status;
}

mg_status mg_csv_keep(mg_csv *r, mg_error *error) {
    char place[32], delimiter[2];
    snprintf(place, sizeof place, "%lld", (long long)r->label + 1);
    const char *text = place;
    if (r->label < 0) text = "none";
    if (r->label == 0) text = "first";
    if (r->label == r->columns - 1) text = "last";
    mg_memory_free(r->options->label);
    r->options->label = NULL;
    mg_status status = mg_memory_text(&r->options->label, text, error);
    mg_memory_free(r->options->delimiter);
    r->options->delimiter = NULL;
    text = mg_csv_delimiter_name(r->record.delimiter, delimiter);
    if (!status) status = mg_memory_text(&r->options->delimiter, text, error);
    if (!status) status = mg_csv_hot_keep(r, error);
    return status ? status : keep_dropped(r, error);
}

mg_status mg_csv_keep_header(mg_csv *r, mg_error *error) {
    r->options->header = mg_format_auto_yes_no(r->header ? 1 : 2);
    if (!r->header) return MG_OK;
    mg_status status = mg_text_rewind(r->record.text, error);
    if (!status) status = mg_record_next(&r->record, error);
    if (!status) status = mg_header_read(&r->record, r->columns, r->label, r->kept.dropped, &r->names, error);
    return status;
}

mg_status mg_csv_compare_names(const mg_csv *r, mg_error *error) {
    const mg_format_like *like = r->like;
    if (!r->header || !like || !like->names || like->raw) return MG_OK;
    return mg_header_compare(&r->names, mg_text_path(r->record.text), like->names, like->label_name,
                             like->path, error);
}

mg_status mg_csv_watch_begin(mg_csv *r, mg_error *error) {
    r->watch.counting = r->kept.special[0] ? -1 : 0;
    for (int end = 0; end < 2 && r->by_place; end++) {
        mg_status status = mg_distinct_begin(&r->watch.ends[end].distinct, error);
        if (status) return status;
    }
    return MG_OK;
}

void mg_csv_watch_end(mg_csv *r) {
    for (int end = 0; end < 2; end++) mg_distinct_end(&r->watch.ends[end].distinct);
}

static void meet_number(mg_csv_values *values, double value) {
    uint64_t bits;
    if (isnan(value)) return; // missing
    value += 0.0;             // turns -0 into 0
    memcpy(&bits, &value, sizeof bits);
    bool first = values->distinct.count == 0;
    values->low = first || value < values->low ? value : values->low;
    values->high = first || value > values->high ? value : values->high;
    values->fractions = values->fractions || value != trunc(value);
    mg_distinct_meet(&values->distinct, mg_hash_mix(bits));
}

// Checks whether the label of the first record occurs again. If it does not, that record is probably a
// header.
static void watch_first(mg_csv *r, const mg_span *field, bool word) {
    if (!r->guessed_header) return;
    if (r->header) {
        const char *name = r->names.label_name;
        r->watch.own_name = r->watch.own_name || (name && strlen(name) == field->bytes &&
                                                  !memcmp(name, field->text, field->bytes));
        return;
    }
    uint64_t digest = mg_hash_bytes(1, field->text, field->bytes);
    if (r->rows == 0) r->watch.first_label = word ? digest : 0;
    else if (digest == r->watch.first_label) r->watch.first_label = 0;
}

void mg_csv_watch_label(mg_csv *r, const mg_span *field) {
    double value;
    watch_first(r, field,
                mg_text_number(field->text, field->text + field->bytes, &value) !=
                    field->text + field->bytes);
    if (!r->by_place) return;
    mg_csv_values *values = &r->watch.ends[r->label != 0];
    const char *end = field->text + field->bytes;
    if (mg_text_number(field->text, end, &value) == end) {
        meet_number(values, value);
        return;
    }
    values->words = true;
    mg_distinct_meet(&values->distinct, mg_hash_bytes(1, field->text, field->bytes));
}

void mg_csv_watch_row(mg_csv *r) {
    if (!r->kept.numbers) return;
    double first = (double)(float)r->wide[0], last = (double)(float)r->wide[r->kept.numbers - 1];
    if (r->rows == 0 && r->watch.counting == 0) r->watch.counting = mg_csv_counts_from(first);
    if (r->watch.counting >= 0 && first != (double)(float)(r->watch.counting + r->rows))
        r->watch.counting = -1;
    if (!r->by_place) return;
    if (r->label != 0 && !r->kept.special[0]) meet_number(&r->watch.ends[0], first);
    if (r->label == 0 && !r->kept.special[r->columns - 1]) meet_number(&r->watch.ends[1], last);
}

// True if the values may be class numbers: whole numbers, at least two distinct ones, but at most half as
// many as rows.
static bool may_be_labels(const mg_csv *r, const mg_csv_values *values) {
    return !values->fractions && values->distinct.count >= 2 && values->distinct.count <= MG_DISTINCT_MOST &&
           values->distinct.count * 2 <= r->rows + 1;
}

// True if the values look like class numbers: whole numbers that begin at -1, 0 or 1 and have few gaps.
static bool counts_classes(const mg_csv_values *values) {
    return !values->fractions && !values->words && values->low >= -1 && values->low <= 1 &&
           values->high - values->low < 2 * (double)values->distinct.count;
}

// True if `taken` looks like class numbers, and `left` has few whole numbers that do not, such as grey
// values.
static bool is_plain_feature(const mg_csv_values *taken, const mg_csv_values *left) {
    return counts_classes(taken) && !counts_classes(left) && taken->distinct.count <= left->distinct.count;
}

// If the label column was guessed from its position, checks whether the column at the other end looks more
// like labels.
static mg_status judge_place(mg_csv *r, mg_error *error) {
    char here[MG_CSV_SHOWN * 2], there[MG_CSV_SHOWN * 2];
    int64_t other = r->label == 0 ? r->columns - 1 : 0;
    const mg_csv_values *taken = &r->watch.ends[r->label != 0], *left = &r->watch.ends[r->label == 0];
    const char *path = mg_text_path(r->record.text);
    if (!may_be_labels(r, left) || (r->watch.counting >= 0 && other == 0)) return MG_OK;
    mg_csv_column_text(r, r->label, here);
    mg_csv_column_text(r, other, there);
    if ((mg_distinct_many(&taken->distinct, r->rows) && taken->distinct.count > left->distinct.count) ||
        (taken->distinct.count == 1 && r->rows > 2))
        return mg_fail(
            error, MG_DATA,
            "%s: the labels cannot be guessed: %s has %s%lld values in %lld rows, %s has %lld: use "
            "--label %s or --label %s",
            path, here, taken->distinct.count > MG_DISTINCT_MOST ? "more than " : "",
            (long long)taken->distinct.count, (long long)r->rows, there, (long long)left->distinct.count,
            r->label == 0 ? "last" : "first", r->label == 0 ? "first" : "last");
    if (is_plain_feature(taken, left)) return MG_OK;
    if (!taken->words && left->distinct.count <= LITTLE_CLASSES && left->distinct.count * 4 <= r->rows)
        mg_tell_line(&r->tell,
                     "warning: %s: the labels are taken from %s (%lld values), but %s (%lld values) may be "
                     "the labels: if it is, use --label %s",
                     path, here, (long long)taken->distinct.count, there, (long long)left->distinct.count,
                     r->label == 0 ? "last" : "first");
    return MG_OK;
}

static bool is_index_name(const char *name) {
    static const char *const names[] = {"",      "id",     "index",      "idx",      "row", "rowid",
                                        "rowno", "rownum", "row_number", "rownames", "uuid"};
    size_t bytes = strlen(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(name, names[i])) return true;
    if (!strncasecmp(name, "unnamed:", 8)) return true;
    // such as customer_id, PassengerId
    return bytes > 3 && (!strcasecmp(name + bytes - 3, "_id") || !strcmp(name + bytes - 2, "Id"));
}

// Warns if row numbers or ids are used as features: they depend more on the order of the file than on the
// class.
static mg_status warn_of_indices(mg_csv *r, mg_error *error) {
    char name[MG_CSV_SHOWN], text[MG_CSV_SHOWN * 2], list[80] = "";
    int64_t shown = -1, count = 0;
    mg_span field;
    bool more = true, counts = r->watch.counting >= 0 && r->rows > 4;
    mg_status status = r->header ? mg_text_rewind(r->record.text, error) : MG_OK;
    if (!status && r->header) status = mg_record_next(&r->record, error);
    for (int64_t i = 0; !status && i < r->columns && more; i++) {
        name[0] = 'x';
        name[1] = '\0';
        if (r->header) status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more || r->kept.special[i]) continue;
        if (r->header && field.bytes < sizeof name) {
            memcpy(name, field.text, field.bytes);
            name[field.bytes] = '\0';
        }
        size_t used = strlen(list);
        if ((!is_index_name(name) && !(i == 0 && counts)) || used > sizeof list - 32) continue;
        snprintf(list + used, sizeof list - used, "%s%s%lld", used ? "," : "", r->kept.by_number,
                 (long long)i + 1);
        if (count++ == 0) shown = i;
    }
    if (status || count == 0) return status;
    const char *path = mg_text_path(r->record.text), *column = mg_csv_column_text(r, shown, text),
               *why =
                   shown == 0 && counts ? "numbers the rows like an index" : "has the name of an index or id";
    if (count == 1)
        mg_tell_line(&r->tell, "warning: %s: %s %s and is used as a feature; --drop %s leaves it out", path,
                     column, why, list);
    else
        mg_tell_line(&r->tell,
                     "warning: %s: %s and others %s and are used as features; --drop %s leaves them out",
                     path, column, why, list);
    return MG_OK;
}

static void warn_of_first(mg_csv *r) {
    if (r->watch.own_name)
        mg_tell_line(&r->tell,
                     "warning: %s: line 1 is read as a header, but its name of the column of the labels is "
                     "also the label of a row: if line 1 is a row, use --header no",
                     mg_text_path(r->record.text));
    // if most labels occur only once, another warning says so
    bool own = r->by_place && mg_distinct_many(&r->watch.ends[r->label != 0].distinct, r->rows);
    if (r->watch.first_label == 0 || r->rows < 10 || own) return;
    mg_tell_line(&r->tell,
                 "warning: %s: line 1 is read as a row, but no other row has its label: if line 1 names the "
                 "columns, use --header yes",
                 mg_text_path(r->record.text));
}

mg_status mg_csv_judge(mg_csv *r, mg_error *error) {
    mg_status status = r->by_place ? judge_place(r, error) : MG_OK;
    if (!status) warn_of_first(r);
    return status ? status : warn_of_indices(r, error);
}
