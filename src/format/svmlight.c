// svmlight.c - "label index:value index:value ... # comment" lines of SVMlight and LIBSVM. Rows come out
// sorted; a feature given twice, a query id or several labels in one line are refused.
#include "format/fields.h"
#include "format/format.h"

#include "base/memory.h"
#include "format/keys.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct options {
    int64_t features;   // MG_UNSET_INT: the largest index decides
    const char *base;   // "auto", "0", "1"
    const char *layout; // "sparse", "dense"
} options;

typedef struct reader {
    mg_text *text;
    const mg_format_like *like;
    options *options;
    int64_t low, high;       // indices allowed, as written
    int64_t lowest, highest; // indices met, as written; highest is -1 while there is none
    int64_t rows, stored;
    uint32_t *indices; // of one row, as written
    float *values;
    uint64_t *keys; // [2 * count] of an unsorted row
    float *dense;   // [features] of one row, NULL when sparse
    size_t index_capacity, value_capacity, key_capacity;
} reader;

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static const char *skip_blank(const char *at, const char *end) {
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static const char *skip_word(const char *at, const char *end) {
    while (at < end && !is_blank(*at))
        at++;
    return at;
}

// Every line of the head that holds data has a second word "digits:".
static int probe(const char *head, size_t bytes) {
    int seen = 0;
    for (const char *line = head, *end = head + bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop && bytes == MG_PROBE_BYTES && seen > 0) break; // cut off
        stop = stop ? stop : end;
        const char *c = skip_blank(line, stop);
        line = stop + 1;
        if (c == stop || *c == '#' || *c == '\r') continue;
        c = skip_blank(skip_word(c, stop), stop);
        if (c == stop || *c == '#' || *c == '\r') continue;
        const char *digits = c;
        while (c < stop && *c >= '0' && *c <= '9')
            c++;
        if (c == stop || *c != ':' || (c == digits && *c == ':')) return strncmp(digits, "qid:", 4) ? 0 : 2;
        seen++;
    }
    return seen > 0 ? 2 : 0;
}

static mg_status refuse_index(const reader *r, size_t offset, const char *at, const char *end, int64_t index,
                              mg_error *error) {
    size_t bytes = (size_t)(skip_word(at, end) - at);
    if (bytes >= 4 && !memcmp(at, "qid:", 4))
        return mg_text_fail(r->text, offset, MG_DATA, error,
                            "qid belongs to ranking data; margin learns classes: remove it");
    if (index < 0)
        return mg_text_fail(r->text, offset, MG_DATA, error, "'%.*s' is not index:value",
                            (int)(bytes < 40 ? bytes : 40), at);
    if (index < r->low)
        return mg_text_fail(r->text, offset, MG_DATA, error, "index 0, but indices begin at 1 (--base 1)");
    return mg_text_fail(
        r->text, offset, MG_DATA, error,
        "index %lld is past %lld, the last one allowed; --features sets the number of features",
        (long long)index, (long long)r->high);
}

// One "index:value" at *at, which moves behind it.
static inline mg_status read_pair(const reader *r, const char *line, const char **at, const char *end,
                                  int64_t *index, double *value, mg_error *error) {
    const char *c = *at;
    int64_t n = 0;
    while (c < end && (unsigned char)(*c - '0') < 10 && n <= UINT32_MAX)
        n = n * 10 + (*c++ - '0');
    if (c == *at || c == end || *c != ':' || n < r->low || n > r->high) {
        bool number = c > *at && (c == end || *c == ':' || n > UINT32_MAX);
        return refuse_index(r, (size_t)(*at - line), *at, end, number && c != end ? n : -1, error);
    }
    const char *after = mg_text_number(c + 1, end, value);
    if (!after || (after < end && !is_blank(*after) && *after != '#') || !(fabs(*value) <= FLT_MAX))
        return mg_number_refuse(r->text, (size_t)(c + 1 - line), c + 1, skip_word(c + 1, end), error);
    *index = n;
    *at = after;
    return MG_OK;
}

static mg_status sort_row(reader *r, int64_t count, mg_error *error) {
    mg_status status = mg_memory_grow(&r->keys, &r->key_capacity, (size_t)count * 2, sizeof *r->keys, error);
    if (status) return status;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &r->values[i], 4);
        r->keys[i] = (uint64_t)r->indices[i] << 32 | bits;
    }
    mg_keys_sort(r->keys, r->keys + count, (size_t)count, 32, 64);
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)r->keys[i];
        memcpy(&r->values[i], &bits, 4);
        r->indices[i] = (uint32_t)(r->keys[i] >> 32);
        if (i > 0 && r->indices[i] == r->indices[i - 1])
            return mg_text_fail(r->text, 0, MG_DATA, error, "feature %u is given twice", r->indices[i]);
    }
    return MG_OK;
}

// The pairs of one line into indices and values, ascending.
static mg_status read_pairs(reader *r, const char *line, const char *at, const char *end, int64_t *count,
                            mg_error *error) {
    mg_status status = MG_OK;
    int64_t index = -1, before = -1, n = 0;
    double value = 0;
    bool sorted = true;
    for (at = skip_blank(at, end); at < end && *at != '#'; at = skip_blank(at, end)) {
        if ((size_t)n == r->index_capacity || (size_t)n == r->value_capacity) {
            status =
                mg_memory_grow(&r->indices, &r->index_capacity, (size_t)n + 1, sizeof *r->indices, error);
            if (!status)
                status =
                    mg_memory_grow(&r->values, &r->value_capacity, (size_t)n + 1, sizeof *r->values, error);
            if (status) return status;
        }
        status = read_pair(r, line, &at, end, &index, &value, error);
        if (status) return status;
        sorted = sorted && index > before;
        before = index;
        if (index < r->lowest) r->lowest = index;
        if (index > r->highest) r->highest = index;
        r->indices[n] = (uint32_t)index;
        r->values[n++] = (float)value;
    }
    *count = n;
    return sorted ? MG_OK : sort_row(r, n, error);
}

static mg_status put_row(reader *r, mg_sink *sink, int64_t count, mg_error *error) {
    for (int64_t i = 0; i < count; i++)
        r->indices[i] -= (uint32_t)r->low;
    if (!r->dense) return sink->sparse(sink, r->indices, r->values, count, error);
    for (int64_t i = 0; i < count; i++)
        r->dense[r->indices[i]] = r->values[i];
    mg_status status = sink->dense(sink, r->dense, (size_t)(r->high + 1 - r->low) * sizeof *r->dense, error);
    for (int64_t i = 0; i < count; i++)
        r->dense[r->indices[i]] = 0;
    return status;
}

static mg_status read_label(const reader *r, mg_sink *sink, const char *line, const char *at, const char *end,
                            mg_error *error) {
    size_t bytes = (size_t)(end - at), offset = (size_t)(at - line);
    if (memchr(at, ':', bytes))
        return mg_text_fail(r->text, offset, MG_DATA, error,
                            "the line begins with '%.*s', a label is missing", (int)(bytes < 40 ? bytes : 40),
                            at);
    if (memchr(at, ',', bytes))
        return mg_text_fail(r->text, offset, MG_DATA, error, "several labels in one line are not supported");
    mg_status status = sink->label(sink, at, bytes, error);
    return status ? mg_text_place(r->text, offset, status, error) : MG_OK;
}

// Reads the whole file; rows go to the sink only when `put`.
static mg_status walk(reader *r, mg_sink *sink, bool put, mg_error *error) {
    char *line;
    size_t bytes;
    mg_status status = MG_OK;
    for (r->rows = r->stored = 0;;) {
        status = mg_text_line(r->text, &line, &bytes, error);
        if (status || !line) return status;
        const char *end = line + bytes, *label = skip_blank(line, end), *after = skip_word(label, end);
        if (label == end || *label == '#') continue;
        int64_t count = 0;
        status = read_label(r, sink, line, label, after, error);
        if (!status) status = read_pairs(r, line, after, end, &count, error);
        if (!status && put) status = put_row(r, sink, count, error);
        if (status) return status;
        r->rows++;
        r->stored += count;
    }
}

// What the first pass found fixes base and number of features.
static mg_status settle(reader *r, mg_error *error) {
    static const char *const bases[] = {"0", "1"};
    const char *path = mg_text_path(r->text);
    if (r->rows == 0) return mg_fail(error, MG_DATA, "%s: has no rows", path);
    if (!strcmp(r->options->base, "auto")) r->options->base = bases[r->lowest > 0];
    r->low = r->options->base[0] - '0';
    if (r->options->features == MG_UNSET_INT)
        r->options->features = r->like ? r->like->features : r->highest + 1 - r->low;
    if (r->options->features <= 0 || r->options->features > UINT32_MAX)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld features (1 to %u are allowed); --features sets their number", path,
                       (long long)r->options->features, UINT32_MAX);
    r->high = r->options->features - 1 + r->low;
    if (strcmp(r->options->layout, "dense") != 0) return MG_OK;
    return mg_memory_zeroed(&r->dense, (size_t)r->options->features, sizeof *r->dense, error);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    r->low = r->options->base[0] == '1';
    r->high = UINT32_MAX;
    r->lowest = 1;
    r->highest = -1;
    mg_status status = walk(r, sink, false, error);
    if (!status) status = settle(r, error);
    if (status) return status;
    shape->rows = r->rows;
    shape->features = r->options->features;
    shape->stored = r->stored;
    shape->layout = r->dense ? MG_DENSE : MG_CSR;
    shape->cell = MG_H5_F32;
    shape->labelled = true;
    return MG_OK;
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_status status = mg_text_rewind(r->text, error);
    return status ? status : walk(r, sink, true, error);
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_text_close(r->text);
    mg_memory_free(r->indices);
    mg_memory_free(r->values);
    mg_memory_free(r->keys);
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
    status = mg_text_open(&r->text, request->inputs[0], request->watch, error);
    if (status)
        close_reader(r);
    else
        *out = r;
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
     .high = UINT32_MAX,
     .changes_result = true,
     .help = "Number of features; when not given the largest index decides."},
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
    .arguments = "FILE",
    .help = "label index:value ... lines of SVMlight and LIBSVM",
    .inputs_low = 1,
    .inputs_high = 1,
    .section = &section,
    .options_size = sizeof(options),
    .probe = probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};
