// nearest.h - "did you mean": the known name nearest to a mistyped one.
#ifndef MG_BASE_NEAREST_H
#define MG_BASE_NEAREST_H

// The candidate nearest to `name` in edit distance (case aside); failing that one that holds it or is held in
// it, as `batch` in `batch_size`; NULL when none is near. `candidate(i, context)` gives the i-th, NULL past
// the last.
const char *mg_nearest_name(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context);

#endif
