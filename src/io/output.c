// output.c - finds out where to write a file for a path from the user, and writes files of predictions.
#include "io/output.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_LINKS = 40 }; // the kernel's own limit

// Returns the descriptor number if `directory`/`name` is a descriptor of this process, that is a link in
// /proc/self/fd; otherwise -1. Such a link cannot be replaced by a file.
static int descriptor_of(const mg_directory *directory, const char *name) {
    struct stat here, own;
    char *end;
    long number = strtol(name, &end, 10);
    bool fits = *name && !*end && number >= 0 && number <= INT_MAX;
    if (!fits || fstat(mg_directory_descriptor(directory), &here) || stat("/proc/self/fd", &own)) return -1;
    return here.st_dev == own.st_dev && here.st_ino == own.st_ino ? (int)number : -1;
}

// Returns the path to which the link place->name points.
static mg_status follow(const mg_place *place, char **out, mg_error *error) {
    char target[PATH_MAX];
    ssize_t length =
        readlinkat(mg_directory_descriptor(place->directory), place->name, target, sizeof target);
    if (length < 0 || length >= (ssize_t)sizeof target)
        return mg_fail(error, MG_IO, "%s/%s: the link cannot be followed: %s",
                       mg_directory_path(place->directory), place->name,
                       length < 0 ? strerror(errno) : strerror(ENAMETOOLONG));
    target[length] = 0;
    if (*target == '/') return mg_memory_text(out, target, error);
    return mg_directory_name(place->directory, target, out, error);
}

// Finds the directory and name of `path`, and what exists there; does not follow links.
static mg_status look(const char *path, mg_place *place, mg_error *error) {
    const char *name;
    mg_status status = mg_directory_open_parent(path, &place->directory, &name, error);
    if (status == MG_IO && *name)
        return mg_fail(error, MG_IO, "%s: cannot be created: %s", path, strerror(errno));
    if (!status) status = mg_memory_text(&place->name, name, error);
    if (status) return status;
    place->descriptor = descriptor_of(place->directory, place->name);
    if (!mg_directory_look(place->directory, place->name, &place->was))
        return mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(errno));
    return MG_OK;
}

mg_status mg_place_find(const char *path, mg_place *place, mg_error *error) {
    char *at;
    *place = (mg_place){.descriptor = -1};
    mg_status status = mg_memory_text(&at, path, error);
    for (int links = 0; !status; links++) {
        char *next = NULL;
        status = look(at, place, error);
        if (status || place->descriptor >= 0 || !place->was.exists || !S_ISLNK(place->was.about.st_mode))
            break;
        status = links < MOST_LINKS
                     ? follow(place, &next, error)
                     : mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(ELOOP));
        mg_place_clear(place);
        mg_memory_free(at);
        at = next;
    }
    if (!status && place->descriptor >= 0 && fstat(place->descriptor, &place->was.about))
        status = mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (status) mg_place_clear(place);
    mg_memory_free(at);
    return status;
}

bool mg_place_same(const char *a, const char *b) {
    mg_place x, y = {.descriptor = -1};
    struct stat s, t;
    bool same = !mg_place_find(a, &x, NULL) && !mg_place_find(b, &y, NULL) && !strcmp(x.name, y.name) &&
                !fstat(mg_directory_descriptor(x.directory), &s) &&
                !fstat(mg_directory_descriptor(y.directory), &t) && s.st_dev == t.st_dev &&
                s.st_ino == t.st_ino;
    mg_place_clear(&x);
    mg_place_clear(&y);
    return same;
}

void mg_place_clear(mg_place *place) {
    mg_named_clear(&place->was);
    mg_directory_close(place->directory);
    mg_memory_free(place->name);
    *place = (mg_place){.descriptor = -1};
}

mg_status mg_place_check(const mg_place *place, const char *path, bool overwrite, int64_t bytes, int64_t more,
                         mg_error *error) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (bytes > INT64_MAX - more || limit.rlim_cur < (rlim_t)(bytes + more)))
        return mg_fail(error, MG_IO,
                       "%s: needs %lld bytes, but the limit on file sizes is %llu: raise it (ulimit -f)",
                       path, (long long)bytes, (unsigned long long)limit.rlim_cur);
    if (place->descriptor >= 0 ||
        (place->was.exists && !S_ISREG(place->was.about.st_mode) && !S_ISDIR(place->was.about.st_mode)))
        return mg_fail(error, MG_IO,
                       "%s: is not a regular file, and an HDF5 file cannot be written as a stream: give the "
                       "name of a file",
                       path);
    if (!place->was.exists) return MG_OK;
    if (!overwrite)
        return mg_fail(error, MG_IO, "%s: already exists: give another name, or replace it with --overwrite",
                       path);
    if (S_ISDIR(place->was.about.st_mode))
        return mg_fail(error, MG_IO, "%s: is a directory; a file name is needed", path);
    return MG_OK;
}

// ---- mg_output ----------------------------------------------------------------------------------

struct mg_output {
    char *path;                        // the path as the user gave it, for messages
    mg_place place;                    // where the finished file goes
    char temporary[MG_TEMPORARY_TEXT]; // "": there is no temporary file, because the target is written
                                       // directly
    int fd;                            // descriptor of the temporary file; `file` owns it once that is open
    FILE *file;
};

static mg_status complain(const mg_output *output, const char *what, mg_error *error) {
    return mg_fail(error, MG_IO, "%s: %s: %s", output->path, what, strerror(errno));
}

// Opens a device or a FIFO. A file that has taken its name meanwhile is not written.
static int open_special(const mg_place *place) {
    struct stat now;
    const struct stat *was = &place->was.about;
    int fd = openat(mg_directory_descriptor(place->directory), place->name,
                    O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0 || (!fstat(fd, &now) && now.st_dev == was->st_dev && now.st_ino == was->st_ino)) return fd;
    close(fd);
    errno = EBUSY;
    return -1;
}

static mg_status open_descriptor(mg_output *output, mg_error *error) {
    const mg_place *place = &output->place;
    if (place->descriptor >= 0) output->fd = fcntl(place->descriptor, F_DUPFD_CLOEXEC, 3);
    else if (place->was.exists && !S_ISREG(place->was.about.st_mode)) output->fd = open_special(place);
    else return mg_directory_begin(place->directory, place->name, output->temporary, &output->fd, error);
    return output->fd < 0 ? complain(output, "cannot be written", error) : MG_OK;
}

mg_status mg_output_open(const char *path, mg_output **out, FILE **file, mg_error *error) {
    mg_output *output;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&output, 1, sizeof *output, error);
    if (status) return status;
    output->fd = output->place.descriptor = -1;
    status = mg_memory_text(&output->path, path, error);
    if (!status) status = mg_place_find(path, &output->place, error);
    if (!status) status = open_descriptor(output, error);
    if (!status && !(output->file = fdopen(output->fd, "w")))
        status = complain(output, "cannot be written", error);
    if (status) return mg_output_close(output, status, error);
    *out = output;
    *file = output->file;
    return MG_OK;
}

bool mg_output_is_direct(const mg_output *output) { return !*output->temporary; }

mg_status mg_output_close(mg_output *output, mg_status status, mg_error *error) {
    const mg_place *place = &output->place;
    bool direct = !*output->temporary;
    if (!status && fflush(output->file)) status = complain(output, "cannot be written", error);
    // The durable write syncs and closes the descriptor after the stream has been closed, so it needs a
    // duplicate.
    int fd = direct ? -1 : output->file ? fcntl(output->fd, F_DUPFD_CLOEXEC, 0) : output->fd;
    if (!status && !direct && fd < 0) status = complain(output, "cannot be written", error);
    if (output->file && fclose(output->file) && !status) status = complain(output, "cannot be closed", error);
    if (direct && !output->file && output->fd >= 0) close(output->fd);
    if (!status && !direct)
        status = mg_directory_end(place->directory, output->temporary, place->name, &place->was, &fd, error);
    if (status && !direct) mg_directory_give_up(place->directory, output->temporary, &fd);
    mg_place_clear(&output->place);
    mg_memory_free(output->path);
    mg_memory_free(output);
    return status;
}
