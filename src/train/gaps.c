// gaps.c - counts close rows: those whose predicted class depends on a small difference of scores.
#include "train/gaps.h"

#include "base/memory.h"

#include <math.h>

mg_status mg_gaps_create(mg_gaps *gaps, int64_t rows, mg_error *error) {
    *gaps = (mg_gaps){0};
    return mg_memory_get(&gaps->gap, (size_t)rows, sizeof *gaps->gap, error);
}

void mg_gaps_clear(mg_gaps *gaps) {
    mg_memory_free(gaps->gap);
    *gaps = (mg_gaps){0};
}

float mg_gaps_of(int64_t classes, const float *scores, int64_t best, double *square) {
    double sum = 0, mean;
    float next = -INFINITY;
    for (int64_t k = 0; k < classes; k++) {
        sum += (double)scores[k];
        if (k != best && scores[k] > next) next = scores[k];
    }
    mean = sum / (double)classes;
    *square = 0;
    for (int64_t k = 0; k < classes; k++) *square += ((double)scores[k] - mean) * ((double)scores[k] - mean);
    return scores[best] - next;
}

int64_t mg_gaps_close(const mg_gaps *gaps, int64_t classes) {
    double values = (double)gaps->count * (double)classes, spread = sqrt(gaps->squares / values);
    int64_t close = 0;
    for (int64_t i = 0; i < gaps->count; i++) close += (double)gaps->gap[i] <= MG_GAPS_CLOSE * spread;
    return close;
}
