// svmlight.c - lines "label index:value index:value ... # comment" of SVMlight and LIBSVM. The values of a
// row are sorted. Repeated features, query ids, and several labels in a line are refused.
#include "format/format.h"

#include "base/memory.h"
#include "base/shell.h"
#include "format/pairs.h"

#include <stdio.h>
#include <string.h>

enum { MOST_DENSE = 1 << 26 }; // most features of a dense row, whose floats then take 256 MiB

typedef struct options {
    int64_t features;   // MG_UNSET_INT: the largest index in the file decides
    const char *base;   // "auto", "0", "1"
    const char *layout; // "sparse", "dense"
} options;

typedef struct reader {
    mg_text *text;
    const mg_format_like *like;
    mg_tell tell;
    options *options;
    mg_pairs pairs;
    int64_t rows, stored;
    char beyond[64];
    bool bare;    // rows for a model: the lines have no labels
    float *dense; // [features] one row; NULL for sparse output
} reader;

// Certain if in every line of data of the head the second word begins with "digits:". Possible if the only
// words do: rows without labels that have one feature.
static int probe(const char *head, size_t bytes) {
    int seen = 0, single = 0;
    for (const char *line = head, *end = head + bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop && bytes == MG_PROBE_BYTES && seen > 0) break; // the last line of the head is incomplete
        stop = stop ? stop : end;
        const char *c = mg_skip_blanks(line, stop);
        line = stop + 1;
        if (c == stop || *c == '#' || *c == '\r') continue;
        if (stop - c >= 9 && !memcmp(c, "__label__", 9)) return 0; // fastText
        const char *word = c, *after = mg_skip_word(c, stop);
        while (word < after && *word >= '0' && *word <= '9') word++;
        single += word > c && word < after && *word == ':';
        c = mg_skip_blanks(after, stop);
        if (c == stop || *c == '#' || *c == '\r') continue;
        const char *digits = c;
        while (c < stop && *c >= '0' && *c <= '9') c++;
        if (c == stop || *c != ':' || c == digits)
            return stop - digits >= 4 && !memcmp(digits, "qid:", 4) ? 2 : 0;
        seen++;
    }
    if (seen > 0) return 2;
    return single > 0;
}

static mg_status put_row(reader *r, mg_sink *sink, mg_error *error) {
    mg_pairs *p = &r->pairs;
    for (int64_t i = 0; i < p->count; i++) p->indices[i] -= (uint32_t)p->low;
    if (!r->dense) return sink->sparse(sink, p->indices, p->values, p->count, error);
    for (int64_t i = 0; i < p->count; i++) r->dense[p->indices[i]] = p->values[i];
    mg_status status = sink->dense(sink, r->dense, (size_t)r->options->features * sizeof *r->dense, error);
    for (int64_t i = 0; i < p->count; i++) r->dense[p->indices[i]] = 0;
    return status;
}

static mg_status read_label(const reader *r, mg_sink *sink, const char *line, const char *at, const char *end,
                            mg_error *error) {
    size_t bytes = (size_t)(end - at), offset = (size_t)(at - line);
    if (memchr(at, ':', bytes))
        return mg_text_fail(r->text, offset, MG_DATA, error,
                            "the line begins with '%.*s': the label is missing",
                            (int)(bytes < 40 ? bytes : 40), at);
    if (memchr(at, ',', bytes))
        return mg_text_fail(r->text, offset, MG_DATA, error, "several labels in one line are not supported");
    mg_status status = sink->label(sink, at, bytes, error);
    return status ? mg_text_place(r->text, offset, status, error) : MG_OK;
}

// Counts and passes rows of zeros: the empty lines of a file without labels.
static mg_status pass_empty(reader *r, int64_t count, mg_sink *sink, bool put, mg_error *error) {
    mg_status status = MG_OK;
    r->pairs.count = 0;
    for (; !status && count > 0; count--, r->rows++)
        if (put) status = put_row(r, sink, error);
    return status;
}

// Reads the whole file. Passes rows to the sink only if `put`.
static mg_status walk(reader *r, mg_sink *sink, bool put, mg_error *error) {
    char *line;
    size_t bytes;
    int64_t empty = 0, blank = 0; // lines before the first row; the last empty one
    bool raw = r->like && r->like->raw, answered = r->like && r->like->is_label;
    mg_status status = MG_OK;
    for (r->rows = r->stored = 0;;) {
        status = mg_text_line(r->text, &line, &bytes, error);
        if (!status && !line && answered && blank && !r->bare && r->rows > 0)
            status = mg_format_refuse_blank(r->text, blank, error);
        if (status || !line) return status;
        const char *end = line + bytes, *label = mg_skip_blanks(line, end), *after = mg_skip_word(label, end);
        if (label == end && r->rows > 0 && r->bare) status = pass_empty(r, 1, sink, put, error);
        if (status) return status;
        empty += label == end && r->rows == 0;
        if (label == end) blank = mg_text_line_number(r->text);
        if (label == end || *label == '#') continue;
        const char *bad = after;
        bool pair = memchr(label, ':', (size_t)(after - label)) != NULL;
        if (r->rows == 0 && raw) r->bare = pair;
        if (r->rows == 0 && r->bare) status = pass_empty(r, empty, sink, put, error);
        if (!status && answered && blank && !r->bare) status = mg_format_refuse_blank(r->text, blank, error);
        if (status) return status;
        if (r->bare && pair) after = label;
        else status = read_label(r, sink, line, label, after, error);
        if (status) return status;
        status = mg_pairs_read(&r->pairs, after, end, &bad, error);
        if (status) return mg_text_place(r->text, (size_t)(bad - line), status, error);
        mg_text_lose(r->text, r->pairs.lost);
        if (put) status = put_row(r, sink, error);
        if (status) return status;
        r->rows++;
        r->stored += r->pairs.count;
    }
}

// Decides on the base and the number of features, after the first pass.
static mg_status settle(reader *r, mg_error *error) {
    static const char *const bases[] = {"0", "1"};
    const char *path = mg_text_path(r->text);
    mg_pairs *p = &r->pairs;
    options *o = r->options;
    if (r->rows == 0) return mg_fail(error, MG_DATA, "%s: has no rows", path);
    bool raw = r->like && r->like->raw;
    char like[MG_SHELL_WORD];
    // In a file for a model, only the first and the last feature show the base.
    if (raw && !strcmp(o->base, "auto") && p->lowest > 0 && p->highest > 0 && p->highest < r->like->features)
        return mg_fail(
            error, MG_DATA,
            "%s: its indices fit features counted from 0 and from 1, and the model %s does not say "
            "which: convert the file: margin convert --like %s --base 1 FILE NEW.h5 (or --base 0)",
            path, r->like->path, mg_shell_word(r->like->path, "MODEL", like, sizeof like));
    if (!strcmp(o->base, "auto")) o->base = bases[p->lowest > 0];
    p->low = o->base[0] - '0';
    int64_t met = p->highest < 0 ? 0 : p->highest + 1 - p->low;
    if (o->features == MG_UNSET_INT) o->features = r->like ? r->like->features : met;
    if (o->features <= 0 || o->features > MG_MOST_INDEX)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld features (1 to %u are allowed); --features sets their number", path,
                       (long long)o->features, MG_MOST_INDEX);
    p->high = o->features - 1 + p->low;
    if (strcmp(o->layout, "dense") != 0) return MG_OK;
    if (o->features > MOST_DENSE)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld features (at most %d are stored densely): use --layout sparse", path,
                       (long long)o->features, MOST_DENSE);
    return mg_memory_zeroed(&r->dense, (size_t)o->features, sizeof *r->dense, error);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    r->pairs.low = r->options->base[0] == '1';
    r->pairs.high = MG_MOST_INDEX;
    r->pairs.lowest = 1; // so that a file whose smallest index is larger than 1 also has base 1
    r->pairs.highest = -1;
    r->pairs.beyond = "--features sets the number of features";
    if (r->like && r->like->raw) {
        snprintf(r->beyond, sizeof r->beyond, "the model has %lld features", (long long)r->like->features);
        r->pairs.beyond = r->beyond;
    }
    mg_status status = walk(r, sink, false, error);
    if (!status) status = settle(r, error);
    if (status) return status;
    shape->rows = r->rows;
    shape->features = r->options->features;
    shape->stored = r->stored;
    shape->layout = r->dense ? MG_DENSE : MG_CSR;
    shape->cell = MG_H5_F32;
    shape->labelled = !r->bare;
    return MG_OK;
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_status status = mg_text_rewind(r->text, error);
    if (!status) status = walk(r, sink, true, error);
    if (!status) mg_tell_lost(&r->tell, r->text);
    return status;
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_text_close(r->text);
    mg_pairs_clear(&r->pairs);
    mg_memory_free(r->dense);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->options = request->options;
    r->like = request->like;
    r->tell = request->tell;
    status = mg_format_open_text(request, &r->text, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static const char *base_name(int i) {
    static const char *const names[] = {"auto", "0", "1"};
    return i >= 0 && i < 3 ? names[i] : NULL;
}

static const char *layout_name(int i) {
    static const char *const names[] = {"sparse", "dense"};
    return i >= 0 && i < 2 ? names[i] : NULL;
}

static const mg_option rows[] = {
    {.name = "features",
     .type = MG_OPTION_INT,
     .offset = offsetof(options, features),
     .preset = "",
     .low = 1,
     .high = MG_MOST_INDEX,
     .changes_result = true,
     .help = "Number of features. Default: the largest index."},
    {.name = "base",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(options, base),
     .preset = "auto",
     .choice = base_name,
     .changes_result = true,
     .help = "Index of the first feature; auto: 0 when the index 0 occurs, else 1."},
    {.name = "layout",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(options, layout),
     .preset = "sparse",
     .choice = layout_name,
     .changes_result = true,
     .help = "How rows are stored; dense is smaller and faster when most values are not zero."},
};

static const mg_section section = {.name = "svmlight",
                                   .help = "SVMlight and LIBSVM files",
                                   .options = rows,
                                   .count = sizeof rows / sizeof *rows};

const mg_format mg_format_svmlight = {
    .name = "svmlight",
    .arguments = "FILE...",
    .help = "label index:value ... lines of SVMlight and LIBSVM",
    .most_inputs = MG_FORMAT_MOST_INPUTS,
    .section = &section,
    .options_size = sizeof(options),
    .probe = probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
