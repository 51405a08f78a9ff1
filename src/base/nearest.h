// nearest.h - finds the known name that is most similar to a misspelt one, for "did you mean" in messages.
#ifndef MG_BASE_NEAREST_H
#define MG_BASE_NEAREST_H

// Returns the candidate with the smallest edit distance to `name`, ignoring case, if it is small enough.
// Otherwise returns a candidate that contains `name` or is contained in it, as `batch` is in `batch_size`;
// otherwise NULL. candidate(i, context) must return the i-th candidate, and NULL after the last.
const char *mg_nearest_name(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context);

#endif
