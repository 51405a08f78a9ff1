// precondition.c - owns the preconditioner of conjugate gradients: for each class, the Cholesky factor of its
// block of the Hessian (M29), computed from a sample of the free rows; or the inverse of its diagonal if
// factors would be too large.
#include "solver/newton/precondition.h"

#include "base/memory.h"
#include "comm/blocks.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = MG_FACTOR_BLOCK,
    GATHER = 16, // rows that are transposed into the sample at a time
    MOST_SAMPLE = MG_NEWTON_SAMPLE,
    GROUP = MG_NEWTON_GROUP,
};
enum { MOST_FACTOR_BYTES = 1 << 30, MOST_FACTOR_SIZE = 4096 };

// Writes x' of a row, then the constant feature, then zeros up to `size`.
static void take_row(const mg_precondition *p, const mg_resident *resident, int64_t row, float *x) {
    const mg_problem *problem = resident->problem;
    int64_t features = problem->features;
    memset(x, 0, (size_t)p->size * sizeof *x);
    if (resident->sparse) {
        const mg_rows *rows = &resident->all.rows;
        for (int64_t e = rows->indptr[row]; e < rows->indptr[row + 1]; e++)
            x[rows->indices[e]] = rows->values[e] * (problem->scale ? problem->scale[rows->indices[e]] : 1);
    } else {
        mg_resident_row(resident, row, x);
    }
    x[features] = (float)problem->bias;
}

// ---- factors ------------------------------------------------------------------------------------

// Takes those of GATHER rows of a sample that are in memory.
static void take_part(void *context, int64_t item) {
    mg_precondition *p = context;
    int64_t g = item / (MOST_SAMPLE / GATHER), first = item % (MOST_SAMPLE / GATHER) * GATHER, size = p->size;
    for (int64_t i = 0; i < GATHER; i++) {
        int64_t own = first + i - p->before[g];
        float *x = p->rows + (item * GATHER + i) * size;
        if (own < 0 || own >= p->picks.own[g]) continue;
        take_row(p, p->newton->resident, p->picks.row[g][own], x);
        float root = sqrtf(p->picks.weight[g][own]);
        for (int64_t d = 0; d < size; d++) x[d] *= root;
    }
}

// Transposes GATHER rows into the sample.
static void turn_part(void *context, int64_t item) {
    mg_precondition *p = context;
    int64_t g = item / (MOST_SAMPLE / GATHER), first = item % (MOST_SAMPLE / GATHER) * GATHER, size = p->size;
    float *rows = p->rows + item * GATHER * size, *to = p->sample + g * size * MOST_SAMPLE + first;
    int64_t k = p->first_class + g;
    if (first >= p->picked[g] || k < p->own || k >= p->own_end) return;
    for (int64_t i = mg_max(0, p->picked[g] - first); i < GATHER; i++)
        memset(rows + i * size, 0, (size_t)size * sizeof *rows);
    for (int64_t d = 0; d < size; d++)
        for (int64_t i = 0; i < GATHER; i++) to[d * p->padded[g] + i] = rows[i * size + d];
}

// ---- diagonal of dense rows ---------------------------------------------------------------------

// Sums the squares of the sampled rows of the present shard, for a class of the group.
static void square_class(void *context, int64_t g) {
    mg_precondition *p = context;
    const mg_newton *newton = p->newton;
    int64_t size = p->size, k = p->first_class + g, s = newton->shards.present;
    const int64_t *end = p->picks.end[g];
    float *sum = p->sums + g * size;
    memset(sum, 0, (size_t)size * sizeof *sum);
    if (k >= newton->resident->problem->classes) return;
    float *x = p->work + k * p->vectors * size;
    for (int64_t i = s > 0 ? end[s - 1] : 0; i < end[s]; i++) {
        take_row(p, newton->resident, p->picks.row[g][i], x);
        for (int64_t d = 0; d < size; d++) sum[d] += p->picks.weight[g][i] * x[d] * x[d];
    }
}

// Computes the inverse diagonals of the classes of the group.
static void build_diagonals(mg_precondition *p) {
    mg_newton *newton = p->newton;
    const mg_problem *problem = newton->resident->problem;
    int64_t classes = mg_min(GROUP, problem->classes - p->first_class);
    float *inverse = p->factor + p->first_class * p->size, *total = p->rows;
    mg_comm_sum_begin(p->sum, total);
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++) {
        mg_newton_enter_shard(newton, s);
        p->sums = mg_comm_sum_next(p->sum);
        mg_team_for(problem->team, GROUP, square_class, p);
        mg_newton_add_shard(newton, p->sum);
    }
    mg_newton_end_sum(newton, p->sum);
    for (int64_t i = 0; i < classes * p->size; i++) inverse[i] = 1 / ((float)problem->lambda + total[i]);
}

// ---- factors of a group -------------------------------------------------------------------------

// A single rank turns rows while they are in its cache.
static void take_and_turn_part(void *context, int64_t item) {
    take_part(context, item);
    turn_part(context, item);
}

// The rank that has the factor of class k.
static int owner_of(const mg_precondition *p, int64_t k) {
    const mg_comm *comm = p->newton->resident->comm;
    int64_t classes = p->newton->resident->problem->classes;
    int rank = 0;
    while (rank < comm->ranks - 1 && mg_cut_begin(classes, comm->ranks, rank + 1) <= k) rank++;
    return rank;
}

// Every rank takes the rows that it has, and sends those of each class to the rank that has its factor.
static void gather_rows(mg_precondition *p) {
    mg_team *team = p->newton->resident->problem->team;
    enum { ITEMS = GROUP * (MOST_SAMPLE / GATHER) };
    if (p->newton->resident->comm->ranks == 1) {
        mg_team_for(team, ITEMS, take_and_turn_part, p);
        return;
    }
    mg_team_for(team, ITEMS, take_part, p);
    for (int64_t g = 0; g < GROUP; g++)
        mg_newton_send_picks(&p->picks, g, owner_of(p, p->first_class + g), p->size,
                             p->rows + g * MOST_SAMPLE * p->size);
    mg_team_for(team, ITEMS, turn_part, p);
}

static void build_products(mg_precondition *p) {
    mg_team *team = p->newton->resident->problem->team;
    mg_newton_count_picks(&p->picks, p->before, p->picked);
    if (p->newton->shards.failure.status) return; // the counts are not valid
    for (int64_t g = 0; g < GROUP; g++) p->padded[g] = mg_round_up(p->picked[g], GATHER);
    gather_rows(p);
    mg_team_for(team, GROUP * (p->size / BLOCK), mg_factor_multiply, p);
}

// ---- both ---------------------------------------------------------------------------------------

// Copies the solution of class k to p->to.
static void put_class(void *context, int64_t k) {
    mg_precondition *p = context;
    const mg_resident *resident = p->newton->resident;
    const float *y = p->solved ? p->solved + k * p->size : mg_precondition_vector(p, k);
    int64_t features = resident->problem->features, wide = resident->sparse ? resident->line : 1,
            first = resident->sparse ? k : k * resident->line;
    for (int64_t d = 0; d < features; d++) p->to[first + d * wide] = y[d];
    p->to[resident->size + k] = y[features];
}

static void apply_class(void *context, int64_t own) {
    mg_precondition *p = context;
    const mg_resident *resident = p->newton->resident;
    int64_t features = resident->problem->features, size = p->size, k = p->own + own,
            wide = resident->sparse ? resident->line : 1, first = resident->sparse ? k : k * resident->line;
    float *y = mg_precondition_vector(p, k);
    memset(y, 0, (size_t)size * sizeof *y);
    for (int64_t d = 0; d < features; d++) y[d] = p->from[first + d * wide];
    y[features] = p->from[resident->size + k];
    if (p->factors) mg_factor_solve(p, k);
    else
        for (int64_t d = 0; d < size; d++) y[d] *= p->factor[k * size + d];
    if (p->solved) memcpy(p->solved + k * size, y, (size_t)size * sizeof *y);
    else put_class(p, k);
}

// Every rank applies the factors of its own classes, and sends the result to all others.
static void apply_classes(mg_precondition *p) {
    mg_newton *newton = p->newton;
    mg_team *team = newton->resident->problem->team;
    mg_error error = {0};
    mg_team_for(team, p->own_end - p->own, apply_class, p);
    if (!p->solved) return;
    mg_status status = mg_comm_blocks(newton->resident->comm, p->bytes, p->solved, &error);
    mg_newton_note(newton, status, &error);
    mg_team_for(team, newton->resident->problem->classes, put_class, p);
}

static void apply_range(void *context, int64_t range) {
    const mg_precondition *p = context;
    MG_EACH_OF_PART (j, p->newton->length, MG_NEWTON_RANGES, range) p->to[j] = p->inverse[j] * p->from[j];
}

// (M29) With a joint loss, directions sum to zero over the classes. The blocks of the classes are independent
// and do not preserve this, so the mean over the classes is subtracted.
static void remove_mean(void *context, int64_t range) {
    const mg_precondition *p = context;
    const mg_resident *resident = p->newton->resident;
    int64_t features = resident->problem->features, classes = resident->problem->classes,
            line = resident->line;
    int64_t wide = resident->sparse ? line : 1, apart = resident->sparse ? 1 : line;
    MG_EACH_OF_PART (d, features, MG_NEWTON_RANGES, range) {
        float sum = 0, *at = p->to + d * wide;
        for (int64_t k = 0; k < classes; k++) sum += at[k * apart];
        for (int64_t k = 0; k < classes; k++) at[k * apart] -= sum / (float)classes;
    }
}

void mg_precondition_apply(mg_precondition *p, mg_newton *newton, const float *from, float *to) {
    const mg_problem *problem = newton->resident->problem;
    float sum = 0, *bias = to + newton->resident->size;
    p->newton = newton;
    p->from = from;
    p->to = to;
    if (p->inverse) mg_team_for(problem->team, MG_NEWTON_RANGES, apply_range, p);
    else apply_classes(p);
    if (!mg_newton_joint(newton)) return;
    mg_team_for(problem->team, MG_NEWTON_RANGES, remove_mean, p);
    for (int64_t k = 0; k < problem->classes; k++) sum += bias[k];
    for (int64_t k = 0; k < problem->classes; k++) bias[k] -= sum / (float)problem->classes;
}

void mg_precondition_build(mg_precondition *p, mg_newton *newton) {
    mg_team *team = newton->resident->problem->team;
    int64_t classes = newton->resident->problem->classes;
    p->newton = newton;
    if (p->inverse) {
        mg_newton_inverse_diagonal(newton, p->inverse);
        return;
    }
    for (p->first_class = 0; p->first_class < classes && !mg_newton_stopped(newton);
         p->first_class += GROUP) {
        mg_newton_pick(&p->picks, p->first_class);
        if (p->factors) build_products(p);
        else build_diagonals(p);
    }
    if (p->factors) mg_team_for(team, p->own_end - p->own, mg_factor_class, p);
}

static int64_t size_of(const mg_problem *problem) { return mg_round_up(problem->features + 1, BLOCK); }

bool mg_precondition_factors(const mg_problem *problem) {
    int64_t size = size_of(problem);
    return size <= MOST_FACTOR_SIZE &&
           problem->classes <= MOST_FACTOR_BYTES / (int64_t)sizeof(float) / (size * size);
}

double mg_precondition_bytes(const mg_problem *problem) {
    double size = (double)size_of(problem);
    return mg_precondition_factors(problem) ? (double)problem->classes * size * size * sizeof(float) : 0;
}

mg_status mg_precondition_create(mg_newton *newton, mg_precondition **out, mg_error *error) {
    const mg_problem *problem = newton->resident->problem;
    mg_precondition *p;
    mg_status status = mg_memory_zeroed(&p, 1, sizeof *p, error);
    if (status) return status;
    *out = p;
    p->size = size_of(problem);
    p->factors = mg_precondition_factors(problem);
    p->vectors = p->factors ? BLOCK + 1 : 2;
    bool diagonal = !p->factors && newton->resident->sparse;
    int64_t size = p->size, classes = diagonal ? 0 : problem->classes, group = p->factors ? GROUP : 0,
            squares = p->factors || diagonal ? 0 : GROUP;
    const mg_comm *comm = newton->resident->comm;
    bool shares = p->factors && comm->ranks > 1;
    p->own = shares ? mg_cut_begin(classes, comm->ranks, comm->rank) : 0;
    p->own_end = shares ? mg_cut_begin(classes, comm->ranks, comm->rank + 1) : problem->classes;
    const mg_buffer buffers[] = {
        MG_BUFFER(p->inverse, diagonal, newton->length),
        MG_BUFFER(p->factor, diagonal ? 0 : (p->own_end - p->own) * size, p->factors ? size : 1),
        MG_BUFFER(p->solved, shares ? classes : 0, size),
        MG_BUFFER(p->bytes, comm->ranks, 1),
        MG_BUFFER(p->zeros, !diagonal, size),
        MG_BUFFER(p->work, classes * p->vectors, size),
        MG_BUFFER(p->sample, group * MOST_SAMPLE, size),
        MG_BUFFER(p->rows, group * MOST_SAMPLE + squares, size),
    };
    status = MG_ARENA_FILL(&p->arena, buffers, error);
    for (int r = 0; !status && shares && r < comm->ranks; r++)
        p->bytes[r] =
            (size_t)((mg_cut_begin(classes, comm->ranks, r + 1) - mg_cut_begin(classes, comm->ranks, r)) *
                     size) *
            sizeof *p->solved;
    if (!status && !diagonal) status = mg_newton_picks_create(newton, &p->picks, &p->arena, error);
    if (status || squares == 0) return status;
    return mg_comm_sum_create(newton->resident->comm, squares * size, MG_COMM_F32, &p->sum, error);
}

void mg_precondition_destroy(mg_precondition *p) {
    if (!p) return;
    mg_comm_sum_destroy(p->sum);
    mg_arena_free(&p->arena);
    mg_memory_free(p);
}
