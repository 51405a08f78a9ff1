// lanes.h - sums and maxima over a padded row in a fixed order: 16 lanes, then a fixed fold. The fixed inner loops let the
// compiler use vectors without being allowed to reorder anything.
#ifndef MG_LOSS_LANES_H
#define MG_LOSS_LANES_H

#include <math.h>
#include <stdint.h>

enum { MG_LOSS_LANES = 16 };

static inline float mg_lanes_fold(const float *lane) {
    float sum[8];
    for (int l = 0; l < 8; l++) sum[l] = lane[l] + lane[l + 8];
    for (int l = 0; l < 4; l++) sum[l] += sum[l + 4];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

// Larger of the two; NaN when either is.
static inline float mg_larger(float a, float b) {
    return ((b > a) | (b != b)) ? b : a;
}

// Largest of the row; NaN when there is one in it.
static inline float mg_lanes_max(int64_t lanes, const float *x) {
    float lane[MG_LOSS_LANES];
    for (int l = 0; l < MG_LOSS_LANES; l++) lane[l] = x[l];
    for (int64_t j = MG_LOSS_LANES; j < lanes; j += MG_LOSS_LANES)
        for (int l = 0; l < MG_LOSS_LANES; l++) lane[l] = mg_larger(lane[l], x[j + l]);
    for (int half = MG_LOSS_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] = mg_larger(lane[l], lane[l + half]);
    return lane[0];
}

// Strongest rival of y: the lowest class among equals, so that repeated runs agree. Returns its score; *rival its class.
static inline float mg_strongest_rival(int64_t lanes, float *scores, int64_t y, int64_t *rival) {
    float own = scores[y];
    scores[y] = -INFINITY;
    float most = mg_lanes_max(lanes, scores);
    int64_t j = 0;
    while (j < lanes - 1 && scores[j] != most) j++; // a NaN never matches: the bound keeps the search inside the row
    scores[y] = own;
    *rival = j;
    return most;
}

// [margin]_+ that does not pass a NaN for a margin kept, as fmax would.
static inline double mg_hinge(double margin) {
    return margin <= 0 ? 0 : margin;
}

static inline void mg_lanes_zero(int64_t lanes, float *x) {
    for (int64_t j = 0; j < lanes; j++) x[j] = 0;
}

#endif
