/* nearest.h - finds the known name that is most similar to a misspelt one, for "did you mean" in messages. */
#ifndef MARGIN_NEAREST_H
#define MARGIN_NEAREST_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns the candidate with the smallest edit distance to `name`, ignoring case, if it is small enough.
 * Otherwise returns a candidate that contains `name` or is contained in it, as `batch` is in `batch_size`;
 * otherwise NULL. candidate(i, context) must return the i-th known name, from 0, and NULL after the last.
 */
const char *mg_nearest_name(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context);

/* Writes the end of a message, "; did you mean NAME?", or "" if no candidate is similar. Returns `out`. */
enum { MG_NEAREST_TEXT = 96 };
const char *mg_nearest_hint(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context, char out[MG_NEAREST_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
