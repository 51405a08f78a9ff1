// scores.c - whether probabilities can be believed, how large margins are, and what rejecting rows would
// gain.
#include "report/chart.h"
#include "report/page.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BINS = 10, MARGIN_BINS = 40, REJECT_POINTS = 101, BINS = MG_EXAMINE_BINS };

// ---- probabilities ----------------------------------------------------------------------------

typedef struct reliability {
    double mean[BINS], share[BINS], edge[BINS + 1], rows[BINS + 1];
} reliability;

static void fill(const mg_examined_quality *quality, reliability *out) {
    for (int b = 0; b < BINS; b++) {
        const mg_examined_bin *bin = &quality->bin[b];
        out->mean[b] = bin->rows ? bin->probability / (double)bin->rows : NAN;
        out->share[b] = bin->rows ? (double)bin->right / (double)bin->rows : NAN;
        out->edge[b] = (double)b / BINS;
        out->rows[b] = (double)bin->rows;
    }
    out->edge[BINS] = 1;
    out->rows[BINS] = 0;
}

static void add_reliability(const mg_page *page) {
    const mg_examined *rows = page->rows;
    reliability after, before;
    fill(&rows->after, &after);
    fill(&rows->before, &before);
    const mg_series series[] = {
        {rows->calibrated ? "calibrated" : "probabilities", after.mean, after.share, NULL, BINS,
         MG_SERIES_POINTS, 0, false},
        {"before calibration", before.mean, before.share, NULL, BINS, MG_SERIES_DASHED, 1, false},
    };
    const mg_chart diagram = {
        .id = "reliability",
        .title = "Reliability",
        .y_name = "share that is right",
        .text = "For rows in each range of probability, the share for which the answer is right. "
                "Points on the diagonal: the probabilities are right on average.",
        .x_name = "probability of the answer",
        .percent = true,
        .from_zero = true,
        .diagonal = true,
        .still = true,
        .mark = NAN,
        .series = series,
        .count = rows->calibrated ? 2 : 1};
    const mg_series counts = {"rows", after.edge, after.rows, NULL, BINS + 1, MG_SERIES_BARS, 0, false};
    const mg_chart histogram = {.id = "probabilities",
                                .title = "Probabilities of the answers",
                                .y_name = "rows",
                                .text = "Number of rows in each range of probability.",
                                .x_name = "probability of the answer",
                                .from_zero = true,
                                .still = true,
                                .mark = NAN,
                                .series = &counts,
                                .count = 1};
    mg_chart_add(page->to, &diagram);
    mg_chart_add(page->to, &histogram);
}

static void add_quality(mg_writer *to, const char *name, const mg_examined_quality *quality) {
    mg_writer_format(to, "%s: expected calibration error ", name);
    mg_html_fixed(to, quality->ece, 4);
    mg_writer_add(to, ", log-loss ");
    mg_html_fixed(to, quality->log_loss, 4);
    mg_writer_add(to, ". ");
}

static void add_probability_note(const mg_page *page) {
    const mg_examined *rows = page->rows;
    mg_writer *to = page->to;
    if (!rows->probable) {
        mg_writer_add(
            to, "<p class=\"note\">The scores of this loss are not probabilities. "
                "<code>margin calibrate</code> fits probabilities to rows that were not trained on.</p>\n");
        return;
    }
    mg_writer_add(to, "<p class=\"note\">");
    add_quality(to, rows->calibrated ? "Calibrated" : "Probabilities of the softmax", &rows->after);
    if (rows->calibrated) add_quality(to, "Before calibration", &rows->before);
    mg_writer_add(to,
                  "An error of 0.01 means that the probability of an answer differs from the share of right "
                  "answers by one percentage point on average.</p>\n");
}

// ---- margins ----------------------------------------------------------------------------------

// The range of the histogram leaves out the most extreme half per cent of rows on each side.
static void margin_range(const mg_examined *rows, float *sorted, double *low, double *high) {
    int64_t cut = rows->rows / 200;
    *low = fmin(0, (double)sorted[cut]);
    *high = fmax(0, (double)sorted[rows->rows - 1 - cut]);
    if (!(*high > *low)) *low -= 1, *high += 1;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static mg_status add_margins(const mg_page *page, mg_error *error) {
    const mg_examined *rows = page->rows;
    double edge[MARGIN_BINS + 1], right[MARGIN_BINS + 1] = {0}, wrong[MARGIN_BINS + 1] = {0}, low, high;
    float *sorted;
    mg_status status = mg_memory_get(&sorted, (size_t)rows->rows, sizeof *sorted, error);
    if (status) return status;
    memcpy(sorted, rows->margin, (size_t)rows->rows * sizeof *sorted);
    qsort(sorted, (size_t)rows->rows, sizeof *sorted, ascending);
    margin_range(rows, sorted, &low, &high);
    mg_memory_free(sorted);
    // 0 is an edge, so that a bar is either of right or of wrong rows
    int bins = (int)fmin(MARGIN_BINS, fmax(LEAST_BINS, sqrt((double)rows->rows)));
    double width = (high - low) / bins;
    low = floor(low / width) * width;
    for (int b = 0; b <= bins; b++) edge[b] = low + b * width;
    for (int64_t i = 0; i < rows->rows; i++) {
        double place = floor(((double)rows->margin[i] - low) / width);
        int b = (int)fmin(bins - 1, fmax(0, place));
        if (rows->label[i] == rows->best[i]) right[b]++;
        else wrong[b]++;
    }
    const mg_series series[] = {
        {"right", edge, right, NULL, bins + 1, MG_SERIES_BARS, 0, false},
        {"wrong", edge, wrong, NULL, bins + 1, MG_SERIES_BARS, 1, false},
    };
    const mg_chart chart = {
        .id = "margins",
        .title = "Margins",
        .y_name = "rows",
        .text = "Score of the true class minus the highest other score. Below zero the answer is "
                "wrong. Rows beyond the ends are in the first and the last bar.",
        .x_name = "margin",
        .from_zero = true,
        .still = true,
        .mark = NAN,
        .series = series,
        .count = 2};
    mg_chart_add(page->to, &chart);
    return MG_OK;
}

// ---- rejection --------------------------------------------------------------------------------

typedef struct answer {
    float confidence;
    bool right;
} answer;

static int by_confidence(const void *a, const void *b) {
    const answer *x = a, *y = b;
    return (x->confidence < y->confidence) - (x->confidence > y->confidence);
}

static mg_status add_rejection(const mg_page *page, mg_error *error) {
    const mg_examined *rows = page->rows;
    double kept[REJECT_POINTS], accuracy[REJECT_POINTS];
    answer *all;
    mg_status status = mg_memory_get(&all, (size_t)rows->rows, sizeof *all, error);
    if (status) return status;
    for (int64_t i = 0; i < rows->rows; i++)
        all[i] = (answer){rows->confidence[i], rows->label[i] == rows->best[i]};
    qsort(all, (size_t)rows->rows, sizeof *all, by_confidence);
    int64_t right = 0, i = 0;
    for (int p = 0; p < REJECT_POINTS; p++) {
        int64_t end = rows->rows * p / (REJECT_POINTS - 1);
        for (; i < end; i++) right += all[i].right;
        kept[p] = 100.0 * p / (REJECT_POINTS - 1);
        accuracy[p] = end ? (double)right / (double)end : NAN;
    }
    mg_memory_free(all);
    const mg_series series = {
        "accuracy of the answers", kept, accuracy, NULL, REJECT_POINTS, MG_SERIES_LINE, 0, false};
    const mg_chart chart = {.id = "rejection",
                            .title = "Accuracy when the least confident rows are rejected",
                            .text = rows->probable
                                        ? "Accuracy of the answered rows if only a share of the rows is "
                                          "answered: those with the highest probabilities."
                                        : "Accuracy of the answered rows if only a share of the rows is "
                                          "answered: those whose highest score is farthest above the second.",
                            .x_name = "% of rows answered",
                            .percent = true,
                            .mark = NAN,
                            .series = &series,
                            .count = 1};
    mg_chart_add(page->to, &chart);
    return MG_OK;
}

mg_status mg_page_scores(const mg_page *page, mg_error *error) {
    if (!page->rows) return MG_OK;
    mg_html_section(page->to, "scores", page->rows->probable ? "Probabilities and margins" : "Margins");
    add_probability_note(page);
    mg_writer_add(page->to, "<div class=\"charts\">\n");
    if (page->rows->probable) add_reliability(page);
    mg_status status = add_margins(page, error);
    if (!status) status = add_rejection(page, error);
    mg_writer_add(page->to, "</div>\n</section>\n");
    return status;
}
