// handover.c - owns the change from dual ascent to Newton steps and back, for auto with a tolerance. It
// compares what both still cost. For dual ascent, this follows from how its gap has fallen. For Newton steps
// it is a model at first; once they have begun, it follows from how the gap has fallen and what that has
// cost. Costs are numbers of operations, so the decisions depend neither on threads nor on time.
#include "solver/certified.h"

#include <math.h>
#include <stdio.h>

#define MARK_PASSES 3.0 // the fall of the gap is measured over at least this many passes
#define TRIED 0.125     // dual ascent must first cost this fraction of what Newton steps usually do
#define PATIENCE 1.5    // Newton steps are reconsidered after this many times their usual cost
#define SLOWING 2.0     // factor on the cost of dual ascent, whose gap falls ever more slowly
#define SAYS 0.999      // a gap above this does not show how far dual ascent has come
#define RETURN 2.5      // Newton steps end if their remaining cost exceeds that of dual ascent by this factor
#define LEAST_DUAL 1e-3 // lower limit of the dual value in a guess of the optimum, times the primal value
#define AGAIN 2.0       // estimated cost of a second Newton phase, relative to what the first has cost
// Cost of a visit of dual ascent for each class, in the unit of the model of Newton steps (docs/solvers.md):
#define DENSE_VALUE 4.5  // for each cell of a dense row
#define SPARSE_VALUE 10. // for each stored value of a sparse row
#define LANE 600.0       // for the step itself

typedef struct facts {
    const mg_resident *resident;
    const mg_handover_state *state;
    double visits;      // visits of dual ascent so far
    double gap;         // relative gap
    double distance;    // primal - dual
    double log_left;    // how far the logarithm of the distance must still fall
    double usual;       // what all Newton steps of such a problem usually cost
    double dual_cost;   // what dual ascent still costs
    double newton_cost; // what Newton steps still cost, if the gap goes on falling as it has
} facts;

static double cost_of_visit(const mg_resident *resident) {
    const mg_problem *problem = resident->problem;
    double classes = (double)problem->classes, step = LANE * (double)resident->lanes;
    return (resident->sparse ? SPARSE_VALUE : DENSE_VALUE) * problem->values_per_row * classes + step;
}

static facts find_facts(const mg_certified *c) {
    const mg_bounds *bounds = &c->incumbent.bounds;
    const mg_handover_state *state = &c->handover;
    facts f = {.resident = &c->resident,
               .state = state,
               .visits = (double)(c->clock.visits_before + c->clock.visits),
               .gap = bounds->gap,
               .distance = bounds->primal * mg_min_real(1, bounds->gap)};
    // An estimate of the optimum, which is between the two values.
    double optimum = sqrt(bounds->primal * mg_max_real(bounds->dual, LEAST_DUAL * bounds->primal)),
           goal = c->resident.options->tolerance * optimum;
    f.log_left = mg_max_real(0, log(f.distance / goal));
    f.usual = mg_max_real(mg_newton_cost_usual(c->resident.problem), AGAIN * state->spent_before);
    f.dual_cost =
        state->rate > 0 ? SLOWING * f.log_left / state->rate * cost_of_visit(&c->resident) : INFINITY;
    return f;
}

// What Newton steps still cost if the logarithm of the distance goes on falling as it has from `before` until
// now, which took `cost`.
static double cost_left(const facts *f, double before, double cost) {
    double fallen = log(before / f->distance);
    return fallen > 0 ? f->log_left / fallen * cost : INFINITY;
}

// ---- the conditions -----------------------------------------------------------------------------

static bool is_measured(const facts *f) { return f->state->rate >= 0; }

static bool has_room(const facts *f) { return mg_newton_fits(f->resident->problem); }

static bool dual_has_tried(const facts *f) {
    double cost = (f->visits - f->state->begun) * cost_of_visit(f->resident);
    return cost >= TRIED * f->usual;
}

static bool newton_is_cheaper(const facts *f) { return f->usual < f->dual_cost; }

static bool newton_has_tried(const facts *f) { return f->state->spent > PATIENCE * f->state->usual; }

static bool gap_is_known(const facts *f) { return f->gap <= SAYS; }

static bool dual_is_cheaper(const facts *f) { return RETURN * f->dual_cost < f->newton_cost; }

typedef struct condition {
    bool (*holds)(const facts *f);
    const char *text;
} condition;

enum { TO_NEWTON = 4, TO_DUAL = 3 };
static const condition to_newton[TO_NEWTON] = {
    {is_measured, "after a return to dual ascent, its gap was measured over 3 passes"},
    {has_room, "Newton steps need little memory"},
    {dual_has_tried, "dual ascent has cost an eighth of what Newton steps usually cost"},
    {newton_is_cheaper, "the rest of dual ascent is estimated to cost more than Newton steps usually do"},
};
static const condition to_dual[TO_DUAL] = {
    {newton_has_tried, "Newton steps have cost 1.5 times what they usually cost"},
    {gap_is_known, "the gap is at most 0.999"},
    {dual_is_cheaper,
     "the rest of the Newton steps is estimated to cost more than 2.5 times as much as dual ascent would"},
};

static bool all_hold(const condition *conditions, int count, const facts *f) {
    for (int i = 0; i < count; i++)
        if (!conditions[i].holds(f)) return false;
    return true;
}

static void list(mg_writer *out, const char *name, const condition *conditions, int count) {
    mg_writer_format(out, "  %-24s ", name);
    for (int i = 0; i < count; i++) mg_writer_format(out, "%s%s", i ? "; " : "", conditions[i].text);
    mg_writer_add(out, "\n");
}

void mg_handover_list(mg_writer *out) {
    mg_writer_add(out,
                  "auto changes when all conditions of the other steps hold; costs are in operations:\n");
    list(out, "to Newton steps", to_newton, TO_NEWTON);
    list(out, "back to dual ascent", to_dual, TO_DUAL);
}

// ---- decisions ----------------------------------------------------------------------------------

// Measures how fast the distance falls since the last mark, if that is at least MARK_PASSES passes ago; then
// sets a new mark.
static void measure(mg_certified *c, const facts *f) {
    mg_handover_state *state = &c->handover;
    double since = f->visits - state->mark_visits;
    bool marked = state->mark_distance > 0;
    if (marked && since < MARK_PASSES * (double)c->resident.problem->rows) return;
    if (marked) state->rate = mg_max_real(0, log(state->mark_distance / f->distance) / since);
    state->mark_visits = f->visits;
    state->mark_distance = f->distance;
}

bool mg_handover_to_newton(mg_certified *c) {
    facts f = find_facts(c);
    if (!isfinite(f.distance)) return false;
    measure(c, &f);
    f = find_facts(c);
    if (!all_hold(to_newton, TO_NEWTON, &f)) return false;
    c->handover.entered = f.distance;
    c->handover.usual = f.usual;
    c->handover.spent = 0;
    c->handover.latest = f.distance;
    return true;
}

bool mg_handover_to_dual(mg_certified *c, double cost) {
    mg_handover_state *state = &c->handover;
    facts f = find_facts(c);
    state->spent += cost;
    // Newton steps converge faster and faster. So the last iteration alone may predict less remaining cost
    // than the whole phase does; the lower prediction counts.
    f.newton_cost =
        mg_min_real(cost_left(&f, state->entered, state->spent), cost_left(&f, state->latest, cost));
    state->latest = f.distance;
    if (!all_hold(to_dual, TO_DUAL, &f)) return false;
    state->spent_before += state->spent; // `spent` keeps the cost of this phase for mg_handover_explain
    state->begun = f.visits;
    state->mark_distance = 0;
    state->rate = -1;
    return true;
}

void mg_handover_explain(const mg_certified *c, char *out, size_t size) {
    facts f = find_facts(c);
    if (c->clock.newton >= 0)
        snprintf(out, size, "a gap of %.2g after %.3g passes of dual ascent", c->incumbent.bounds.gap,
                 f.visits / (double)c->resident.problem->rows);
    else
        snprintf(out, size, "a gap of %.2g after Newton steps of %.2g times the usual cost",
                 c->incumbent.bounds.gap, c->handover.spent / c->handover.usual);
}
