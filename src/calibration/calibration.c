// calibration.c - applies a calibration, and measures probabilities.
#include "calibration/logit.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "parallel/cut.h"

#include <string.h>

static const char *const names[] = {"none", "temperature", "sigmoid", "adaptive"};

const char *mg_calibration_name(int method) {
    return method >= 0 && method < (int)(sizeof names / sizeof *names) ? names[method] : NULL;
}

int mg_calibration_find(const char *name) {
    for (int i = 0; mg_calibration_name(i); i++)
        if (!strcmp(names[i], name)) return i;
    return -1;
}

void mg_calibration_clear(mg_calibration *calibration) {
    mg_memory_free(calibration->slope);
    mg_memory_free(calibration->intercept);
    mg_memory_free(calibration->shares);
    *calibration = (mg_calibration){0};
}

static mg_status copy_values(const double *from, int64_t count, double **to, mg_error *error) {
    mg_status status = mg_memory_get(to, (size_t)count, sizeof **to, error);
    if (!status) memcpy(*to, from, (size_t)count * sizeof **to);
    return status;
}

mg_status mg_calibration_copy(const mg_calibration *from, int64_t classes, mg_calibration *to,
                              mg_error *error) {
    *to = *from;
    to->slope = to->intercept = to->shares = NULL;
    if (!from->slope) return MG_OK;
    mg_status status = copy_values(from->slope, classes, &to->slope, error);
    if (!status) status = copy_values(from->intercept, classes, &to->intercept, error);
    if (!status && from->shares) status = copy_values(from->shares, classes, &to->shares, error);
    if (status) mg_calibration_clear(to);
    return status;
}

void mg_calibration_probabilities(const mg_calibration *c, int64_t classes, const float *scores, float *to) {
    double most, temperature = mg_row_temperature(c, classes, scores);
    double sum = mg_logit_sum(c, temperature, classes, scores, &most);
    for (int64_t k = 0; k < classes; k++)
        to[k] = (float)(exp(mg_logit(c, temperature, classes, scores, k) - most) / sum);
}

void mg_calibration_shifted(const mg_calibration *c, int64_t classes, const float *scores,
                            const double *shifts, float *to) {
    double most = -INFINITY, sum = 0, temperature = mg_row_temperature(c, classes, scores);
    for (int64_t k = 0; k < classes; k++)
        most = mg_max_real(most, mg_logit(c, temperature, classes, scores, k) + shifts[k]);
    for (int64_t k = 0; k < classes; k++)
        sum += exp(mg_logit(c, temperature, classes, scores, k) + shifts[k] - most);
    for (int64_t k = 0; k < classes; k++)
        to[k] = (float)(exp(mg_logit(c, temperature, classes, scores, k) + shifts[k] - most) / sum);
}

// ---- quality ------------------------------------------------------------------------------------

enum { PARTS = 64, BINS = MG_CALIBRATION_BINS };

typedef struct measuring {
    const mg_calibration *calibration;
    const mg_scored *rows;
    mg_calibration_sums part[PARTS];
} measuring;

// (M36) Adds a row to its bin: bin b has the rows whose most probable class has a probability above b/15 and
// up to (b + 1)/15.
static void add_row(const mg_calibration *c, const mg_scored *rows, int64_t i, mg_calibration_sums *to) {
    const float *scores = rows->scores + i * rows->line;
    double most, weight = rows->weight ? (double)rows->weight[i] : 1;
    double temperature = mg_row_temperature(c, rows->classes, scores);
    double sum = mg_logit_sum(c, temperature, rows->classes, scores, &most), top = 1 / sum;
    int bin = (int)ceil(top * BINS) - 1;
    int64_t best = 0;
    while (mg_logit(c, temperature, rows->classes, scores, best) < most) best++;
    to->weight += weight;
    to->log_loss +=
        weight * (log(sum) + (most - mg_logit(c, temperature, rows->classes, scores, rows->label[i])));
    to->excess[bin < 0 ? 0 : bin] += weight * ((best == rows->label[i]) - top);
}

static void measure_part(void *context, int64_t p) {
    measuring *m = context;
    MG_EACH_OF_PART (i, m->rows->count, PARTS, p)
        if (m->rows->label[i] >= 0) add_row(m->calibration, m->rows, i, &m->part[p]);
}

void mg_calibration_add(const mg_calibration *calibration, const mg_scored *rows, mg_team *team,
                        mg_calibration_sums *sums) {
    measuring m = {.calibration = calibration, .rows = rows};
    mg_team_for(team, PARTS, measure_part, &m);
    for (int p = 0; p < PARTS; p++) {
        sums->weight += m.part[p].weight;
        sums->log_loss += m.part[p].log_loss;
        for (int b = 0; b < BINS; b++) sums->excess[b] += m.part[p].excess[b];
    }
}

mg_calibration_quality mg_calibration_quality_of(const mg_calibration_sums *sums) {
    mg_calibration_quality out = {.log_loss = sums->log_loss / sums->weight};
    for (int b = 0; b < BINS; b++) out.ece += fabs(sums->excess[b]) / sums->weight;
    return out;
}
