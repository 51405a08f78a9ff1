// precondition.c - owns the preconditioner of conjugate gradients: for each class, the Cholesky factor of its
// block of the Hessian (M29), computed from a sample of the free rows; or the inverse of its diagonal if
// factors would be too large.
#include "solver/newton/newton.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 32,  // rows and columns of a block of the factor
    GATHER = 16, // rows that are transposed into the sample at a time
    MOST_SAMPLE = MG_NEWTON_SAMPLE,
    GROUP = MG_NEWTON_GROUP,
};
enum { MOST_FACTOR_BYTES = 1 << 30, MOST_FACTOR_SIZE = 4096 };

struct mg_precondition {
    bool factors;
    int64_t size;   // number of features, including the constant one, rounded up
    float *factor;  // [K][size][size] lower triangles of L, with inverted diagonal blocks; or [K][size]
                    // inverse diagonals
    float *inverse; // for sparse rows without factors: the inverse diagonal as a vector; nothing else is used
                    // then
    float *zeros;   // [size]
    float *sample;  // [GROUP][size][padded] sampled rows x' of a class, times the roots of their weights,
                    // transposed
    float *rows;    // [GROUP][MOST_SAMPLE][size] the rows before they are transposed; without factors:
                    // [GROUP][size] sums of squares
    int64_t vectors; // working vectors of each class
    float *work;     // [K][vectors][size] for building; applying uses only the last vector of each class
    mg_newton_picks picks;
    // Only while it is built:
    mg_newton *newton;
    int64_t first_class;                  // first class of the present group
    int64_t before[GROUP];                // rows of earlier ranks in the sample of each class
    int64_t picked[GROUP], padded[GROUP]; // rows of all ranks; the same rounded up
    float *sums;                          // dense rows without factors: [GROUP][size] of the present shard
    mg_comm_sum *sum;                     // of these
    const float *from;                    // only while it is applied
    float *to;
    mg_arena arena;
};

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
    if (first >= p->picked[g]) return;
    for (int64_t i = mg_max(0, p->picked[g] - first); i < GATHER; i++)
        memset(rows + i * size, 0, (size_t)size * sizeof *rows);
    for (int64_t d = 0; d < size; d++)
        for (int64_t i = 0; i < GATHER; i++) to[d * p->padded[g] + i] = rows[i * size + d];
}

// Computes the inner products of BLOCK rows of n floats with `count` vectors, with the kernel function for
// scores. to: [BLOCK][stride].
static void multiply(const mg_precondition *p, int64_t n, const float *const *x, int64_t count,
                     const float *vectors, float *to, int64_t stride) {
    mg_dense_rows rows = mg_dense_floats(BLOCK, n, x);
    mg_kernel_weights weights = {count, vectors, p->zeros};
    p->newton->resident->problem->kernel->dense_scores(&rows, &weights, to, stride);
}

// Computes a block of rows of the lower triangle of lambda I + sample sample^T. Items are in descending order
// of their cost, so that all threads end at about the same time.
static void multiply_block(void *context, int64_t item) {
    mg_precondition *p = context;
    int64_t size = p->size, g = item % GROUP, first = size - (item / GROUP + 1) * BLOCK,
            k = p->first_class + g, padded = p->padded[g];
    const mg_problem *problem = p->newton->resident->problem;
    if (k >= problem->classes || mg_newton_stopped(p->newton)) return;
    float *factor = p->factor + (k * size + first) * size;
    const float *x[BLOCK], *sample = p->sample + g * size * MOST_SAMPLE;
    for (int64_t r = 0; r < BLOCK; r++) x[r] = sample + (first + r) * padded;
    if (padded > 0) multiply(p, padded, x, first + BLOCK, sample, factor, size);
    for (int64_t r = 0; r < BLOCK; r++) {
        if (padded == 0) memset(factor + r * size, 0, (size_t)(first + BLOCK) * sizeof *factor);
        factor[r * size + first + r] += (float)problem->lambda;
    }
}

// Replaces a diagonal block by the inverse of its Cholesky factor. Pivots smaller than lambda, which only
// rounding can cause, are set to lambda.
static void invert_block(float *a, int64_t size, float lambda) {
    float l[BLOCK][BLOCK], inverse[BLOCK][BLOCK] = {{0}};
    for (int64_t i = 0; i < BLOCK; i++)
        for (int64_t j = 0; j <= i; j++) {
            float sum = a[i * size + j];
            for (int64_t q = 0; q < j; q++) sum -= l[i][q] * l[j][q];
            l[i][j] = i > j ? sum / l[j][j] : sqrtf(sum > lambda ? sum : lambda);
        }
    for (int64_t i = 0; i < BLOCK; i++) {
        inverse[i][i] = 1 / l[i][i];
        for (int64_t q = 0; q < i; q++)
            for (int64_t j = 0; j <= q; j++) inverse[i][j] -= l[i][q] * inverse[q][j] * inverse[i][i];
    }
    for (int64_t i = 0; i < BLOCK; i++) memcpy(a + i * size, inverse[i], sizeof inverse[i]);
}

// Cholesky factorisation, one column of blocks after the other. What earlier columns subtract from a block is
// a product of rows, so the kernel function for scores computes it.
static void factor_class(void *context, int64_t k) {
    mg_precondition *p = context;
    int64_t size = p->size;
    float *factor = p->factor + k * size * size, *pack = p->work + k * p->vectors * size;
    _Alignas(64) float block[BLOCK * BLOCK], inverse[BLOCK * BLOCK];
    const float *x[BLOCK];
    // If the step must end, an incomplete factor does no harm: it is not used.
    for (int64_t j = 0; j < size && !mg_newton_stopped(p->newton); j += BLOCK) {
        for (int64_t r = 0; r < BLOCK; r++)
            memcpy(pack + r * j, factor + (j + r) * size, (size_t)j * sizeof *pack);
        for (int64_t i = j; i < size; i += BLOCK) {
            float *here = factor + i * size + j;
            for (int64_t r = 0; r < BLOCK; r++) x[r] = factor + (i + r) * size;
            if (j > 0) multiply(p, j, x, BLOCK, pack, block, BLOCK);
            for (int64_t r = 0; j > 0 && r < BLOCK; r++)
                for (int64_t c = 0; c < BLOCK; c++) here[r * size + c] -= block[r * BLOCK + c];
            if (i == j) {
                invert_block(here, size, (float)p->newton->resident->problem->lambda);
                for (int64_t r = 0; r < BLOCK; r++)
                    memcpy(inverse + r * BLOCK, here + r * size, BLOCK * sizeof *here);
                continue;
            }
            for (int64_t r = 0; r < BLOCK; r++) x[r] = here + r * size;
            multiply(p, BLOCK, x, BLOCK, inverse, block, BLOCK);
            for (int64_t r = 0; r < BLOCK; r++)
                memcpy(here + r * size, block + r * BLOCK, BLOCK * sizeof *here);
        }
    }
}

// Applies (L L^T)^-1 to the part of a vector that belongs to one class.
static void solve_class(mg_precondition *p, int64_t k) {
    const mg_kernel *kernel = p->newton->resident->problem->kernel;
    int64_t size = p->size;
    float *factor = p->factor + k * size * size, *y = p->work + ((k + 1) * p->vectors - 1) * size;
    _Alignas(64) float part[BLOCK], minus[BLOCK];
    const float *x[BLOCK];
    for (int64_t j = 0; j < size; j += BLOCK) {
        for (int64_t r = 0; r < BLOCK; r++) x[r] = factor + (j + r) * size;
        if (j > 0) multiply(p, j, x, 1, y, part, 1);
        for (int64_t r = 0; j > 0 && r < BLOCK; r++) y[j + r] -= part[r];
        for (int64_t r = 0; r < BLOCK; r++) x[r] += j;
        multiply(p, BLOCK, x, 1, y + j, part, 1);
        memcpy(y + j, part, sizeof part);
    }
    for (int64_t j = size - BLOCK; j >= 0; j -= BLOCK) {
        for (int64_t r = 0; r < BLOCK; r++) x[r] = factor + (j + r) * size + j;
        mg_dense_rows rows = mg_dense_floats(BLOCK, BLOCK, x);
        kernel->dense_accumulate(&rows, MG_SUM_NEW, 1, y + j, 1, part);
        memcpy(y + j, part, sizeof part);
        for (int64_t r = 0; r < BLOCK; r++) {
            x[r] -= j;
            minus[r] = -part[r];
        }
        rows.dp = j;
        if (j > 0) kernel->dense_accumulate(&rows, MG_SUM_ON, 1, minus, 1, y);
    }
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

// Every rank takes the rows that it has, and sends them to all others.
static void gather_rows(mg_precondition *p) {
    mg_team *team = p->newton->resident->problem->team;
    enum { ITEMS = GROUP * (MOST_SAMPLE / GATHER) };
    if (p->newton->resident->comm->ranks == 1) {
        mg_team_for(team, ITEMS, take_and_turn_part, p);
        return;
    }
    mg_team_for(team, ITEMS, take_part, p);
    for (int64_t g = 0; g < GROUP; g++)
        mg_newton_send_picks(&p->picks, g, p->size, p->rows + g * MOST_SAMPLE * p->size);
    mg_team_for(team, ITEMS, turn_part, p);
}

static void build_products(mg_precondition *p) {
    mg_team *team = p->newton->resident->problem->team;
    mg_newton_count_picks(&p->picks, p->before, p->picked);
    if (p->newton->shards.failure.status) return; // the counts are not valid
    for (int64_t g = 0; g < GROUP; g++) p->padded[g] = mg_round_up(p->picked[g], GATHER);
    gather_rows(p);
    mg_team_for(team, GROUP * (p->size / BLOCK), multiply_block, p);
}

// ---- both ---------------------------------------------------------------------------------------

static void apply_class(void *context, int64_t k) {
    mg_precondition *p = context;
    const mg_resident *resident = p->newton->resident;
    int64_t features = resident->problem->features, size = p->size, line = resident->line,
            wide = resident->sparse ? line : 1;
    int64_t first = resident->sparse ? k : k * line;
    float *y = p->work + ((k + 1) * p->vectors - 1) * size;
    memset(y, 0, (size_t)size * sizeof *y);
    for (int64_t d = 0; d < features; d++) y[d] = p->from[first + d * wide];
    y[features] = p->from[resident->size + k];
    if (p->factors) solve_class(p, k);
    else
        for (int64_t d = 0; d < size; d++) y[d] *= p->factor[k * size + d];
    for (int64_t d = 0; d < features; d++) p->to[first + d * wide] = y[d];
    p->to[resident->size + k] = y[features];
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
    else mg_team_for(problem->team, problem->classes, apply_class, p);
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
    if (p->factors) mg_team_for(team, classes, factor_class, p);
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
    const mg_buffer buffers[] = {
        MG_BUFFER(p->inverse, diagonal, newton->length),
        MG_BUFFER(p->factor, classes * size, p->factors ? size : 1),
        MG_BUFFER(p->zeros, !diagonal, size),
        MG_BUFFER(p->work, classes * p->vectors, size),
        MG_BUFFER(p->sample, group * MOST_SAMPLE, size),
        MG_BUFFER(p->rows, group * MOST_SAMPLE + squares, size),
    };
    status = MG_ARENA_FILL(&p->arena, buffers, error);
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
