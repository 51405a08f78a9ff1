/* list.h - lists what this build offers: losses, solvers, update rules, rates, formats, exports,
 * kernels. */
#ifndef MARGIN_LIST_H
#define MARGIN_LIST_H

#include <margin/status.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The i-th kind that can be listed, from 0: "losses", "solvers", ...; NULL after the last. */
const char *mg_list_kind(int i);

/* Writes all names of one kind (NULL: of all kinds) with their descriptions. Errors: MG_USAGE (unknown kind),
 * MG_IO, MG_MEMORY. */
mg_status mg_list_print(const char *kind, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
