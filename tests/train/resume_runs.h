// resume_runs.h - the short run that the tests of --resume stop and continue.
#ifndef MG_TEST_RESUME_RUNS_H
#define MG_TEST_RESUME_RUNS_H

#include "support.h"

enum { ROWS = 64, FEATURES = 20, CLASSES = 3 };

// Three or four minibatches per epoch, four epochs. The held-out rows are few, so that accuracies repeat and
// patience ends the run.
static inline support_run small_run(const char *data, const char *directory) {
    support_run run = support_new(data, directory);
    support_set(&run, "train.batch=16");
    support_set(&run, "train.parts=2");
    support_set(&run, "train.epochs=4");
    support_set(&run, "model.loss=weston-watkins");
    support_set(&run, "model.lambda=0.01");
    return run;
}

#endif
