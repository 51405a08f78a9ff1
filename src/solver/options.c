// options.c - the table of the options of section train.
#include "solver/options.h"

#include "solver/solver.h"

#define AT(field) offsetof(mg_train_options, field)
static const mg_option train_rows[] = {
    {"solver", MG_OPTION_CHOICE, AT(solver), "auto", 0, 0, mg_solver_name, NULL, true,
     "Solver; `margin list solvers` describes each. auto = dual where possible, else newton if there is a "
     "tolerance, else sgd."},
    {"tolerance", MG_OPTION_REAL, AT(tolerance), "", 0, 1, NULL, NULL, true,
     "Stop when the objective is certified to be within this fraction of the optimum. 0 = no tolerance. "
     "Unset = 1e-3 for solver newton and where auto takes it (docs/solvers.md), else no tolerance. "
     "A tolerance below 1e-6 is rarely reached, because scores are in single precision."},
    {"epochs", MG_OPTION_INT, AT(epochs), "0", 0, 1e9, NULL, NULL, true,
     "Largest number of epochs. 0 = automatic. sgd: 20, falling to 4 above 256,000 rows. dual: 2 (sparse) "
     "or 3 (dense), up to 20 on small data, and up to 60 below 500 rows. No limit with a tolerance."},
    {"max_steps", MG_OPTION_INT, AT(max_steps), "0", 0, 1e15, NULL, NULL, true,
     "Largest number of steps. 0 = no limit."},
    {"time_limit", MG_OPTION_SECONDS, AT(time_limit), "0", 0, 1e9, NULL, NULL, true,
     "Largest number of seconds of training. 0 = no limit. With a limit, the result depends on the speed of "
     "the machine."},
    {"batch", MG_OPTION_INT, AT(batch), "256", 1, 1 << 24, NULL, NULL, true,
     "Rows of a minibatch of sgd, or of a step of dual."},
    {"seed", MG_OPTION_INT, AT(seed), "1", 0, 9e18, NULL, NULL, true,
     "Seed of the shuffles and of the choice of held-out rows."},
    {"threads", MG_OPTION_INT, AT(threads), "0", 0, 4096, NULL, NULL, false,
     "Compute threads. 0 = all cores that this process may use (affinity, control group, OMP_NUM_THREADS). "
     "The result does not depend on it."},
    {"parts", MG_OPTION_INT, AT(parts), "0", 0, 4096, NULL, NULL, true,
     "Number of parts into which a minibatch is divided for the threads, so more threads than parts cannot "
     "help. 0 = automatic, from the sizes of the minibatch and of the weights. The number changes the "
     "rounding of the result."},
    {"shards", MG_OPTION_INT, AT(shards), "1", 1, MG_MOST_SHARDS, NULL, NULL, true,
     "Number of shards into which the training rows are divided, a power of two. margin-mpi gives every rank "
     "at least one of them. Above 1 only the solver newton can train. The number changes the rounding of the "
     "result."},
    {"rank_timeout", MG_OPTION_SECONDS, AT(rank_timeout), "300", 0, 1e9, NULL, NULL, false,
     "margin-mpi: seconds after which a rank that has sent nothing ends the run. 0 = it waits forever."},
    {"evaluate_every", MG_OPTION_INT, AT(evaluate_every), "1", 0, 1e9, NULL, NULL, true,
     "Epochs between evaluations of the objective and of the validation rows. 0 = only at the end."},
    {"patience", MG_OPTION_INT, AT(patience), "0", 0, 1e9, NULL, NULL, true,
     "Stop after this many evaluations in a row without a better validation accuracy. 0 = never."},
};
#undef AT

// Shards are added pairwise, so that ranks which share them can own whole subtrees.
static mg_status check(const void *values, const char *const *origins, mg_error *error) {
    const mg_train_options *train = values;
    const char *at = mg_section_origin(&mg_train_section, origins, "shards");
    if ((train->shards & (train->shards - 1)) == 0) return MG_OK;
    int64_t below = 1;
    while (2 * below < train->shards) below *= 2;
    return mg_fail(error, MG_CONFIG, "%s: train.shards: %lld is not a power of two: set it to %lld or %lld",
                   at ? at : "train", (long long)train->shards, (long long)below, (long long)(2 * below));
}

const mg_section mg_train_section = {
    .name = "train",
    .help = "how the objective is minimised, and for how long",
    .options = train_rows,
    .count = sizeof train_rows / sizeof *train_rows,
    .check = check,
};
