// judge.h - judges a finished run: is it better than a model that has learned nothing, does its certificate
// bound anything, and which option helps if not.
#ifndef MG_TRAIN_JUDGE_H
#define MG_TRAIN_JUDGE_H

#include "train/run.h"

enum { MG_JUDGE_TEXT = 600 };

// True if the lower bound is useless: missing, not above 0, or less than a tenth of the objective.
bool mg_judge_bound_is_vacuous(double objective, double dual);

// Writes one line on what went wrong and which option helps; "" if nothing did.
void mg_judge_run(const mg_run *run, const mg_train_result *result, char out[MG_JUDGE_TEXT]);

// Writes which options help with a problem that is hard for every solver; `out` ends without a full stop.
void mg_judge_advise(const mg_run *run, char *out, size_t size);

// Sends the warning to the observer, and to metrics.jsonl as an event.
void mg_judge_report(mg_run *run, const char *text);

#endif
