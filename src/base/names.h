// names.h - the names of a file's columns, and the comparison of two lists of names.
#ifndef MG_BASE_NAMES_H
#define MG_BASE_NAMES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Largest number of bytes of a name; the same for its shortened form in messages, including the terminating
// zero.
enum { MG_NAME_LONGEST = 1000, MG_NAME_SHOWN = 68 };

typedef struct mg_names {
    int64_t count; // 0: no names
    char **text;   // [count] UTF-8
} mg_names;        // must be zero before it is filled

// Takes ownership of the texts. Errors: MG_DATA with `where`[i] if a text is too long or not UTF-8; the texts
// then still belong to the caller.
mg_status mg_names_take(mg_names *names, char **text, int64_t count, const char *where, mg_error *error);
mg_status mg_names_copy(const mg_names *from, mg_names *to, mg_error *error);
void mg_names_clear(mg_names *names);

// Returns the name as messages show it: complete if it fits, otherwise its first 64 bytes (whole characters)
// and "...".
const char *mg_name_shown(const char *name, char out[MG_NAME_SHOWN]);

// Bytes of memory that a copy of the list takes.
double mg_names_bytes(const mg_names *names);

// Bytes of the longest name, at least 1.
size_t mg_names_width(const mg_names *names);

// Finds the first name that occurs a second time: *first and *second become its two positions. *found becomes
// false if all names differ. Errors: MG_MEMORY.
mg_status mg_names_repeat(const mg_names *names, bool *found, int64_t *first, int64_t *second,
                          mg_error *error);

// Finds names of a list, which must outlive the index, in constant time.
typedef struct mg_names_index {
    const mg_names *names;
    int64_t *slot; // [size] hash table (open addressing): position of a name plus 1; 0: free
    size_t size;
    int64_t repeated; // position of the first name that occurs earlier in the list too; -1: all names differ
} mg_names_index;
mg_status mg_names_index_create(const mg_names *names, mg_names_index *index, mg_error *error);
void mg_names_index_clear(mg_names_index *index);

// Returns the first position of `name`; -1 if the list does not have it.
int64_t mg_names_find(const mg_names_index *index, const char *name);

// True if the lists have the same names in the same order.
bool mg_names_same(const mg_names *a, const mg_names *b);

// Compares two lists of names. Returns MG_OK if they are equal. Otherwise returns MG_DATA, with the first
// name that differs and how many names are missing or new, or with the fact that only the order differs. For
// the message: `path` is the file with the wrong names, `whose` says where the known names come from,
// `advice` says what to do.
typedef struct mg_names_parties {
    const char *path, *whose, *advice;
} mg_names_parties;
mg_status mg_names_compare(const mg_names *known, const mg_names *other, const mg_names_parties *parties,
                           mg_error *error);

#endif
