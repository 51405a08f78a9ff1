// judge.h - looks at what a run reached: whether it beats a model that has learnt nothing, whether its
// certificate says anything, and which option helps when not.
#ifndef MG_TRAIN_JUDGE_H
#define MG_TRAIN_JUDGE_H

#include "train/run.h"

enum { MG_JUDGE_TEXT = 600 };

// Does a lower bound say nothing of the objective: none, not above 0, or less than a tenth of it?
bool mg_judge_bound_is_vacuous(double objective, double dual);

// One line on what went wrong and the option that helps; "" when nothing did.
void mg_judge_run(const mg_run *run, const mg_train_result *result, char out[MG_JUDGE_TEXT]);

// The options that help a problem no solver gets far with; `out` ends without a full stop.
void mg_judge_advise(const mg_run *run, char *out, size_t size);

// The warning on the terminal and as an event of metrics.jsonl.
void mg_judge_tell(mg_run *run, const char *text);

#endif
