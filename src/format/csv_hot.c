// csv_hot.c - columns of texts that --one-hot encodes: one feature for each value, 1 in the rows that have
// it. The names of the features, NAME=VALUE, are the table of values: --like and models read it from them.
#include "format/csv.h"

#include "base/memory.h"
#include "base/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RECIPE = 12000 }; // bytes, so that the recipe of the other options fits beside it

static int by_column(const void *a, const void *b) {
    const mg_csv_hot *x = a, *y = b;
    return (x->column > y->column) - (x->column < y->column);
}

// The number of a column in recipes.
static int64_t number_of(const mg_csv *r, int64_t column) {
    return column + 1 - (r->label >= 0 && column > r->label);
}

// Names the column by the header, or by its number.
static mg_status name_column(mg_csv *r, int64_t column, char **out, mg_error *error) {
    mg_span field = {0};
    bool more = true;
    char number[32], text[MG_CSV_SHOWN * 2];
    snprintf(number, sizeof number, "%lld", (long long)number_of(r, column));
    if (!r->header) return mg_memory_text(out, number, error);
    mg_status status = mg_csv_first_record(r, error);
    for (int64_t i = 0; !status && i <= column && more; i++)
        status = mg_record_field(&r->record, &field, &more, error);
    if (status) return status;
    if (memchr(field.text, ',', field.bytes) || memchr(field.text, '\n', field.bytes))
        return mg_fail(error, MG_DATA,
                       "%s: the name of %s has a comma or a line break, which --one-hot cannot store: rename "
                       "the column",
                       mg_text_path(r->record.text), mg_csv_column_text(r, column, text));
    status = mg_memory_zeroed(out, field.bytes + 1, 1, error);
    if (!status) memcpy(*out, field.text, field.bytes);
    return status;
}

static mg_status add(mg_csv *r, int64_t column, const char *name, mg_error *error) {
    for (int64_t h = 0; h < r->hots.count; h++)
        if (r->hots.list[h].column == column) return MG_OK;
    mg_status status =
        mg_memory_grow(&r->hots.list, &r->hots.room, (size_t)r->hots.count + 1, sizeof *r->hots.list, error);
    if (status) return status;
    mg_csv_hot *hot = &r->hots.list[r->hots.count++];
    *hot = (mg_csv_hot){.column = column, .now = -1};
    return name ? mg_memory_text(&hot->name, name, error) : name_column(r, column, &hot->name, error);
}

// Adds the column of an item of a recipe: NUMBER=NAME. A table for a model may lack it.
static mg_status add_kept(mg_csv *r, char *item, mg_error *error) {
    int64_t column;
    char *name = strchr(item, '=');
    if (!name) return MG_OK; // the recipe is damaged, and names of features will not agree
    *name++ = '\0';
    mg_status status = mg_csv_follows_names(r) ? mg_csv_find_name(r, name, &column, error)
                                               : mg_csv_column_of(r, item, true, &column, error);
    // A table for a model may have its labels or ids in such a column.
    bool other = column < 0 || column == r->label || r->kept.dropped[column];
    return status || other ? status : add(r, column, name, error);
}

static mg_status add_given(mg_csv *r, const char *item, mg_error *error) {
    int64_t column;
    const char *path = mg_text_path(r->record.text);
    mg_status status = mg_csv_column_of(r, item, false, &column, error);
    if (status) return status;
    if (column < 0)
        return mg_fail(error, MG_USAGE, "%s: has no column '%s'; --one-hot takes %snumbers from 1 to %lld",
                       path, item, r->header ? "names of the header and " : "", (long long)r->columns);
    if (column == r->label)
        return mg_fail(error, MG_USAGE,
                       "%s: --one-hot %s is the column of the labels: take it out of --one-hot, or select "
                       "another column with --label",
                       path, item);
    if (r->kept.dropped[column])
        return mg_fail(error, MG_USAGE,
                       "%s: the column %s is in --one-hot and in --id: leave one of them out", path, item);
    return add(r, column, NULL, error);
}

// The feature that encodes a value of the column begins with its name and '='. Returns the value, else NULL.
static const char *value_of(const char *feature, const char *column) {
    size_t bytes = strlen(column);
    return !strncmp(feature, column, bytes) && feature[bytes] == '=' ? feature + bytes + 1 : NULL;
}

// The values of the file of --like, in the order of its features.
static mg_status take_values(const mg_csv *r, mg_csv_hot *hot, mg_error *error) {
    const mg_names *names = r->like->names;
    bool full = false;
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && !full && names && i < names->count; i++) {
        const char *value = value_of(names->text[i], hot->name);
        if (value) status = mg_categories_add(&hot->values, value, strlen(value), &full, error);
    }
    if (status || (hot->values.count && !full)) return status;
    return mg_fail(
        error, MG_DATA,
        "%s: has no features '%.60s=...', so the values of this one-hot column are unknown: convert "
        "the training file again, and train with data.names: auto",
        r->like->path, hot->name);
}

mg_status mg_csv_hot_find(mg_csv *r, mg_error *error) {
    const char *given = r->options->one_hot;
    if (!given || !*given) return MG_OK;
    char *list, *rest;
    mg_status status = mg_memory_text(&list, given, error);
    if (status) return status;
    bool recipe = !strncmp(list, MG_CSV_FEATURES, strlen(MG_CSV_FEATURES));
    rest = recipe ? list + strlen(MG_CSV_FEATURES) : list;
    for (char *item; !status && (item = strsep(&rest, ","));)
        status = recipe ? add_kept(r, item, error) : add_given(r, item, error);
    mg_memory_free(list);
    if (r->hots.count) qsort(r->hots.list, (size_t)r->hots.count, sizeof *r->hots.list, by_column);
    for (int64_t h = 0; !status && h < r->hots.count; h++) {
        r->kept.special[r->hots.list[h].column] = true;
        if (r->like) status = take_values(r, &r->hots.list[h], error);
    }
    return status;
}

mg_status mg_csv_hot_like_columns(const mg_csv *r, int64_t *columns, mg_error *error) {
    const char *given = r->options->one_hot;
    const mg_names *names = r->like->names;
    *columns = r->like->features;
    if (!given || strncmp(given, MG_CSV_FEATURES, strlen(MG_CSV_FEATURES))) return MG_OK;
    char *list, *rest;
    mg_status status = mg_memory_text(&list, given + strlen(MG_CSV_FEATURES), error);
    if (status) return status;
    rest = list;
    for (char *item; (item = strsep(&rest, ","));) {
        const char *name = strchr(item, '=');
        ++*columns;
        for (int64_t i = 0; name && names && i < names->count; i++)
            *columns -= value_of(names->text[i], name + 1) != NULL;
    }
    mg_memory_free(list);
    return MG_OK;
}

static mg_status learn_value(mg_csv *r, mg_csv_hot *hot, const mg_span *field, mg_error *error) {
    bool full;
    const size_t bad = mg_text_utf8(field->text, field->bytes);
    if (bad < field->bytes)
        return mg_text_fail(r->record.text, field->offset + bad, MG_DATA, error,
                            "byte %02x is not UTF-8; convert the file: iconv -f WINDOWS-1252 -t UTF-8 < FILE "
                            "> NEW",
                            (unsigned char)field->text[bad]);
    if (field->bytes + strlen(hot->name) + 1 > MG_NAME_LONGEST)
        return mg_text_fail(
            r->record.text, field->offset, MG_DATA, error,
            "the value has %zu bytes, so that its name '%.60s=...' is longer than %d: shorten "
            "it, or leave the column out: --drop %s%lld",
            field->bytes, hot->name, MG_NAME_LONGEST, r->kept.by_number, (long long)hot->column + 1);
    mg_status status = mg_categories_add(&hot->values, field->text, field->bytes, &full, error);
    if (status || !full) return status;
    long long column = (long long)hot->column + 1;
    char name[MG_NAME_SHOWN + 4] = "", shown[MG_NAME_SHOWN];
    if (r->header) snprintf(name, sizeof name, " '%s'", mg_name_shown(hot->name, shown));
    return mg_text_fail(
        r->record.text, field->offset, MG_DATA, error,
        "column %lld%s has more than %d values, too many for --one-hot: leave it out with --drop "
        "%s%lld, or keep it as ids with --id %s%lld",
        column, name, MG_CATEGORIES_MOST, r->kept.by_number, column, r->kept.by_number, column);
}

static void meet_unseen(mg_csv *r, const mg_csv_hot *hot, const mg_span *field) {
    mg_facts *facts = r->facts;
    if (!facts || facts->unseen++) return;
    snprintf(facts->first, sizeof facts->first, "'%.*s' in column '%.60s' of line %lld",
             (int)(field->bytes < 40 ? field->bytes : 40), field->text, hot->name,
             (long long)mg_text_line_number(r->record.text));
}

mg_status mg_csv_hot_take(mg_csv *r, mg_csv_hot *hot, const mg_span *field, mg_error *error) {
    hot->now = -1;
    if (mg_text_missing(field->text, field->bytes)) {
        if (!r->fill) return mg_csv_refuse_cell(r, hot->column, field, error);
        return MG_OK;
    }
    if (r->pass == MG_CSV_SURVEY && !r->like)
        return r->held && r->held[r->rows] ? MG_OK : learn_value(r, hot, field, error);
    if (r->pass != MG_CSV_PUT) return MG_OK;
    hot->now = mg_categories_find(&hot->values, field->text, field->bytes);
    if (hot->now < 0) meet_unseen(r, hot, field);
    return MG_OK;
}

void mg_csv_hot_spread(mg_csv *r) {
    float *to = r->hots.row;
    int64_t done = 0;
    for (int64_t h = 0; h < r->hots.count; h++) {
        const mg_csv_hot *hot = &r->hots.list[h];
        memcpy(to, r->cells + done, (size_t)(hot->before - done) * sizeof *to);
        to += hot->before - done;
        memset(to, 0, (size_t)hot->values.count * sizeof *to);
        if (hot->now >= 0) to[hot->now] = 1;
        to += hot->values.count;
        done = hot->before;
    }
    memcpy(to, r->cells + done, (size_t)(r->kept.numbers - done) * sizeof *to);
}

// Refuses a column whose name is that of a value of another column.
static mg_status check_name(const mg_csv *r, const char *name, mg_error *error) {
    char shown[MG_NAME_SHOWN];
    for (int64_t h = 0; h < r->hots.count; h++)
        if (value_of(name, r->hots.list[h].name))
            return mg_fail(
                error, MG_DATA,
                "%s: the column '%s' has the name of a value of the one-hot column '%.60s': rename "
                "one of them",
                mg_text_path(r->record.text), mg_name_shown(name, shown), r->hots.list[h].name);
    return MG_OK;
}

static mg_status put_value_names(const mg_csv_hot *hot, char **text, int64_t *at, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t v = 0; !status && v < hot->values.count; v++) {
        size_t bytes = strlen(hot->name) + strlen(hot->values.text[v]) + 2;
        status = mg_memory_get(&text[*at], bytes, 1, error);
        if (!status) snprintf(text[(*at)++], bytes, "%s=%s", hot->name, hot->values.text[v]);
    }
    return status;
}

// Replaces the names of the columns by those of the features.
static mg_status name_features(mg_csv *r, mg_error *error) {
    char **text, number[32];
    int64_t at = 0, own = 0, h = 0;
    mg_status status = mg_memory_zeroed(&text, (size_t)r->kept.features, sizeof *text, error);
    if (status) return status;
    for (int64_t i = 0; !status && i < r->columns; i++) {
        if (i == r->label || r->kept.dropped[i]) continue;
        snprintf(number, sizeof number, "%lld", (long long)number_of(r, i));
        const char *name = r->header ? r->names.names.text[own++] : number;
        status = check_name(r, name, error);
        if (status) break;
        if (r->kept.special[i]) status = put_value_names(&r->hots.list[h++], text, &at, error);
        else status = mg_memory_text(&text[at], name, error), at += !status;
    }
    mg_names_clear(&r->names.names);
    r->names.names = (mg_names){r->kept.features, text};
    for (; !status && at < r->kept.features; at++) status = mg_memory_text(&text[at], "", error);
    return status ? status : mg_header_check(&r->record, &r->names, error);
}

// Without a header, numbers are the names of the columns, as in the file of --like if that had no header.
static bool has_names(const mg_csv *r) {
    const mg_format_like *like = r->like;
    return r->header || !like || (!like->raw && like->header && !strcmp(like->header, "no"));
}

// Refuses a column without values, which would be no feature.
static mg_status check_values(mg_csv *r, const mg_csv_hot *hot, mg_error *error) {
    char text[MG_CSV_SHOWN * 2];
    if (hot->values.count) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s: %s has no value in the %srows, so that --one-hot makes no feature of it: leave it out "
        "with --drop %s%lld, without --one-hot",
        mg_text_path(r->record.text), mg_csv_column_text(r, hot->column, text), r->held ? "training " : "",
        r->kept.by_number, (long long)hot->column + 1);
}

mg_status mg_csv_hot_settle(mg_csv *r, mg_error *error) {
    r->hots.row = r->cells;
    r->kept.features = r->kept.numbers;
    if (!r->hots.count) return MG_OK;
    for (int64_t h = 0; h < r->hots.count; h++) {
        if (!r->like) mg_categories_sort(&r->hots.list[h].values);
        r->kept.features += r->hots.list[h].values.count;
    }
    if (!r->kept.features)
        return mg_fail(error, MG_DATA, "%s: every value is missing, so there are no features",
                       mg_text_path(r->record.text));
    mg_status status = MG_OK;
    for (int64_t h = 0; h < r->hots.count && !status; h++) status = check_values(r, &r->hots.list[h], error);
    if (!status)
        status = mg_memory_zeroed(&r->hots.row, (size_t)r->kept.features, sizeof *r->hots.row, error);
    return status || !has_names(r) ? status : name_features(r, error);
}

mg_status mg_csv_hot_keep(mg_csv *r, mg_error *error) {
    mg_writer text = {0};
    if (!r->hots.count) return MG_OK;
    for (int64_t h = 0; h < r->hots.count; h++)
        mg_writer_format(&text, "%s%lld=%s", h ? "," : MG_CSV_FEATURES,
                         (long long)number_of(r, r->hots.list[h].column), r->hots.list[h].name);
    if (text.length > MOST_RECIPE) {
        mg_writer_clear(&text);
        return mg_fail(
            error, MG_USAGE,
            "%s: the names of the %lld columns of --one-hot have more than %d bytes, too many for the "
            "recipe: shorten them in the header",
            mg_text_path(r->record.text), (long long)r->hots.count, MOST_RECIPE);
    }
    mg_memory_free(r->options->one_hot);
    r->options->one_hot = NULL;
    return mg_writer_take(&text, &r->options->one_hot, error);
}

void mg_csv_hot_clear(mg_csv *r) {
    for (int64_t h = 0; h < r->hots.count; h++) {
        mg_memory_free(r->hots.list[h].name);
        mg_categories_clear(&r->hots.list[h].values);
    }
    mg_memory_free(r->hots.list);
    if (r->hots.row != r->cells) mg_memory_free(r->hots.row);
}
