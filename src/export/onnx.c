// onnx.c - an ONNX graph (opset 13): preparation of rows, Gemm, ArgMax and Gather, and probabilities if the
// model has them. Rows are prepared in double and rounded to float after each step, as margin does it.
#include "export/export.h"

#include "base/memory.h"
#include "export/onnx_graph.h"

#include <margin/version.h>
#include <math.h>
#include <string.h>

static const size_t most_bytes = (size_t)1 << 31; // largest protobuf message

// ---- preparation --------------------------------------------------------------------------------

// Each list begins with a cast of the rows, whose name put_step fills in, and ends with a tensor of floats.
static const mg_onnx_node unit[] = {
    MG_ONNX_WITH("Cast", "exact", "to", MG_ONNX_DOUBLE, ""),
    MG_ONNX_OP("Mul", "squares", "exact", "exact"),
    MG_ONNX_WITH("ReduceSum", "sum", "keepdims", 1, "squares", "columns"),
    MG_ONNX_OP("Sqrt", "length", "sum"),
    MG_ONNX_OP("Div", "quotient", "one", "length"),
    MG_ONNX_OP("Equal", "empty", "sum", "zero"),
    MG_ONNX_OP("Where", "factor", "empty", "one", "quotient"),
    MG_ONNX_OP("Mul", "scaled", "exact", "factor"),
    MG_ONNX_WITH("Cast", "rows", "to", MG_ONNX_FLOAT, "scaled"),
    {0},
};
// Scales the row to a sum of 10,000. margin refuses a row whose sum is not above 0, unless all its cells are
// 0; the graph turns it into NaN.
static const mg_onnx_node total[] = {
    MG_ONNX_WITH("Cast", "exact", "to", MG_ONNX_DOUBLE, ""),
    MG_ONNX_WITH("ReduceSum", "sum", "keepdims", 1, "exact", "columns"),
    MG_ONNX_OP("Div", "quotient", "total", "sum"),
    MG_ONNX_OP("Greater", "positive", "sum", "zero"),
    MG_ONNX_OP("Where", "wanted", "positive", "quotient", "nan"),
    MG_ONNX_OP("Abs", "magnitudes", "exact"),
    MG_ONNX_WITH("ReduceSum", "size", "keepdims", 1, "magnitudes", "columns"),
    MG_ONNX_OP("Equal", "empty", "size", "zero"),
    MG_ONNX_OP("Where", "factor", "empty", "one", "wanted"),
    MG_ONNX_OP("Mul", "scaled", "exact", "factor"),
    MG_ONNX_WITH("Cast", "rows", "to", MG_ONNX_FLOAT, "scaled"),
    {0},
};
// log(1 + x), exact also for small x: with u = 1 + x after rounding, it is log(u) x / (u - 1), or x if u is
// 1.
static const mg_onnx_node log1p_cells[] = {
    MG_ONNX_WITH("Cast", "cell", "to", MG_ONNX_DOUBLE, ""),
    MG_ONNX_OP("Add", "above", "cell", "one"),
    MG_ONNX_OP("Log", "logarithm", "above"),
    MG_ONNX_OP("Sub", "rounded", "above", "one"),
    MG_ONNX_OP("Mul", "product", "logarithm", "cell"),
    MG_ONNX_OP("Div", "corrected", "product", "rounded"),
    MG_ONNX_OP("Equal", "tiny", "rounded", "zero"),
    MG_ONNX_OP("Where", "log1p", "tiny", "cell", "corrected"),
    MG_ONNX_WITH("Cast", "cells", "to", MG_ONNX_FLOAT, "log1p"),
    {0},
};

static const struct step {
    const char *option, *name;
    const mg_onnx_node *nodes; // NULL: the rows need no change
} steps[] = {
    {"data.rows", "none", NULL},
    {"data.rows", "unit", unit},
    {"data.rows", "total", total},
    {"data.transform", "none", NULL},
    {"data.transform", "log1p", log1p_cells},
};

// Adds the nodes of one step of the preparation. *at is the name of the tensor of rows: before the call of
// the old one, afterwards of the new one.
static mg_status put_step(mg_writer *graph, const mg_model *model, const char *option, const char *name,
                          const char **at, mg_error *error) {
    const struct step *found = NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!strcmp(steps[i].option, option) && !strcmp(steps[i].name, name)) found = &steps[i];
    if (!found)
        return mg_fail(error, MG_CONFIG,
                       "%s: prepares rows with %s: %s, which the format onnx cannot express: use the format "
                       "npz or safetensors, and prepare the rows in your program",
                       model->path, option, name);
    for (const mg_onnx_node *node = found->nodes; node && node->type; node++) {
        mg_onnx_node copy = *node;
        if (!*copy.input[0]) copy.input[0] = *at;
        mg_onnx_put_node(graph, &copy);
        if (!node[1].type) *at = node->output;
    }
    return MG_OK;
}

static mg_status put_preparation(mg_writer *graph, const mg_model *model, const char **at, mg_error *error) {
    static const int64_t columns = 1;
    const mg_onnx_tensor axes = {"columns", MG_ONNX_INT64, 1, {1}, NULL, &columns, sizeof columns};
    *at = "X";
    mg_status status = put_step(graph, model, "data.rows", model->rows, at, error);
    bool lengths = !status && strcmp(*at, "X");
    if (!status) status = put_step(graph, model, "data.transform", model->transform, at, error);
    if (status || !strcmp(*at, "X")) return status;
    mg_onnx_put_scalar(graph, "zero", 0);
    mg_onnx_put_scalar(graph, "one", 1);
    if (lengths) mg_onnx_put_tensor(graph, &axes);
    if (lengths && !strcmp(model->rows, "total")) {
        mg_onnx_put_scalar(graph, "total", 1e4);
        mg_onnx_put_scalar(graph, "nan", NAN);
    }
    return status;
}

// ---- weights ------------------------------------------------------------------------------------

// The used columns, if most columns are not used.
typedef struct kept_columns {
    uint32_t *column; // [count]; NULL: all columns
    int64_t count;
} kept_columns;

static mg_status find_kept(const mg_model *model, kept_columns *out, mg_error *error) {
    mg_used used;
    *out = (kept_columns){.count = model->features};
    mg_status status = mg_used_create(&used, model->features, error);
    if (status) return status;
    for (int64_t k = 0; k < model->classes_count; k++)
        for (uint32_t d = 0; d < model->features; d++)
            if (model->weights[k * model->features + d] != 0) mg_used_mark(&used, 1, &d);
    mg_used_finish(&used);
    if (mg_used_pays(&used)) {
        status = mg_memory_get(&out->column, (size_t)used.count, sizeof *out->column, error);
        if (!status) mg_used_list(&used, out->column);
        out->count = used.count;
    }
    mg_used_clear(&used);
    return status;
}

static void put_weights(mg_writer *graph, const mg_model *model, const kept_columns *kept) {
    mg_writer message = {0};
    const mg_onnx_tensor coef = {.name = "coef",
                                 .type = MG_ONNX_FLOAT,
                                 .rank = 2,
                                 .shape = {model->classes_count, kept->count},
                                 .bytes = (size_t)model->classes_count * (size_t)kept->count * sizeof(float)};
    const mg_onnx_tensor list = {.name = "used",
                                 .type = MG_ONNX_INT64,
                                 .rank = 1,
                                 .shape = {kept->count},
                                 .bytes = (size_t)kept->count * sizeof(int64_t)};
    mg_onnx_begin_tensor(&message, &coef);
    if (!kept->column) mg_writer_add_bytes(&message, (const char *)model->weights, coef.bytes);
    for (int64_t k = 0; kept->column && k < model->classes_count; k++) {
        const float *line = model->weights + k * model->features;
        for (int64_t i = 0; i < kept->count; i++)
            mg_writer_add_bytes(&message, (const char *)(line + kept->column[i]), sizeof *line);
    }
    mg_onnx_end_tensor(graph, &message);
    if (!kept->column) return;
    mg_onnx_begin_tensor(&message, &list);
    for (int64_t i = 0; i < kept->count; i++) mg_export_number(&message, kept->column[i], sizeof(int64_t));
    mg_onnx_end_tensor(graph, &message);
}

// Adds a vector with a number for each kept column.
static void put_columns(mg_writer *graph, const char *name, const float *values, const kept_columns *kept) {
    mg_writer message = {0};
    const mg_onnx_tensor vector = {.name = name,
                                   .type = MG_ONNX_FLOAT,
                                   .rank = 1,
                                   .shape = {kept->count},
                                   .bytes = (size_t)kept->count * sizeof *values};
    mg_onnx_begin_tensor(&message, &vector);
    if (!kept->column) mg_writer_add_bytes(&message, (const char *)values, vector.bytes);
    for (int64_t i = 0; kept->column && i < kept->count; i++)
        mg_writer_add_bytes(&message, (const char *)(values + kept->column[i]), sizeof *values);
    mg_onnx_end_tensor(graph, &message);
}

// (M39) Adds the nodes of data.clip, if the model has limits. *at is the name of the tensor of rows, as in
// put_step. The difference of a cell and itself makes cells that are not finite NaN: margin refuses them.
static void put_clip(mg_writer *graph, const mg_model *model, const kept_columns *kept, const char **at) {
    const mg_onnx_node nodes[] = {
        MG_ONNX_OP("Less", "below", *at, "clip_low"),
        MG_ONNX_OP("Where", "raised", "below", "clip_low", *at),
        MG_ONNX_OP("Greater", "beyond", "raised", "clip_high"),
        MG_ONNX_OP("Where", "limited", "beyond", "clip_high", "raised"),
        MG_ONNX_OP("Sub", "finite", *at, *at),
        MG_ONNX_OP("Add", "clipped", "limited", "finite"),
        {0},
    };
    mg_export_limits limits[2];
    int count = mg_export_limits_of(model, limits);
    if (!count) return;
    mg_onnx_put_nodes(graph, nodes);
    for (int i = 0; i < count; i++) put_columns(graph, limits[i].name, limits[i].values, kept);
    *at = "clipped";
}

static void put_classes(mg_writer *graph, const mg_model *model) {
    int64_t classes = model->classes_count;
    const mg_onnx_tensor intercept = {
        "intercept", MG_ONNX_FLOAT, 1, {classes}, NULL, model->bias, (size_t)classes * sizeof(float)};
    mg_onnx_tensor labels = {"classes",
                             MG_ONNX_INT64,
                             1,
                             {classes},
                             NULL,
                             model->classes.number,
                             (size_t)classes * sizeof(int64_t)};
    if (model->classes.texts) {
        labels.type = MG_ONNX_STRING;
        labels.texts = (const char *const *)model->classes.text;
    }
    mg_onnx_put_tensor(graph, &intercept);
    mg_onnx_put_tensor(graph, &labels);
    mg_onnx_put_output(graph, "label", labels.type, 0);
}

static mg_status put_graph(mg_writer *graph, const mg_model *model, mg_error *error) {
    const char *rows = NULL;
    kept_columns kept = {0};
    mg_status status = put_preparation(graph, model, &rows, error);
    if (!status) status = find_kept(model, &kept, error);
    if (status) return status;
    const mg_onnx_node selection = MG_ONNX_WITH("Gather", "features", "axis", 1, rows, "used");
    if (kept.column) {
        mg_onnx_put_node(graph, &selection);
        rows = "features";
    }
    put_clip(graph, model, &kept, &rows);
    const mg_onnx_node nodes[] = {
        MG_ONNX_WITH("Gemm", "scores", "transB", 1, rows, "coef", "intercept"),
        {.type = "ArgMax",
         .output = "best",
         .input = {"scores"},
         .attribute = {"axis", "keepdims"},
         .value = {1, 0}},
        MG_ONNX_WITH("Gather", "label", "axis", 0, "classes", "best"),
        {0},
    };
    mg_onnx_put_nodes(graph, nodes);
    mg_onnx_text(graph, 2, "margin");
    put_weights(graph, model, &kept);
    mg_onnx_put_input(graph, "X", MG_ONNX_FLOAT, model->features);
    put_classes(graph, model);
    mg_onnx_put_output(graph, "scores", MG_ONNX_FLOAT, model->classes_count);
    mg_onnx_put_probabilities(graph, model);
    mg_memory_free(kept.column);
    return MG_OK;
}

// ---- the file -----------------------------------------------------------------------------------

static mg_status put_metadata(mg_writer *out, const mg_model *model, mg_error *error) {
    const mg_names *names = &model->columns.names;
    char *list = NULL;
    mg_export_describe(model, mg_onnx_put_metadata, out);
    if (!names->count) return MG_OK;
    mg_status status = mg_export_list(names->text, names->count, &list, error);
    if (!status) mg_onnx_put_metadata(out, "feature_names", list);
    mg_memory_free(list);
    return status;
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    mg_writer graph = {0}, opset = {0};
    mg_onnx_int(out, 1, 8); // ir_version
    mg_onnx_text(out, 2, "margin");
    mg_onnx_text(out, 3, MG_VERSION);
    mg_status status = put_graph(&graph, model, error);
    mg_onnx_message(out, 7, &graph);
    mg_onnx_text(&opset, 1, "");
    mg_onnx_int(&opset, 2, 13);
    mg_onnx_message(out, 8, &opset);
    if (!status) status = put_metadata(out, model, error);
    if (status || out->length < most_bytes) return status;
    return mg_fail(error, MG_CONFIG, "%s: needs %zu bytes, but ONNX allows 2^31 - 1: use the format npz",
                   model->path, out->length);
}

const mg_export_format mg_export_onnx = {
    .name = "onnx",
    .help = "graph of ONNX, opset 13: X to label, scores and, of loss softmax or calibrated, probabilities",
    .keeps_preparation = true,
    .mark = "\x08\x08\x12\x06margin", // ir_version and the name of the producer
    .write = write};
