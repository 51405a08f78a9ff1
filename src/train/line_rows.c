// line_rows.c - chooses how a line is read, and prepares its row.
#include "train/line_rows.h"

#include "base/memory.h"
#include "io/text.h"

#include <stdio.h>
#include <string.h>

mg_status mg_line_rows_place(const mg_line_rows *rows, const char *name, const char *line, const char *at,
                             mg_status status, mg_error *error) {
    if (!error) return status;
    int64_t column = 1; // columns count characters, as editors do
    for (const char *c = line; c < at; c++) column += ((unsigned char)*c & 0xc0) != 0x80;
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    return mg_fail(error, status, "%s:%lld:%lld: %s", name, (long long)rows->lines, (long long)column, text);
}

void mg_line_rows_begin(mg_line_rows *rows, const mg_scoring *scoring, const mg_raw_request *request,
                        int base) {
    const mg_model *model = scoring->model;
    *rows = (mg_line_rows){
        .model = model, .preparation = scoring->preparation, .request = *request, .base = base};
    // The index of the first feature in the training file, if that had lines of pairs; 1 if unknown.
    int known = mg_recipe_is(model->columns.recipe, "base", "0") ? 0 : 1;
    rows->pairs.low = base >= 0 ? base : known;
    rows->pairs.high = model->features - 1 + rows->pairs.low;
    rows->pairs.beyond = rows->beyond;
    rows->fills = rows->preparation.clip && mg_clip_of_zeros(rows->preparation.clip) >= 0;
    snprintf(rows->beyond, sizeof rows->beyond, "the model has %lld features", (long long)model->features);
}

void mg_line_rows_end(mg_line_rows *rows) {
    mg_pairs_clear(&rows->pairs);
    mg_raw_lines_close(rows->raw);
    mg_memory_free(rows->filled_indices);
    mg_memory_free(rows->filled_values);
    rows->raw = NULL;
    rows->filled_indices = NULL;
    rows->filled_values = NULL;
}

// Returns where the pairs of a line begin. If the first word is not a pair, it is a label and is skipped.
static const char *skip_label(const char *line, const char *end) {
    const char *word = mg_skip_blanks(line, end);
    const char *after = word;
    while (after < end && !mg_is_blank(*after) && *after != '#') after++;
    return memchr(word, ':', (size_t)(after - word)) ? word : after;
}

static bool is_pair(const char *at, const char *end) {
    const char *digits = at;
    double value;
    while (at < end && *at >= '0' && *at <= '9') at++;
    if (at == digits || at == end || *at != ':') return false;
    return mg_text_number(at + 1, end, &value) == end;
}

// True if the line is pairs, and no record of the model's table. A record has no pairs where the table has
// numbers, but columns that were left out in training may hold times, such as 00:05.
static bool has_pairs(const mg_line_rows *rows, const char *line, const char *end) {
    size_t bytes;
    const char *at = mg_skip_blanks(line, end), *after = mg_skip_word(at, end);
    bool dropped = mg_recipe_find(rows->model->columns.recipe, "drop", &bytes) && bytes;
    int64_t pairs = 0;
    if (!dropped && !is_pair(at, after)) at = mg_skip_blanks(after, end); // a label
    for (; at < end && *at != '#'; at = mg_skip_blanks(after, end), pairs++) {
        after = mg_skip_word(at, end);
        if (!is_pair(at, after)) return false;
    }
    return pairs > 0;
}

static mg_status read_pairs(mg_line_rows *rows, const char *name, const char *line, const char *end,
                            mg_error *error) {
    const char *bad = line;
    size_t bytes;
    mg_pairs *pairs = &rows->pairs;
    if (rows->request.names || rows->request.labels)
        return mg_fail(
            error, MG_USAGE,
            "%s: lines of index:value pairs have no names and no column of labels: leave --names and "
            "--labels out",
            name);
    mg_status status = mg_pairs_read(pairs, skip_label(line, end), end, &bad, error);
    if (status) return status == MG_DATA ? mg_line_rows_place(rows, name, line, bad, status, error) : status;
    for (int64_t i = 0; i < pairs->count; i++) pairs->indices[i] -= (uint32_t)pairs->low;
    if (pairs->count == 0 && mg_skip_blanks(line, end) < end) {
        const char *word = mg_skip_blanks(line, end), *after = mg_skip_word(word, end);
        mg_fail(
            error, MG_DATA,
            "the line '%.*s%s' has no index:value pair: add them, or leave the line empty for a row of zeros",
            (int)(after - word < 40 ? after - word : 40), word,
            after < end || after - word > 40 ? " ..." : "");
        return mg_line_rows_place(rows, name, line, word, MG_DATA, error);
    }
    rows->guessed =
        rows->guessed || (rows->base < 0 && !mg_recipe_find(rows->model->columns.recipe, "base", &bytes));
    rows->count = pairs->count;
    rows->indices = pairs->indices;
    rows->values = pairs->values;
    return MG_OK;
}

static mg_status read_raw(mg_line_rows *rows, const char *name, const char *line, const char *end, bool *row,
                          mg_error *error) {
    mg_raw_line raw = {.name = name, .number = rows->lines, .text = line, .bytes = (size_t)(end - line)};
    mg_status status = rows->raw ? MG_OK : mg_raw_lines_open(&rows->request, &rows->raw, error);
    if (!status) status = mg_raw_line_read(rows->raw, &raw, error);
    if (status) return status;
    *row = !raw.header;
    rows->count = raw.count;
    rows->indices = raw.indices;
    rows->values = raw.values;
    return MG_OK;
}

// (M39) Clips the row. Lines need not have their zeros, which clipping may change.
static mg_status clip_row(mg_line_rows *rows, mg_error *error) {
    const mg_clip *clip = rows->preparation.clip;
    size_t features = (size_t)rows->model->features;
    if (!clip) return MG_OK;
    mg_clip_sparse(clip, rows->count, rows->indices, rows->values);
    if (!rows->fills) return MG_OK;
    mg_status status = MG_OK;
    if (!rows->filled_indices)
        status = mg_memory_get(&rows->filled_indices, features, sizeof *rows->filled_indices, error);
    if (!status && !rows->filled_values)
        status = mg_memory_get(&rows->filled_values, features, sizeof *rows->filled_values, error);
    if (status) return status;
    rows->count = mg_clip_fill(clip, rows->count, rows->indices, rows->values, rows->filled_indices,
                               rows->filled_values);
    rows->indices = rows->filled_indices;
    rows->values = rows->filled_values;
    return MG_OK;
}

static mg_status prepare(mg_line_rows *rows, const char *name, const char *line, mg_error *error) {
    int64_t wrong;
    mg_status status;
    const char *why = mg_prepare_row(rows->preparation, rows->count, rows->values, &wrong);
    if (!why) {
        status = clip_row(rows, error);
        if (status) return status;
        rows->count = mg_used_renumber(&rows->model->used, rows->count, rows->indices, rows->values);
        return MG_OK;
    }
    if (wrong < 0)
        status =
            mg_fail(error, MG_DATA,
                    "the row %s (the model prepares rows as its training did; margin info shows how)", why);
    else
        status = mg_fail(
            error, MG_DATA,
            "feature %lld is %g; %s (the model prepares rows as its training did; margin info shows how)",
            (long long)rows->indices[wrong] + rows->pairs.low, (double)rows->values[wrong], why);
    return mg_line_rows_place(rows, name, line, line, status, error);
}

// Decides what the lines are. Those of a model that was trained on neither texts nor a table are pairs.
static void decide(mg_line_rows *rows, const char *line, const char *end) {
    const mg_columns *columns = &rows->model->columns;
    bool text = mg_recipe_is(columns->recipe, "format", "text"),
         pairs = rows->base >= 0 || !mg_raw_has_lines(columns);
    rows->form = pairs || (!text && has_pairs(rows, line, end)) ? MG_LINES_PAIRS : MG_LINES_RAW;
}

mg_status mg_line_rows_read(mg_line_rows *rows, const char *name, const char *line, const char *end,
                            bool *row, mg_error *error) {
    static const char mark[] = "\xef\xbb\xbf"; // of UTF-8, at the beginning of a file
    if (rows->lines == 0 && end - line >= 3 && !memcmp(line, mark, 3)) line += 3;
    const char *first = mg_skip_blanks(line, end);
    rows->lines++;
    if (rows->form == MG_LINES_UNKNOWN) decide(rows, line, end);
    bool raw = rows->form == MG_LINES_RAW;
    *row = raw || first == end || *first != '#';
    if (!*row) return MG_OK;
    mg_status status =
        raw ? read_raw(rows, name, line, end, row, error) : read_pairs(rows, name, line, end, error);
    return status || !*row ? status : prepare(rows, name, line, error);
}

mg_status mg_line_rows_note(const mg_line_rows *rows, char out[MG_RAW_LINES_TEXT], mg_error *error) {
    *out = '\0';
    if (rows->raw) return mg_raw_lines_end(rows->raw, out, error);
    if (rows->guessed)
        snprintf(out, MG_RAW_LINES_TEXT,
                 "the model does not say whether lines count features from 0 or 1: margin assumes 1; set it "
                 "with --base 0 or --base 1");
    return MG_OK;
}
