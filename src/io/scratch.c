// scratch.c - temporary files: in memory if they are small, else on disk.
#include "io/scratch.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACE = 4096 };

struct mg_scratch {
    int fd;
    char place[PLACE], purpose[160]; // directory; what needs the file
};

static mg_status fail(const mg_scratch *scratch, const char *what, int64_t bytes, mg_error *error) {
    return mg_fail(error, MG_IO,
                   "%s: a temporary file of %lld bytes cannot be %s (%s): set TMPDIR to a directory with "
                   "more free space; %s needs it",
                   scratch->place, (long long)bytes, what, strerror(errno), scratch->purpose);
}

// Opens a file without a name. File systems that lack O_TMPFILE get a file that is unlinked at once.
static int open_unnamed(const char *place) {
    char name[PLACE + 32];
    int fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    snprintf(name, sizeof name, "%s/margin-XXXXXX", place);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) unlink(name);
    return fd;
}

// Reserves space, so that a full disk is reported before the work begins. Where that is not possible, writing
// reports it.
static bool reserve(int fd, int64_t bytes) {
    int failed = 0, tries = 0;
    do failed = bytes ? posix_fallocate(fd, 0, bytes) : 0; // a signal may interrupt it
    while (failed == EINTR && ++tries < 100);
    errno = failed;
    return !failed || failed == EOPNOTSUPP || failed == EINVAL;
}

mg_status mg_scratch_create(int64_t bytes, const char *purpose, mg_scratch **out, mg_error *error) {
    *out = NULL;
    mg_scratch *scratch;
    mg_status status = mg_memory_zeroed(&scratch, 1, sizeof *scratch, error);
    if (status) return status;
    const char *given = getenv("TMPDIR");
    snprintf(scratch->place, sizeof scratch->place, "%s", given && *given ? given : "/var/tmp");
    snprintf(scratch->purpose, sizeof scratch->purpose, "%s", purpose);
    scratch->fd = bytes <= MG_SCRATCH_IN_MEMORY ? memfd_create("margin", MFD_CLOEXEC) : -1;
    if (scratch->fd < 0) scratch->fd = open_unnamed(scratch->place);
    if (scratch->fd < 0) status = fail(scratch, "created", bytes, error);
    else if (!reserve(scratch->fd, bytes)) status = fail(scratch, "reserved", bytes, error);
    if (status) mg_scratch_destroy(scratch);
    else *out = scratch;
    return status;
}

void mg_scratch_destroy(mg_scratch *scratch) {
    if (!scratch) return;
    if (scratch->fd >= 0) close(scratch->fd);
    mg_memory_free(scratch);
}

mg_status mg_scratch_write(mg_scratch *scratch, int64_t at, const void *data, int64_t bytes,
                           mg_error *error) {
    for (const char *from = data; bytes > 0;) {
        ssize_t n = pwrite(scratch->fd, from, (size_t)bytes, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(scratch, "written", bytes, error);
        from += n;
        at += n;
        bytes -= n;
    }
    return MG_OK;
}

mg_status mg_scratch_read(const mg_scratch *scratch, int64_t at, void *data, int64_t bytes, mg_error *error) {
    for (char *to = data; bytes > 0;) {
        ssize_t n = pread(scratch->fd, to, (size_t)bytes, at);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return fail(scratch, "read", bytes, error);
        to += n;
        at += n;
        bytes -= n;
    }
    return MG_OK;
}
