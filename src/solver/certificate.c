// certificate.c - owns the certificate (M27): rebuilds W from the dual variables in double, and computes both
// objectives and every row's contribution to the gap. The W of training would prove nothing: by rounding, it
// has drifted away from the weights that belong to the dual variables.
#include "solver/certificate.h"

#include "base/activity.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#define DRIFT 0x1p-13 // by rounding, ||W||^2 drifts by far less than this fraction during a run
enum { PART_ROWS = 256, PARTS = 16, ROWS_AT_ONCE = PARTS * PART_ROWS, GRADIENT_RANGES = 16, AHEAD = 8 };

struct mg_certifier {
    const mg_resident *resident;
    mg_iterate *iterate;
    mg_incumbent *incumbent;
    double *w;    // laid out as weights.v
    double *bias; // [lanes]
    // Rows are added to W in batches. The present one has `count` rows, beginning with row `first`; the
    // team's threads take parts of it.
    int64_t first, count;
    float *coef;         // [ROWS_AT_ONCE][lanes] coefficients of these rows
    uint16_t *classes;   // [ROWS_AT_ONCE][MG_FEW] classes whose coefficients are not 0
    int *listed;         // [ROWS_AT_ONCE] number of nonzero coefficients; if it exceeds MG_FEW, `classes`
                         // does not list them
    float *wide;         // dense: [PARTS][MG_BLOCK_ROWS][line] rows x'
    float *grad;         // dense: [PARTS][classes][line] sum of each part, in float as in training
    mg_weights *scored;  // weights with which evaluate_part computes scores
    float *contribution; // [N] output of evaluate_part; NULL: not needed
    double part_loss[PARTS], part_dual[PARTS], part_contribution[PARTS];
    double range_square[MG_WEIGHT_RANGES], range_rounded[MG_WEIGHT_RANGES];
    mg_weights raw; // the rebuilt weights as weights of raw cells; empty if columns are not scaled
    mg_arena arena;
};

typedef mg_certifier certificate;

// Any thread may call it. When it returns true, the rest of the certificate is meaningless and is discarded.
static bool is_stopped(const certificate *job) { return mg_stop_asked(&job->resident->options->stop); }

static int64_t part_end(const certificate *job, int64_t part) {
    return mg_cut_end(job->count, PART_ROWS, part);
}

// Reads the coefficients of a part's rows and sums their contributions to the dual value.
static void take_part(void *context, int64_t part) {
    certificate *job = context;
    const mg_resident *resident = job->resident;
    double value = 0;
    for (int64_t i = part * PART_ROWS; i < part_end(job, part); i++) {
        int64_t row = job->first + i;
        float *c = job->coef + i * resident->lanes;
        mg_dual_rows_get(job->iterate->duals, row, resident->lanes, c);
        value +=
            mg_resident_weight(resident, row) * mg_resident_dual_value(resident, c, resident->all.label[row]);
        job->listed[i] = 0;
        for (int64_t k = 0; resident->sparse && k < resident->problem->classes; k++)
            if (c[k] != 0 && job->listed[i]++ < MG_FEW)
                job->classes[i * MG_FEW + job->listed[i] - 1] = (uint16_t)k;
    }
    job->part_dual[part] = value;
}

// Adds the stored values [begin, end) of a row to W. If at most MG_FEW classes have a nonzero coefficient,
// `few` lists these `count` classes.
static void add_values(certificate *job, int64_t row, int64_t begin, int64_t end, const float *c,
                       int64_t count, const uint16_t *few) {
    const mg_resident *resident = job->resident;
    const mg_rows *rows = &resident->all.rows;
    const float *scaling = resident->problem->scale;
    int64_t line = resident->line, classes = resident->problem->classes;
    double scale = -mg_resident_weight(resident, row) * resident->scale, scaled[MG_FEW];
    for (int64_t j = 0; count <= MG_FEW && j < count; j++) scaled[j] = scale * (double)c[few[j]];
    for (; begin < end; begin++) {
        int64_t d = rows->indices[begin];
        double x = (double)rows->values[begin] * (scaling ? (double)scaling[d] : 1), *w = job->w + d * line;
        if (begin + AHEAD < end)
            __builtin_prefetch(job->w + rows->indices[begin + AHEAD] * line + few[0], 1, 3);
        for (int64_t j = 0; count <= MG_FEW && j < count; j++) w[few[j]] += x * scaled[j];
        for (int64_t k = 0; count > MG_FEW && k < classes; k++) w[k] += x * scale * (double)c[k];
    }
}

// Adds the rows to the weights of one range of features, in the order of the rows.
static void add_sparse_range(void *context, int64_t range) {
    certificate *job = context;
    const mg_resident *resident = job->resident;
    for (int64_t i = 0; i < job->count; i++) {
        int64_t row = job->first + i, count = job->listed[i], begin, end;
        mg_resident_values(resident, row, range, &begin, &end);
        if (count > 0)
            add_values(job, row, begin, end, job->coef + i * resident->lanes, count,
                       job->classes + i * MG_FEW);
    }
}

// Sums the dense rows of a part in float, as in training. The sums of the parts are then added in double, in
// order.
static void sum_dense_part(void *context, int64_t part) {
    certificate *job = context;
    const mg_resident *resident = job->resident;
    int64_t line = resident->line;
    float *grad = job->grad + part * resident->size, *block = job->wide + part * MG_BLOCK_ROWS * line;
    const void *x[MG_BLOCK_ROWS];
    memset(grad, 0, (size_t)resident->size * sizeof *grad);
    MG_EACH_BLOCK (first, count, part * PART_ROWS, part_end(job, part), MG_BLOCK_ROWS) {
        if (is_stopped(job)) break;
        for (int64_t i = 0; i < count; i++) {
            x[i] = block + i * line;
            mg_resident_row(resident, job->first + first + i, block + i * line);
            float *c = job->coef + (first + i) * resident->lanes,
                  weight = (float)mg_resident_weight(resident, job->first + first + i);
            for (int64_t k = 0; weight != 1 && k < resident->lanes; k++) c[k] *= weight;
        }
        mg_dense_rows rows = {MG_CELL_F32, count, line, x};
        resident->problem->kernel->dense_accumulate(&rows, MG_SUM_ON, resident->problem->classes,
                                                    job->coef + first * resident->lanes, resident->lanes,
                                                    grad);
    }
}

static void add_dense_range(void *context, int64_t range) {
    certificate *job = context;
    const mg_resident *resident = job->resident;
    int64_t size = resident->size, parts = mg_cut_items(job->count, PART_ROWS);
    MG_EACH_OF_PART (j, size, GRADIENT_RANGES, range)
        for (int64_t p = 0; p < parts; p++) job->w[j] -= resident->scale * (double)job->grad[p * size + j];
}

static void add_bias(certificate *job) {
    const mg_resident *resident = job->resident;
    double constant = resident->problem->bias * resident->scale;
    for (int64_t i = 0; constant > 0 && i < job->count; i++) {
        const float *c = job->coef + i * resident->lanes;
        double weight = mg_resident_weight(resident, job->first + i);
        for (int64_t k = 0; k < resident->problem->classes; k++)
            job->bias[k] -= constant * weight * (double)c[k];
    }
}

// Adds the present batch of rows to W; returns the sum of their contributions to the dual value.
static double add_rows(certificate *job) {
    mg_team *team = job->resident->problem->team;
    int64_t parts = mg_cut_items(job->count, PART_ROWS);
    double value = 0;
    mg_team_for(team, parts, take_part, job);
    add_bias(job);
    if (job->resident->sparse) {
        mg_team_for(team, job->resident->ranges, add_sparse_range, job);
    } else {
        mg_team_for(team, parts, sum_dense_part, job);
        mg_team_for(team, GRADIENT_RANGES, add_dense_range, job);
    }
    for (int64_t p = 0; p < parts; p++) value += job->part_dual[p];
    return value;
}

static mg_weights *raw_weights(certificate *job) {
    return job->resident->problem->scale ? &job->raw : &job->iterate->weights;
}

static void clear_range(void *context, int64_t range) {
    certificate *job = context;
    int64_t line = job->resident->line, from = job->resident->weight_range[range] * line,
            to = job->resident->weight_range[range + 1] * line;
    memset(job->w + from, 0, (size_t)(to - from) * sizeof *job->w);
}

// Copies a range of the rebuilt weights, rounded to float, to W of the iterate, where training continues.
// Computes the square of the weights in double (for the dual value) and of the rounded weights (for the
// primal value, whose scores use them).
static void round_range(void *context, int64_t range) {
    certificate *job = context;
    const mg_resident *resident = job->resident;
    mg_weights *w = &job->iterate->weights;
    int64_t from = resident->weight_range[range], to = resident->weight_range[range + 1];
    double square = mg_iterate_round(job->iterate, job->w, from, to);
    if (resident->problem->scale) mg_resident_raw_lines(resident, w, &job->raw, from, to);
    job->range_square[range] = square;
    job->range_rounded[range] = mg_weights_square_lines(raw_weights(job), resident->problem->scale, from, to);
}

// Rounds all ranges. Returns ||W||^2 of the weights in double; *rounded becomes that of the rounded weights.
static double round_weights(certificate *job, double *rounded) {
    const mg_resident *resident = job->resident;
    mg_weights *w = &job->iterate->weights;
    double square = 0;
    *rounded = 0;
    mg_team_for(resident->problem->team, resident->weight_ranges, round_range, job);
    for (int range = 0; range < resident->weight_ranges; range++) {
        square += job->range_square[range];
        *rounded += job->range_rounded[range];
    }
    mg_iterate_round_bias(job->iterate, job->bias, resident->problem->bias, &square, rounded);
    if (resident->problem->scale) mg_resident_raw_bias(resident, w, &job->raw);
    return square;
}

// Computes the losses of one part of the rows, and their contributions to the gap.
static void evaluate_part(void *context, int64_t part) {
    certificate *job = context;
    const mg_resident *resident = job->resident;
    const mg_problem *problem = resident->problem;
    mg_pass *pass = &resident->pass[part];
    int64_t from = mg_cut_begin(problem->rows, resident->passes, part),
            to = mg_cut_begin(problem->rows, resident->passes, part + 1);
    double loss = 0, contributions = 0;
    MG_EACH_BLOCK (first, count, from, to, pass->block_rows) {
        if (is_stopped(job)) break;
        mg_pass_scores(pass, problem->kernel, job->scored, &resident->all.rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = first + i, y = resident->all.label[row];
            float *s = pass->scores + i * pass->lanes, *c = pass->coef + i * pass->lanes;
            double weight = mg_resident_weight(resident, row),
                   value = (double)problem->loss->row(pass->lanes, s, y, problem->delta, c);
            loss += weight * value;
            if (!job->contribution) continue;
            mg_dual_rows_get(job->iterate->duals, row, resident->lanes, c);
            mg_dual_row dual = {problem->loss->dual, resident->lanes, s, y, problem->delta};
            mg_dual_terms t = problem->kernel->dual_terms(&dual, c);
            double contribution = mg_max_real(0, weight * (value - t.linear + 0.5 * t.curve));
            job->contribution[row] = (float)contribution;
            contributions += contribution;
        }
    }
    job->part_loss[part] = loss;
    job->part_contribution[part] = contributions;
}

mg_status mg_certifier_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                              mg_certifier **out, mg_error *error) {
    const mg_problem *problem = resident->problem;
    int64_t lanes = resident->lanes;
    certificate *job;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&job, 1, sizeof *job, error);
    if (status) return status;
    job->resident = resident;
    job->iterate = iterate;
    job->incumbent = incumbent;
    const mg_buffer buffers[] = {
        MG_BUFFER(job->w, resident->size, 1),
        MG_BUFFER(job->bias, lanes, 1),
        MG_BUFFER(job->coef, ROWS_AT_ONCE, lanes),
        MG_BUFFER(job->classes, ROWS_AT_ONCE, MG_FEW),
        MG_BUFFER(job->listed, ROWS_AT_ONCE, 1),
        MG_BUFFER(job->wide, resident->sparse ? 0 : PARTS * MG_BLOCK_ROWS, resident->line),
        MG_BUFFER(job->grad, resident->sparse ? 0 : PARTS, resident->size),
    };
    status = MG_ARENA_FILL(&job->arena, buffers, error);
    if (!status && problem->scale) status = mg_problem_weights(problem, &job->raw, error);
    if (status) mg_certifier_destroy(job);
    else *out = job;
    return status;
}

void mg_certifier_destroy(mg_certifier *job) {
    if (!job) return;
    mg_arena_free(&job->arena);
    mg_weights_destroy(&job->raw);
    mg_memory_free(job);
}

// Rebuilds W from the dual variables, into job->w and job->bias; returns the sum of -l*.
static double rebuild(certificate *job) {
    const mg_problem *problem = job->resident->problem;
    double value = 0;
    mg_team_for(problem->team, job->resident->weight_ranges, clear_range, job);
    memset(job->bias, 0, (size_t)job->resident->lanes * sizeof *job->bias);
    MG_EACH_BLOCK (first, count, 0, problem->rows, ROWS_AT_ONCE) {
        if (is_stopped(job)) break;
        job->first = first;
        job->count = count;
        value += add_rows(job);
    }
    return value;
}

// Returns the mean loss of weights of raw cells. If `contribution` is not NULL, also sets contribution[N] and
// *contribution_sum.
static double evaluate(certificate *job, mg_weights *raw, float *contribution, double *contribution_sum) {
    const mg_resident *resident = job->resident;
    double loss = 0, sum = 0;
    job->scored = raw;
    job->contribution = contribution;
    mg_team_for(resident->problem->team, resident->passes, evaluate_part, job);
    for (int p = 0; p < resident->passes; p++) {
        loss += job->part_loss[p];
        sum += job->part_contribution[p];
    }
    if (contribution) *contribution_sum = sum;
    return loss / (double)resident->problem->rows;
}

static void square_range(void *context, int64_t range) {
    certificate *job = context;
    const int64_t *line = job->resident->weight_range + range;
    job->range_rounded[range] =
        mg_weights_square_lines(job->scored, job->resident->problem->scale, line[0], line[1]);
}

// (M30) Offers the average of snapshots to the incumbent, because any weights give a primal value. Single
// steps of dual ascent change W a lot, so their average often has a lower objective.
static mg_status evaluate_average(certificate *job, mg_weights *average, mg_error *error) {
    const mg_resident *resident = job->resident;
    const mg_problem *problem = resident->problem;
    mg_weights *raw = problem->scale ? &job->raw : average;
    if (problem->scale) mg_resident_to_raw(resident, average, raw);
    else mg_weights_fold_offset(raw, problem->bias, NULL);
    double loss = evaluate(job, raw, NULL, NULL), square = 0;
    if (is_stopped(job)) return mg_fail(error, MG_STOPPED, "stopped");
    mg_team_for(problem->team, resident->weight_ranges, square_range, job);
    for (int range = 0; range < resident->weight_ranges; range++) square += job->range_rounded[range];
    for (int64_t k = 0; k < raw->classes; k++) square += (double)raw->bias[k] * (double)raw->bias[k];
    mg_incumbent_update(job->incumbent, raw, loss + 0.5 * problem->lambda * square, -INFINITY);
    return MG_OK;
}

// May be called again after an interruption: no step is taken in between, so it computes the same values.
mg_status mg_certifier_certify(mg_certifier *job, mg_weights *average, float *contribution,
                               mg_certified_sums *out, mg_error *error) {
    const mg_problem *problem = job->resident->problem;
    double n = (double)problem->rows, rounded;
    MG_ACTIVITY("certificate", 0);
    out->value = rebuild(job) / n;
    if (is_stopped(job)) return mg_fail(error, MG_STOPPED, "stopped");
    out->square = round_weights(job, &rounded);
    double primal =
        evaluate(job, raw_weights(job), contribution, &out->contribution) + 0.5 * problem->lambda * rounded;
    if (is_stopped(job)) return mg_fail(error, MG_STOPPED, "stopped");
    mg_incumbent_update(job->incumbent, raw_weights(job), primal,
                        out->value - 0.5 * problem->lambda * out->square);
    out->gap = out->contribution / (n * primal);
    if (average && job->incumbent->bounds.gap > job->resident->options->tolerance)
        return evaluate_average(job, average, error);
    return MG_OK;
}

mg_status mg_certificate_lower(const mg_resident *resident, mg_iterate *iterate, double *lower,
                               mg_error *error) {
    const mg_problem *problem = resident->problem;
    mg_certifier *job;
    mg_status status = mg_certifier_create(resident, iterate, NULL, &job, error);
    if (status) return status;
    MG_ACTIVITY("certificate", 0);
    double value = rebuild(job) / (double)problem->rows, square = 0;
    for (int64_t j = 0; j < resident->size; j++) square += job->w[j] * job->w[j];
    for (int64_t k = 0; k < problem->classes; k++) square += job->bias[k] * job->bias[k];
    if (is_stopped(job)) status = mg_fail(error, MG_STOPPED, "stopped");
    else *lower = value - 0.5 * problem->lambda * square;
    mg_certifier_destroy(job);
    return status;
}

// ---- without a certifier ------------------------------------------------------------------------

// Few items, because each has coefficients of its own and runs need no memory for them before.
enum { VALUE_ITEMS = 16 };

typedef struct value_job {
    const mg_resident *resident;
    const mg_iterate *iterate;
    float *coef;   // [VALUE_ITEMS][lanes]
    double *value; // [VALUE_ITEMS]
} value_job;

static void sum_values(void *context, int64_t item) {
    const value_job *job = context;
    const mg_resident *resident = job->resident;
    int64_t rows = resident->problem->rows, end = rows * (item + 1) / VALUE_ITEMS;
    float *c = job->coef + item * resident->lanes;
    for (int64_t row = rows * item / VALUE_ITEMS; row < end; row++) {
        mg_dual_rows_get(job->iterate->duals, row, resident->lanes, c);
        job->value[item] +=
            mg_resident_weight(resident, row) * mg_resident_dual_value(resident, c, resident->all.label[row]);
    }
}

mg_status mg_certificate_bound(const mg_resident *resident, const mg_iterate *iterate, double *out,
                               mg_error *error) {
    const mg_problem *problem = resident->problem;
    value_job job = {.resident = resident, .iterate = iterate};
    mg_arena arena = {0};
    const mg_buffer buffers[] = {MG_BUFFER(job.coef, VALUE_ITEMS, resident->lanes),
                                 MG_BUFFER(job.value, VALUE_ITEMS, 1)};
    mg_status status = MG_ARENA_FILL(&arena, buffers, error);
    if (!status) {
        double sum = 0, square = mg_weights_square_norm(&iterate->weights, NULL, true) * (1 + DRIFT);
        mg_team_for(problem->team, VALUE_ITEMS, sum_values, &job);
        for (int64_t i = 0; i < VALUE_ITEMS; i++) sum += job.value[i];
        double value = sum / (double)problem->rows,
               part = mg_clamp_real(value / (problem->lambda * square), 0, 1);
        *out = part * value - 0.5 * problem->lambda * part * part * square;
    }
    mg_arena_free(&arena);
    return status;
}
