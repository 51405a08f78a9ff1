// onnx_graph.h - writes pieces of an ONNX graph as protobuf messages. A message is a list of fields: a field
// number with a wire type, followed by a varint, or by a length and that many bytes. Fields may come in any
// order, but a node must come after the nodes whose outputs it uses.
#ifndef MG_EXPORT_ONNX_GRAPH_H
#define MG_EXPORT_ONNX_GRAPH_H

#include "base/writer.h"
#include "model/model.h"

#include <stdint.h>

typedef enum mg_onnx_type {
    MG_ONNX_FLOAT = 1,
    MG_ONNX_INT64 = 7,
    MG_ONNX_STRING = 8,
    MG_ONNX_DOUBLE = 11
} mg_onnx_type;

// A node with up to three inputs, one output, and attributes that are whole numbers. Unused inputs and
// attributes are NULL.
typedef struct mg_onnx_node {
    const char *type, *input[3], *output;
    const char *attribute[2];
    int64_t value[2];
} mg_onnx_node;

#define MG_ONNX_OP(operation, result, ...)                                                                   \
    {                                                                                                        \
        .type = operation, .output = result, .input = { __VA_ARGS__ }                                        \
    }
#define MG_ONNX_WITH(operation, result, key, number, ...)                                                    \
    {                                                                                                        \
        .type = operation, .output = result, .input = {__VA_ARGS__}, .attribute = {key}, .value = { number } \
    }

// A tensor; rank 0 means a scalar. Strings are in `texts`; other values are `bytes` bytes of `data`. If
// `data` is NULL, the caller adds the values after mg_onnx_begin_tensor.
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
// Adds a message as a field of another one, and empties its writer.
void mg_onnx_message(mg_writer *out, unsigned field, mg_writer *message);

void mg_onnx_put_node(mg_writer *graph, const mg_onnx_node *node);
// The list ends with a node without a type.
void mg_onnx_put_nodes(mg_writer *graph, const mg_onnx_node *nodes);
// Writes everything of a tensor but its values; `data` must be NULL. The caller then adds the values to
// `message`, and calls mg_onnx_end_tensor, which adds the message to the graph.
void mg_onnx_begin_tensor(mg_writer *message, const mg_onnx_tensor *tensor);
void mg_onnx_end_tensor(mg_writer *graph, mg_writer *message);
void mg_onnx_put_tensor(mg_writer *graph, const mg_onnx_tensor *tensor);
void mg_onnx_put_scalar(mg_writer *graph, const char *name, double value);
// Declare an input or output with N rows. columns 0: it is a vector.
void mg_onnx_put_input(mg_writer *graph, const char *name, mg_onnx_type type, int64_t columns);
void mg_onnx_put_output(mg_writer *graph, const char *name, mg_onnx_type type, int64_t columns);
// Adds a text for programs that use the model.
void mg_onnx_put_metadata(mg_writer *model, const char *key, const char *text);

// Nodes from the tensor "scores" to the output "probabilities", if the model has probabilities.
void mg_onnx_put_probabilities(mg_writer *graph, const mg_model *model);

#endif
