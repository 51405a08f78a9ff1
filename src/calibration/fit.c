// fit.c - fits temperatures or the sigmoids to rows with scores.
#include "calibration/logit.h"

#include "base/activity.h"
#include "base/memory.h"
#include "parallel/cut.h"

#include <stdbool.h>
#include <string.h>

// The weight of a row; 0 if it is left out.
static double weight_of(const mg_scored *rows, int64_t i) {
    if (rows->label[i] < 0) return 0;
    return rows->weight ? (double)rows->weight[i] : 1;
}

// ---- temperature --------------------------------------------------------------------------------

enum { PARTS = 64, MOST_STEPS = 200 };
// the temperature is at most this many times larger or smaller than the spread of the scores
#define REACH 1e3
#define PRECISION 1e-13 // relative precision of the inverse temperature

// Sums over the rows of a part.
typedef struct moments {
    double weight, square; // square: sum of (score - mean score of the row)^2
    double loss;
    double slope, curve; // derivatives of the log-loss with respect to the inverse temperature
} moments;

typedef struct cooling {
    const mg_scored *rows;
    double inverse;  // 1 / temperature
    double exponent; // of adaptive temperatures (M40); otherwise 0
    moments part[PARTS];
} cooling;

static void add_moments(const cooling *c, const float *scores, int64_t y, double weight, moments *to) {
    int64_t classes = c->rows->classes;
    double most = -INFINITY, mean = 0, sum = 0, first = 0, second = 0;
    double factor = mg_row_factor(c->exponent, classes, scores);
    for (int64_t k = 0; k < classes; k++) {
        mean += (double)scores[k] / (double)classes;
        if ((double)scores[k] > most) most = (double)scores[k];
    }
    for (int64_t k = 0; k < classes; k++) {
        double below = ((double)scores[k] - most) / factor, share = exp(c->inverse * below);
        sum += share;
        first += share * below;
        second += share * below * below;
        to->square += weight * ((double)scores[k] - mean) * ((double)scores[k] - mean) / (factor * factor);
    }
    double of_class = ((double)scores[y] - most) / factor;
    first /= sum;
    to->weight += weight;
    to->loss += weight * (log(sum) - c->inverse * of_class);
    to->slope += weight * (first - of_class);
    to->curve += weight * (second / sum - first * first);
}

static void cool_part(void *context, int64_t p) {
    cooling *c = context;
    const mg_scored *rows = c->rows;
    c->part[p] = (moments){0};
    MG_EACH_OF_PART (i, rows->count, PARTS, p)
        if (rows->label[i] >= 0)
            add_moments(c, rows->scores + i * rows->line, rows->label[i], weight_of(rows, i), &c->part[p]);
}

static moments moments_at(cooling *c, mg_team *team, double inverse) {
    moments all = {0};
    c->inverse = inverse;
    mg_team_for(team, PARTS, cool_part, c);
    for (int p = 0; p < PARTS; p++) {
        all.weight += c->part[p].weight;
        all.square += c->part[p].square;
        all.loss += c->part[p].loss;
        all.slope += c->part[p].slope;
        all.curve += c->part[p].curve;
    }
    return all;
}

// For rows that are all in their class: the lower the temperature, the lower their log-loss. Takes the
// temperature at which the log-loss is that of the rule of succession: if n rows of n were in their class,
// the next row is so with the probability (n + 1) / (n + 2).
static double cool_unbounded(cooling *c, mg_team *team, double low, double high) {
    double rows = moments_at(c, team, low).weight, loss = rows * log1p(1 / (rows + 1));
    for (int i = 0; i < MOST_STEPS && high > low * (1 + PRECISION); i++) {
        double middle = sqrt(low) * sqrt(high);
        if (moments_at(c, team, middle).loss > loss) low = middle;
        else high = middle;
    }
    return high;
}

// (M34) Minimises the log-loss, which is convex in the inverse temperature, by Newton's method for the root
// of its slope. A step that leaves the bracket of the root, or is longer than half the step before, is
// replaced by a bisection of the logarithm.
static double cool(cooling *c, mg_team *team, bool *limited) {
    moments at = moments_at(c, team, 0);
    double spread = sqrt(at.square / (at.weight * (double)c->rows->classes));
    *limited = !(spread > 0);
    if (*limited) return 1; // the scores of each row are all equal, so the temperature has no effect
    double low = 1 / (REACH * spread), high = REACH / spread, before = high - low, inverse = 1 / spread;
    *limited = true;
    if (moments_at(c, team, low).slope >= 0) return low;
    if (moments_at(c, team, high).slope <= 0) return cool_unbounded(c, team, low, high);
    *limited = false;
    for (int i = 0; i < MOST_STEPS; i++) {
        at = moments_at(c, team, inverse);
        if (at.slope == 0) break;
        if (at.slope < 0) low = inverse;
        else high = inverse;
        double next = inverse - at.slope / at.curve;
        if (!(next > low && next < high) || 2 * fabs(next - inverse) > before) next = sqrt(low) * sqrt(high);
        before = fabs(next - inverse);
        inverse = next;
        if (before <= PRECISION * inverse) break;
    }
    return inverse;
}

// ---- a temperature for each row -----------------------------------------------------------------

#define MOST_EXPONENT 0.9 // at 1, two classes would have the same probabilities in every row
#define GOLDEN 0.6180339887498949
enum { NARROWINGS = 16 }; // of the range of exponents, to a thousandth

// Takes an exponent and the best temperature with it, if their log-loss is lower than `*lowest`. Returns the
// log-loss.
static double try_exponent(cooling *c, mg_team *team, double exponent, double *lowest, mg_calibration *out) {
    bool ignored;
    c->exponent = exponent;
    double inverse = cool(c, team, &ignored), loss = moments_at(c, team, inverse).loss;
    if (!(loss < *lowest)) return loss;
    *lowest = loss;
    out->temperature = 1 / inverse;
    out->exponent = exponent;
    return loss;
}

// (M40) Minimises the log-loss by a golden-section search for the exponent. The result is never worse than
// one temperature for all rows, which is the exponent 0.
static void adapt(cooling *c, mg_team *team, mg_calibration *out, bool *limited) {
    double lowest = INFINITY, low = 0, high = MOST_EXPONENT;
    out->temperature = 1 / cool(c, team, limited);
    if (*limited) return;
    try_exponent(c, team, 0, &lowest, out);
    double left = high - GOLDEN * (high - low), right = low + GOLDEN * (high - low);
    double of_left = try_exponent(c, team, left, &lowest, out);
    double of_right = try_exponent(c, team, right, &lowest, out);
    for (int i = 0; i < NARROWINGS; i++) {
        if (of_left <= of_right) {
            high = right;
            right = left;
            of_right = of_left;
            left = high - GOLDEN * (high - low);
            of_left = try_exponent(c, team, left, &lowest, out);
        } else {
            low = left;
            left = right;
            of_left = of_right;
            right = low + GOLDEN * (high - low);
            of_right = try_exponent(c, team, right, &lowest, out);
        }
    }
}

// ---- sigmoids -----------------------------------------------------------------------------------

typedef struct sigmoids {
    const mg_scored *rows;
    mg_calibration *out;
} sigmoids;

// The sigmoid of one class against all others. Inputs are shifted and scaled to mean 0 and deviation 1, which
// makes Newton's method well conditioned.
typedef struct curve {
    const mg_scored *rows;
    int64_t k;
    double shift, scale;
    double target[2];        // target probability for rows of other classes, and for rows of this class
    double weight, log_odds; // weight of all rows; log odds of the other classes against this one
} curve;

static double input_of(const curve *c, int64_t i) {
    double input = mg_sigmoid_input(c->rows->classes, c->rows->scores + i * c->rows->line, c->k);
    return (input - c->shift) * c->scale;
}

static curve begin_curve(const mg_scored *rows, int64_t k) {
    curve c = {.rows = rows, .k = k, .scale = 1};
    double sum[2] = {0}, mean = 0, square = 0;
    int64_t first = 0;
    while (first + 1 < rows->count && !(weight_of(rows, first) > 0)) first++;
    // Differences to one of the inputs are exactly 0 if all inputs are equal. Otherwise rounding errors would
    // be taken for a deviation, and the slope would be fitted to them.
    c.shift = input_of(&c, first);
    for (int64_t i = 0; i < rows->count; i++) {
        sum[rows->label[i] == k] += weight_of(rows, i);
        mean += weight_of(rows, i) * input_of(&c, i);
    }
    c.weight = sum[0] + sum[1];
    c.shift += mean / c.weight;
    for (int64_t i = 0; i < rows->count; i++)
        square += weight_of(rows, i) * input_of(&c, i) * input_of(&c, i);
    double deviation = sqrt(square / c.weight);
    c.scale = deviation > 0 ? 1 / deviation : 1;
    c.target[0] = 1 / (sum[0] + 2); // Platt's targets (M35)
    c.target[1] = (sum[1] + 1) / (sum[1] + 2);
    c.log_odds = log((sum[0] + 1) / (sum[1] + 1));
    return c;
}

// Loss, gradient and Hessian at (slope, intercept).
typedef struct bowl {
    double loss, slope, intercept; // gradient
    double ss, si, ii;             // Hessian
} bowl;

static bowl bowl_at(const curve *c, double slope, double intercept) {
    bowl at = {0};
    for (int64_t i = 0; i < c->rows->count; i++) {
        double x = input_of(c, i), w = weight_of(c->rows, i), t = c->target[c->rows->label[i] == c->k];
        double z = slope * x + intercept, q = exp(-mg_softplus(z)); // q: the probability of the class
        double g = w * (t - q), h = w * q * exp(-mg_softplus(-z));
        at.loss += w * (mg_softplus(z) - (1 - t) * z); // -t log q - (1 - t) log(1 - q)
        at.slope += g * x;
        at.intercept += g;
        at.ss += h * x * x;
        at.si += h * x;
        at.ii += h;
    }
    return at;
}

enum { MOST_HALVINGS = 40 };
#define FLAT 1e-20     // a step from which a smaller decrease of a row's loss is expected is the last one
#define ROUNDING 1e-13 // relative rounding error of a loss
#define RIDGE 1e-12    // keeps the Hessian regular

// Fits the sigmoid of class k by Newton's method with a line search. There is a minimum, because Platt's
// targets are between 0 and 1.
static void fit_curve(void *context, int64_t k) {
    const sigmoids *s = context;
    curve c = begin_curve(s->rows, k);
    double slope = 0, intercept = c.log_odds, descent = -INFINITY;
    bowl at = bowl_at(&c, slope, intercept);
    for (int i = 0; i < MOST_STEPS && descent < -FLAT * c.weight; i++) {
        double ss = at.ss + RIDGE * c.weight, ii = at.ii + RIDGE * c.weight, det = ss * ii - at.si * at.si;
        double ds = (at.si * at.intercept - ii * at.slope) / det;
        double di = (at.si * at.slope - ss * at.intercept) / det, step = 1;
        descent = at.slope * ds + at.intercept * di;
        bowl next = bowl_at(&c, slope + ds, intercept + di);
        int halvings = 0;
        while (halvings < MOST_HALVINGS && !(next.loss <= at.loss * (1 + ROUNDING) + 1e-4 * step * descent)) {
            halvings++;
            step /= 2;
            next = bowl_at(&c, slope + step * ds, intercept + step * di);
        }
        // a descent would be smaller than the rounding error, so this is the minimum
        if (halvings == MOST_HALVINGS) break;
        slope += step * ds;
        intercept += step * di;
        at = next;
    }
    s->out->slope[k] = slope * c.scale;
    s->out->intercept[k] = intercept - slope * c.scale * c.shift;
}

// Two classes share a sigmoid: that of class 0 is the mirror image of that of class 1.
static mg_status fit_sigmoids(const mg_scored *rows, mg_team *team, mg_calibration *out, mg_error *error) {
    sigmoids s = {.rows = rows, .out = out};
    size_t classes = (size_t)rows->classes;
    mg_status status = mg_memory_zeroed(&out->slope, classes, sizeof *out->slope, error);
    if (!status) status = mg_memory_zeroed(&out->intercept, classes, sizeof *out->intercept, error);
    if (status) return status;
    if (rows->classes > 2) {
        mg_team_for(team, rows->classes, fit_curve, &s);
        return MG_OK;
    }
    fit_curve(&s, 1);
    out->slope[0] = out->slope[1];
    out->intercept[0] = -out->intercept[1];
    return MG_OK;
}

static mg_status find_shares(const mg_scored *rows, mg_calibration *out, mg_error *error) {
    double total = 0;
    mg_status status = mg_memory_zeroed(&out->shares, (size_t)rows->classes, sizeof *out->shares, error);
    for (int64_t i = 0; !status && i < rows->count; i++) {
        total += weight_of(rows, i);
        if (rows->label[i] >= 0) out->shares[rows->label[i]] += weight_of(rows, i);
    }
    for (int64_t k = 0; !status && k < rows->classes; k++) out->shares[k] /= total;
    return status;
}

mg_status mg_calibration_fit(mg_calibration_method method, const mg_scored *rows,
                             const mg_calibration *before, mg_team *team, mg_calibration *out, bool *limited,
                             mg_error *error) {
    MG_ACTIVITY("fitting probabilities", 0);
    mg_calibration_sums now = {0}, then = {0};
    cooling c = {.rows = rows};
    bool ignored;
    mg_status status = MG_OK;
    *out = (mg_calibration){.method = method};
    if (!limited) limited = &ignored;
    *limited = false;
    if (method == MG_CALIBRATION_TEMPERATURE) out->temperature = 1 / cool(&c, team, limited);
    if (method == MG_CALIBRATION_ADAPTIVE) adapt(&c, team, out, limited);
    if (method == MG_CALIBRATION_SIGMOID) status = fit_sigmoids(rows, team, out, error);
    if (!status && method == MG_CALIBRATION_SIGMOID) status = find_shares(rows, out, error);
    for (int64_t i = 0; i < rows->count; i++) out->rows += rows->label[i] >= 0;
    mg_calibration_add(before, rows, team, &now);
    if (!status) mg_calibration_add(out, rows, team, &then);
    out->before = mg_calibration_quality_of(&now);
    out->after = mg_calibration_quality_of(&then);
    if (status) mg_calibration_clear(out);
    return status;
}
