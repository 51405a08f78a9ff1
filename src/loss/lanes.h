// lanes.h - operations of the losses on a padded row of scores: hinges, the largest score, the strongest
// rival.
#ifndef MG_LOSS_LANES_H
#define MG_LOSS_LANES_H

#include "base/lanes.h"
#include "rows/rows.h"

// [margin]_+ of four margins. NaN stays NaN, whereas a maximum with 0 would give 0.
static inline mg_four mg_four_hinge(mg_four margin) { return mg_four_keep(~(margin <= 0), margin); }

// The same for one margin.
static inline double mg_hinge(double margin) { return margin <= 0 ? 0 : margin; }

#define MG_FOUR_TIMES(x) x, x, x, x
#define MG_SIXTEEN_TIMES(x) MG_FOUR_TIMES(x), MG_FOUR_TIMES(x), MG_FOUR_TIMES(x), MG_FOUR_TIMES(x)

// Loads the scores of classes j to j + 15, with -INFINITY in place of class y, which is no rival of itself (y
// < 0: in place of none). Writing -INFINITY into the row and reading it back as a vector would stall until
// the write has left the processor's store buffer. So the vector is combined by minimum with a window of
// INFINITY that has one -INFINITY.
static inline void mg_rivals(const float *scores, int64_t j, int64_t y, mg_four *to) {
    static const float but_one[2 * MG_LANES + 1] = {MG_SIXTEEN_TIMES(INFINITY), -INFINITY,
                                                    MG_SIXTEEN_TIMES(INFINITY)};
    const float *window = but_one + (y >= j && y < j + MG_LANES ? MG_LANES - (y - j) : MG_LANES + 1);
    for (int v = 0; v < MG_FOURS; v++)
        to[v] = mg_four_min(mg_four_load(window + 4 * v), mg_four_load(scores + j + 4 * v));
}

// The largest score of the rivals of y; NaN if one of them is NaN.
static inline float mg_fours_max(int64_t lanes, const float *scores, int64_t y) {
    mg_four most[MG_FOURS], four[MG_FOURS];
    mg_four_mask nan = {0};
    for (int v = 0; v < MG_FOURS; v++) most[v] = mg_four_all(-INFINITY);
    for (int64_t j = 0; j < lanes; j += MG_LANES) {
        mg_rivals(scores, j, y, four);
        for (int v = 0; v < MG_FOURS; v++) {
            most[v] = mg_four_max(four[v], most[v]);
            nan |= four[v] != four[v];
        }
    }
    if (mg_fours_bits((mg_four_mask[MG_FOURS]){nan})) return NAN;
    mg_four all = mg_four_max(mg_four_max(most[0], most[2]), mg_four_max(most[1], most[3]));
    all = mg_four_max(all, __builtin_shufflevector(all, all, 2, 3, 0, 1));
    return mg_four_max(all, __builtin_shufflevector(all, all, 1, 0, 3, 2))[0];
}

// Returns the score of the strongest rival of y; NaN if a rival's score is NaN. *rival becomes its class: the
// lowest one among equal scores, so that the choice is unique; the last lane if a score is NaN.
static inline float mg_strongest_rival(int64_t lanes, const float *scores, int64_t y, int64_t *rival) {
    float most = mg_fours_max(lanes, scores, y);
    *rival = lanes - 1;
    for (int64_t j = 0; j < lanes; j += MG_LANES) {
        mg_four four[MG_FOURS];
        mg_four_mask equal[MG_FOURS];
        mg_rivals(scores, j, y, four);
        for (int v = 0; v < MG_FOURS; v++) equal[v] = four[v] == mg_four_all(most);
        unsigned bits = mg_fours_bits(equal);
        if (!bits) continue;
        *rival = j + __builtin_ctz(bits);
        break;
    }
    return most;
}

static inline void mg_fours_zero(int64_t lanes, float *x) {
    for (int64_t j = 0; j < lanes; j += MG_LANES)
        for (int v = 0; v < MG_FOURS; v++) mg_four_store(x + j + 4 * v, mg_four_all(0));
}

#endif
