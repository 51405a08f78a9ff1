// test_calibration.c - compares fitted calibrations with their definitions: the temperature with a search for
// the minimum, and the gradient of the sigmoids with zero. Also tests that a row of weight n counts like n
// rows, that the bits do not depend on the number of threads, and that scores may have any size.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "calibration/calibration.h"
#include "model/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 700, MOST_CLASSES = 7, COPIES = 3 };

static float scores[ROWS * COPIES * MOST_CLASSES];
static int32_t labels[ROWS * COPIES];
static float weights[ROWS * COPIES];

static const mg_calibration none;

static double draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

// Scores that are correlated with the labels, but so large that their softmax is overconfident.
static mg_scored make(int64_t classes, double size) {
    uint64_t state = 7;
    for (int64_t i = 0; i < ROWS; i++) {
        labels[i] = (int32_t)(draw(&state) * (double)classes);
        weights[i] = (float)(1 + (int)(draw(&state) * COPIES));
        for (int64_t k = 0; k < classes; k++)
            scores[i * classes + k] = (float)(size * (draw(&state) - 0.5 + (k == labels[i] ? 0.3 : 0)));
    }
    return (mg_scored){.count = ROWS,
                       .classes = classes,
                       .line = classes,
                       .scores = scores,
                       .label = labels,
                       .weight = weights};
}

static mg_calibration fit(mg_calibration_method method, const mg_scored *rows, int threads) {
    mg_team team = {.threads = threads};
    mg_calibration out;
    mg_error error = {0};
    assert_int_equal(mg_calibration_fit(method, rows, &none, &team, &out, NULL, &error), MG_OK);
    return out;
}

// The weighted mean of the log-loss at a temperature, computed from its definition.
static double log_loss(const mg_scored *rows, double temperature) {
    double total = 0, weight = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        const float *s = rows->scores + i * rows->line;
        double sum = 0, own = s[rows->label[i]];
        for (int64_t k = 0; k < rows->classes; k++) sum += exp((s[k] - own) / temperature);
        double w = rows->weight ? rows->weight[i] : 1;
        total += w * log(sum);
        weight += w;
    }
    return total / weight;
}

static void test_temperature(void **unused) {
    (void)unused;
    for (int64_t classes = 2; classes <= MOST_CLASSES; classes += 5) {
        mg_scored rows = make(classes, 20);
        mg_calibration c = fit(MG_CALIBRATION_TEMPERATURE, &rows, 1);
        double low = 0.1, high = 1000;
        while (high / low > 1 + 1e-9) { // ternary search: the log-loss is convex in 1 / temperature
            double a = low * pow(high / low, 1 / 3.0), b = low * pow(high / low, 2 / 3.0);
            if (log_loss(&rows, a) < log_loss(&rows, b)) high = b;
            else low = a;
        }
        assert_true(fabs(c.temperature / low - 1) < 1e-6);
        assert_true(fabs(c.after.log_loss - log_loss(&rows, c.temperature)) < 1e-12);
        assert_true(fabs(c.before.log_loss - log_loss(&rows, 1)) < 1e-12);
        assert_true(c.after.log_loss < c.before.log_loss && c.after.ece < c.before.ece);
        mg_scored larger = make(classes, 20 * 1024); // the temperature is proportional to the scores
        assert_true(fabs(fit(MG_CALIBRATION_TEMPERATURE, &larger, 1).temperature / c.temperature / 1024 - 1) <
                    1e-9);
    }
}

static double sigmoid(double z) { return 1 / (1 + exp(z)); }

// At the minimum the gradient is zero, that is the sums over the rows of target - probability and of
// (target - probability) * score.
static void test_sigmoid(void **unused) {
    (void)unused;
    for (int64_t classes = 2; classes <= MOST_CLASSES; classes++) {
        mg_scored rows = make(classes, 20);
        mg_calibration c = fit(MG_CALIBRATION_SIGMOID, &rows, 2);
        for (int64_t k = 0; k < classes; k++) {
            double sum[2] = {0}, plain = 0, times = 0;
            for (int64_t i = 0; i < rows.count; i++) sum[labels[i] == k] += weights[i];
            for (int64_t i = 0; i < rows.count; i++) {
                double f = scores[i * classes + k] - (classes == 2 ? (double)scores[i * classes + 1 - k] : 0);
                double target = labels[i] == k ? (sum[1] + 1) / (sum[1] + 2) : 1 / (sum[0] + 2);
                double off = weights[i] * (target - sigmoid(c.slope[k] * f + c.intercept[k]));
                plain += off;
                times += off * f;
            }
            assert_true(c.slope[k] < 0);
            if (!(fabs(plain) < 1e-8 && fabs(times) < 1e-7))
                fail_msg("%d classes, class %d: gradient %g, %g", (int)classes, (int)k, plain, times);
        }
        float p[MOST_CLASSES];
        double single[MOST_CLASSES], all = 0;
        for (int64_t k = 0; k < classes; k++)
            all += single[k] = sigmoid(c.slope[k] * (scores[k] - (classes == 2 ? (double)scores[1 - k] : 0)) +
                                       c.intercept[k]);
        mg_calibration_probabilities(&c, classes, scores, p);
        for (int64_t k = 0; k < classes; k++) assert_true(fabs(p[k] - single[k] / all) < 1e-6);
        mg_calibration_clear(&c);
    }
}

// A row of weight 3 counts like three rows; a row without a known label does not count.
static void test_weights(void **unused) {
    (void)unused;
    for (int method = MG_CALIBRATION_TEMPERATURE; mg_calibration_name(method); method++) {
        mg_scored rows = make(5, 20);
        mg_calibration weighted = fit(method, &rows, 1);
        mg_scored copies = rows;
        int64_t n = rows.count;
        for (int64_t i = 0; i < rows.count; i++)
            for (int copy = 1; copy < (int)weights[i]; copy++, n++) {
                memcpy(scores + n * 5, scores + i * 5, 5 * sizeof *scores);
                labels[n] = labels[i];
            }
        scores[n * 5] = 1e9F;
        labels[n] = -1;
        copies.weight = NULL;
        copies.count = n + 1;
        mg_calibration c = fit(method, &copies, 1);
        assert_int_equal(c.rows, n);
        assert_true(fabs(c.after.log_loss - weighted.after.log_loss) < 1e-9);
        assert_true(fabs(c.after.ece - weighted.after.ece) < 1e-9);
        mg_calibration_clear(&c);
        mg_calibration_clear(&weighted);
    }
}

typedef struct call {
    mg_team *team;
    mg_scored rows;
    mg_calibration_method method;
    mg_calibration out;
} call;

static void run_fit(void *context) {
    call *all = context;
    mg_error error = {0};
    assert_int_equal(mg_calibration_fit(all->method, &all->rows, &none, all->team, &all->out, NULL, &error),
                     MG_OK);
}

static void test_threads(void **unused) {
    (void)unused;
    for (int method = MG_CALIBRATION_TEMPERATURE; mg_calibration_name(method); method++) {
        mg_calibration first = {0};
        for (int threads = 1; threads <= 16; threads++) {
            mg_team team = {.threads = threads};
            call all = {&team, make(7, 20), method, {0}};
            mg_team_run(&team, run_fit, &all);
            if (threads == 1) {
                first = all.out;
                continue;
            }
            assert_memory_equal(&all.out.before, &first.before, sizeof first.before);
            assert_memory_equal(&all.out.after, &first.after, sizeof first.after);
            assert_memory_equal(&all.out.temperature, &first.temperature, sizeof first.temperature);
            if (first.slope) {
                assert_memory_equal(all.out.slope, first.slope, 7 * sizeof *first.slope);
                assert_memory_equal(all.out.intercept, first.intercept, 7 * sizeof *first.intercept);
            }
            mg_calibration_clear(&all.out);
        }
        mg_calibration_clear(&first);
    }
}

// Rows for which no finite temperature above 0 is the minimum are fitted with a limit; kind 3 is normal.
static void test_limits(void **unused) {
    (void)unused;
    mg_team team = {.threads = 1};
    mg_calibration c;
    bool limited;
    for (int kind = 0; kind < 4; kind++) {
        mg_scored rows = make(3, 20);
        for (int64_t i = 0; i < rows.count; i++)
            for (int64_t k = 0; k < 3; k++) {
                float *s = &scores[i * 3 + k];
                if (kind == 0) *s = k == labels[i] ? 2 : 1; // every row is right
                if (kind == 1) *s = k == labels[i] ? 1 : 2; // every row is wrong
                if (kind == 2) *s = 4;                      // all scores are equal
            }
        assert_int_equal(
            mg_calibration_fit(MG_CALIBRATION_TEMPERATURE, &rows, &none, &team, &c, &limited, NULL), MG_OK);
        assert_int_equal(limited, kind < 3);
        double total = 0; // after so many rows in their class, the rule of succession gives the log-loss
        for (int64_t i = 0; i < rows.count; i++) total += weights[i];
        assert_true(isfinite(c.temperature) && c.temperature > 0 && isfinite(c.after.log_loss));
        if (kind == 0) assert_true(fabs(c.after.log_loss - log((total + 2) / (total + 1))) < 1e-9);
        if (kind == 1) assert_true(c.temperature > 100 && fabs(c.after.log_loss - log(3)) < 1e-2);
    }
}

// A class whose scores are all equal has a sigmoid without a slope, whatever the weights of the rows.
static void test_constant(void **unused) {
    (void)unused;
    mg_scored rows = make(3, 20);
    double total[2] = {0};
    for (int64_t i = 0; i < rows.count; i++) {
        weights[i] = 0.1F * weights[i];
        scores[3 * i + 1] = i ? 0.1F : 7;
    }
    weights[0] = 0; // so the score of this row does not count
    for (int64_t i = 0; i < rows.count; i++) total[labels[i] == 1] += (double)weights[i];
    mg_calibration c = fit(MG_CALIBRATION_SIGMOID, &rows, 1);
    double rest = 1 / (total[0] + 2), own = (total[1] + 1) / (total[1] + 2),
           mean = (total[0] * rest + total[1] * own) / (total[0] + total[1]);
    assert_true(fabs(c.slope[1]) < 1e-6);
    assert_true(fabs(1 / (1 + exp(c.intercept[1])) - mean) < 1e-6);
    mg_calibration_clear(&c);
}

// Probabilities are finite and add up to 1 for all finite scores.
static void test_extremes(void **unused) {
    (void)unused;
    static const float rows[][3] = {
        {3e38F, -3e38F, 0}, {1e-45F, 0, -1e-45F}, {-3e38F, -3e38F, -3e38F}, {0, 0, 0}, {3e38F, 3e38F, 1}};
    double slope[3] = {-1e250, -1, 1e250}, intercept[3] = {1e250, 0, -1e250};
    const mg_calibration all[] = {{.method = MG_CALIBRATION_NONE},
                                  {.method = MG_CALIBRATION_TEMPERATURE, .temperature = 1e-250},
                                  {.method = MG_CALIBRATION_TEMPERATURE, .temperature = 1e250},
                                  {.method = MG_CALIBRATION_SIGMOID, .slope = slope, .intercept = intercept}};
    for (size_t c = 0; c < sizeof all / sizeof *all; c++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            float p[3];
            mg_calibration_probabilities(&all[c], 3, rows[r], p);
            for (int k = 0; k < 3; k++) assert_true(p[k] >= 0 && p[k] <= 1);
            assert_true(fabs((double)p[0] + p[1] + p[2] - 1) < 1e-6);
        }
}

// What is fitted to the smallest and the largest scores is in the range that a model may have.
static void test_reach(void **unused) {
    (void)unused;
    static const double size[] = {1e-45, 1e-41, 1e-30, 1, 1e30, 1e38};
    const mg_scored rows = {.count = ROWS, .classes = 3, .line = 3, .scores = scores, .label = labels};
    mg_error error = {0};
    for (size_t s = 0; s < sizeof size / sizeof *size; s++)
        for (int outlier = 0; outlier < 2; outlier++) {
            memset(scores, 0, sizeof scores);
            for (int i = 0; i < ROWS; i++) {
                labels[i] = i % 3;
                if (!outlier || i == 0) scores[3 * i + (i + (i % 7 == 3)) % 3] = (float)(2 * size[s]);
            }
            for (int m = MG_CALIBRATION_TEMPERATURE; m <= MG_CALIBRATION_ADAPTIVE; m++) {
                mg_calibration c = fit((mg_calibration_method)m, &rows, 1);
                assert_int_equal(mg_model_calibration_check(&c, 3, &error), MG_OK);
                mg_calibration_clear(&c);
            }
        }
}

// (M36) Four rows in two bins: of the rows with probability 0.6, half are classified correctly, and of those
// with 0.9 all.
static void test_error(void **unused) {
    (void)unused;
    mg_team team = {.threads = 1};
    mg_calibration_sums sums = {0};
    float two[] = {(float)log(1.5), 0, (float)log(1.5), 0, (float)log(9), 0, (float)log(9), 0};
    int32_t label[] = {0, 1, 0, 0};
    const mg_scored rows = {.count = 4, .classes = 2, .line = 2, .scores = two, .label = label};
    mg_calibration_add(&none, &rows, &team, &sums);
    mg_calibration_quality q = mg_calibration_quality_of(&sums);
    assert_true(fabs(q.ece - (0.5 * 0.1 + 0.5 * 0.1)) < 1e-6);
    assert_true(fabs(q.log_loss + (log(0.6) + log(0.4) + 2 * log(0.9)) / 4) < 1e-6);
    // however large the logits are, the log-loss is that of the probabilities
    double slope[2] = {0, 0}, intercept[2] = {1e250, 1e250};
    const mg_calibration far = {.method = MG_CALIBRATION_SIGMOID, .slope = slope, .intercept = intercept};
    sums = (mg_calibration_sums){0};
    mg_calibration_add(&far, &rows, &team, &sums);
    assert_true(fabs(mg_calibration_quality_of(&sums).log_loss - log(2)) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temperature), cmocka_unit_test(test_sigmoid), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_threads),     cmocka_unit_test(test_limits),  cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_constant),    cmocka_unit_test(test_error),   cmocka_unit_test(test_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
