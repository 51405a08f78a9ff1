// yaml.h - one YAML document as a flat list of nodes, no more than a configuration needs: mappings of
// scalars.
#ifndef MG_CONFIG_YAML_H
#define MG_CONFIG_YAML_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum mg_yaml_kind {
    MG_YAML_SCALAR,
    MG_YAML_NULL, // nothing, ~ or null, unquoted
    MG_YAML_MAPPING,
} mg_yaml_kind;

typedef struct mg_yaml_node {
    mg_yaml_kind kind;
    int line, column; // where it starts, from 1
    int64_t text;     // scalars and nulls: offset of the zero-terminated text in mg_yaml.text
    int64_t next;     // index of the node after this one and all it holds
} mg_yaml_node;

// nodes[0] is the mapping the document is; after a mapping come its key, value, key, value ... Keys are
// scalars, no two of a mapping are equal.
typedef struct mg_yaml {
    mg_yaml_node *nodes; // [count], count 0 for an empty document
    int64_t count;
    char *text;
    size_t node_capacity, text_capacity, text_length;
} mg_yaml;

enum {
    MG_YAML_DEPTH = 3,       // mappings inside each other
    MG_YAML_NODES = 1000000, // a file with more is no configuration
};

// Parses `length` bytes; `name` is the file's name in messages, out is to be cleared whatever happens.
// Errors (MG_CONFIG): "name:line:column: ..." for what is not YAML, or not of the kind above: lists, anchors,
// aliases, tags, several documents, a key given twice, deep nesting.
mg_status mg_yaml_read(const char *name, const char *bytes, size_t length, mg_yaml *out, mg_error *error);

const char *mg_yaml_text(const mg_yaml *yaml, const mg_yaml_node *node);

void mg_yaml_clear(mg_yaml *yaml);

// Version of libyaml.
const char *mg_yaml_library_version(void);

#endif
