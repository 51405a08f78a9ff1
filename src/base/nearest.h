// nearest.h - "did you mean": the known name nearest to a mistyped one.
#ifndef MG_BASE_NEAREST_H
#define MG_BASE_NEAREST_H

// The candidate nearest to `name` in edit distance, ignoring case. If none is near: a candidate that contains
// `name` or is contained in it, as `batch` is in `batch_size`. Otherwise NULL. `candidate(i, context)`
// returns the i-th candidate, and NULL after the last.
const char *mg_nearest_name(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context);

#endif
