// dense.c - the step that forms a gradient of all weights. It is used for dense rows, and for CSR rows with
// centred columns, whose gradient has no zeros.
#include "solver/sgd/sgd.h"

#include <string.h>

// Prepares the gradient of a part. With few classes it will be overwritten. With many classes the rows of a
// part touch only a few, so only the classes that the previous step touched are cleared.
static mg_sum begin_sum(mg_sgd *sgd, mg_sgd_part *part) {
    const mg_weights *w = &sgd->weights;
    uint8_t *touched = part->pass.touched;
    memset(part->coef_sum, 0, (size_t)w->lanes * sizeof(double));
    if (w->layout == MG_DENSE && mg_pass_touches_all(&part->pass)) {
        // Parts without rows are marked too, because they may receive the sum of their sibling.
        memset(touched, 1, (size_t)w->lanes);
        return MG_SUM_NEW;
    }
    if (w->layout == MG_CSR) memset(part->grad, 0, (size_t)w->size * sizeof(float));
    for (int64_t k = 0; k < w->classes && w->layout == MG_DENSE; k++)
        if (touched[k]) memset(part->grad + k * w->line, 0, (size_t)w->line * sizeof(float));
    memset(touched, 0, (size_t)w->lanes);
    return MG_SUM_ON;
}

// (M11) Adds part `from` to part `into`. Both hold sums of subtrees.
static void merge_parts(void *context, int64_t into, int64_t from) {
    mg_sgd *sgd = context;
    mg_sgd_part *left = &sgd->parts[into];
    const mg_sgd_part *right = &sgd->parts[from];
    const mg_weights *w = &sgd->weights;
    const mg_kernel *kernel = sgd->problem->kernel;
    if (w->layout == MG_CSR) kernel->add(w->size, right->grad, left->grad);
    for (int64_t k = 0; k < w->classes && w->layout == MG_DENSE; k++)
        if (right->pass.touched[k]) kernel->add(w->line, right->grad + k * w->line, left->grad + k * w->line);
    for (int64_t k = 0; k < w->lanes; k++) left->pass.touched[k] |= right->pass.touched[k];
    for (int64_t k = 0; k < w->lanes; k++) left->coef_sum[k] += right->coef_sum[k];
}

// If the sibling of part p is complete, returns it, so that the gradient of p can be added to it directly.
// Otherwise returns NULL.
static mg_sgd_part *complete_sibling(mg_sgd *sgd, int64_t p, mg_sum sum) {
    int64_t rows = mg_sgd_begin(sgd, p + 1) - mg_sgd_begin(sgd, p);
    if (sum != MG_SUM_NEW || rows > sgd->parts[p].pass.block_rows || !mg_tree_takes_sibling(&sgd->tree, p))
        return NULL;
    return &sgd->parts[p ^ 1];
}

// After p was added to the gradient of its sibling: makes this gradient the one of the left part of the two.
static void join(mg_sgd *sgd, int64_t p) {
    mg_sgd_part *left = &sgd->parts[p & ~INT64_C(1)], *right = &sgd->parts[p | 1];
    for (int64_t k = 0; k < sgd->weights.lanes; k++) left->coef_sum[k] += right->coef_sum[k];
    if (p & 1) return;
    float *grad = right->grad;
    right->grad = left->grad;
    left->grad = grad;
}

// A prefetch hint: the row at which the thread that is expected to claim part p continues afterwards. It is
// the first row of the thread's next part or, after its last part, of its first part of the next minibatch.
static int64_t rows_after(const mg_sgd *sgd, int64_t p) {
    int64_t parts = sgd->problem->parts, threads = sgd->problem->team->threads;
    for (int64_t t = 0; t < threads; t++)
        if (mg_cut_begin(parts, threads, t + 1) == p + 1)
            return sgd->batch->rows.count +
                   mg_cut_begin(sgd->problem->batch, parts, mg_cut_begin(parts, threads, t));
    return mg_sgd_begin(sgd, p + 1);
}

// Phase 1, for part p: scores, coefficients, loss and gradient (M1, M3..M10).
static void part_gradient(void *context, int64_t p) {
    mg_sgd *sgd = context;
    mg_sgd_part *part = &sgd->parts[p];
    mg_sum sum = begin_sum(sgd, part);
    mg_sgd_part *sibling = complete_sibling(sgd, p, sum);
    part->pass.end = mg_sgd_begin(sgd, p + 1);
    part->pass.then = rows_after(sgd, p);
    mg_pass_sum to = {sum, part->grad, part->coef_sum};
    if (sibling) to.begin = MG_SUM_APART, to.grad = sibling->grad;
    part->loss = mg_pass_gradient(&part->pass, sgd->problem, &sgd->weights, sgd->batch, mg_sgd_begin(sgd, p),
                                  mg_sgd_begin(sgd, p + 1), to);
    if (sibling) join(sgd, p);
    mg_tree_climb(&sgd->tree, p, sibling != NULL, merge_parts,
                  sgd); // phase 2 adds the two halves of the tree
}

// (M11) Adds the two halves of the tree, for n weights of class k; the sum is in part 0.
static void merge(const mg_sgd *sgd, int64_t k, int64_t at, int64_t n) {
    int64_t half = mg_tree_half(&sgd->tree);
    if (half && sgd->parts[half].pass.touched[k])
        sgd->problem->kernel->add(n, sgd->parts[half].grad + at, sgd->parts[0].grad + at);
}

// Phase 2 for one item of features, if weights are stored class by class: last addition of the tree, rates,
// step, decay.
static void update_class_major(void *context, int64_t item) {
    mg_sgd *sgd = context;
    const mg_problem *problem = sgd->problem;
    mg_weights *w = &sgd->weights;
    int64_t from = item * MG_SGD_ITEM, n = mg_cut_next(from, w->line, MG_SGD_ITEM);
    int64_t used = mg_min(problem->features - from, n);
    float square[MG_SGD_ITEM] = {0}, rates[MG_SGD_ITEM], decay[MG_SGD_ITEM];
    float mean = 1 / (float)sgd->batch->rows.count;
    for (int64_t k = 0; k < w->classes; k++) {
        float *g = sgd->parts[0].grad + k * w->line + from;
        merge(sgd, k, k * w->line + from, n);
        float centring = (float)sgd->parts[0].coef_sum[k];
        for (int64_t d = 0; problem->center && d < used; d++) g[d] -= centring * problem->center[from + d];
        for (int64_t d = 0; d < used; d++) {
            // gradient with respect to W
            float scaled = g[d] * (problem->scale ? mean * problem->scale[from + d] : mean);
            square[d] += scaled * scaled;
            g[d] = problem->scale ? scaled * problem->scale[from + d]
                                  : scaled; // the change of V that belongs to it (M19)
        }
    }
    mg_optim_step step = mg_sgd_rule_step(sgd);
    mg_optim_memory memory = {sgd->memory.feature, from};
    if (sgd->rule->rates) sgd->rule->rates(&step, used, square, memory, rates);
    else
        for (int64_t d = 0; d < used; d++) rates[d] = step.eta;
    for (int64_t d = 0; d < used; d++) decay[d] = 1 / (1 + (float)problem->lambda * rates[d]); // (M12)
    for (int64_t k = 0; k < w->classes; k++) {
        int64_t at = k * w->line + from;
        float *v = w->v + at;
        mg_optim_line line = mg_sgd_line(sgd, at, used);
        line.rate = rates;
        line.scale = problem->scale ? problem->scale + from : NULL;
        line.g = sgd->parts[0].grad + at;
        sgd->rule->apply(&step, &line);
        if (sgd->rule->weight_rates) mg_sgd_decay_weights(sgd, &step, &line, problem->lambda);
        else
            for (int64_t d = 0; d < used; d++) v[d] *= decay[d];
        double dot = 0;
        for (int64_t d = 0; problem->center && d < used; d++)
            dot += (double)v[d] * (double)problem->center[from + d];
        sgd->item_dot[item * w->lanes + k] = dot;
    }
}

// Phase 2 if weights are stored feature by feature: the classes of a feature are one line with one rate.
static void update_feature_major(void *context, int64_t item) {
    mg_sgd *sgd = context;
    const mg_problem *problem = sgd->problem;
    mg_weights *w = &sgd->weights;
    int64_t from = item * MG_SGD_ITEM, to = mg_min(from + MG_SGD_ITEM, problem->features);
    int64_t half = mg_tree_half(&sgd->tree);
    float mean = 1 / (float)sgd->batch->rows.count;
    mg_optim_step step = mg_sgd_rule_step(sgd);
    double *dot = sgd->item_dot + item * w->lanes;
    memset(dot, 0, (size_t)w->lanes * sizeof *dot);
    for (int64_t d = from; d < to; d++) {
        float *g = sgd->parts[0].grad + d * w->line, *v = w->v + d * w->line;
        float scale = problem->scale ? problem->scale[d] : 1,
              center = problem->center ? problem->center[d] : 0, square = 0, rate = step.eta;
        for (int64_t k = 0; half && k < w->line; k++) g[k] += sgd->parts[half].grad[d * w->line + k];
        for (int64_t k = 0; k < w->line; k++) {
            float scaled = (g[k] - (float)sgd->parts[0].coef_sum[k] * center) * (mean * scale);
            square += scaled * scaled;
            g[k] = scaled * scale;
        }
        mg_optim_line line = mg_sgd_line(sgd, d * w->line, w->line);
        line.shared = true;
        line.rate = &rate;
        line.scale = &scale;
        line.g = g;
        if (sgd->rule->rates)
            sgd->rule->rates(&step, 1, &square, (mg_optim_memory){sgd->memory.feature, d}, &rate);
        sgd->rule->apply(&step, &line);
        if (sgd->rule->weight_rates) mg_sgd_decay_weights(sgd, &step, &line, problem->lambda);
        float decay = sgd->rule->weight_rates ? 1 : 1 / (1 + (float)problem->lambda * rate); // (M12)
        for (int64_t k = 0; k < w->line; k++) {
            v[k] *= decay;
            dot[k] += (double)v[k] * (double)center;
        }
    }
}

void mg_sgd_step_dense(mg_sgd *sgd) {
    const mg_problem *problem = sgd->problem;
    mg_team_for(problem->team, problem->parts, part_gradient, sgd);
    int64_t half = mg_tree_half(&sgd->tree);
    for (int64_t k = 0; half && k < sgd->weights.lanes; k++) {
        sgd->parts[0].coef_sum[k] += sgd->parts[half].coef_sum[k];
        sgd->parts[0].pass.touched[k] |= sgd->parts[half].pass.touched[k]; // part 0 will hold the sum of both
    }
    mg_team_for(problem->team, mg_sgd_items(sgd),
                sgd->weights.layout == MG_DENSE ? update_class_major : update_feature_major, sgd);
    mg_sgd_step_bias(sgd);
}
