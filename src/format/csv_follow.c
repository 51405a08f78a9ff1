// csv_follow.c - reads a table by the recipe of a model. Decides whether the first record is a header, and
// which column has the labels. The features are found by their names or, without a header, by the number of
// columns. What can be read in two ways is refused, with the option that settles it.
#include "format/csv.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/option.h"

#include <stdlib.h>
#include <string.h>

// So many names of features, in any order or in the right one, are no chance in a row of numbers.
enum { SURE_NAMES = 4, SURE_IN_ORDER = 3 };

bool mg_csv_follows_names(const mg_csv *r) {
    return r->like && r->like->raw && r->header && r->like->names && r->like->names->count > 0;
}

// A list of columns in the recipe, "1,3" or "1=city,3=job". Their numbers do not count the label column.
static const char *list_of(const char *list) {
    if (!list) return "";
    return list + (strncmp(list, MG_CSV_FEATURES, strlen(MG_CSV_FEATURES)) ? 0 : strlen(MG_CSV_FEATURES));
}

// True if the list has the column; label: index of the label column, -1 if there is none.
static bool has_column(const char *list, int64_t column, int64_t label) {
    int64_t wanted = column + 1 - (label >= 0 && column > label);
    for (const char *at = list_of(list); *at; at += strcspn(at, ","), at += *at == ',')
        if (strtoll(at, NULL, 10) == wanted) return true;
    return false;
}

// True if the recipe leaves out the column.
static bool is_dropped(const mg_csv *r, int64_t column, int64_t label) {
    return has_column(r->options->drop, column, label);
}

// True if the recipe has a one-hot column of this name.
static bool is_one_hot(const mg_csv *r, const char *name) {
    size_t bytes = strlen(name);
    for (const char *at = list_of(r->options->one_hot); *at; at += *at == ',') {
        size_t length = strcspn(at, ","), number = strcspn(at, "=");
        if (number < length && length - number - 1 == bytes && !memcmp(at + number + 1, name, bytes))
            return true;
        at += length;
    }
    return false;
}

// The number of columns of the training table that are features, and of all but its labels.
static mg_status count_columns(const mg_csv *r, int64_t *features, int64_t *bare, mg_error *error) {
    const char *list = list_of(r->options->drop);
    mg_status status = mg_csv_hot_like_columns(r, features, error);
    *bare = *features + (*list != '\0');
    for (; *list; list++) *bare += *list == ',';
    return status;
}

// The label column of the training table, in a table of `columns` columns; -1: it has none, or it is unknown.
static int64_t trained_place(const mg_csv *r, int64_t columns) {
    const char *label = r->like->label;
    int64_t number;
    if (!label || !strcmp(label, "none")) return -1;
    if (!strcmp(label, "first")) return 0;
    if (!strcmp(label, "last")) return columns - 1;
    return mg_parse_int(label, &number) && number >= 1 && number <= columns ? number - 1 : -1;
}

// Copies a field that has at most as many bytes as a name. Returns false if it is longer.
static bool copy_name(const mg_span *field, char out[MG_NAME_LONGEST + 1]) {
    if (field->bytes > MG_NAME_LONGEST) return false;
    memcpy(out, field->text, field->bytes);
    out[field->bytes] = '\0';
    return true;
}

// True for the name of a feature or of a one-hot column of the model.
static bool names_feature(const mg_csv *r, const char *name) {
    const mg_names *names = r->like->names;
    for (int64_t d = 0; d < names->count; d++)
        if (!strcmp(names->text[d], name)) return true;
    return is_one_hot(r, name);
}

// ---- the header ---------------------------------------------------------------------------------

// What the fields of the first record say.
typedef struct signs {
    bool row;         // it has the columns of a row, and numbers wherever a row has features
    int64_t matched;  // number of features that it names
    int64_t words;    // those with names that are no numbers
    int64_t in_place; // fields where a row has features that are names of features
    int64_t hot;      // those that are names of one-hot columns
    int64_t strays;   // numbers and missing values that are no names
    bool repeated, ordered;
    bool labelled; // it has the name of the label column
    int64_t all;   // number of columns that are features
} signs;

// True for a column of numbers in the training table.
static bool is_feature(const mg_csv *r, int64_t column, int64_t label, bool guessed) {
    if (guessed && (column == 0 || column == r->columns - 1)) return false;
    return column != label && !is_dropped(r, column, label) &&
           !has_column(r->options->one_hot, column, label);
}

static bool is_label(const mg_csv *r, const mg_span *field) {
    char text[MG_NAME_LONGEST + 1];
    return copy_name(field, text) && r->like->is_label(r->like->context, text, field->bytes);
}

// True for the name of the label column, which is no label.
static bool names_labels(const mg_csv *r, const mg_span *field) {
    const char *name = r->like->label_name;
    bool named = name && field->bytes == strlen(name) && !memcmp(field->text, name, field->bytes);
    return named && !(r->like->is_label && is_label(r, field));
}

// What a field says apart from the names of features.
static void read_field(const mg_csv *r, mg_csv_sort sort, int64_t column, bool feature, const mg_span *field,
                       signs *out) {
    char name[MG_NAME_LONGEST + 1];
    bool hot = copy_name(field, name) && is_one_hot(r, name);
    bool absent = sort == MG_CSV_ABSENT, fills = r->options->missing != NULL;
    out->row = out->row && (!feature || sort == MG_CSV_NUMBER || (absent && fills));
    out->labelled = out->labelled || names_labels(r, field);
    out->matched += hot;
    out->hot += hot;
    out->words += hot;
    out->strays += sort == MG_CSV_NUMBER || (absent && (column > 0 || field->bytes > 0));
}

static mg_status read_signs(mg_csv *r, const mg_csv_first *f, signs *out, mg_error *error) {
    mg_names_index index;
    char name[MG_NAME_LONGEST + 1];
    mg_span field;
    bool more = true, *seen = NULL;
    int64_t bare, all, before = -1;
    mg_status status = count_columns(r, &all, &bare, error);
    if (status) return status;
    bool extra = r->columns == bare + 1, guessed = extra && !r->like->label;
    int64_t label = extra ? trained_place(r, r->columns) : -1;
    *out = (signs){.row = r->columns == bare || extra, .ordered = true, .all = all};
    status = mg_names_index_create(r->like->names, &index, error);
    if (!status) status = mg_memory_zeroed(&seen, (size_t)r->like->names->count, sizeof *seen, error);
    if (!status) status = mg_csv_first_record(r, error);
    for (int64_t i = 0; !status && i < r->columns; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more) break;
        read_field(r, f->first[i], i, is_feature(r, i, label, guessed), &field, out);
        int64_t place = copy_name(&field, name) ? mg_names_find(&index, name) : -1;
        if (place < 0) continue;
        out->repeated = out->repeated || seen[place];
        seen[place] = true;
        out->ordered = out->ordered && place > before;
        before = place;
        bool number = f->first[i] == MG_CSV_NUMBER, absent = f->first[i] == MG_CSV_ABSENT;
        out->strays -= number || absent;
        out->matched++;
        out->words += !number;
        out->in_place += is_feature(r, i, label, guessed);
    }
    mg_names_index_clear(&index);
    mg_memory_free(seen);
    return status;
}

static mg_status doubtful(const mg_csv *r, const signs *s, mg_error *error) {
    return mg_text_fail(r->record.text, 0, MG_DATA, error,
                        "the line may be a header or a row: %lld of its %lld fields are names of features of "
                        "the model: %s",
                        (long long)s->matched, (long long)r->columns, r->like->settle_header);
}

// Decides by the names of the model.
static mg_status decide_by_names(const mg_csv *r, const signs *s, bool *decided, bool *header,
                                 mg_error *error) {
    bool trained = r->like->header && !strcmp(r->like->header, "yes");
    bool every = s->matched == s->all && !s->repeated, row = s->row && !s->labelled;
    *decided = s->matched > 0 || row || (trained && !r->line);
    if (row && s->hot > 0) {
        *header = every;
        return *header ? MG_OK : doubtful(r, s, error);
    }
    if (row && s->in_place > 0 && !s->repeated) {
        *header = every && (s->all >= SURE_NAMES || (s->ordered && s->all >= SURE_IN_ORDER));
        return *header ? MG_OK : doubtful(r, s, error);
    }
    if (row && trained && !r->line)
        return mg_text_fail(r->record.text, 0, MG_DATA, error,
                            "the line is a row, but a header is expected, as in the training table: %s",
                            r->like->settle_header);
    if (row) return MG_OK;
    if (s->matched > 0 && !every && (s->strays > 0 || !s->words)) return doubtful(r, s, error);
    // If nothing matches, a table without the header that is expected gets an error that says so.
    *header = s->matched > 0 || (trained && !r->line);
    return MG_OK;
}

mg_status mg_csv_follow_header(mg_csv *r, const mg_csv_first *f, bool *decided, bool *header,
                               mg_error *error) {
    signs s;
    *decided = *header = false;
    if (!r->like || !r->like->raw || !r->like->names || !r->like->names->count) return MG_OK;
    mg_status status = read_signs(r, f, &s, error);
    return status ? status : decide_by_names(r, &s, decided, header, error);
}

mg_status mg_csv_check_header(const mg_csv *r, mg_error *error) {
    const mg_format_like *like = r->like;
    bool trained = like && like->raw && like->header && !strcmp(like->header, "yes");
    if (!r->header || !like || !like->raw || !like->header || trained || like->names->count) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s: line 1 is a header, but the training table had none, so that columns cannot be found by their "
        "names: if they are in the order of that table, remove the line: sed 1d < FILE > NEW",
        mg_text_path(r->record.text));
}

// The number of fields of the first line that name a column, if it is split at `delimiter`.
static mg_status count_names(mg_csv *r, const mg_names_index *index, char delimiter, int64_t *count,
                             mg_error *error) {
    mg_record record = r->record;
    char name[MG_NAME_LONGEST + 1];
    mg_span field;
    bool more = true;
    mg_error ignored;
    *count = 0;
    record.delimiter = delimiter;
    mg_status status = mg_text_rewind(record.text, error);
    if (status) return status;
    bool bad = mg_record_next(&record, &ignored) || !record.line;
    while (!bad && more) {
        bad = mg_record_field(&record, &field, &more, &ignored) != MG_OK;
        if (bad || !more || !copy_name(&field, name)) continue;
        *count += mg_names_find(index, name) >= 0 || is_one_hot(r, name);
    }
    return MG_OK;
}

mg_status mg_csv_follow_delimiter(mg_csv *r, char *found, mg_error *error) {
    static const char all[] = ",\t;| ";
    const mg_format_like *like = r->like;
    mg_names_index index;
    int64_t count, most = 0;
    *found = '\0';
    if (!like || !like->raw || !like->names->count) return MG_OK;
    char trained = like->delimiter ? mg_csv_delimiter(like->delimiter) : ',';
    mg_status status = mg_names_index_create(like->names, &index, error);
    if (!status) status = count_names(r, &index, trained, &most, error);
    if (most) *found = trained;
    for (size_t i = 0; !status && i + 1 < sizeof all; i++) {
        status = count_names(r, &index, all[i], &count, error);
        if (status || count <= most) continue;
        most = count;
        *found = all[i];
    }
    mg_names_index_clear(&index);
    return status;
}

// ---- the labels ---------------------------------------------------------------------------------

static mg_status refuse_width(const mg_csv *r, int64_t bare, mg_error *error) {
    bool labels = !r->like->label || strcmp(r->like->label, "none") != 0;
    return mg_fail(error, MG_DATA, "%s: has %lld columns, but the model %s needs %lld%s",
                   mg_text_path(r->record.text), (long long)r->columns, r->like->path, (long long)bare,
                   labels ? ", and one more if there are labels" : " and has no column of labels");
}

// By its number of columns, a table may be one without labels, or one with labels that lacks a column which
// the recipe leaves out. Refuses the table if the field in the place of the labels is a label of the model.
static mg_status check_bare(mg_csv *r, mg_error *error) {
    mg_span field = {0};
    bool more = true;
    int64_t place = trained_place(r, r->columns);
    if (!*list_of(r->options->drop) || place < 0 || !r->like->is_label) return MG_OK;
    mg_status status = mg_csv_first_record(r, error);
    if (!status && r->header) status = mg_record_next(&r->record, error);
    if (status || !r->record.line) return status;
    for (int64_t i = 0; !status && more && i <= place; i++)
        status = mg_record_field(&r->record, &field, &more, error);
    if (status || !more || mg_text_missing(field.text, field.bytes) || !is_label(r, &field)) return status;
    return mg_text_fail(
        r->record.text, field.offset, MG_DATA, error,
        "'%.*s' is a label of the model, but there are only as many columns as in the training table without "
        "its labels: %s",
        (int)(field.bytes < 40 ? field.bytes : 40), field.text, r->like->settle_label);
}

// Finds the labels of a table without names of features by the number of columns.
static mg_status follow_place(mg_csv *r, int64_t bare, mg_csv_place *out, mg_error *error) {
    bool named = false;
    if (r->columns == bare) return check_bare(r, error);
    if (r->columns != bare + 1) return refuse_width(r, bare, error);
    out->label = trained_place(r, r->columns);
    out->trained = out->label >= 0;
    if (out->trained) return MG_OK;
    if (r->like->label) return refuse_width(r, bare, error);
    mg_status status = r->header ? mg_csv_label_by_name(r, &named, error) : MG_OK;
    out->label = r->label;
    if (status || named) return status;
    return mg_fail(error, MG_DATA,
                   "%s: has one column more than the model %s has features (%lld), but it is not clear which "
                   "column has the labels: %s",
                   mg_text_path(r->record.text), r->like->path, (long long)r->like->features,
                   r->like->settle_label);
}

// Refuses a label column that is a feature, which would have no values then.
static mg_status check_given_label(mg_csv *r, int64_t label, mg_error *error) {
    char name[MG_NAME_LONGEST + 1];
    if (label < 0) return MG_OK;
    mg_status status = mg_csv_name_of(r, label, name, error);
    if (status || !names_feature(r, name)) return status;
    return mg_fail(error, MG_USAGE,
                   "%s: --labels %s is a feature of the model %s: name another column, or copy the column "
                   "under another name",
                   mg_text_path(r->record.text), r->options->label, r->like->path);
}

// Finds the column with the name of the training labels. If two columns have this name and the labels are
// only skipped, either of them will do.
static mg_status find_labels(mg_csv *r, mg_csv_place *out, mg_error *error) {
    int64_t found[2];
    const char *name = r->like->label_name;
    if (!name) return MG_OK;
    if (!r->like->is_label) return mg_csv_find_name(r, name, &out->label, error);
    mg_status status = mg_csv_find_both(r, name, true, found, error);
    out->label = found[0];
    return status;
}

mg_status mg_csv_follow_label(mg_csv *r, bool *found, mg_csv_place *out, mg_error *error) {
    const mg_format_like *like = r->like;
    *found = like && like->raw;
    *out = (mg_csv_place){.label = -1};
    if (!*found) return MG_OK;
    bool given = strcmp(r->options->label, "auto") != 0, names = mg_csv_follows_names(r);
    if (!given && names) return find_labels(r, out, error);
    int64_t bare, features;
    mg_status status = count_columns(r, &features, &bare, error);
    if (status) return status;
    if (!given) return follow_place(r, bare, out, error);
    status = mg_csv_label_by_option(r, &out->label, error);
    if (!status && names) status = check_given_label(r, out->label, error);
    if (status || names || r->columns - (out->label >= 0) == bare) return status;
    return refuse_width(r, bare, error);
}

mg_status mg_csv_check_label(const mg_csv *r, const mg_span *field, mg_error *error) {
    if (!r->place.trained || !r->like->is_label || is_label(r, field)) return MG_OK;
    return mg_text_fail(
        r->record.text, field->offset, MG_DATA, error,
        "'%.*s' is not a label of the model, but column %lld had the labels of the training table: %s",
        (int)(field->bytes < 40 ? field->bytes : 40), field->text, (long long)r->place.label + 1,
        r->like->settle_label);
}

// ---- other columns ------------------------------------------------------------------------------

mg_status mg_csv_follow_id(const mg_csv *r, mg_error *error) {
    bool feature =
        mg_csv_follows_names(r) ? names_feature(r, r->kept.id_name) : !is_dropped(r, r->kept.id, r->label);
    if (!feature) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "%s: --id %s is a feature of the model %s: name another column, or count the rows with "
                   "--id 0 or --id 1",
                   mg_text_path(r->record.text), r->options->id, r->like->path);
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
        if (copy_name(&field, name) && mg_names_find(&index, name) >= 0) continue;
        kept->dropped[i] = true;
        kept->features--;
        kept->unknown++;
    }
    mg_names_index_clear(&index);
    if (status || kept->features > 0) return status;
    return mg_fail(
        error, MG_DATA,
        "%s: none of its %lld columns has the name of a feature of the model %s, such as '%s': line 1 "
        "must hold the names; %s",
        mg_text_path(r->record.text), (long long)r->columns, r->like->path,
        mg_name_shown(r->like->names->text[0], shown), r->like->settle_header);
}
