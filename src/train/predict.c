// predict.c - mg_predictor: predicts the classes of rows, from a file or line by line, with one line of text
// for each row.
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "format/pairs.h"
#include "train/scoring.h"

#include <margin/predict.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FLUSH_BYTES = 64 << 10 };

struct mg_predictor {
    mg_scoring scoring;
    mg_predict_options options;
    char *features, *names; // copies of the texts of `options`, or NULL
    int32_t *leader;        // [options.top] classes, best first
    mg_writer out;          // predictions that were not passed to the sink yet
    // Only for rows from lines of text:
    mg_pairs pairs;
    char beyond[64];
    int64_t lines;
    float *scores; // [lanes]
    float *shares; // [classes] probabilities; NULL: scores are printed instead
};

// ---- predictions ----------------------------------------------------------------------------------

// Adds a label to the output. Labels may contain any character, but a prediction must be one line, so line
// ends are escaped.
static void add_label(mg_predictor *p, int64_t k) {
    char buffer[MG_LABEL_BUFFER];
    mg_printable_add(&p->out, mg_classes_label(&p->scoring.model->classes, k, buffer));
}

static void add_score(mg_predictor *p, float score) {
    char text[MG_REAL_TEXT];
    mg_print_float(score + 0.0f, text); // adding 0 removes the sign of a negative zero
    mg_writer_add(&p->out, text);
}

// Finds the options.top classes with the highest scores, best first; among equal scores, the lowest class
// first.
static int64_t find_leaders(mg_predictor *p, int64_t classes, const float *scores) {
    int64_t count = 0;
    for (int64_t k = 0; k < classes; k++) {
        int64_t at = count;
        while (at > 0 && scores[k] > scores[p->leader[at - 1]]) at--;
        if (at >= p->options.top) continue;
        count += count < p->options.top;
        memmove(p->leader + at + 1, p->leader + at, (size_t)(count - at - 1) * sizeof *p->leader);
        p->leader[at] = (int32_t)k;
    }
    return count;
}

static void add_answer(mg_predictor *p, int64_t classes, const float *scores, int64_t best) {
    const float *shown = p->shares ? p->shares : scores;
    if (p->shares) mg_scoring_probabilities(p->scoring.model, p->scoring.scorer.loss, scores, p->shares);
    if (p->options.top > 0) {
        int64_t count = find_leaders(p, classes, scores);
        for (int64_t i = 0; i < count; i++) {
            if (i) mg_writer_add(&p->out, "\t");
            add_label(p, p->leader[i]);
            mg_writer_add(&p->out, ":");
            add_score(p, shown[p->leader[i]]);
        }
    } else {
        add_label(p, best);
        for (int64_t k = 0; p->options.scores && k < classes; k++) {
            mg_writer_add(&p->out, "\t");
            add_score(p, shown[k]);
        }
    }
    mg_writer_add(&p->out, "\n");
}

// ---- rows of a file -----------------------------------------------------------------------------

// Context of a callback that writes predictions.
typedef struct delivery {
    mg_predictor *p;
    const mg_predict_sink *sink;
} delivery;

static mg_status hand_over(mg_predictor *p, const mg_predict_sink *sink, mg_error *error) {
    if (p->out.status) return mg_fail(error, p->out.status, "%s", p->out.error.text);
    if (!p->out.length) return MG_OK;
    mg_status status = sink->write(sink->context, p->out.text, p->out.length, error);
    p->out.length = 0;
    return status;
}

static mg_status answer_rows(void *context, int64_t count, int64_t classes, int64_t lanes,
                             const float *scores, const int32_t *best, mg_error *error) {
    delivery *d = context;
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++) {
        add_answer(d->p, classes, scores + i * lanes, best[i]);
        if (d->p->out.length >= FLUSH_BYTES || d->p->out.status) status = hand_over(d->p, d->sink, error);
    }
    return status;
}

mg_status mg_predictor_file(mg_predictor *p, const char *path, const mg_predict_sink *sink, mg_error *error) {
    MG_FLOAT_SCOPE;
    const mg_scoring_data data = {
        .path = path, .features = p->features, .names = p->names, .complete = p->options.complete};
    mg_dataset *dataset;
    delivery d = {p, sink};
    const mg_evaluate_visit visit = {
        .context = &d, .rows = answer_rows, .stop = {mg_stop_by_flag, &p->options.stop}};
    mg_evaluation unused = {0};
    p->out.length = 0;
    mg_status status = mg_scoring_open(&p->scoring, &data, &dataset, error);
    // Rows of a file are scored value by value like lines of text, whatever their layout, so that both give
    // the same bits.
    if (!status) status = mg_scoring_prepare(&p->scoring, MG_CSR, error);
    if (!status)
        status = mg_evaluate(&p->scoring.scorer, dataset, &p->scoring.weights, &visit, &unused, error);
    if (!status) status = hand_over(p, sink, error);
    if (!status) mg_scoring_report(&p->options.notices, dataset);
    mg_dataset_close(dataset);
    return status;
}

// ---- lines of standard input --------------------------------------------------------------------

// Puts "name:line:column: " before the text in *error. Columns count characters, as editors do.
static mg_status place(const mg_predictor *p, const char *name, const char *line, const char *at,
                       mg_status status, mg_error *error) {
    if (!error) return status;
    int64_t column = 1;
    for (const char *c = line; c < at; c++) column += ((unsigned char)*c & 0xc0) != 0x80;
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    return mg_fail(error, status, "%s:%lld:%lld: %s", name, (long long)p->lines, (long long)column, text);
}

// The index of the first feature in the training file, if that was a text file; 1 if unknown.
static int base_of(const mg_model *model) { return mg_recipe_is(model->columns.recipe, "base", "0") ? 0 : 1; }

static bool base_is_known(const mg_predictor *p) {
    size_t bytes;
    return p->options.base >= 0 || mg_recipe_find(p->scoring.model->columns.recipe, "base", &bytes);
}

const char *mg_predictor_guess(const mg_predictor *p) {
    return base_is_known(p) ? NULL
                            : "the model does not say whether lines count features from 0 or 1: margin "
                              "assumes 1; set it with --base 0 or --base 1";
}

// Refuses lines of index:value if the model's features are hashed n-grams, unless --base says that the lines
// contain the same hashes.
static mg_status check_lines(const mg_predictor *p, mg_error *error) {
    const mg_model *model = p->scoring.model;
    if (p->options.base >= 0 || !mg_recipe_is(model->columns.recipe, "format", "text")) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: was trained on texts, not on lines of index:value: write `label TAB text` lines to a "
                   "file, convert it "
                   "with margin convert --like and the training file, and predict that",
                   model->path);
}

// Returns where the pairs of a line begin. If the first word is not a pair, it is a label and is skipped.
static const char *skip_label(const char *line, const char *end) {
    const char *word = mg_skip_blanks(line, end);
    const char *after = word;
    while (after < end && !mg_is_blank(*after) && *after != '#') after++;
    return memchr(word, ':', (size_t)(after - word)) ? word : after;
}

static mg_status read_row(mg_predictor *p, const char *name, const char *line, const char *end,
                          mg_error *error) {
    const char *bad = line;
    int64_t wrong;
    mg_pairs *pairs = &p->pairs;
    mg_status status = mg_pairs_read(pairs, skip_label(line, end), end, &bad, error);
    if (status) return status == MG_DATA ? place(p, name, line, bad, status, error) : status;
    for (int64_t i = 0; i < pairs->count; i++) pairs->indices[i] -= (uint32_t)pairs->low;
    if (pairs->count == 0 && mg_skip_blanks(line, end) < end) {
        const char *word = mg_skip_blanks(line, end), *after = mg_skip_word(word, end);
        mg_fail(
            error, MG_DATA,
            "the line '%.*s%s' has no index:value pair: add them, or leave the line empty for a row of zeros",
            (int)(after - word < 40 ? after - word : 40), word,
            after < end || after - word > 40 ? " ..." : "");
        return place(p, name, line, word, MG_DATA, error);
    }
    const char *why = mg_prepare_row(p->scoring.preparation, pairs->count, pairs->values, &wrong);
    if (!why) {
        const mg_used *used = &p->scoring.model->used;
        pairs->count = mg_used_renumber(used, pairs->count, pairs->indices, pairs->values);
        return MG_OK;
    }
    if (wrong < 0)
        status =
            mg_fail(error, MG_DATA,
                    "the row %s (the model prepares rows as its training did; margin info shows how)", why);
    else
        status = mg_fail(
            error, MG_DATA,
            "feature %lld is %g; %s (the model prepares rows as its training did; margin info shows how)",
            (long long)pairs->indices[wrong] + pairs->low, (double)pairs->values[wrong], why);
    return place(p, name, line, line, status, error);
}

static int64_t best_of(int64_t classes, const float *scores) {
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (scores[k] > scores[best]) best = k;
    return best;
}

mg_status mg_predictor_line(mg_predictor *p, const char *name, const char *line, size_t bytes,
                            const char **answer, size_t *answer_bytes, mg_error *error) {
    MG_FLOAT_SCOPE;
    const char *end = line + bytes, *first = line;
    *answer = "";
    *answer_bytes = 0;
    p->lines++;
    p->out.length = 0;
    if (end > line && end[-1] == '\n') end--;
    if (end > line && end[-1] == '\r') end--;
    first = mg_skip_blanks(first, end);
    if (first < end && *first == '#') return MG_OK;
    mg_status status = check_lines(p, error);
    if (!status) status = read_row(p, name, line, end, error);
    if (!status) status = mg_scoring_prepare(&p->scoring, MG_CSR, error);
    const mg_weights *weights = &p->scoring.weights;
    if (!status && !p->scores)
        status = mg_memory_zeroed(&p->scores, (size_t)weights->lanes, sizeof *p->scores, error);
    if (status) return status;
    mg_kernel_weights w = mg_weights_kernel(weights);
    mg_csr_row row = {p->pairs.count, p->pairs.indices, p->pairs.values};
    p->scoring.scorer.kernel->csr_scores(&row, NULL, &w, p->scores);
    for (int64_t k = 0; k < weights->classes; k++)
        if (!isfinite(p->scores[k]))
            return place(
                p, name, line, line,
                mg_fail(error, MG_DATA,
                        "the scores of the row are beyond the range of single precision (%g): leave the "
                        "row out, or train with data.scale",
                        (double)p->scores[k]),
                error);
    add_answer(p, weights->classes, p->scores, best_of(weights->classes, p->scores));
    if (p->out.status) return mg_fail(error, p->out.status, "%s", p->out.error.text);
    *answer = p->out.text;
    *answer_bytes = p->out.length;
    return MG_OK;
}

// ---- opening ------------------------------------------------------------------------------------

mg_status mg_predictor_open(const mg_predict_options *options, mg_predictor **out, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_predictor *p;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&p, 1, sizeof *p, error);
    if (status) return status;
    p->options = *options;
    status = mg_scoring_load(options->model, -1, options->threads, &options->notices, &p->scoring, error);
    if (!status && (options->base < -1 || options->base > 1))
        status =
            mg_fail(error, MG_USAGE, "base: %d is not allowed (0, 1, or -1 for the model's)", options->base);
    if (!status && options->features) status = mg_memory_text(&p->features, options->features, error);
    if (!status && options->names) status = mg_memory_text(&p->names, options->names, error);
    if (status) goto done;
    const mg_model *model = p->scoring.model;
    if (options->probabilities) {
        p->options.scores = true;
        if (!mg_scoring_gives_probabilities(model, p->scoring.scorer.loss))
            status = mg_fail(error, MG_CONFIG,
                             "%s: the scores of loss %s are not probabilities: run margin calibrate %s DATA, "
                             "with labelled rows that were not trained on",
                             model->path, model->loss, model->path);
        else status = mg_memory_get(&p->shares, (size_t)model->classes_count, sizeof *p->shares, error);
        if (status) goto done;
    }
    if (p->options.top > model->classes_count) p->options.top = model->classes_count;
    if (p->options.top > 0)
        status = mg_memory_get(&p->leader, (size_t)p->options.top, sizeof *p->leader, error);
    p->pairs.low = options->base >= 0 ? options->base : base_of(model);
    p->pairs.high = model->features - 1 + p->pairs.low;
    p->pairs.beyond = p->beyond;
    snprintf(p->beyond, sizeof p->beyond, "the model has %lld features", (long long)model->features);
done:
    if (status) mg_predictor_close(p);
    else *out = p;
    return status;
}

void mg_predictor_close(mg_predictor *p) {
    if (!p) return;
    mg_scoring_clear(&p->scoring);
    mg_pairs_clear(&p->pairs);
    mg_writer_clear(&p->out);
    mg_memory_free(p->leader);
    mg_memory_free(p->scores);
    mg_memory_free(p->shares);
    mg_memory_free(p->features);
    mg_memory_free(p->names);
    mg_memory_free(p);
}
