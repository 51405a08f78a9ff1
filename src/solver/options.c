// options.c - rows of sections train and sgd.
#include "solver/options.h"

#include "optim/optim.h"
#include "rate/rate.h"
#include "solver/solver.h"

#define AT(field) offsetof(mg_train_options, field)
static const mg_option train_rows[] = {
    {"solver", MG_OPTION_CHOICE, AT(solver), "auto", 0, 0, mg_solver_name, NULL, true,
     "How it is minimised; `margin list` says what each certifies. auto: dual where it can be used, else newton with a tolerance, else "
     "sgd."},
    {"tolerance", MG_OPTION_REAL, AT(tolerance), "0", 0, 1, NULL, NULL, true,
     "Stop when the objective is certified to be within this fraction of the optimum; 0 = no such goal. Below 1e-6 it is not reached: "
     "scores are of single precision."},
    {"epochs", MG_OPTION_INT, AT(epochs), "0", 0, 1e9, NULL, NULL, true,
     "Most passes over the training rows; 0 = by the solver: sgd 20, fewer of more than 256,000 rows but at least 4; dual 2 of sparse rows and 3 of "
     "dense ones, up to 20 of few, with a tolerance as many as it takes."},
    {"max_steps", MG_OPTION_INT, AT(max_steps), "0", 0, 1e15, NULL, NULL, true, "Most minibatches; 0 = no such limit."},
    {"time_limit", MG_OPTION_SECONDS, AT(time_limit), "0", 0, 1e9, NULL, NULL, true,
     "Most seconds of training; 0 = no such limit. With it, a result depends on the speed of the machine."},
    {"batch", MG_OPTION_INT, AT(batch), "256", 1, 1 << 24, NULL, NULL, true, "Rows of a minibatch."},
    {"seed", MG_OPTION_INT, AT(seed), "1", 0, 9e18, NULL, NULL, true, "Key of the shuffles and of the held-out fraction."},
    {"threads", MG_OPTION_INT, AT(threads), "0", 0, 4096, NULL, NULL, false,
     "Compute threads; 0 = the cores that may really be used (affinity, cgroup quota, OMP_NUM_THREADS). The result is the same."},
    {"parts", MG_OPTION_INT, AT(parts), "0", 0, 4096, NULL, NULL, true,
     "Parts a minibatch is split into, at most so many threads work; 0 = by the shapes. Another number gives other roundings."},
    {"evaluate_every", MG_OPTION_INT, AT(evaluate_every), "1", 0, 1e9, NULL, NULL, true,
     "Epochs between evaluations of the objective and of the validation rows; 0 = only at the end."},
    {"patience", MG_OPTION_INT, AT(patience), "0", 0, 1e9, NULL, NULL, true,
     "Stop when so many evaluations in a row have not improved the validation accuracy; 0 = never stop early."},
};
#undef AT

const mg_section mg_train_section = {
    .name = "train",
    .help = "how it is minimised, and for how long",
    .options = train_rows,
    .count = sizeof train_rows / sizeof *train_rows,
};

#define AT(field) offsetof(mg_sgd_options, field)
static const mg_option sgd_rows[] = {
    {"update", MG_OPTION_CHOICE, AT(update), "adagrad", 0, 0, mg_optim_name, NULL, true, "Update rule."},
    {"rate", MG_OPTION_CHOICE, AT(rate), "cosine", 0, 0, mg_rate_name, NULL, true, "How the rate falls with the steps."},
    {"eta", MG_OPTION_REAL, AT(eta), "", 1e-30, 1e30, NULL, NULL, true,
     "Learning rate; unset = chosen by a rule from the data, and recorded in the run."},
    {"momentum", MG_OPTION_REAL, AT(momentum), "0.9", 0, 0.999999, NULL, NULL, true, "Momentum of update momentum (Nesterov)."},
    {"average", MG_OPTION_BOOL, AT(average), "true", 0, 0, NULL, NULL, true,
     "Train with the average of snapshots of the weights as the result."},
};
#undef AT

const mg_section mg_sgd_section = {
    .name = "sgd",
    .help = "stochastic gradient descent",
    .options = sgd_rows,
    .count = sizeof sgd_rows / sizeof *sgd_rows,
};
