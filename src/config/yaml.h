// yaml.h - one YAML document as a flat list of nodes. Only what a configuration needs is accepted: mappings
// of scalars and of lists of scalars.
#ifndef MG_CONFIG_YAML_H
#define MG_CONFIG_YAML_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum mg_yaml_kind {
    MG_YAML_SCALAR,
    MG_YAML_NULL, // empty, ~ or null, without quotes
    MG_YAML_MAPPING,
    MG_YAML_LIST, // its elements, which are scalars, follow it
} mg_yaml_kind;

typedef struct mg_yaml_node {
    mg_yaml_kind kind;
    int line, column; // where the node starts, from 1
    int64_t text;     // scalars and nulls: offset of their text in mg_yaml.text
    int64_t next;     // index of the node after this one and all nodes in it
} mg_yaml_node;

// nodes[0] is the mapping that the document consists of. After a mapping come its key, value, key, value ...
// Keys are scalars; the keys of a mapping are all different.
typedef struct mg_yaml {
    mg_yaml_node *nodes; // [count]; count is 0 for an empty document
    int64_t count;
    char *text;
    size_t node_capacity, text_capacity, text_length;
} mg_yaml;

enum {
    MG_YAML_DEPTH = 3,       // most mappings inside one another
    MG_YAML_LISTS = 2,       // mappings around a list
    MG_YAML_NODES = 1000000, // most nodes of a file
};

// Parses `length` bytes; `name` is used in messages. *out must be cleared afterwards, also after a failure.
// Errors: MG_CONFIG with "name:line:column: ..." for anything that is not YAML or not allowed here (lists
// elsewhere, anchors, aliases, tags, several documents, equal keys, deep nesting); MG_MEMORY.
mg_status mg_yaml_read(const char *name, const char *bytes, size_t length, mg_yaml *out, mg_error *error);

const char *mg_yaml_text(const mg_yaml *yaml, const mg_yaml_node *node);

void mg_yaml_clear(mg_yaml *yaml);

// The version of libyaml.
const char *mg_yaml_library_version(void);

#endif
