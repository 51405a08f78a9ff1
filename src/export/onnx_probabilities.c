// onnx_probabilities.c - the part of a graph of ONNX from scores to probabilities: a softmax of the scores,
// or of what the calibration makes of them (M34, M35, M40). A calibration is computed in double, as margin
// does it.
#include "export/export.h"
#include "export/onnx_graph.h"

#include <string.h>

static const mg_onnx_node plain[] = {MG_ONNX_WITH("Softmax", "probabilities", "axis", 1, "scores"), {0}};

static const mg_onnx_node temperature[] = {
    MG_ONNX_WITH("Cast", "exact_scores", "to", MG_ONNX_DOUBLE, "scores"),
    MG_ONNX_OP("Div", "logits", "exact_scores", "calibration_temperature"),
    {0},
};

// The temperature of each row (M40). Rows whose scores are all equal have the reach 1.
static const mg_onnx_node adaptive[] = {
    MG_ONNX_WITH("Cast", "exact_scores", "to", MG_ONNX_DOUBLE, "scores"),
    MG_ONNX_WITH("ReduceSum", "score_sum", "keepdims", 1, "exact_scores", "score_axes"),
    MG_ONNX_OP("Div", "score_mean", "score_sum", "class_count"),
    {.type = "ArgMax",
     .output = "leader",
     .input = {"scores"},
     .attribute = {"axis", "keepdims"},
     .value = {1, 1}},
    MG_ONNX_WITH("GatherElements", "top_score", "axis", 1, "exact_scores", "leader"),
    MG_ONNX_OP("Sub", "reach", "top_score", "score_mean"),
    MG_ONNX_OP("Greater", "reaches", "reach", "nought"),
    MG_ONNX_OP("Where", "positive_reach", "reaches", "reach", "unity"),
    MG_ONNX_OP("Pow", "row_factor", "positive_reach", "calibration_exponent"),
    MG_ONNX_OP("Mul", "row_temperature", "row_factor", "calibration_temperature"),
    MG_ONNX_OP("Div", "logits", "exact_scores", "row_temperature"),
    {0},
};

// The sigmoid of two classes depends on the difference of their scores.
static const mg_onnx_node of_score[] = {
    MG_ONNX_WITH("Cast", "sigmoid_inputs", "to", MG_ONNX_DOUBLE, "scores"),
    {0},
};
static const mg_onnx_node of_difference[] = {
    MG_ONNX_WITH("Cast", "exact_scores", "to", MG_ONNX_DOUBLE, "scores"),
    MG_ONNX_WITH("Gather", "other_scores", "axis", 1, "exact_scores", "others"),
    MG_ONNX_OP("Sub", "sigmoid_inputs", "exact_scores", "other_scores"),
    {0},
};
// Computes the logarithm of 1 / (1 + exp(z)) as -(max(z, 0) + log(1 + exp(-|z|))), which does not overflow.
static const mg_onnx_node sigmoid[] = {
    MG_ONNX_OP("Mul", "sloped", "sigmoid_inputs", "calibration_slope"),
    MG_ONNX_OP("Add", "exponents", "sloped", "calibration_intercept"),
    MG_ONNX_OP("Relu", "positive_exponents", "exponents"),
    MG_ONNX_OP("Abs", "exponent_sizes", "exponents"),
    MG_ONNX_OP("Neg", "negative_sizes", "exponent_sizes"),
    MG_ONNX_OP("Exp", "powers", "negative_sizes"),
    MG_ONNX_OP("Add", "powers_and_one", "powers", "unity"),
    MG_ONNX_OP("Log", "log_powers", "powers_and_one"),
    MG_ONNX_OP("Add", "softplus", "positive_exponents", "log_powers"),
    MG_ONNX_OP("Neg", "logits", "softplus"),
    {0},
};

static const mg_onnx_node of_logits[] = {
    MG_ONNX_WITH("Softmax", "exact_probabilities", "axis", 1, "logits"),
    MG_ONNX_WITH("Cast", "probabilities", "to", MG_ONNX_FLOAT, "exact_probabilities"),
    {0},
};

static void put_parameters(mg_writer *graph, const mg_model *model) {
    mg_export_parameter parameters[2];
    int count = mg_export_calibration(model, parameters);
    for (const mg_export_parameter *p = parameters; p < parameters + count; p++) {
        const mg_onnx_tensor tensor = {.name = p->name,
                                       .type = MG_ONNX_DOUBLE,
                                       .rank = p->count > 0,
                                       .shape = {p->count},
                                       .data = p->values,
                                       .bytes = (size_t)(p->count ? p->count : 1) * sizeof *p->values};
        mg_onnx_put_tensor(graph, &tensor);
    }
}

static void put_adaptive(mg_writer *graph, int64_t classes) {
    static const int64_t column = 1;
    const mg_onnx_tensor axes = {"score_axes", MG_ONNX_INT64, 1, {1}, NULL, &column, sizeof column};
    mg_onnx_put_nodes(graph, adaptive);
    mg_onnx_put_tensor(graph, &axes);
    mg_onnx_put_scalar(graph, "class_count", (double)classes);
    mg_onnx_put_scalar(graph, "nought", 0);
    mg_onnx_put_scalar(graph, "unity", 1);
}

static void put_sigmoids(mg_writer *graph, int64_t classes) {
    static const int64_t swapped[2] = {1, 0};
    const mg_onnx_tensor others = {"others", MG_ONNX_INT64, 1, {2}, NULL, swapped, sizeof swapped};
    mg_onnx_put_nodes(graph, classes == 2 ? of_difference : of_score);
    mg_onnx_put_nodes(graph, sigmoid);
    if (classes == 2) mg_onnx_put_tensor(graph, &others);
    mg_onnx_put_scalar(graph, "unity", 1);
}

void mg_onnx_put_probabilities(mg_writer *graph, const mg_model *model) {
    const mg_calibration_method method = model->calibration.method;
    if (method == MG_CALIBRATION_NONE && strcmp(model->loss, "softmax") != 0) return;
    switch (method) {
    case MG_CALIBRATION_NONE: mg_onnx_put_nodes(graph, plain); break;
    case MG_CALIBRATION_TEMPERATURE: mg_onnx_put_nodes(graph, temperature); break;
    case MG_CALIBRATION_ADAPTIVE: put_adaptive(graph, model->classes_count); break;
    case MG_CALIBRATION_SIGMOID: put_sigmoids(graph, model->classes_count); break;
    }
    if (method != MG_CALIBRATION_NONE) mg_onnx_put_nodes(graph, of_logits);
    put_parameters(graph, model);
    mg_onnx_put_output(graph, "probabilities", MG_ONNX_FLOAT, model->classes_count);
}
