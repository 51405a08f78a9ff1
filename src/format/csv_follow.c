// csv_follow.c - reads a table by the recipe of a model: the label column and the features are found by their
// names or, without a header, by the number of columns.
#include "format/csv.h"

#include "base/number.h"

#include <string.h>

bool mg_csv_follows_names(const mg_csv *r) {
    return r->like && r->like->raw && r->header && r->like->names && r->like->names->count > 0;
}

// The number of columns that the recipe leaves out.
static int64_t dropped_by_recipe(const mg_csv *r) {
    const char *list = r->options->drop;
    if (!list || !*list) return 0;
    int64_t count = 1;
    for (; *list; list++) count += *list == ',';
    return count;
}

// With names: the label column is the one that was named so in training, or by the user; if it is missing,
// the table has no labels.
static mg_status follow_name(mg_csv *r, int64_t *label, mg_error *error) {
    const char *given = r->options->label, *name = r->like->label_name;
    int64_t number;
    // In a recipe it is a position, which may be another in this table.
    bool position = !strcmp(given, "first") || !strcmp(given, "last") || mg_parse_int(given, &number);
    if (!position && strcmp(given, "auto") && strcmp(given, "none")) name = given;
    return name ? mg_csv_find_name(r, name, true, label, error) : MG_OK;
}

mg_status mg_csv_follow_label(mg_csv *r, bool *found, int64_t *label, mg_error *error) {
    const mg_format_like *like = r->like;
    *found = like && like->raw;
    if (!*found) return MG_OK;
    *label = -1;
    if (mg_csv_follows_names(r)) return follow_name(r, label, error);
    int64_t bare;
    mg_status status = mg_csv_hot_like_columns(r, &bare, error);
    if (status) return status;
    bare += dropped_by_recipe(r);
    if (r->columns == bare) return MG_OK;
    *found = false; // there is one more column for the labels, or the number of features is wrong
    if (r->columns == bare + 1) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: has %lld columns, but the model %s needs %lld, and one more if there are labels",
                   mg_text_path(r->record.text), (long long)r->columns, like->path, (long long)bare);
}

mg_status mg_csv_drop_unknown(mg_csv *r, mg_csv_kept *kept, mg_error *error) {
    mg_names_index index;
    mg_span field;
    bool more = true;
    char name[MG_NAME_LONGEST + 1], shown[MG_NAME_SHOWN];
    mg_status status = mg_csv_first_record(r, error);
    if (status) return status;
    status = mg_names_index_create(r->like->names, &index, error);
    for (int64_t i = 0; !status && i < r->columns && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more || i == r->label || kept->dropped[i] || kept->special[i]) continue;
        bool fits = field.bytes <= MG_NAME_LONGEST;
        memcpy(name, field.text, fits ? field.bytes : 0);
        name[fits ? field.bytes : 0] = '\0';
        if (fits && mg_names_find(&index, name) >= 0) continue;
        kept->dropped[i] = true;
        kept->features--;
        kept->unknown++;
    }
    mg_names_index_clear(&index);
    if (status || kept->features > 0) return status;
    return mg_fail(
        error, MG_DATA,
        "%s: none of its %lld columns has the name of a feature of the model %s, such as '%s': line 1 "
        "must hold the names",
        mg_text_path(r->record.text), (long long)r->columns, r->like->path,
        mg_name_shown(r->like->names->text[0], shown));
}
