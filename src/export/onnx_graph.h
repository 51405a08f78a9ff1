// onnx_graph.h - pieces of a graph of ONNX as messages of protobuf. A message consists of fields: a number
// with a wire type, then a varint, or a length and that many bytes. The order of the fields does not matter,
// except that a node must come after those whose outputs it uses.
#ifndef MG_EXPORT_ONNX_GRAPH_H
#define MG_EXPORT_ONNX_GRAPH_H

#include "base/writer.h"

#include <stdint.h>

typedef enum mg_onnx_type {
    MG_ONNX_FLOAT = 1,
    MG_ONNX_INT64 = 7,
    MG_ONNX_STRING = 8,
    MG_ONNX_DOUBLE = 11
} mg_onnx_type;

// A node with up to three inputs, one output and attributes that are whole numbers (NULL: none).
typedef struct mg_onnx_node {
    const char *type, *input[3], *output;
    const char *attribute[2];
    int64_t value[2];
} mg_onnx_node;

// A tensor; rank 0 is a scalar. `texts` are the values of type string. Other values are `bytes` of `data`; if
// `data` is NULL, the caller adds them right after the head.
typedef struct mg_onnx_tensor {
    const char *name;
    mg_onnx_type type;
    int rank;
    int64_t shape[2];
    const char *const *texts; // [shape[0]]
    const void *data;
    size_t bytes;
} mg_onnx_tensor;

void mg_onnx_int(mg_writer *out, unsigned field, uint64_t number);
void mg_onnx_text(mg_writer *out, unsigned field, const char *text);
// Adds a message as a field of another, and empties it.
void mg_onnx_message(mg_writer *out, unsigned field, mg_writer *message);

void mg_onnx_put_node(mg_writer *graph, const mg_onnx_node *node);
// Begins a tensor; `data` must be NULL. The caller adds the values, and then the message to the graph with
// mg_onnx_end_tensor.
void mg_onnx_begin_tensor(mg_writer *message, const mg_onnx_tensor *tensor);
void mg_onnx_end_tensor(mg_writer *graph, mg_writer *message);
void mg_onnx_put_tensor(mg_writer *graph, const mg_onnx_tensor *tensor);
void mg_onnx_put_scalar(mg_writer *graph, const char *name, double value);
// An input or output of N rows; columns 0: a vector.
void mg_onnx_put_input(mg_writer *graph, const char *name, mg_onnx_type type, int64_t columns);
void mg_onnx_put_output(mg_writer *graph, const char *name, mg_onnx_type type, int64_t columns);
// A text for programs that use the model.
void mg_onnx_put_metadata(mg_writer *model, const char *key, const char *text);

#endif
