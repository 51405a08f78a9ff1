// calibration.h - probabilities from scores that agree with observed frequencies: one temperature for all
// classes, or a sigmoid of every class (M34, M35).
#ifndef MG_CALIBRATION_CALIBRATION_H
#define MG_CALIBRATION_CALIBRATION_H

#include "base/status.h"
#include "parallel/team.h"

#include <stdint.h>

typedef enum mg_calibration_method {
    MG_CALIBRATION_NONE, // probabilities are the softmax of the scores
    MG_CALIBRATION_TEMPERATURE,
    MG_CALIBRATION_SIGMOID,
} mg_calibration_method;

const char *mg_calibration_name(int method); // NULL after the last; for option rows
int mg_calibration_find(const char *name);   // -1 if unknown

// How well probabilities agree with the labels of some rows (M36).
typedef struct mg_calibration_quality {
    double log_loss; // weighted mean of -log(probability of the row's class)
    double ece;      // expected calibration error
} mg_calibration_quality;

typedef struct mg_calibration {
    mg_calibration_method method;
    double temperature;                   // of MG_CALIBRATION_TEMPERATURE
    double *slope, *intercept;            // [classes] of MG_CALIBRATION_SIGMOID; otherwise NULL
    int64_t rows;                         // that it was fitted on
    mg_calibration_quality before, after; // on these rows, without and with the calibration
} mg_calibration;                         // starts zeroed

void mg_calibration_clear(mg_calibration *calibration);
mg_status mg_calibration_copy(const mg_calibration *from, int64_t classes, mg_calibration *to,
                              mg_error *error);

// The probability of every class (M34, M35). They add up to 1, whatever the scores, which must be finite.
void mg_calibration_probabilities(const mg_calibration *calibration, int64_t classes, const float *scores,
                                  float *to);

// Rows with their scores.
typedef struct mg_scored {
    int64_t count, classes, line; // line: from the scores of one row to those of the next, at least `classes`
    const float *scores;          // [count][line]
    const int32_t *label;         // [count] the row's class; below 0: the row does not count
    const float *weight;          // [count]; NULL: all 1
} mg_scored;

enum { MG_CALIBRATION_BINS = 15 };

// What a quality is computed from.
typedef struct mg_calibration_sums {
    double weight, log_loss;
    double excess[MG_CALIBRATION_BINS]; // of weight * (1 if the most probable class is right, minus its
                                        // probability), by that probability
} mg_calibration_sums;                  // starts zeroed

// Adds rows, in an order that their number fixes.
void mg_calibration_add(const mg_calibration *calibration, const mg_scored *rows, mg_team *team,
                        mg_calibration_sums *sums);
mg_calibration_quality mg_calibration_quality_of(const mg_calibration_sums *sums);

// Fits `method` to the rows, at least one of which counts and has a weight above 0, and measures it there.
// `before`: what gives the probabilities now. The result has the same bits for any number of threads.
// *limited (may be NULL): the rows do not bound the temperature, because the scores put every row into its
// class, or say nothing about the classes; it is then the lowest or the highest that is allowed. Errors:
// MG_MEMORY.
mg_status mg_calibration_fit(mg_calibration_method method, const mg_scored *rows,
                             const mg_calibration *before, mg_team *team, mg_calibration *out, bool *limited,
                             mg_error *error);

#endif
