// resume_runs.h - the short run that tests of --resume stop and resume.
#ifndef MG_TEST_RESUME_RUNS_H
#define MG_TEST_RESUME_RUNS_H

#include "support.h"

enum { ROWS = 64, FEATURES = 20, CLASSES = 3 };

// Four epochs of three or four minibatches. Few rows are held out, so that accuracies are often equal and
// train.patience ends the run.
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
