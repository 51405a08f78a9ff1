// output.h - <margin/output.h>, and where the file of a path from the user has to be written: directory,
// name, and what exists there.
#ifndef MG_IO_OUTPUT_H
#define MG_IO_OUTPUT_H

#include "io/directory.h"

#include <margin/output.h>

typedef struct mg_place {
    mg_directory *directory; // directory of the path, also if the path refers to a descriptor
    char *name;              // name in the directory; not a symbolic link
    mg_named was;            // what has the name now
    int descriptor; // descriptor of this process to which the path refers (/dev/stdout, /dev/fd/N); -1: none
} mg_place;

// Follows symbolic links to their target, which need not exist. Errors: MG_IO, MG_MEMORY.
mg_status mg_place_find(const char *path, mg_place *place, mg_error *error);

// Returns true if two paths, whose files need not exist, have the same directory and name.
bool mg_place_same(const char *a, const char *b);

// Checks at the beginning, not after hours of work, that an HDF5 file of `bytes` and at most `more` bytes can
// be written. Errors: MG_IO.
mg_status mg_place_check(const mg_place *place, const char *path, bool overwrite, int64_t bytes, int64_t more,
                         mg_error *error);
void mg_place_clear(mg_place *place);

#endif
