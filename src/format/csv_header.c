// csv_header.c - decides whether the first record of a table is a header. Most headers can be recognised by
// the kinds of the fields in the first two records. A header whose names are numbers (pandas columns,
// wavelengths) looks like a row; it is recognised by the order of the numbers.
#include "format/csv.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FEW_COUNTED = 3, FEW_IN_STEP = 4, FEW_IN_ORDER = 8 };

// True for a field that is a pair: index:value as in svmlight, also with other marks (1=2, 1;2) or several
// values; or a number before a bar (0.5|f a), as in Vowpal Wabbit.
static bool is_pair(const mg_span *field) {
    double value;
    const char *at = field->text, *end = at + field->bytes, *bar = memchr(at, '|', field->bytes);
    if (bar && bar > at && mg_text_number(at, bar, &value) == bar) return true;
    while (at < end && !strchr(":=;", *at)) at++;
    if (at == field->text || at == end) return false;
    while (at && at < end && strchr(":=;", *at)) at = mg_text_number(at + 1, end, &value);
    return at == end;
}

static bool names_labels(const mg_span *field) {
    static const char *const usual[] = {"label",   "labels",   "class",   "classes", "target",
                                        "species", "category", "outcome", "type",    "diagnosis",
                                        "group",   "result",   "variety", "sample",  "name"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (field->bytes == strlen(usual[i]) && !strncasecmp(field->text, usual[i], field->bytes))
            return true;
    return false;
}

// Finds the kind of each field. The text of the record is not valid afterwards. *named becomes true if a
// field has a usual name of a label column.
static mg_status read_sorts(mg_csv *r, mg_csv_sort *sorts, double *values, bool *named, mg_error *error) {
    mg_span field;
    bool more;
    double value;
    for (int64_t i = 0; i < r->columns; i++) {
        mg_status status = mg_record_field(&r->record, &field, &more, error);
        if (status) return status;
        sorts[i] = MG_CSV_WORD;
        if (!more || mg_text_missing(field.text, field.bytes)) sorts[i] = MG_CSV_ABSENT;
        else if (mg_csv_number(r, &field, &value)) sorts[i] = MG_CSV_NUMBER;
        else if (is_pair(&field)) sorts[i] = MG_CSV_PAIR;
        else if (strchr("+-.0123456789", *field.text)) sorts[i] = MG_CSV_RUBBISH;
        if (sorts[i] == MG_CSV_NUMBER) values[i] = value;
        *named = *named || (sorts[i] == MG_CSV_WORD && names_labels(&field));
    }
    return MG_OK;
}

static mg_status doubtful(const mg_csv *r, const char *why, mg_error *error) {
    bool raw = r->like && r->like->raw;
    return mg_fail(error, MG_DATA, "%s: line 1 may be a header or a row: %s; %s",
                   mg_text_path(r->record.text), why,
                   raw ? r->like->settle_header : "use --header yes or --header no");
}

// True if the numbers of a record, at least `few`, increase in equal steps; or if there are many, and they
// all increase or all decrease.
static bool in_order(const mg_csv *r, const mg_csv_sort *sorts, const double *values, int64_t few) {
    int64_t count = 0, up = 0, down = 0, even = 0;
    double before = 0, step = 0;
    for (int64_t i = 0; i < r->columns; i++) {
        if (sorts[i] != MG_CSV_NUMBER) continue;
        double now = values[i] - before;
        if (count == 1) step = now;
        up += count > 0 && now > 0;
        down += count > 0 && now < 0;
        even += count > 0 && now != 0 && fabs(now - step) <= 1e-6 * fabs(values[i]);
        before = values[i];
        count++;
    }
    return (count >= few && even == count - 1) ||
           (count >= FEW_IN_ORDER && (up == count - 1 || down == count - 1));
}

typedef struct tally {
    int64_t numbers, words; // number of numbers and of words in the first record
    int64_t differs, names; // fields of the first record above a number of the second record: those that are
                            // not numbers; those that are words
    // Length of the series 0, 1, 2, ... or 1, 2, 3, ... with which the numbers begin, as the column names of
    // pandas do.
    int64_t counts;
    int64_t counting; // first number of that series
} tally;

static tally count(const mg_csv *r, const mg_csv_first *f) {
    tally t = {0};
    for (int64_t i = 0; i < r->columns; i++) {
        t.numbers += f->first[i] == MG_CSV_NUMBER;
        t.words += f->first[i] == MG_CSV_WORD;
        t.differs +=
            f->first[i] != MG_CSV_NUMBER && f->first[i] != MG_CSV_ABSENT && f->second[i] == MG_CSV_NUMBER;
        t.names += f->first[i] == MG_CSV_WORD && f->second[i] == MG_CSV_NUMBER;
        if (f->first[i] != MG_CSV_NUMBER || t.counts != t.numbers - 1) continue;
        if (t.counts == 0) t.counting = mg_csv_counts_from(f->values[i]);
        t.counts += t.counting >= 0 && f->values[i] == (double)(t.counting + t.counts);
    }
    return t;
}

// Warns of a header without a plain name above the numbers of line 2, such as <0.5.
static void warn_of_header(const mg_csv *r, const tally *t, bool named) {
    if (!r->header || t->names > 0 || named || r->like) return;
    mg_tell_line(&r->tell,
                 "warning: %s: line 1 is read as a header, although its fields above the numbers of line 2 "
                 "are no plain names: if line 1 is a row, use --header no",
                 mg_text_path(r->record.text));
}

// Warns of a row that may be a header of numbers alone.
static void warn_of_row(const mg_csv *r) {
    if (r->like) return;
    mg_tell_line(&r->tell,
                 "warning: %s: line 1 is read as a row, although its numbers are in order and those of line "
                 "2 are not: if they are the names of the columns, use --header yes",
                 mg_text_path(r->record.text));
}

// Guesses that the first record is a header if it contains no number, and has a word above a number of the
// second record.
static mg_status guess(mg_csv *r, const mg_csv_first *f, const bool named[2], mg_error *error) {
    const tally t = count(r, f);
    r->header = t.numbers == 0 && t.differs > 0;
    warn_of_header(r, &t, named[0]);
    if (r->header || f->one || t.numbers == 0) return MG_OK;
    if (f->first[0] == MG_CSV_ABSENT && f->second[0] != MG_CSV_ABSENT)
        return doubtful(r, "its first field is empty, as above a column of row names", error);
    if (t.names > 0) return doubtful(r, "it has numbers, and words where line 2 has numbers", error);
    if (named[0] && !named[1])
        return doubtful(r, "it has numbers, and a name that columns of labels have", error);
    const double *second = f->values + r->columns;
    bool alike = f->values[0] == second[0] && f->values[1] == second[1];
    bool all = t.counts == t.numbers && (t.counts == r->columns || t.words > 0);
    if (t.counts > (t.counting == 0 ? 2 : 4) && all && !alike)
        return doubtful(r, "its fields are 0, 1, 2, ... or 1, 2, 3, ...", error);
    bool raw = r->like && r->like->raw, ordered = in_order(r, f->first, f->values, FEW_IN_STEP) &&
                                                  !in_order(r, f->second, second, FEW_IN_STEP);
    if ((t.words > 0 || raw) && ordered)
        return doubtful(r, "its numbers are in order, those of line 2 are not", error);
    bool counts = all && t.counts >= FEW_COUNTED && !alike && !in_order(r, f->second, second, FEW_COUNTED);
    if (ordered || counts) warn_of_row(r);
    return MG_OK;
}

// Refuses a second record of units or types: there, the first two records have no numbers, but the third has.
static mg_status refuse_units(mg_csv *r, const mg_csv_first *f, mg_error *error) {
    int64_t numbers = 0;
    mg_span field;
    bool more = true;
    double value;
    for (int64_t i = 0; i < r->columns; i++)
        if (f->first[i] == MG_CSV_NUMBER || f->second[i] == MG_CSV_NUMBER) return MG_OK;
    int64_t line = mg_text_line_number(r->record.text);
    bool packed = mg_text_packed(r->record.text);
    mg_status status = f->one ? MG_OK : mg_record_next(&r->record, error);
    if (status || f->one || !r->record.line) return status;
    for (int64_t i = 0; !status && i < r->columns && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        numbers += !status && more && mg_csv_number(r, &field, &value);
    }
    if (status || numbers == 0) return status;
    // A row of texts and missing values has no number either.
    if (r->options->one_hot || r->options->missing)
        return r->guessed_header ? doubtful(r, "line 2 has no number", error) : MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s:%lld: has no number, as units below a header: remove the line: %ssed %lldd %s> NEW (--header no "
        "reads the first two lines as rows)",
        mg_text_path(r->record.text), (long long)line, packed ? "gzip -dc < FILE | " : "", (long long)line,
        packed ? "" : "< FILE ");
}

mg_status mg_csv_find_header(mg_csv *r, mg_csv_first *f, mg_guesses *guesses, mg_error *error) {
    bool named[2] = {false, false};
    r->guessed_header = !strcmp(r->options->header, "auto");
    mg_status status = mg_csv_first_record(r, error);
    if (!status) status = read_sorts(r, f->first, f->values, &named[0], error);
    if (!status) status = mg_record_next(&r->record, error);
    if (status) return status;
    f->one = !r->record.line;
    r->header = !strcmp(r->options->header, "yes");
    if (f->one) memcpy(f->second, f->first, (size_t)r->columns * sizeof *f->second);
    else status = read_sorts(r, f->second, f->values + r->columns, &named[1], error);
    bool decided = !r->guessed_header;
    if (!status && !decided) status = mg_csv_follow_header(r, f, &decided, &r->header, error);
    if (!status && !decided) status = guess(r, f, named, error);
    if (!status) status = mg_csv_check_header(r, error);
    if (!status && !r->line && (r->guessed_header || r->header)) status = refuse_units(r, f, error);
    if (!r->header) memcpy(f->second, f->first, (size_t)r->columns * sizeof *f->second);
    if (r->guessed_header)
        mg_guess(guesses, "header", "header %s", r->header ? "yes (line 1 has no number, line 2 has)" : "no");
    return status;
}
