// adam.c - Adam (M32): for each weight a running mean of the gradients and one of their squares. On CSR rows
// the means of a feature change only in the steps that touch it ("lazy" Adam). Kingma and Ba 2015.
#include "optim/optim.h"

#include <math.h>
#include <stddef.h>

enum { MEAN, SQUARE }; // indices of the arrays
// indices of step->own: 1 / (1 - beta^t), which corrects means that start at 0
enum { MEAN_GROWTH, SQUARE_GROWTH };

static double eta(double mean_square_norm) {
    return mean_square_norm > 0 ? 0.03 / sqrt(mean_square_norm) : 0.03; // (M22)
}

// 1 / (1 - beta^t) with beta rounded to float, as `apply` uses it. With the double instead, the result would
// not fit the means: in float, 1 - 0.999999 is 1.3 % larger than in double.
static double growth(double beta, double t) { return 1 / (1 - pow((double)(float)beta, t)); }

static void begin(mg_optim_step *step) {
    double t = step->number > 0 ? (double)step->number : 1;
    step->own[MEAN_GROWTH] = (float)growth(step->options->beta1, t);
    step->own[SQUARE_GROWTH] = (float)growth(step->options->beta2, t);
}

// Rate of a weight: eta / (sqrt(mean square of the gradient) + epsilon). The gradient and both means contain
// the factor `scale` of the column (M19), as the weights do. A weight whose gradients were all 0 does not
// move.
static inline float rate_of(const mg_optim_step *step, float epsilon, float scale, float square) {
    float root = sqrtf(square * step->own[SQUARE_GROWTH]) + epsilon * scale;
    return square > 0 ? step->eta * scale / root : 0;
}

static inline float scale_of(const mg_optim_line *line, int64_t j) {
    return line->scale ? line->scale[line->shared ? 0 : j] : 1;
}

// (M32) m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, w -= rate m / (1 - beta1^t)
static void apply(const mg_optim_step *step, const mg_optim_line *line) {
    float beta1 = (float)step->options->beta1, beta2 = (float)step->options->beta2,
          epsilon = (float)step->options->epsilon, *mean = line->memory.array[MEAN] + line->memory.at,
          *square = line->memory.array[SQUARE] + line->memory.at;
    for (int64_t j = 0; j < line->n; j++) {
        float g = line->g[j];
        mean[j] = beta1 * mean[j] + (1 - beta1) * g;
        square[j] = beta2 * square[j] + (1 - beta2) * (g * g);
        float rate = rate_of(step, epsilon, scale_of(line, j), square[j]);
        line->w[j] -= rate * (mean[j] * step->own[MEAN_GROWTH]);
    }
}

static void weight_rates(const mg_optim_step *step, const mg_optim_line *line, float *rate) {
    const float *square = line->memory.array[SQUARE] + line->memory.at;
    for (int64_t j = 0; j < line->n; j++)
        rate[j] = rate_of(step, (float)step->options->epsilon, scale_of(line, j), square[j]);
}

// A mean of squares may overflow to infinity. Then the rate is 0 and the weight no longer changes.
static const mg_optim_array arrays[] = {[MEAN] = MG_OPTIM_EACH_WEIGHT("mean_gradient", NULL),
                                        [SQUARE] = MG_OPTIM_EACH_WEIGHT("mean_square", &mg_bound_grown)};

const mg_optim mg_optim_adam = {
    .name = "adam",
    .help = "step of a weight = eta m / (sqrt(v) + epsilon), with running means m of g and v of g^2",
    .weight_arrays = arrays,
    .weight_count = 2,
    .eta = eta,
    .begin = begin,
    .apply = apply,
    .weight_rates = weight_rates,
};
