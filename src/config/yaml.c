// yaml.c - parses YAML with libyaml: into a list of nodes, or into an error with its place.
#include "config/yaml.h"

#include "base/memory.h"
#include "base/option.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct reader {
    const char *name;
    const char *bytes; // [length]
    size_t length;
    mg_yaml *out;
    yaml_parser_t parser;
    bool ready; // the parser must be deleted
    int depth;
    int64_t list; // index of the open list; 0: none
    struct {
        int64_t node;   // index of the mapping
        bool wants_key; // the next node is a key
    } open[MG_YAML_DEPTH];
    mg_error *error;
} reader;

static mg_status fail_at(reader *r, yaml_mark_t mark, const char *what) {
    return mg_fail(r->error, MG_CONFIG, "%s:%zu:%zu: %s", r->name, mark.line + 1, mark.column + 1, what);
}

// Line and column of a byte. libyaml's decoder reports errors by byte.
static yaml_mark_t mark_of_byte(const reader *r, size_t at) {
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < at && i < r->length; i++) {
        mark.column++;
        if (r->bytes[i] != '\n') continue;
        mark.line++;
        mark.column = 0;
    }
    return mark;
}

static bool tab_at(const reader *r, yaml_mark_t mark) {
    const char *line = r->bytes, *end = r->bytes + r->length;
    for (size_t i = 0; i < mark.line && line; i++) {
        line = memchr(line, '\n', (size_t)(end - line));
        if (line) line++;
    }
    // Only blanks can precede the indentation, so bytes and columns are the same here.
    for (; line && line < end && (*line == ' ' || *line == '\t'); line++)
        if (*line == '\t') return true;
    return false;
}

// Converts an error of libyaml to an error of margin.
static mg_status fail_parser(reader *r) {
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "unknown reason";
    if (p->error == YAML_MEMORY_ERROR)
        return mg_fail(r->error, MG_MEMORY, "out of memory while reading %s", r->name);
    if (p->error == YAML_READER_ERROR) {
        yaml_mark_t mark = mark_of_byte(r, p->problem_offset);
        return mg_fail(r->error, MG_CONFIG, "%s:%zu:%zu: not UTF-8 text: %s", r->name, mark.line + 1,
                       mark.column + 1, problem);
    }
    if (tab_at(r, p->problem_mark))
        return fail_at(r, p->problem_mark, "a tab in the indentation; indent with spaces");
    return mg_fail(r->error, MG_CONFIG, "%s:%zu:%zu: not valid YAML: %s%s%s", r->name,
                   p->problem_mark.line + 1, p->problem_mark.column + 1, problem, p->context ? " " : "",
                   p->context ? p->context : "");
}

const char *mg_yaml_text(const mg_yaml *yaml, const mg_yaml_node *node) { return yaml->text + node->text; }

// Adds a node, and updates the mapping that contains it. Keys must be scalars.
static mg_status add_node(reader *r, yaml_mark_t mark, mg_yaml_kind kind) {
    mg_yaml *out = r->out;
    if (out->count >= MG_YAML_NODES) return fail_at(r, mark, "more than a million keys and values");
    if (r->depth == 0 && kind == MG_YAML_SCALAR)
        return fail_at(r, mark, "a mapping (lines of the form key: value) is expected here");
    bool is_key = !r->list && r->depth > 0 && r->open[r->depth - 1].wants_key;
    if (is_key && kind != MG_YAML_SCALAR) return fail_at(r, mark, "a key (a single word) is expected here");
    mg_status status = mg_memory_grow(&out->nodes, &out->node_capacity, (size_t)out->count + 1,
                                      sizeof *out->nodes, r->error);
    if (status) return status;
    mg_yaml_node *node = &out->nodes[out->count];
    *node = (mg_yaml_node){.kind = kind, .text = (int64_t)out->text_length, .next = ++out->count};
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    if (r->depth > 0 && !r->list) r->open[r->depth - 1].wants_key = !is_key;
    return MG_OK;
}

static bool is_null(const yaml_event_t *event) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0) return true;
    return false;
}

static mg_status on_scalar(reader *r, const yaml_event_t *event) {
    mg_yaml *out = r->out;
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (event->data.scalar.anchor) return fail_at(r, event->start_mark, "anchors are not supported");
    if (event->data.scalar.tag) return fail_at(r, event->start_mark, "tags are not supported");
    if (memchr(value, '\0', length)) return fail_at(r, event->start_mark, "a value contains a zero byte");
    // Keys are labels, so "null" and texts without letters are allowed.
    bool is_key = !r->list && r->depth > 0 && r->open[r->depth - 1].wants_key && length > 0;
    mg_status status =
        add_node(r, event->start_mark, is_null(event) && !is_key ? MG_YAML_NULL : MG_YAML_SCALAR);
    if (!status)
        status = mg_memory_grow(&out->text, &out->text_capacity, out->text_length + length + 1, 1, r->error);
    if (status) return status;
    memcpy(out->text + out->text_length, value, length + 1);
    out->text_length += length + 1;
    return MG_OK;
}

static mg_status on_mapping(reader *r, const yaml_event_t *event) {
    if (event->data.mapping_start.anchor) return fail_at(r, event->start_mark, "anchors are not supported");
    if (event->data.mapping_start.tag) return fail_at(r, event->start_mark, "tags are not supported");
    if (r->list)
        return fail_at(r, event->start_mark, "a mapping is not allowed in a list; give single values");
    if (r->depth == MG_YAML_DEPTH) return fail_at(r, event->start_mark, "nested too deeply");
    mg_status status = add_node(r, event->start_mark, MG_YAML_MAPPING);
    if (status) return status;
    r->open[r->depth].node = r->out->count - 1;
    r->open[r->depth].wants_key = true;
    r->depth++;
    return MG_OK;
}

static mg_status on_list(reader *r, const yaml_event_t *event) {
    yaml_mark_t mark = event->start_mark;
    if (r->list || r->depth != MG_YAML_LISTS)
        return fail_at(r, mark, "a list is not allowed here; a single value is expected");
    if (event->data.sequence_start.anchor) return fail_at(r, mark, "anchors are not supported");
    if (event->data.sequence_start.tag) return fail_at(r, mark, "tags are not supported");
    mg_status status = add_node(r, mark, MG_YAML_LIST);
    r->list = r->out->count - 1;
    return status;
}

static int compare_keys(const void *left, const void *right, void *context) {
    const mg_yaml *yaml = context;
    const mg_yaml_node *a = &yaml->nodes[*(const int64_t *)left], *b = &yaml->nodes[*(const int64_t *)right];
    int order = strcmp(mg_yaml_text(yaml, a), mg_yaml_text(yaml, b));
    // for equal keys, the order of the file, so that the later one is reported
    return order != 0 ? order : *(const int64_t *)left < *(const int64_t *)right ? -1 : 1;
}

// Refuses equal keys. Keys are sorted first, because comparing all pairs of a million labels would take an
// hour.
static mg_status refuse_twice(reader *r, int64_t mapping) {
    mg_yaml *out = r->out;
    mg_yaml_node *nodes = out->nodes;
    int64_t *keys = NULL, count = 0, blamed = INT64_MAX, first = 0;
    for (int64_t i = mapping + 1; i < out->count; i = nodes[i + 1].next) count++;
    mg_status status = mg_memory_get(&keys, (size_t)count, sizeof *keys, r->error);
    if (status) return status;
    count = 0;
    for (int64_t i = mapping + 1; i < out->count; i = nodes[i + 1].next) keys[count++] = i;
    qsort_r(keys, (size_t)count, sizeof *keys, compare_keys, out);
    for (int64_t i = 1; i < count; i++) {
        bool same = strcmp(mg_yaml_text(out, &nodes[keys[i - 1]]), mg_yaml_text(out, &nodes[keys[i]])) == 0;
        if (!same || keys[i] >= blamed) continue;
        blamed = keys[i];
        first = keys[i - 1];
    }
    mg_memory_free(keys);
    if (blamed == INT64_MAX) return MG_OK;
    char brief[MG_SHORT_TEXT];
    return mg_fail(r->error, MG_CONFIG, "%s:%d:%d: key %s is given twice, first in line %d", r->name,
                   nodes[blamed].line, nodes[blamed].column,
                   mg_shorten(mg_yaml_text(out, &nodes[blamed]), brief), nodes[first].line);
}

static mg_status on_event(reader *r, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT: return on_scalar(r, event);
    case YAML_MAPPING_START_EVENT: return on_mapping(r, event);
    case YAML_MAPPING_END_EVENT: {
        int64_t mapping = r->open[--r->depth].node;
        r->out->nodes[mapping].next = r->out->count;
        return refuse_twice(r, mapping);
    }
    case YAML_SEQUENCE_START_EVENT: return on_list(r, event);
    case YAML_SEQUENCE_END_EVENT:
        r->out->nodes[r->list].next = r->out->count;
        r->list = 0;
        return MG_OK;
    case YAML_ALIAS_EVENT: return fail_at(r, event->start_mark, "aliases are not supported");
    case YAML_DOCUMENT_START_EVENT:
        if (r->out->count > 0)
            return fail_at(r, event->start_mark, "a second document; a file may have only one");
        return MG_OK;
    default: return MG_OK;
    }
}

mg_status mg_yaml_read(const char *name, const char *bytes, size_t length, mg_yaml *out, mg_error *error) {
    reader r = {.name = name, .bytes = bytes, .length = length, .out = out, .error = error};
    mg_status status = MG_OK;
    *out = (mg_yaml){0};
    if (length >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2)))
        return mg_fail(
            error, MG_CONFIG,
            "%s:1:1: the file is UTF-16 text; make it UTF-8: iconv -f UTF-16 -t UTF-8 < FILE > NEW", name);
    // Skips the byte order mark of UTF-8, which editors on Windows write. Otherwise it would count as a
    // column.
    if (length >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
        r.bytes = bytes += 3;
        r.length = length -= 3;
    }
    r.ready = yaml_parser_initialize(&r.parser) != 0;
    if (!r.ready) {
        status = mg_fail(error, MG_MEMORY, "out of memory while reading %s", name);
        goto done;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, length);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    for (bool more = true; more && !status;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r.parser, &event)) {
            status = fail_parser(&r);
            goto done;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        status = on_event(&r, &event);
        yaml_event_delete(&event);
    }
    // A document that has only comments consists of a single null.
    if (!status && out->count == 1 && out->nodes[0].kind == MG_YAML_NULL) out->count = 0;
done:
    if (r.ready) yaml_parser_delete(&r.parser);
    return status;
}

void mg_yaml_clear(mg_yaml *yaml) {
    mg_memory_free(yaml->nodes);
    mg_memory_free(yaml->text);
    *yaml = (mg_yaml){0};
}

const char *mg_yaml_library_version(void) { return yaml_get_version_string(); }
