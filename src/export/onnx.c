// onnx.c - a graph of ONNX (opset 13): Gemm, ArgMax and Gather, with Softmax for the loss softmax. Messages
// of protobuf consist of fields: a number with a wire type, then a varint, or a length and that many bytes.
#include "export/export.h"

#include <margin/version.h>
#include <string.h>

enum { TENSOR_FLOAT = 1, TENSOR_INT64 = 7, TENSOR_STRING = 8 };
static const size_t most_bytes = (size_t)1 << 31; // of a message of protobuf

static void put_varint(mg_writer *out, uint64_t number) {
    for (; number >= 0x80; number >>= 7) mg_export_number(out, (number & 0x7f) | 0x80, 1);
    mg_export_number(out, number, 1);
}

static void put_int(mg_writer *out, unsigned field, uint64_t number) {
    put_varint(out, field << 3);
    put_varint(out, number);
}

static void put_bytes(mg_writer *out, unsigned field, const void *bytes, size_t count) {
    put_varint(out, field << 3 | 2);
    put_varint(out, count);
    mg_writer_add_bytes(out, bytes, count);
}

static void put_text(mg_writer *out, unsigned field, const char *text) {
    put_bytes(out, field, text, strlen(text));
}

// Adds a message as a field of another, and empties it.
static void put_message(mg_writer *out, unsigned field, mg_writer *message) {
    if (message->status && !out->status) out->status = message->status, out->error = message->error;
    put_bytes(out, field, message->text, message->length);
    mg_writer_clear(message);
    *message = (mg_writer){0};
}

// A node with up to three inputs (NULL: none).
typedef struct node {
    const char *type, *input[3], *output;
    const char *attribute[2];
    int64_t value[2];
} node;

static void put_node(mg_writer *graph, const node *n) {
    mg_writer message = {0}, attribute = {0};
    for (int i = 0; i < 3 && n->input[i]; i++) put_text(&message, 1, n->input[i]);
    put_text(&message, 2, n->output);
    put_text(&message, 3, n->type);
    put_text(&message, 4, n->type);
    for (int i = 0; i < 2 && n->attribute[i]; i++) {
        put_text(&attribute, 1, n->attribute[i]);
        put_int(&attribute, 3, (uint64_t)n->value[i]);
        put_int(&attribute, 20, 2); // type INT
        put_message(&message, 5, &attribute);
    }
    put_message(graph, 1, &message);
}

static void begin_tensor(mg_writer *tensor, const char *name, int type, int64_t rows, int64_t columns) {
    put_int(tensor, 1, (uint64_t)rows);
    if (columns) put_int(tensor, 1, (uint64_t)columns);
    put_int(tensor, 2, (uint64_t)type);
    put_text(tensor, 8, name);
}

static void put_tensors(mg_writer *graph, const mg_model *model) {
    mg_writer tensor = {0};
    int64_t classes = model->classes_count;
    size_t line = (size_t)classes * sizeof(float);
    begin_tensor(&tensor, "coef", TENSOR_FLOAT, classes, model->features);
    put_bytes(&tensor, 9, model->weights, line * (size_t)model->features);
    put_message(graph, 5, &tensor);
    begin_tensor(&tensor, "intercept", TENSOR_FLOAT, classes, 0);
    put_bytes(&tensor, 9, model->bias, line);
    put_message(graph, 5, &tensor);
    begin_tensor(&tensor, "classes", model->classes.texts ? TENSOR_STRING : TENSOR_INT64, classes, 0);
    for (int64_t k = 0; model->classes.texts && k < classes; k++)
        put_text(&tensor, 6, model->classes.text[k]);
    if (!model->classes.texts)
        put_bytes(&tensor, 9, model->classes.number, (size_t)classes * sizeof(int64_t));
    put_message(graph, 5, &tensor);
}

// An input or output of N rows; columns 0: a vector.
static void put_value(mg_writer *graph, unsigned field, const char *name, int type, int64_t columns) {
    mg_writer dimension = {0}, shape = {0}, tensor = {0}, kind = {0}, value = {0};
    put_text(&dimension, 2, "N");
    put_message(&shape, 1, &dimension);
    if (columns) {
        put_int(&dimension, 1, (uint64_t)columns);
        put_message(&shape, 1, &dimension);
    }
    put_int(&tensor, 1, (uint64_t)type);
    put_message(&tensor, 2, &shape);
    put_message(&kind, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &kind);
    put_message(graph, field, &value);
}

static void put_graph(mg_writer *graph, const mg_model *model) {
    static const node nodes[] = {
        {"Gemm", {"X", "coef", "intercept"}, "scores", {"transB"}, {1}},
        {"ArgMax", {"scores"}, "best", {"axis", "keepdims"}, {1, 0}},
        {"Gather", {"classes", "best"}, "label", {"axis"}, {0}},
        {"Softmax", {"scores"}, "probabilities", {"axis"}, {1}},
    };
    bool probabilities = !strcmp(model->loss, "softmax");
    for (int i = 0; i < 3 + probabilities; i++) put_node(graph, &nodes[i]);
    put_text(graph, 2, "margin");
    put_tensors(graph, model);
    put_value(graph, 11, "X", TENSOR_FLOAT, model->features);
    put_value(graph, 12, "label", model->classes.texts ? TENSOR_STRING : TENSOR_INT64, 0);
    put_value(graph, 12, "scores", TENSOR_FLOAT, model->classes_count);
    if (probabilities) put_value(graph, 12, "probabilities", TENSOR_FLOAT, model->classes_count);
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    mg_writer graph = {0}, opset = {0};
    put_int(out, 1, 8); // ir_version
    put_text(out, 2, "margin");
    put_text(out, 3, MG_VERSION);
    put_graph(&graph, model);
    put_message(out, 7, &graph);
    put_text(&opset, 1, "");
    put_int(&opset, 2, 13);
    put_message(out, 8, &opset);
    if (out->length < most_bytes) return MG_OK;
    return mg_fail(error, MG_CONFIG, "%s: needs %zu bytes, but ONNX allows 2^31 - 1: use the format npz",
                   model->path, out->length);
}

const mg_export_format mg_export_onnx = {
    .name = "onnx",
    .help = "graph of ONNX, opset 13: X to label, scores and, of loss softmax, probabilities",
    .write = write};
