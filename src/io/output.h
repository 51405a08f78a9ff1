// output.h - <margin/output.h>, and where a file that the user named is to be written: which directory, which
// name, and what is there now.
#ifndef MG_IO_OUTPUT_H
#define MG_IO_OUTPUT_H

#include "io/directory.h"

#include <margin/output.h>
#include <sys/stat.h>

typedef struct mg_place {
    mg_directory *directory; // that the path leads into, also when it is a descriptor
    char *name;              // in the directory; no symbolic link any more
    bool exists;
    struct stat about; // when it exists
    int descriptor;    // of this process, which the path leads to (/dev/stdout, /dev/fd/N); -1: none
} mg_place;

// Follows symbolic links to what they lead to, which need not exist. Errors: MG_IO, MG_MEMORY.
mg_status mg_place_find(const char *path, mg_place *place, mg_error *error);
void mg_place_clear(mg_place *place);

#endif
