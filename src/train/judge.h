// judge.h - judges a finished run. Is it better than a model that has learnt nothing? Is its lower bound of
// any use? If not, which option helps?
#ifndef MG_TRAIN_JUDGE_H
#define MG_TRAIN_JUDGE_H

#include "train/run.h"

enum { MG_JUDGE_TEXT = 600 };

// True if the lower bound is useless: missing, not above 0, or less than a tenth of the objective.
bool mg_judge_bound_is_vacuous(double objective, double dual);

// Writes one line that says what went wrong and which option helps; "" if nothing went wrong.
void mg_judge_run(const mg_run *run, const mg_train_result *result, char out[MG_JUDGE_TEXT]);

// Writes a line if a run with a tolerance may take very long because its values are large; "" if not.
void mg_judge_start(const mg_run *run, char out[MG_JUDGE_TEXT]);

// Writes which options help if the problem is hard for every solver. `out` ends without a full stop.
void mg_judge_advise(const mg_run *run, char *out, size_t size);

// Reports the warning to the observer and in metrics.jsonl.
void mg_judge_report(mg_run *run, const char *text);

#endif
