// csv_guess.c - guesses the delimiter and the label column. If the first records can be read in two equally
// likely ways, there is no guess, but an error that names the option to set.
#include "format/csv.h"

#include "base/memory.h"
#include "base/option.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    char character;
} delimiters[] = {{"comma", ','}, {"tab", '\t'}, {"semicolon", ';'}, {"space", ' '}, {"pipe", '|'}};

enum { DELIMITERS = sizeof delimiters / sizeof *delimiters, MOST_COLUMNS = 1 << 26 };

char mg_csv_delimiter(const char *name) {
    for (int i = 0; i < DELIMITERS; i++)
        if (!strcmp(delimiters[i].name, name)) return delimiters[i].character;
    bool plain = name[0] > ' ' && name[0] < 0x7f && name[1] == '\0' && !strchr("\"+-.0123456789eE", name[0]);
    return plain || !strcmp(name, "\t") || !strcmp(name, " ") ? name[0] : '\0';
}

const char *mg_csv_delimiter_name(char delimiter, char buffer[2]) {
    for (int i = 0; i < DELIMITERS; i++)
        if (delimiters[i].character == delimiter) return delimiters[i].name;
    buffer[0] = delimiter;
    buffer[1] = '\0';
    return buffer;
}

static const char *delimiter_name(char delimiter) {
    static char unused[2]; // only delimiters of the table are guessed
    return mg_csv_delimiter_name(delimiter, unused);
}

int mg_csv_probe(const char *head, size_t bytes) {
    const char *end = head + bytes, *stop = memchr(head, '\n', bytes);
    if (!stop) stop = end;
    if (memchr(head, '\0', bytes)) return 0;
    for (int i = 0; i < DELIMITERS; i++)
        if (memchr(head, delimiters[i].character, (size_t)(stop - head))) return 1;
    return 0;
}

mg_status mg_csv_first_record(mg_csv *r, mg_error *error) {
    mg_status status = mg_text_rewind(r->record.text, error);
    if (!status) status = mg_record_next(&r->record, error);
    if (!status && !r->record.line)
        status = mg_fail(error, MG_DATA, "%s: has no rows", mg_text_path(r->record.text));
    return status;
}

// Returns true for digits with a single comma between them, such as 1,5.
static bool has_decimal_comma(const mg_span *field) {
    const char *c = field->text, *end = c + field->bytes;
    int before = 0, after = 0;
    if (c < end && (*c == '-' || *c == '+')) c++;
    for (; c < end && *c >= '0' && *c <= '9'; c++) before++;
    if (c == end || *c != ',') return false;
    for (c++; c < end && *c >= '0' && *c <= '9'; c++) after++;
    return c == end && before > 0 && after > 0;
}

bool mg_csv_number(const mg_csv *r, mg_span *field, double *value) {
    const char *end = field->text + field->bytes;
    if (r->comma) {
        if (memchr(field->text, '.', field->bytes)) return false;
        char *mark = memchr(field->text, ',', field->bytes);
        if (mark && has_decimal_comma(field)) *mark = '.';
    }
    return field->bytes > 0 && mg_text_number(field->text, end, value) == end;
}

// Counts the fields with a decimal comma in the second record (or the first, if there is only one), if it is
// split at `delimiter`. Returns 0 if it then does not have several fields, mostly numbers.
static int64_t decimal_commas(mg_csv *r, char delimiter) {
    mg_span field;
    bool more = true;
    mg_error ignored;
    int64_t found = 0, fields = 0, words = 0;
    double value;
    r->record.delimiter = delimiter;
    mg_status status = mg_csv_first_record(r, &ignored);
    if (!status) status = mg_record_next(&r->record, &ignored);
    if (!status && !r->record.line) status = mg_csv_first_record(r, &ignored);
    while (!status && more) {
        status = mg_record_field(&r->record, &field, &more, &ignored);
        if (status || !more) break;
        fields++;
        if (has_decimal_comma(&field)) found++;
        else
            words += field.bytes == 0 ||
                     mg_text_number(field.text, field.text + field.bytes, &value) != field.text + field.bytes;
    }
    return !status && fields > 1 && words <= (delimiter == ' ' ? 1 : 2) ? found : 0;
}

static mg_status fail_decimals(const mg_csv *r, mg_error *error) {
    return mg_fail(error, MG_DATA,
                   "%s: numbers seem to have a decimal comma, as in 1,5: use --decimal comma, or --delimiter "
                   "comma if the comma separates fields",
                   mg_text_path(r->record.text));
}

// Refuses numbers such as 1,5 between semicolons, which would be split if the comma were taken as the
// delimiter.
static mg_status refuse_decimals(mg_csv *r, mg_error *error) {
    static const char candidates[] = {';', '\t', '|', ' '};
    for (size_t i = 0; !r->comma && i < sizeof candidates; i++)
        if (decimal_commas(r, candidates[i]) >= (candidates[i] == ' ' ? 2 : 1))
            return fail_decimals(r, error);
    return MG_OK;
}

// Returns true if another delimiter occurs between two blanks, as in "1 | 2".
static bool has_lone_delimiter(const mg_record *record) {
    for (size_t i = 1; i + 1 < record->bytes; i++)
        if (record->line[i - 1] == ' ' && record->line[i + 1] == ' ' && strchr(",;|", record->line[i]))
            return true;
    return false;
}

// Counts the fields of the first two records if they are split at `delimiter`; *fields becomes 0 if the
// numbers differ.
static mg_status count_fields(mg_csv *r, char delimiter, int64_t *fields, mg_error *error) {
    int64_t first = 0, second;
    r->record.delimiter = delimiter;
    *fields = 0;
    mg_error ignored; // if the quoting is invalid with a delimiter, it is not the right one
    mg_status status = mg_csv_first_record(r, &ignored);
    if (status && status != MG_DATA) return mg_fail(error, status, "%s", ignored.text);
    if (!status && delimiter == ' ' && has_lone_delimiter(&r->record)) return MG_OK;
    if (!status) status = mg_record_count(&r->record, &first, &ignored);
    if (!status) status = mg_record_next(&r->record, &ignored);
    second = first;
    if (!status && r->record.line) status = mg_record_count(&r->record, &second, &ignored);
    if (!status && first == second) *fields = first;
    return MG_OK;
}

// Uses the delimiter of --like, if it divides the first two records into the same number of fields.
static mg_status follow_delimiter(mg_csv *r, bool *found, mg_error *error) {
    int64_t fields = 0;
    const char *name = r->like ? r->like->delimiter : NULL;
    mg_status status = name ? count_fields(r, mg_csv_delimiter(name), &fields, error) : MG_OK;
    *found = fields > 1;
    return status;
}

// Chooses the delimiter that splits the first two records into the same number of fields, and into most of
// them. A space is only chosen if no other delimiter gives as many.
static mg_status find_delimiter(mg_csv *r, mg_guesses *guesses, mg_error *error) {
    int64_t most = 1, fields;
    const char *trained = r->like ? r->like->delimiter : NULL;
    char best = trained ? mg_csv_delimiter(trained) : ',', rival = '\0';
    r->record.delimiter = mg_csv_delimiter(r->options->delimiter);
    if (r->record.delimiter) return MG_OK;
    bool found;
    char named;
    mg_status status = mg_csv_follow_delimiter(r, &named, error);
    if (!status && named) r->record.delimiter = named;
    if (status || named) return status;
    status = follow_delimiter(r, &found, error);
    if (status || found) return status;
    status = refuse_decimals(r, error);
    for (int i = 0; !status && i < DELIMITERS; i++) {
        char delimiter = delimiters[i].character;
        if (r->comma && delimiter == ',') continue;
        status = count_fields(r, delimiter, &fields, error);
        if (!status && fields == most && most > 1 && delimiter != ' ') rival = delimiter;
        if (status || fields <= most) continue;
        most = fields;
        best = delimiter;
        rival = '\0';
    }
    if (!status && rival)
        status = mg_fail(error, MG_DATA,
                         "%s: both %s and %s divide the first lines into %lld fields: use --delimiter %s or "
                         "--delimiter %s",
                         mg_text_path(r->record.text), delimiter_name(best), delimiter_name(rival),
                         (long long)most, delimiter_name(best), delimiter_name(rival));
    r->record.delimiter = best;
    if (best == '\t' || best == ' ') mg_guess(guesses, "delimiter", "delimiter %s", delimiter_name(best));
    else mg_guess(guesses, "delimiter", "delimiter '%c'", best);
    return status;
}

static mg_status tied_names(mg_csv *r, int64_t one, int64_t other, mg_error *error) {
    char a[MG_CSV_SHOWN * 2], b[MG_CSV_SHOWN * 2];
    return mg_fail(
        error, MG_DATA, "%s: the labels may be in %s or in %s: use --label %s%lld or --label %s%lld",
        mg_text_path(r->record.text), mg_csv_column_text(r, one, a), mg_csv_column_text(r, other, b),
        r->kept.by_number, (long long)one + 1, r->kept.by_number, (long long)other + 1);
}

// Finds the label column by names that are usual for it; *found becomes true if the header has one of them.
mg_status mg_csv_label_by_name(mg_csv *r, bool *found, mg_error *error) {
    static const char *const usual[] = {"label", "class", "target"};
    char text[MG_CSV_SHOWN * 2];
    int64_t last = r->columns - 1, at[2], x[2], z[2];
    r->label = -1;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        mg_status status = mg_csv_find_both(r, usual[i], false, at, error);
        if (status) return status;
        if (at[1] >= 0) return tied_names(r, at[0], at[1], error);
        if (at[0] >= 0 && r->label >= 0) return tied_names(r, r->label, at[0], error);
        if (at[0] >= 0) r->label = at[0];
    }
    *found = r->label >= 0;
    if (*found && r->label > 0 && r->label < last)
        mg_tell_line(&r->tell,
                     "warning: %s: the labels are taken from %s because of its name, although it is in "
                     "the middle of %lld columns; --label selects another",
                     mg_text_path(r->record.text), mg_csv_column_text(r, r->label, text),
                     (long long)r->columns);
    if (*found) return MG_OK;
    mg_status status = mg_csv_find_both(r, "y", false, at, error);
    if (!status) status = mg_csv_find_both(r, "x", false, x, error);
    if (!status) status = mg_csv_find_both(r, "z", false, z, error);
    int64_t column = at[0];
    if (status || column < 0) return status;
    if (at[1] >= 0) return tied_names(r, column, at[1], error);
    // y may be a coordinate: if there are x and z too, or if it is neither the first nor the last column
    if ((column > 0 && column < last) || (x[0] >= 0 && z[0] >= 0))
        return tied_names(r, column, column == last ? 0 : last, error);
    *found = true;
    r->label = column;
    return MG_OK;
}

static bool is_word(mg_csv_sort sort) {
    return sort == MG_CSV_WORD || sort == MG_CSV_RUBBISH || sort == MG_CSV_PAIR;
}

// Refuses lines of pairs, such as "1 -1:3", "1 a:3", "1,2:0.5", "1,1=2" and "1;2|f a", in which a feature
// would be taken for the label.
static mg_status refuse_pair(mg_csv *r, int64_t column, mg_error *error) {
    mg_span field = {0};
    bool more = true;
    mg_status status = mg_csv_first_record(r, error);
    if (!status && r->header) status = mg_record_next(&r->record, error);
    for (int64_t i = 0; !status && i <= column; i++)
        status = mg_record_field(&r->record, &field, &more, error);
    if (status) return status;
    return mg_text_fail(
        r->record.text, field.offset, MG_DATA, error,
        "the label would be '%.*s' of column %lld, which looks like a feature with its value: use --format "
        "svmlight for lines of index:value pairs (indices are whole numbers from 0, with blanks between the "
        "pairs), or --label %s%lld for a table with such labels",
        (int)(field.bytes < 40 ? field.bytes : 40), field.text, (long long)column + 1, r->kept.by_number,
        (long long)column + 1);
}

// Finds the label column. `sorts`: kinds of the fields in the first record of data.
static mg_status find_label(mg_csv *r, const mg_csv_sort *sorts, mg_guesses *guesses, mg_error *error) {
    char text[MG_CSV_SHOWN * 2];
    int64_t last = r->columns - 1;
    bool named = false;
    mg_status status = mg_csv_follow_label(r, &named, &r->place, error);
    if (!status && named) r->label = r->place.label;
    if (status || named) return status;
    if (strcmp(r->options->label, "auto") != 0) return mg_csv_label_by_option(r, &r->label, error);
    status = mg_csv_label_by_name(r, &named, error);
    if (status) return status;
    bool first_word = is_word(sorts[0]), last_word = is_word(sorts[last]);
    // If one of them is a word and the other only begins like a number, the word is the label.
    if (first_word && last_word && sorts[0] != sorts[last]) {
        last_word = sorts[last] == MG_CSV_WORD;
        first_word = !last_word;
    }
    bool first = first_word && !last_word;
    if (!named && first_word && last_word && !r->comma && r->record.delimiter != ',' &&
        decimal_commas(r, r->record.delimiter) > 0)
        return fail_decimals(r, error);
    if (!named && first_word && last_word)
        return mg_fail(error, MG_DATA,
                       "%s: neither the first nor the last column is a number: use --label first or --label "
                       "last%s",
                       mg_text_path(r->record.text),
                       r->record.delimiter == '\t' ? ", or for texts --format text" : "");
    if (!named && sorts[first ? 0 : last] == MG_CSV_PAIR) return refuse_pair(r, first ? 0 : last, error);
    r->by_place = !named;
    const char *why = first ? "first, has words" : "last";
    if (last_word) why = "last, has words";
    if (named) why = "by its name";
    if (!named) r->label = first ? 0 : last;
    mg_guess(guesses, "label", "label %s (%s)", mg_csv_column_text(r, r->label, text), why);
    return MG_OK;
}

mg_status mg_csv_settle(mg_csv *r, mg_guesses *guesses, mg_error *error) {
    mg_csv_first f = {0};
    r->comma = !strcmp(r->options->decimal, "comma");
    mg_status status = mg_csv_check_top(r, error);
    if (!status) status = find_delimiter(r, guesses, error);
    if (!status) status = mg_csv_first_record(r, error);
    if (!status) status = mg_record_count(&r->record, &r->columns, error);
    if (status) return status;
    if (r->columns < (r->like && r->like->raw ? 1 : 2) || r->columns > MOST_COLUMNS)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld columns (2 to %d are allowed); set the delimiter with --delimiter",
                       mg_text_path(r->record.text), (long long)r->columns, MOST_COLUMNS);
    size_t columns = (size_t)r->columns;
    status = mg_memory_zeroed(&f.first, columns * 2, sizeof *f.first, error);
    if (!status) status = mg_memory_zeroed(&f.values, columns * 2, sizeof *f.values, error);
    if (!status) f.second = f.first + columns;
    if (!status) status = mg_csv_find_header(r, &f, guesses, error);
    if (!status) status = mg_csv_by_number(r, &r->kept.by_number, error);
    if (!status) status = find_label(r, f.second, guesses, error);
    mg_memory_free(f.first);
    mg_memory_free(f.values);
    if (!status) status = mg_csv_find_dropped(r, error);
    if (!status) status = mg_memory_zeroed(&r->cells, columns, sizeof *r->cells, error);
    if (!status) status = mg_memory_zeroed(&r->wide, columns, sizeof *r->wide, error);
    return status;
}
