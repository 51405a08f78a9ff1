// choose.c - owns the choice of the solver: the conditions of each solver, the order in which auto tries
// them, when there is a tolerance by default, and when Newton steps follow dual ascent. The choice depends on
// shapes and options, not on threads or time. `margin list solvers` prints these tables.
#include "solver/choose.h"

#include "solver/certified.h"
#include "solver/dual_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

extern const mg_solver mg_solver_dual, mg_solver_newton, mg_solver_sgd;

// The facts that the conditions test, all known before the first step.
typedef struct situation {
    const mg_train_options *train;
    const mg_problem *problem;
    bool tolerance, resident, from_weights;
    double row_bytes; // as in mg_choice_facts
} situation;

static bool has_tolerance(const situation *f) { return f->tolerance; }

static bool has_dual(const situation *f) { return f->problem->loss->dual != NULL; }

static bool has_dual_or_slope(const situation *f) {
    return f->problem->loss->dual || f->problem->loss->slope;
}

static const char centred[] = "sparse rows are centred", streamed[] = "the rows do not fit in memory";
enum { HINT = 192 }; // bytes of an advice

static bool is_not_centred(const situation *f) { return f->problem->layout != MG_CSR || !f->problem->center; }

static bool has_few_classes(const situation *f) {
    return !f->problem->loss->dual || f->problem->classes <= MG_DUAL_CLASSES;
}

static bool is_resident(const situation *f) { return f->resident; }

static bool needs_no_duals(const situation *f) { return !f->from_weights || !f->problem->loss->dual; }

static bool is_bias_penalised(const situation *f) { return !f->problem->free_bias; }

static bool starts_from_zeros(const situation *f) { return !f->from_weights; }

typedef struct condition {
    bool (*holds)(const situation *facts);
    const char *text;     // printed in the table; NULL: the text of the condition before covers this one too
    const char *obstacle; // why the solver cannot be used if the condition does not hold
} condition;

enum { MOST_CONDITIONS = 8 };

// auto takes the first solver whose conditions all hold.
static const struct rule {
    const mg_solver *solver;
    condition condition[MOST_CONDITIONS]; // an empty condition ends the list
} rules[] = {
    {&mg_solver_dual,
     {{has_dual, "the loss has a dual (all but softmax)", "the loss has no dual that this solver can use"},
      {is_not_centred, "sparse rows are not centred", centred},
      {has_few_classes, "at most 32768 classes", "there are too many classes for dual variables"},
      {is_bias_penalised, "the bias is regularised", "model.penalize_bias is false"},
      {is_resident, "the rows fit in memory", streamed},
      {starts_from_zeros, "no --init", "the weights of --init do not determine dual variables"}}},
    {&mg_solver_newton,
     {{has_tolerance, "there is a tolerance", "it stops by its certificate, and train.tolerance is 0"},
      {has_dual_or_slope, "the loss has a dual or a second derivative",
       "the loss has neither a dual nor a second derivative"},
      {is_not_centred, "sparse rows are not centred", centred},
      {has_few_classes, "at most 32768 classes, unless the loss is softmax",
       "there are too many classes for dual variables"},
      {is_resident, "the rows fit in memory", streamed},
      {needs_no_duals, "no --init", "the weights of --init do not determine dual variables"},
      {starts_from_zeros, NULL, "it does not start from the weights of --init"}}},
    {&mg_solver_sgd, {{NULL, NULL, NULL}}},
};
enum { RULES = sizeof rules / sizeof *rules };

static const struct rule *rule_of(const mg_solver *solver) {
    for (int i = 0; i < RULES; i++)
        if (rules[i].solver == solver) return &rules[i];
    return NULL;
}

// Returns why a solver cannot be used; NULL if it can.
static const char *obstacle_to(const struct rule *rule, const situation *facts) {
    for (const condition *c = rule->condition; c->holds; c++)
        if (!c->holds(facts)) return c->obstacle;
    return NULL;
}

// ---- the default tolerance ----------------------------------------------------------------------

#define DEFAULT_TOLERANCE 1e-3
enum { DEFAULT_EPOCHS = 30 }; // such a run ends here at the latest; problems that were measured need 1 to 5
// The mean of ||x'||^2 over lambda, up to which a Newton step needs few conjugate-gradient steps: with
// factors of the Hessian as the preconditioner, and with its diagonal. Few values are always fast.
#define SHORT_WITH_FACTORS 1e7
#define SHORT_WITH_DIAGONAL 1e6
#define FEW_VALUES 1e6
// An epoch of sgd costs about as much as this number of evaluations and moves of Newton steps.
#define SGD_EPOCH 2.2
enum { SGD_RATES = 7 }; // the search for a learning rate usually tries this many

static bool length_is_open(const situation *f) {
    return !f->train->epochs && !f->train->max_steps && !f->train->patience;
}

static bool is_smooth(const situation *f) { return !f->problem->loss->dual && f->problem->loss->slope; }

static bool newton_is_possible(const situation *f) {
    situation certified = *f;
    certified.tolerance = true;
    return !obstacle_to(rule_of(&mg_solver_newton), &certified);
}

static bool newton_is_small(const situation *f) { return mg_newton_is_small(f->problem); }

// The rows that sgd visits, with its search for a rate: that trains on three quarters of a sample, and four
// times for each rate if the sample has all rows.
static double rows_of_sgd(const situation *f) {
    int64_t rows = f->problem->rows, sample = mg_clamp(rows / 16, MG_SAMPLE_FEWEST, MG_SAMPLE_MOST);
    double searched = SGD_RATES * 0.75 * (sample < rows ? (double)sample : 4 * (double)rows);
    return (double)mg_solver_epochs(&mg_solver_sgd, f->train, f->problem) * ((double)rows + searched);
}

static bool newton_is_cheaper(const situation *f) {
    const mg_problem *problem = f->problem;
    double epoch = SGD_EPOCH * (mg_newton_cost_evaluate(problem) + mg_newton_cost_move(problem));
    return mg_newton_cost_usual(problem) < rows_of_sgd(f) / (double)problem->rows * epoch;
}

static bool rows_are_short(const situation *f) {
    const mg_problem *problem = f->problem;
    double most = mg_precondition_factors(problem) ? SHORT_WITH_FACTORS : SHORT_WITH_DIAGONAL;
    return (double)problem->rows * problem->values_per_row <= FEW_VALUES ||
           problem->mean_square_norm <= most * problem->lambda;
}

// A run of solver auto for which train.tolerance is unset has the default tolerance if all of these hold.
static const condition to_default[] = {
    {is_smooth, "the loss is softmax", NULL},
    {length_is_open, "train.epochs, train.max_steps and train.patience are 0", NULL},
    {newton_is_possible, "newton can be used", NULL},
    {newton_is_small, "Newton steps need little memory", NULL},
    {rows_are_short,
     "the rows have at most 1e6 values, or the mean of ||x||^2 is at most 1e7 lambda, or 1e6 lambda if the "
     "preconditioner is a diagonal",
     NULL},
    {newton_is_cheaper,
     "Newton steps are estimated to need fewer operations than sgd with its search for a rate", NULL},
    {NULL, NULL, NULL},
};

static bool default_is_due(const situation *facts) {
    for (const condition *c = to_default; c->holds; c++)
        if (!c->holds(facts)) return false;
    return true;
}

// The tolerance of the run; 0: none. newton cannot do without one.
static double tolerance_of(const mg_solver *named, const situation *facts) {
    double given = facts->train->tolerance;
    if (!isnan(given)) return given;
    bool due = named ? named == &mg_solver_newton : default_is_due(facts);
    return due ? DEFAULT_TOLERANCE : 0;
}

// A tolerance that auto has chosen must not keep the run busy for ever.
static int64_t epochs_of(const mg_choice *choice, const situation *facts) {
    mg_train_options chosen = *facts->train;
    chosen.tolerance = choice->tolerance;
    int64_t epochs = mg_solver_epochs(choice->solver, &chosen, facts->problem);
    bool by_default = isnan(facts->train->tolerance) && choice->tolerance > 0 &&
                      choice->handover == MG_HANDOVER_BY_COST && !facts->train->epochs;
    return by_default ? mg_min(epochs, DEFAULT_EPOCHS) : epochs;
}

// ---- the choice ---------------------------------------------------------------------------------

// For each value of train.solver: when Newton steps follow dual ascent, if a tolerance is set.
static const struct change {
    const char *solver, *when;
    mg_handover handover;
} changes[] = {
    {"dual", "never", MG_HANDOVER_NEVER},
    {"auto",
     "when Newton steps are estimated to need fewer operations than dual ascent; back when they turn out to "
     "need more",
     MG_HANDOVER_BY_COST},
    {"newton", "after the first certificate; at once if the loss has no dual", MG_HANDOVER_AT_ONCE},
    {"sgd", "never", MG_HANDOVER_NEVER},
};

static mg_handover handover_of(const char *name) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (!strcmp(changes[i].solver, name)) return changes[i].handover;
    return MG_HANDOVER_NEVER;
}

// The rule whose unmet condition a message names when auto does not take it. Without a tolerance it is the
// first rule. With a tolerance it is the last rule whose solver has certificates, because that rule demands
// least of the loss.
static const struct rule *rule_wanted(const situation *facts) {
    const struct rule *wanted = &rules[0];
    for (int i = 0; facts->tolerance && i < RULES; i++)
        if (rules[i].solver->certificates) wanted = &rules[i];
    return wanted;
}

// Advice on data.scale or data.memory_limit, if one of them is the obstacle. Returns `out`.
static const char *hint_of(const char *obstacle, const situation *facts, char out[HINT]) {
    const mg_problem *problem = facts->problem;
    out[0] = '\0';
    if (obstacle == centred) snprintf(out, HINT, ", or set data.scale to max-abs, which does not centre");
    if (obstacle != streamed || !(facts->row_bytes > 0)) return out;
    int end = snprintf(out, HINT, ", or set data.memory_limit to %.0f, which keeps all rows in memory",
                       facts->row_bytes);
    if (problem->loss->dual)
        snprintf(out + end, HINT - (size_t)end, " (their dual variables take at least %lld bytes more)",
                 (long long)mg_dual_rows_least_bytes(problem->rows, problem->classes));
    return out;
}

// Refuses a run that needs certificates, because no solver that has them can be used.
static mg_status refuse_uncertified(const char *obstacle, mg_error *error) {
    return mg_fail(error, MG_CONFIG, "no solver with certificates can be used, because %s: %s", obstacle,
                   obstacle == centred ? "set data.scale to max-abs, which does not centre"
                                       : "use margin train with a number for model.C or model.lambda");
}

// Several shards can only be trained by Newton steps, whose sums over the rows are made shard by shard.
static mg_status choose_for_shards(situation *facts, mg_choice *out, mg_error *error) {
    const mg_train_options *train = facts->train;
    long long shards = (long long)facts->problem->comm->shards;
    const mg_solver *named = mg_solver_find(train->solver);
    facts->tolerance = train->tolerance > 0;
    *out = (mg_choice){.solver = &mg_solver_newton,
                       .handover = MG_HANDOVER_AT_ONCE,
                       .tolerance = facts->tolerance ? train->tolerance : 0};
    out->epochs = epochs_of(out, facts);
    if (!named) snprintf(out->why, sizeof out->why, "auto: train.shards is above 1");
    if (named && named != &mg_solver_newton)
        return mg_fail(
            error, MG_CONFIG,
            "train.solver: %s cannot train with train.shards %lld: set train.solver to newton, with "
            "train.tolerance above 0, or train.shards to 1",
            named->name, shards);
    if (!facts->tolerance)
        return mg_fail(error, MG_CONFIG,
                       "train.shards: %lld needs the solver newton, which stops by its certificate: set "
                       "train.tolerance, for example to 1e-3, or train.shards to 1",
                       shards);
    const char *obstacle = obstacle_to(rule_of(&mg_solver_newton), facts);
    if (!obstacle) return MG_OK;
    return mg_fail(
        error, MG_CONFIG, "train.shards: %lld needs the solver newton, which cannot be used, because %s: %s",
        shards, obstacle,
        obstacle == centred ? "set data.scale to max-abs, which does not centre" : "set train.shards to 1");
}

// Why auto has chosen the first solver.
static void explain(const situation *facts, const char *obstacle, char *out) {
    bool given = !isnan(facts->train->tolerance);
    const char *reason = !facts->tolerance ? "rows are in memory"
                         : given           ? "train.tolerance is set"
                                           : "estimated to need less work than sgd";
    snprintf(out, MG_SOLVER_WHY, "auto: %s", obstacle ? obstacle : reason);
}

static mg_status refuse_solver(const mg_solver *named, const char *obstacle, const mg_solver *first,
                               const situation *facts, mg_error *error) {
    char hint[HINT];
    return mg_fail(error, MG_CONFIG, "train.solver: %s cannot be used: %s; use %s%s", named->name, obstacle,
                   first->name, hint_of(obstacle, facts, hint));
}

static mg_status refuse_tolerance(const mg_choice *choice, const char *obstacle, const mg_solver *first,
                                  const situation *facts, mg_error *error) {
    char hint[HINT];
    return mg_fail(error, MG_CONFIG,
                   "train.tolerance: %g cannot be certified by solver %s%s%s; leave it at 0%s%s%s",
                   choice->tolerance, choice->solver->name, obstacle ? ", which was chosen because " : "",
                   obstacle ? obstacle : "", first->certificates ? ", or use " : "",
                   first->certificates ? first->name : "", hint_of(obstacle, facts, hint));
}

mg_status mg_solver_choose(const mg_train_options *train, const mg_problem *problem,
                           const mg_choice_facts *given, mg_choice *out, mg_error *error) {
    situation facts = {.train = train,
                       .problem = problem,
                       .resident = given->resident,
                       .from_weights = given->from_weights,
                       .row_bytes = given->row_bytes};
    const mg_solver *named = mg_solver_find(train->solver), *first = NULL; // NULL: auto
    double tolerance = tolerance_of(named, &facts);
    if (problem->comm && problem->comm->shards > 1) return choose_for_shards(&facts, out, error);
    facts.tolerance = tolerance > 0;
    for (int i = 0; !first; i++)
        if (!obstacle_to(&rules[i], &facts)) first = rules[i].solver;
    const char *obstacle = obstacle_to(named ? rule_of(named) : rule_wanted(&facts), &facts);
    *out = (mg_choice){.solver = named ? named : first,
                       .handover = handover_of(named ? named->name : "auto"),
                       .tolerance = tolerance};
    out->epochs = epochs_of(out, &facts);
    if (!named) explain(&facts, obstacle, out->why);
    if (given->needs_certificates && obstacle && !first->certificates)
        return refuse_uncertified(obstacle, error);
    if (named && obstacle) return refuse_solver(named, obstacle, first, &facts, error);
    if (facts.tolerance && !out->solver->certificates)
        return refuse_tolerance(out, obstacle, first, &facts, error);
    return MG_OK;
}

void mg_solver_list_choices(mg_writer *out) {
    mg_writer_format(out, "auto takes the first solver whose conditions all hold:\n");
    for (int i = 0; i < RULES; i++) {
        mg_writer_format(out, "  %-24s ", rules[i].solver->name);
        const condition *c = rules[i].condition;
        if (!c->holds) mg_writer_add(out, "otherwise");
        for (int n = 0; c->holds; c++)
            if (c->text) mg_writer_format(out, "%s%s", n++ ? "; " : "", c->text);
        mg_writer_add(out, "\n");
    }
    mg_writer_format(out, "with train.shards above 1, only newton can train\n");
    mg_writer_format(out,
                     "if train.tolerance is unset and the solver auto, the tolerance is %g when all of these "
                     "hold, else there is none:\n  ",
                     DEFAULT_TOLERANCE);
    for (const condition *c = to_default; c->holds; c++)
        mg_writer_format(out, "%s%s", c > to_default ? "; " : "", c->text);
    mg_writer_format(out,
                     "\nwith a tolerance, Newton steps follow dual ascent; when, depends on train.solver:\n");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        mg_writer_format(out, "  %-24s %s\n", changes[i].solver, changes[i].when);
    mg_handover_list(out);
}
