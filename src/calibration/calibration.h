// calibration.h - converts scores to probabilities that agree with observed frequencies, by one temperature
// for all classes, by a temperature for each row, or by a sigmoid for every class (M34, M35, M40).
#ifndef MG_CALIBRATION_CALIBRATION_H
#define MG_CALIBRATION_CALIBRATION_H

#include "base/status.h"
#include "parallel/team.h"

#include <stdint.h>

typedef enum mg_calibration_method {
    MG_CALIBRATION_NONE, // probabilities are the softmax of the scores
    MG_CALIBRATION_TEMPERATURE,
    MG_CALIBRATION_SIGMOID,
    MG_CALIBRATION_ADAPTIVE, // a temperature for each row
} mg_calibration_method;

const char *mg_calibration_name(int method); // NULL after the last; for option rows
int mg_calibration_find(const char *name);   // -1 if unknown

// Measures of how well probabilities agree with labels (M36).
typedef struct mg_calibration_quality {
    double log_loss; // weighted mean of -log(probability of the row's class)
    double ece;      // expected calibration error
} mg_calibration_quality;

typedef struct mg_calibration {
    mg_calibration_method method;
    double temperature;        // used by MG_CALIBRATION_TEMPERATURE and MG_CALIBRATION_ADAPTIVE
    double exponent;           // used by MG_CALIBRATION_ADAPTIVE; otherwise 0
    double *slope, *intercept; // [classes] used by MG_CALIBRATION_SIGMOID; otherwise NULL
    double *shares;            // [classes] used by MG_CALIBRATION_SIGMOID: shares of the classes in the
                               // weight of the rows with which it was fitted; NULL: unknown
    int64_t rows;              // number of rows with which it was fitted
    mg_calibration_quality before, after; // measured on these rows, without and with the calibration
} mg_calibration;                         // must be zero before its first use

void mg_calibration_clear(mg_calibration *calibration);
mg_status mg_calibration_copy(const mg_calibration *from, int64_t classes, mg_calibration *to,
                              mg_error *error);

// Computes the probability of every class (M34, M35, M40). Their sum is 1 for any finite scores.
void mg_calibration_probabilities(const mg_calibration *calibration, int64_t classes, const float *scores,
                                  float *to);

// Multiplies the probability of every class by exp(shifts[k]), and makes their sum 1. Logarithms are added,
// so that probabilities too small for a float count as well. A shift may be -INFINITY, but not all of them.
void mg_calibration_shifted(const mg_calibration *calibration, int64_t classes, const float *scores,
                            const double *shifts, float *to);

// Scored rows.
typedef struct mg_scored {
    int64_t count, classes, line; // line: distance between the scores of two rows, at least `classes`
    const float *scores;          // [count][line]
    const int32_t *label;         // [count] class of each row; below 0: the row is left out
    const float *weight;          // [count]; NULL: all 1
} mg_scored;

enum { MG_CALIBRATION_BINS = 15 };

// Sums from which an mg_calibration_quality is computed.
typedef struct mg_calibration_sums {
    double weight, log_loss;
    double excess[MG_CALIBRATION_BINS]; // sum of weight * ((1 if the most probable class is right, else 0) -
                                        // its probability), for each bin of that probability
} mg_calibration_sums;                  // must be zero before its first use

// Adds rows. The order of the sums depends only on the number of rows.
void mg_calibration_add(const mg_calibration *calibration, const mg_scored *rows, mg_team *team,
                        mg_calibration_sums *sums);
mg_calibration_quality mg_calibration_quality_of(const mg_calibration_sums *sums);

// Fits `method` to the rows, and measures the result on them. At least one row must have a class and a weight
// above 0. `before`: the present calibration. The bits of the result do not depend on the number of threads.
// *limited (`limited` may be NULL) becomes true if the rows do not determine a temperature, because their
// scores are right for every row, or independent of the classes; it is then that of the rule of succession
// (M34), or the highest that is allowed. Errors: MG_MEMORY.
mg_status mg_calibration_fit(mg_calibration_method method, const mg_scored *rows,
                             const mg_calibration *before, mg_team *team, mg_calibration *out, bool *limited,
                             mg_error *error);

#endif
