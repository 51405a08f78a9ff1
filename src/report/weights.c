// weights.c - what the model has learned: the weights of each class as an image, or its top features.
#include "report/image.h"
#include "report/page.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SIDE = 8, MOST_SIDE = 128, MOST_TEMPLATES = 100, MOST_CARDS = 60, FEW_CARDS = 40, TOP = 10 };

int64_t mg_page_side(const mg_model *model) {
    int64_t side = llround(sqrt((double)model->features));
    bool named = model->columns.names.count > 0 || mg_recipe_is(model->columns.recipe, "format", "text");
    return !named && side * side == model->features && side >= LEAST_SIDE && side <= MOST_SIDE ? side : 0;
}

static void add_label(const mg_page *page, int64_t k) {
    char buffer[MG_LABEL_BUFFER];
    mg_html_cut(page->to, mg_classes_label(&page->model->classes, k, buffer), 40);
}

// ---- which classes ----------------------------------------------------------------------------

typedef struct ranked {
    int64_t k, wrong;
} ranked;

static int by_wrong(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return x->wrong != y->wrong ? (x->wrong < y->wrong) - (x->wrong > y->wrong)
                                : (x->k > y->k) - (x->k < y->k);
}

static int by_number(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return (x->k > y->k) - (x->k < y->k);
}

// All classes if there are at most `most`; otherwise the `few` with the most errors, in the order of the
// model.
static mg_status choose(const mg_page *page, int64_t most, int64_t few, ranked **out, int64_t *count,
                        mg_error *error) {
    int64_t classes = page->model->classes_count;
    mg_status status = mg_memory_zeroed(out, (size_t)classes, sizeof **out, error);
    if (status) return status;
    for (int64_t k = 0; k < classes; k++) (*out)[k].k = k;
    for (int64_t i = 0; page->rows && i < page->rows->rows; i++)
        (*out)[page->rows->label[i]].wrong += page->rows->label[i] != page->rows->best[i];
    *count = classes > most ? few : classes;
    qsort(*out, (size_t)classes, sizeof **out, by_wrong);
    qsort(*out, (size_t)*count, sizeof **out, by_number);
    return MG_OK;
}

static void add_left_out(const mg_page *page, int64_t count) {
    int64_t classes = page->model->classes_count;
    if (count == classes) return;
    mg_writer_format(page->to, " Shown: the %lld of %lld classes %s.", (long long)count, (long long)classes,
                     page->rows ? "with the most errors" : "that come first");
}

// ---- images -----------------------------------------------------------------------------------

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// The size of a weight that gets the full colour: only one in a hundred is larger. It is the same for all
// classes.
static mg_status find_scale(const mg_model *model, float *scale, mg_error *error) {
    size_t count = (size_t)(model->classes_count * model->per_class);
    float *sizes;
    mg_status status = mg_memory_get(&sizes, count, sizeof *sizes, error);
    if (status) return status;
    for (size_t i = 0; i < count; i++) sizes[i] = fabsf(model->weights[i]);
    qsort(sizes, count, sizeof *sizes, ascending);
    *scale = sizes[count - 1 - count / 100];
    if (!(*scale > 0)) *scale = sizes[count - 1] > 0 ? sizes[count - 1] : 1;
    mg_memory_free(sizes);
    return MG_OK;
}

static void add_template(const mg_page *page, int64_t k, int64_t side, float scale, float *cells) {
    const mg_model *model = page->model;
    const float *weights = model->weights + k * model->per_class;
    memset(cells, 0, (size_t)(side * side) * sizeof *cells);
    for (int64_t i = 0; i < model->per_class; i++)
        cells[mg_used_column(&model->used, i)] = weights[i] / scale;
    mg_writer_format(page->to, "<figure><img width=\"%lld\" height=\"%lld\" alt=\"Weights of class ",
                     (long long)side, (long long)side);
    add_label(page, k);
    mg_writer_add(page->to, "\" src=\"");
    mg_image_add(page->to, side, cells, MG_IMAGE_SIGNED);
    mg_writer_add(page->to, "\"><figcaption>");
    add_label(page, k);
    mg_writer_add(page->to, "</figcaption></figure>\n");
}

static mg_status add_templates(const mg_page *page, int64_t side, mg_error *error) {
    float scale = 1;
    float *cells = NULL;
    ranked *chosen = NULL;
    int64_t count = 0;
    mg_status status = find_scale(page->model, &scale, error);
    if (!status) status = mg_memory_get(&cells, (size_t)(side * side), sizeof *cells, error);
    if (!status) status = choose(page, MOST_TEMPLATES, FEW_CARDS, &chosen, &count, error);
    if (!status) {
        mg_writer_format(
            page->to,
            "<p class=\"note\">The weights of each class as an image of %lld × %lld features. "
            "<i class=\"k s0\"></i>Blue features count for the class, <i class=\"k s1\"></i>orange "
            "ones against it; all images have the same scale.",
            (long long)side, (long long)side);
        add_left_out(page, count);
        mg_writer_add(page->to, "</p>\n<div class=\"templates\">\n");
        for (int64_t i = 0; i < count; i++) add_template(page, chosen[i].k, side, scale, cells);
        mg_writer_add(page->to, "</div>\n");
    }
    mg_memory_free(chosen);
    mg_memory_free(cells);
    return status;
}

// ---- top features -----------------------------------------------------------------------------

// The places of the largest weights of one sign, the largest first. Returns how many there are.
static int find_top(const float *weights, int64_t count, float sign, int64_t top[TOP]) {
    int found = 0;
    for (int64_t i = 0; i < count; i++) {
        float value = sign * weights[i];
        if (!(value > 0) || (found == TOP && value <= sign * weights[top[TOP - 1]])) continue;
        int at = found < TOP ? found++ : TOP - 1;
        for (; at > 0 && value > sign * weights[top[at - 1]]; at--) top[at] = top[at - 1];
        top[at] = i;
    }
    return found;
}

static void add_feature(const mg_page *page, int64_t place, float weight, float most) {
    const mg_model *model = page->model;
    int64_t column = mg_used_column(&model->used, place);
    mg_writer_format(page->to, "<li style=\"--v:%ld%%\"><span>", lrintf(100 * fabsf(weight) / most));
    if (model->columns.names.count) mg_html_cut(page->to, model->columns.names.text[column], 40);
    else mg_writer_format(page->to, "feature %lld", (long long)column);
    mg_writer_add(page->to, "</span><b>");
    mg_html_short(page->to, (double)weight, 3);
    mg_writer_add(page->to, "</b></li>");
}

static void add_card(const mg_page *page, int64_t k) {
    const float *weights = page->model->weights + k * page->model->per_class;
    int64_t top[2][TOP];
    int count[2];
    float most = 0;
    for (int s = 0; s < 2; s++) {
        count[s] = find_top(weights, page->model->per_class, s ? -1 : 1, top[s]);
        if (count[s]) most = fmaxf(most, fabsf(weights[top[s][0]]));
    }
    mg_writer_add(page->to, "<section class=\"card\"><h3>");
    add_label(page, k);
    mg_writer_add(page->to, "</h3>");
    for (int s = 0; s < 2; s++) {
        mg_writer_add(page->to, s ? "<h4>against</h4><ol class=\"features against\">"
                                  : "<h4>for</h4><ol class=\"features\">");
        for (int i = 0; i < count[s]; i++) add_feature(page, top[s][i], weights[top[s][i]], most);
        mg_writer_add(page->to, "</ol>");
    }
    mg_writer_add(page->to, "</section>\n");
}

static mg_status add_features(const mg_page *page, mg_error *error) {
    ranked *chosen;
    int64_t count;
    mg_status status = choose(page, MOST_CARDS, FEW_CARDS, &chosen, &count, error);
    if (!status) {
        mg_writer_add(page->to,
                      "<p class=\"note\">The features with the largest weights for and against each class. "
                      "Weights apply to the features as they are stored, so compare only features of "
                      "similar size.");
        if (!page->model->columns.names.count)
            mg_writer_add(page->to, " The data name no features: they are numbered from 0.");
        add_left_out(page, count);
        // numbers of features say little, so they are not in the way
        bool named = page->model->columns.names.count > 0;
        mg_writer_add(page->to,
                      named ? "</p>\n<div class=\"cards\">\n"
                            : "</p>\n<details><summary>Top features</summary>\n<div class=\"cards\">\n");
        for (int64_t i = 0; i < count; i++) add_card(page, chosen[i].k);
        mg_writer_add(page->to, named ? "</div>\n" : "</div></details>\n");
    }
    mg_memory_free(chosen);
    return status;
}

mg_status mg_page_weights(const mg_page *page, mg_error *error) {
    if (!page->model) return MG_OK;
    int64_t side = mg_page_side(page->model);
    mg_html_section(page->to, "weights", side ? "Weights as images" : "Top features");
    mg_status status = side ? add_templates(page, side, error) : add_features(page, error);
    mg_writer_add(page->to, "</section>\n");
    return status;
}
