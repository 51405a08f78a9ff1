// onnx_graph.c - pieces of a graph of ONNX. Field numbers are those of onnx.proto.
#include "export/onnx_graph.h"

#include "export/export.h"

#include <string.h>

static void put_varint(mg_writer *out, uint64_t number) {
    for (; number >= 0x80; number >>= 7) mg_export_number(out, (number & 0x7f) | 0x80, 1);
    mg_export_number(out, number, 1);
}

void mg_onnx_int(mg_writer *out, unsigned field, uint64_t number) {
    put_varint(out, field << 3);
    put_varint(out, number);
}

static void put_length(mg_writer *out, unsigned field, size_t count) {
    put_varint(out, field << 3 | 2);
    put_varint(out, count);
}

void mg_onnx_text(mg_writer *out, unsigned field, const char *text) {
    put_length(out, field, strlen(text));
    mg_writer_add(out, text);
}

void mg_onnx_message(mg_writer *out, unsigned field, mg_writer *message) {
    mg_writer_fail(out, &message->error);
    put_length(out, field, message->length);
    mg_writer_add_bytes(out, message->text, message->length);
    mg_writer_clear(message);
}

void mg_onnx_put_node(mg_writer *graph, const mg_onnx_node *node) {
    mg_writer message = {0}, attribute = {0};
    for (int i = 0; i < 3 && node->input[i]; i++) mg_onnx_text(&message, 1, node->input[i]);
    mg_onnx_text(&message, 2, node->output);
    mg_onnx_text(&message, 3, node->output); // the name of the node
    mg_onnx_text(&message, 4, node->type);
    for (int i = 0; i < 2 && node->attribute[i]; i++) {
        mg_onnx_text(&attribute, 1, node->attribute[i]);
        mg_onnx_int(&attribute, 3, (uint64_t)node->value[i]);
        mg_onnx_int(&attribute, 20, 2); // type INT
        mg_onnx_message(&message, 5, &attribute);
    }
    mg_onnx_message(graph, 1, &message);
}

void mg_onnx_put_nodes(mg_writer *graph, const mg_onnx_node *nodes) {
    for (; nodes->type; nodes++) mg_onnx_put_node(graph, nodes);
}

void mg_onnx_begin_tensor(mg_writer *message, const mg_onnx_tensor *tensor) {
    for (int i = 0; i < tensor->rank; i++) mg_onnx_int(message, 1, (uint64_t)tensor->shape[i]);
    mg_onnx_int(message, 2, (uint64_t)tensor->type);
    mg_onnx_text(message, 8, tensor->name);
    if (!tensor->texts) put_length(message, 9, tensor->bytes);
}

void mg_onnx_end_tensor(mg_writer *graph, mg_writer *message) { mg_onnx_message(graph, 5, message); }

void mg_onnx_put_tensor(mg_writer *graph, const mg_onnx_tensor *tensor) {
    mg_writer message = {0};
    mg_onnx_begin_tensor(&message, tensor);
    for (int64_t i = 0; tensor->texts && i < tensor->shape[0]; i++)
        mg_onnx_text(&message, 6, tensor->texts[i]);
    if (!tensor->texts) mg_writer_add_bytes(&message, tensor->data, tensor->bytes);
    mg_onnx_end_tensor(graph, &message);
}

void mg_onnx_put_scalar(mg_writer *graph, const char *name, double value) {
    const mg_onnx_tensor tensor = {
        .name = name, .type = MG_ONNX_DOUBLE, .data = &value, .bytes = sizeof value};
    mg_onnx_put_tensor(graph, &tensor);
}

static void put_value(mg_writer *graph, unsigned field, const char *name, mg_onnx_type type,
                      int64_t columns) {
    mg_writer dimension = {0}, shape = {0}, tensor = {0}, kind = {0}, value = {0};
    mg_onnx_text(&dimension, 2, "N");
    mg_onnx_message(&shape, 1, &dimension);
    if (columns) {
        mg_onnx_int(&dimension, 1, (uint64_t)columns);
        mg_onnx_message(&shape, 1, &dimension);
    }
    mg_onnx_int(&tensor, 1, (uint64_t)type);
    mg_onnx_message(&tensor, 2, &shape);
    mg_onnx_message(&kind, 1, &tensor);
    mg_onnx_text(&value, 1, name);
    mg_onnx_message(&value, 2, &kind);
    mg_onnx_message(graph, field, &value);
}

void mg_onnx_put_input(mg_writer *graph, const char *name, mg_onnx_type type, int64_t columns) {
    put_value(graph, 11, name, type, columns);
}

void mg_onnx_put_output(mg_writer *graph, const char *name, mg_onnx_type type, int64_t columns) {
    put_value(graph, 12, name, type, columns);
}

void mg_onnx_put_metadata(mg_writer *model, const char *key, const char *text) {
    mg_writer entry = {0};
    mg_onnx_text(&entry, 1, key);
    mg_onnx_text(&entry, 2, text);
    mg_onnx_message(model, 14, &entry);
}
