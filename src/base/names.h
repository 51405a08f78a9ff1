// names.h - the names of a file's columns, and how two lists of them differ.
#ifndef MG_BASE_NAMES_H
#define MG_BASE_NAMES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_NAME_LONGEST = 1000, MG_NAME_SHOWN = 68 }; // bytes of one name; of one in a message, with its end

typedef struct mg_names {
    int64_t count; // 0: there are none
    char **text;   // [count] UTF-8
} mg_names;        // starts zeroed

// Takes the texts over. Errors: MG_DATA when one is too long or no UTF-8, naming `where`[i]; the texts stay
// with the caller then.
mg_status mg_names_take(mg_names *names, char **text, int64_t count, const char *where, mg_error *error);
mg_status mg_names_copy(const mg_names *from, mg_names *to, mg_error *error);
void mg_names_clear(mg_names *names);

// A name for a message: whole, or its first 64 bytes (no part of a character) and dots.
const char *mg_name_shown(const char *name, char out[MG_NAME_SHOWN]);

// Bytes of the longest one, at least 1.
size_t mg_names_width(const mg_names *names);

// The first place where the same name stands a second time; false when there is none. Errors: MG_MEMORY.
mg_status mg_names_repeat(const mg_names *names, bool *found, int64_t *first, int64_t *second,
                          mg_error *error);

// MG_OK when both lists are the same. Otherwise MG_DATA: which is the first that differs, and whether the
// rest is another order, a part or more. `path` is the file to blame, `whose` the known names' owner as the
// message calls it, `advice` what to do.
typedef struct mg_names_parties {
    const char *path, *whose, *advice;
} mg_names_parties;
mg_status mg_names_compare(const mg_names *known, const mg_names *other, const mg_names_parties *parties,
                           mg_error *error);

#endif
