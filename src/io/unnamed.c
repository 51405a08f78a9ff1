// unnamed.c - creates files without a name, in memory or in a directory for temporary files.
#include "io/unnamed.h"

#include "base/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALL_PART = 8 }; // a file of at most this part of the free memory is held in memory

// Some file systems cannot create a file without a name. There, it loses its name at once.
static int create_and_remove(const char *directory) {
    char name[4096];
    if (snprintf(name, sizeof name, "%s/margin-XXXXXX", directory) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) unlink(name);
    return fd;
}

mg_status mg_unnamed_create(int64_t bytes, const char *what, int *fd, mg_error *error) {
    const char *given = getenv("TMPDIR"), *directory = given && *given ? given : "/var/tmp";
    *fd = -1;
    if (bytes < mg_cpu_available_memory() / SMALL_PART) *fd = memfd_create("margin", MFD_CLOEXEC);
    if (*fd < 0) *fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0) *fd = create_and_remove(directory);
    if (*fd >= 0) return MG_OK;
    return mg_fail(
        error, MG_IO,
        "%s: its rows need a temporary file of %lld bytes, which cannot be created in %s: %s: set TMPDIR "
        "to a directory with room for it",
        what, (long long)bytes, directory, strerror(errno));
}
