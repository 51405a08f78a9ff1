// prior.c - reads frequencies of classes, and applies them.
#include "train/prior.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/shell.h"
#include "io/text.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

typedef struct reader {
    const mg_model *model;
    double *frequency; // [classes] below 0: not given yet
} reader;

static const double *shares_of(const mg_model *model) {
    return model->calibration.method == MG_CALIBRATION_SIGMOID ? model->calibration.shares
                                                               : model->classes.shares;
}

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t bytes = strlen(text);
    while (bytes && strchr(" \t\r", text[bytes - 1])) text[--bytes] = 0;
    return text;
}

// Takes "label: number". The label may contain colons.
static mg_status take_pair(reader *r, char *pair, mg_error *error) {
    char *colon = strrchr(pair, ':');
    double number;
    pair = trim(pair);
    if (!*pair) return MG_OK;
    if (!colon)
        return mg_fail(error, MG_USAGE, "prior: '%s' is not of the form 'label: number', such as 'A: 0.9'",
                       pair);
    *colon = 0;
    char *label = trim(pair), *value = trim(colon + 1);
    int64_t k = mg_classes_find(&r->model->classes, label);
    if (k < 0)
        return mg_fail(error, MG_USAGE,
                       "prior: '%s' is not a class of the model (margin info --classes lists them)", label);
    if (!mg_parse_real(value, &number) || !(number >= 0 && number <= 1e15))
        return mg_fail(error, MG_USAGE, "prior: %s: '%s' is not a frequency (a number from 0 to 1e15)", label,
                       value);
    if (r->frequency[k] >= 0)
        return mg_fail(error, MG_USAGE, "prior: %s has two frequencies: remove one", label);
    r->frequency[k] = number;
    return MG_OK;
}

static mg_status read_list(reader *r, const char *text, mg_error *error) {
    char *copy, *rest;
    mg_status status = mg_memory_text(&copy, text, error);
    rest = copy;
    for (char *item; !status && (item = strsep(&rest, ","));) status = take_pair(r, item, error);
    mg_memory_free(copy);
    return status;
}

static mg_status read_lines(reader *r, const char *path, mg_error *error) {
    mg_text *text;
    char *line;
    size_t bytes;
    mg_status status = mg_text_open(&text, path, NULL, error);
    if (status) return status;
    while (!(status = mg_text_line(text, &line, &bytes, error)) && line) {
        line[bytes] = 0;
        status = take_pair(r, line, error);
        if (status) status = mg_text_place(text, 0, status, error);
        if (status) break;
    }
    mg_text_close(text);
    return status;
}

static mg_status check(const reader *r, mg_error *error) {
    const double *shares = shares_of(r->model);
    char buffer[MG_LABEL_BUFFER];
    double sum = 0;
    for (int64_t k = 0; k < r->model->classes_count; k++) {
        const char *label = mg_classes_label(&r->model->classes, k, buffer);
        if (r->frequency[k] < 0)
            return mg_fail(error, MG_USAGE,
                           "prior: class %s has no frequency: give one for each of the %lld classes", label,
                           (long long)r->model->classes_count);
        if (r->frequency[k] > 0 && !(shares[k] > 0))
            return mg_fail(error, MG_USAGE,
                           "prior: %s: class %s had no rows of positive weight in training, so its "
                           "probabilities cannot be converted to another frequency: give it 0",
                           r->model->path, label);
        sum += r->frequency[k];
    }
    return sum > 0 ? MG_OK
                   : mg_fail(error, MG_USAGE, "prior: all frequencies are 0: give at least one above 0");
}

mg_status mg_prior_read(const char *text, const mg_model *model, double **out, mg_error *error) {
    struct stat about;
    reader r = {.model = model};
    const double *shares = shares_of(model);
    *out = NULL;
    bool sigmoid = model->calibration.method == MG_CALIBRATION_SIGMOID;
    char word[MG_SHELL_WORD];
    if (!shares && sigmoid)
        return mg_fail(error, MG_CONFIG,
                       "%s: does not say how frequent its classes were among the rows of its calibration, "
                       "which another prior needs: run margin calibrate --method sigmoid %s DATA",
                       model->path, mg_shell_word(model->path, "MODEL", word, sizeof word));
    if (!shares)
        return mg_fail(error, MG_CONFIG,
                       "%s: does not say how frequent its classes were in training, which another prior "
                       "needs: train it with margin train (a model that a program made or saved does not say "
                       "it)",
                       model->path);
    mg_status status = mg_memory_get(&r.frequency, (size_t)model->classes_count, sizeof *r.frequency, error);
    for (int64_t k = 0; !status && k < model->classes_count; k++) r.frequency[k] = -1;
    bool file = !strchr(text, ':') || !stat(text, &about);
    if (!status) status = file ? read_lines(&r, text, error) : read_list(&r, text, error);
    if (!status) status = check(&r, error);
    double sum = 0;
    for (int64_t k = 0; !status && k < model->classes_count; k++) sum += r.frequency[k];
    for (int64_t k = 0; !status && k < model->classes_count; k++)
        r.frequency[k] = r.frequency[k] > 0 ? log(r.frequency[k]) - log(sum) - log(shares[k]) : -INFINITY;
    if (status) mg_memory_free(r.frequency);
    else *out = r.frequency;
    return status;
}

void mg_prior_probabilities(const double *shifts, const mg_model *model, const float *scores, float *p) {
    mg_calibration_shifted(&model->calibration, model->classes_count, scores, shifts, p);
}

int64_t mg_prior_best(int64_t classes, const float *p) {
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (p[k] > p[best]) best = k;
    return best;
}
