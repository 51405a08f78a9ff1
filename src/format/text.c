// text.c - texts with labels: lines "label TAB text", or two columns of a table with a header. A text becomes
// a row of hashed n-grams, of length 1. The recipe and the idf table are stored, so that other files can be
// converted in the same way.
#include "format/distinct.h"
#include "format/fields.h"
#include "format/format.h"
#include "format/labelled_line.h"
#include "format/ngram.h"
#include "format/text_follow.h"
#include "format/text_options.h"

#include "base/hash.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

typedef struct reader {
    mg_record record;
    mg_text_options *options;
    const mg_format_like *like;
    const uint8_t *held; // [rows] see mg_format_request
    mg_tell tell;
    mg_ngram *ngram;
    bool labelled;
    bool line;                  // they are a single line, which may be a header alone
    bool placed;                // they have labels where the recipe says; the user has not said where
    bool bare;                  // they have no labels, but the user has not said so
    mg_line_kind kind;          // only for plain lines
    bool header;                // only for plain lines
    bool word;                  // the label of the first row is a word
    mg_distinct labels, bodies; // only for plain lines, if it was guessed which part is the label
    int64_t label, column;      // indices of the two columns in a table
    int64_t rows, stored;
    int64_t learned;     // rows that are counted in `frequency`
    uint32_t *frequency; // [features] number of rows that have this bucket; NULL if it is not needed
    const float *scale;  // [features] idf: `own_scale`, or that of --like; NULL unless tf-idf
    float *own_scale;
    float *values; // values of one row
    size_t value_capacity;
} reader;

// True for rows for a model.
static bool is_raw(const reader *r) { return r->like && r->like->raw; }

// Looks for the two columns in the header, with the present delimiter.
static mg_status find_columns(reader *r, bool *found, mg_error *error) {
    mg_span field;
    const char *twice = NULL;
    bool more = true;
    r->label = r->column = -1;
    mg_status status = mg_text_rewind(r->record.text, error);
    if (!status) status = mg_record_next(&r->record, error);
    for (int64_t i = 0; !status && r->record.line && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more) break;
        if (field.bytes == strlen(r->options->column) && !memcmp(field.text, r->options->column, field.bytes))
            twice = r->column < 0 ? twice : r->options->column, r->column = i;
        if (field.bytes == strlen(r->options->label) && !memcmp(field.text, r->options->label, field.bytes))
            twice = r->label < 0 ? twice : r->options->label, r->label = i;
    }
    *found = r->column >= 0 && (r->label >= 0 || !r->labelled || (is_raw(r) && r->placed)) &&
             r->label != r->column;
    if (is_raw(r) && *found) r->labelled = r->label >= 0;
    if (status || !*found || !twice) return status;
    return mg_fail(error, MG_DATA, "%s: two columns are named '%.60s'; names must differ: rename one of them",
                   mg_text_path(r->record.text), twice);
}

static mg_status find_table(reader *r, mg_error *error) {
    static const char delimiters[] = {',', '\t', ';', '|'};
    for (size_t i = 0; i < sizeof delimiters; i++) {
        bool found;
        r->record.delimiter = delimiters[i];
        mg_status status = find_columns(r, &found, error);
        if (status || found) return status;
    }
    if (is_raw(r) && r->placed)
        return mg_fail(error, MG_DATA,
                       "%s: its first line does not name the column '%s', which held the texts of the model: "
                       "rename the column; %s",
                       mg_text_path(r->record.text), r->options->column, r->like->settle_header);
    return mg_fail(error, MG_DATA,
                   "%s: its first line does not name the columns '%s' (--text) and '%s' (--label%s)",
                   mg_text_path(r->record.text), r->options->column, r->options->label, is_raw(r) ? "s" : "");
}

// Reads the next plain line; *line becomes NULL at the end.
static mg_status next_plain(reader *r, mg_span *label, mg_span *body, char **line, mg_error *error) {
    size_t bytes;
    r->record.skipped = -1;
    do {
        r->record.skipped++;
        mg_status status = mg_text_line(r->record.text, line, &bytes, error);
        if (status || !*line) return status;
    } while (bytes == 0);
    *label = *body = (mg_span){*line, bytes, 0};
    mg_status status = MG_OK;
    if (r->bare || (is_raw(r) && r->labelled && r->kind != MG_LINE_FASTTEXT))
        status = mg_text_follow_others(r->record.text, r->like, r->labelled, *line, bytes, error);
    if (status || !r->labelled) return status;
    status = mg_line_cut(r->record.text, r->kind, *line, bytes, label, body, error);
    bool sure = !is_raw(r) || !r->placed || r->kind == MG_LINE_FASTTEXT;
    return status || sure ? status : mg_text_follow_label(r->record.text, r->like, label, error);
}

// Decides whether the first line is a header.
static mg_status find_header(reader *r, const mg_span *label, const mg_span *body, mg_error *error) {
    mg_status status = mg_line_header(r->record.text, label, body, &r->header, error);
    if (!status || !is_raw(r)) return status;
    return mg_text_fail(r->record.text, 0, MG_DATA, error,
                        "the line may be a header or a text: its label is '%.*s': %s", (int)label->bytes,
                        label->text, r->like->settle_header);
}

// Examines the first line: does it have fastText labels, and is it a header?
static mg_status find_kind(reader *r, mg_guesses *guesses, mg_error *error) {
    mg_span label, body;
    char *line;
    size_t bytes;
    const char *header = r->options->header;
    bool guess = !strcmp(header, "auto");
    mg_status status = mg_text_rewind(r->record.text, error);
    do {
        if (!status) status = mg_text_line(r->record.text, &line, &bytes, error);
        if (status || !line) return status;
    } while (bytes == 0);
    // Rows for a model may have no labels.
    if (r->placed && !memchr(line, '\t', bytes) && !mg_line_is_fasttext(line, bytes)) r->labelled = false;
    r->bare = r->placed && !r->labelled;
    bool last = r->labelled && r->options->label && !strcmp(r->options->label, "last");
    bool fasttext = r->labelled && !r->options->label && mg_line_is_fasttext(line, bytes);
    r->kind = fasttext ? MG_LINE_FASTTEXT : last ? MG_LINE_LAST : MG_LINE_FIRST;
    r->header = !strcmp(header, "yes");
    if (!r->labelled && !is_raw(r) && memchr(line, '\t', bytes))
        mg_tell_line(&r->tell,
                     "warning: %s:%lld: the line has a TAB, and all of it is read as text, because the lines "
                     "have no labels",
                     mg_text_path(r->record.text), (long long)mg_text_line_number(r->record.text));
    if (!r->labelled)
        return is_raw(r) && guess ? mg_text_follow_first(r->record.text, r->like, line, bytes, error) : MG_OK;
    status = mg_line_cut(r->record.text, r->kind, line, bytes, &label, &body, error);
    if (!status && guess && !fasttext) status = find_header(r, &label, &body, error);
    if (fasttext) mg_guess(guesses, NULL, "labels after __label__, as in fastText");
    else if (!r->options->label) mg_guess(guesses, "label", "label before the first tab");
    if (!fasttext && guess)
        mg_guess(guesses, "header", "header %s", r->header ? "yes (line 1 has names)" : "no");
    if (!status && !fasttext && !r->options->label) status = mg_distinct_begin(&r->labels, error);
    return status || !r->labels.seen ? status : mg_distinct_begin(&r->bodies, error);
}

static mg_status next_record(reader *r, mg_span *label, mg_span *body, char **line, mg_error *error) {
    int64_t met = 0, wanted = r->labelled ? 2 : 1;
    mg_span field;
    bool more = true;
    mg_status status = mg_record_next(&r->record, error);
    *line = r->record.line;
    for (int64_t i = 0; !status && *line && more; i++) {
        status = mg_record_field(&r->record, &field, &more, error);
        if (status || !more) break;
        if (i == r->label) *label = field;
        if (i == r->column) *body = field;
        met += i == r->label || i == r->column;
    }
    if (status || !*line || met == wanted) return status;
    return mg_text_fail(r->record.text, 0, MG_DATA, error, "the record has too few fields");
}

// Computes the values of a row from its counts. The sum of squares is double, in the order of the buckets.
static mg_status weigh(reader *r, const uint32_t *buckets, const uint32_t *counts, int64_t count,
                       mg_error *error) {
    mg_status status =
        mg_memory_grow(&r->values, &r->value_capacity, (size_t)count, sizeof *r->values, error);
    if (status) return status;
    bool binary = !strcmp(r->options->weighting, "binary");
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = (binary ? 1 : (double)counts[i]) * (r->scale ? (double)r->scale[buckets[i]] : 1);
        r->values[i] = (float)value;
        sum += value * value;
    }
    double factor = r->options->unit && sum > 0 ? 1 / sqrt(sum) : 1;
    for (int64_t i = 0; i < count && factor != 1; i++) r->values[i] = (float)((double)r->values[i] * factor);
    return MG_OK;
}

static mg_status put_text(reader *r, mg_sink *sink, const mg_span *body, bool put, mg_error *error) {
    const uint32_t *buckets, *counts;
    int64_t count;
    size_t bad = mg_text_utf8(body->text, body->bytes);
    if (bad < body->bytes)
        return mg_text_fail(r->record.text, body->offset + bad, MG_DATA, error,
                            "byte %02x is not UTF-8; convert the file: iconv -f WINDOWS-1252 -t UTF-8 < FILE "
                            "> NEW (or from another encoding)",
                            (unsigned char)body->text[bad]);
    mg_status status = mg_ngram_count(r->ngram, body->text, body->bytes, &buckets, &counts, &count, error);
    if (!status && is_raw(r) && r->like->is_label && !count)
        status = mg_text_follow_none(r->record.text, r->like, body, error);
    if (status) return status;
    bool learn = r->frequency && !(r->held && r->held[r->rows]);
    r->rows++;
    r->stored += count;
    if (!put) {
        r->learned += learn;
        for (int64_t i = 0; learn && i < count; i++) r->frequency[buckets[i]]++;
        return MG_OK;
    }
    status = weigh(r, buckets, counts, count, error);
    return status ? status : sink->sparse(sink, buckets, r->values, count, error);
}

// True if the first line is a row because it is like no header that is known.
static bool is_headless(const reader *r) {
    return !r->options->column && r->labelled && r->kind != MG_LINE_FASTTEXT &&
           !strcmp(r->options->header, "auto") && !r->header;
}

static mg_status walk(reader *r, mg_sink *sink, bool put, mg_error *error) {
    bool table = r->options->column != NULL;
    bool headless = is_headless(r);
    r->rows = r->stored = 0;
    mg_text_repeat_header(r->record.text, table || r->header);
    mg_status status = mg_text_rewind(r->record.text, error);
    const char *path = mg_text_path(r->record.text);
    if (!status && table) status = mg_record_next(&r->record, error);
    if (!status && !table && r->header) status = mg_line_skip(r->record.text, error);
    while (!status) {
        mg_span label = {0}, body = {0};
        char *line;
        status =
            table ? next_record(r, &label, &body, &line, error) : next_plain(r, &label, &body, &line, error);
        if (status || !line) break;
        if (is_raw(r) && r->like->is_label && r->record.skipped)
            status = mg_format_refuse_blank(r->record.text, mg_text_line_number(r->record.text) - 1, error);
        if (status) break;
        if (headless && mg_text_path(r->record.text) != path) {
            path = mg_text_path(r->record.text);
            status = mg_line_no_header(r->record.text, &label, &body, error);
            if (status) break;
        }
        if (r->labelled) {
            status = sink->label(sink, label.text, label.bytes, error);
            if (status) return mg_text_place(r->record.text, label.offset, status, error);
            int64_t number;
            if (r->rows == 0) r->word = !mg_text_whole(label.text, label.text + label.bytes, &number);
            mg_distinct_meet(&r->labels, mg_hash_bytes(1, label.text, label.bytes));
            mg_distinct_meet(&r->bodies, mg_hash_bytes(1, body.text, body.bytes));
        }
        status = put_text(r, sink, &body, put, error);
    }
    if (!status && r->rows == 0 && !(r->line && r->header))
        status = mg_fail(error, MG_DATA, "%s: has no rows", mg_text_path(r->record.text));
    return status;
}

// Parses the recipe, and allocates what it needs.
static mg_status settle(reader *r, mg_guesses *guesses, mg_error *error) {
    mg_ngram_recipe recipe;
    mg_text_options *o = r->options;
    mg_ngram_parse(o->ngrams, &recipe); // cannot fail, because the option's check has accepted the value
    recipe.bits = (int)o->bits;
    recipe.lowercase = strcmp(o->lowercase, "auto") ? !strcmp(o->lowercase, "yes") : recipe.words;
    o->lowercase = mg_format_auto_yes_no(recipe.lowercase ? 1 : 2);
    r->placed = is_raw(r) && !o->label;
    mg_status status = mg_ngram_create(&r->ngram, &recipe, error);
    if (!status && r->placed && r->like->label) status = mg_memory_text(&o->label, r->like->label, error);
    r->labelled = !o->label || strcmp(o->label, "none") != 0;
    if (!status && o->column && !o->label) status = mg_memory_text(&o->label, "label", error);
    if (!status && o->column) status = find_table(r, error);
    bool placed = o->label && (!strcmp(o->label, "first") || !strcmp(o->label, "last"));
    if (!status && !o->column && o->label && r->labelled && !placed)
        status =
            mg_fail(error, MG_USAGE,
                    "--label %s names a column of the header, so it needs --text, which names the other one; "
                    "without --text, give first, last or none",
                    o->label);
    if (!status && !o->column) status = find_kind(r, guesses, error);
    if (!status && r->like && r->like->features != INT64_C(1) << o->bits)
        status = mg_fail(
            error, MG_DATA,
            "%s: texts have 2^%lld features, but %s has %lld of them: give an HDF5 file with these",
            mg_text_path(r->record.text), (long long)o->bits, r->like->path, (long long)r->like->features);
    if (status || strcmp(o->weighting, "tf-idf") != 0) return status;
    if (is_raw(r) && !r->like->scale)
        return mg_fail(
            error, MG_DATA,
            "%s: the model %s has no idf table: convert the file with --like and the training file",
            mg_text_path(r->record.text), r->like->path);
    r->scale = r->like ? r->like->scale : NULL;
    if (r->scale) return MG_OK;
    status = mg_memory_get(&r->own_scale, (size_t)1 << o->bits, sizeof *r->own_scale, error);
    r->scale = r->own_scale;
    return status ? status
                  : mg_memory_zeroed(&r->frequency, (size_t)1 << o->bits, sizeof *r->frequency, error);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    mg_status status = settle(r, &shape->guesses, error);
    if (!status) status = walk(r, sink, false, error);
    mg_distinct_end(&r->labels);
    mg_distinct_end(&r->bodies);
    const mg_line_doubts doubts = {r->record.text, &r->labels, &r->bodies, r->rows,
                                   is_headless(r) && r->word};
    if (!status && !is_raw(r)) status = mg_line_doubt(&doubts, &r->tell, error);
    if (status) return status;
    shape->rows = r->rows;
    shape->features = INT64_C(1) << r->options->bits;
    shape->stored = r->stored;
    shape->layout = MG_CSR;
    shape->labelled = r->labelled;
    shape->header = r->header || r->options->column;
    shape->scale = r->scale;
    for (int64_t i = 0; r->frequency && i < shape->features; i++)
        r->own_scale[i] = (float)(log((1 + (double)r->learned) / (1 + (double)r->frequency[i])) + 1);
    return MG_OK;
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) { return walk(at, sink, true, error); }

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_text_close(r->record.text);
    mg_ngram_destroy(r->ngram);
    mg_distinct_end(&r->labels);
    mg_distinct_end(&r->bodies);
    mg_memory_free(r->frequency);
    mg_memory_free(r->own_scale);
    mg_memory_free(r->values);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->options = request->options;
    r->like = request->like;
    r->held = request->held;
    r->tell = request->tell;
    r->line = request->line != NULL;
    status = mg_format_open_text(request, &r->record.text, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static bool learns(const void *at) {
    const mg_text_options *o = at;
    return !strcmp(o->weighting, "tf-idf");
}

const mg_format mg_format_text = {
    .name = "text",
    .arguments = "FILE...",
    .help = "one label, tab, text per line, or a table with a header",
    .most_inputs = MG_FORMAT_MOST_INPUTS,
    .section = &mg_text_section,
    .options_size = sizeof(mg_text_options),
    .remembered = mg_text_remembered,
    .probe = mg_line_probe,
    .open = open_reader,
    .learns = learns,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
