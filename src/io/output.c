// output.c - owns the way from a path the user gave to the directory and name that are written.
#include "io/output.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINKS = 40 }; // as many as the kernel follows

// The number when `directory`/`name` is a descriptor of this process: a link in /proc/self/fd, which is nothing that can be replaced.
static int descriptor_of(const mg_directory *directory, const char *name) {
    struct stat here, own;
    char *end;
    long number = strtol(name, &end, 10);
    bool fits = *name && !*end && number >= 0 && number <= INT_MAX;
    if (!fits || fstat(mg_directory_descriptor(directory), &here) || stat("/proc/self/fd", &own)) return -1;
    return here.st_dev == own.st_dev && here.st_ino == own.st_ino ? (int)number : -1;
}

// The path that the link place->name leads to.
static mg_status follow(const mg_place *place, char **out, mg_error *error) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(mg_directory_descriptor(place->directory), place->name, target, sizeof target);
    if (length < 0 || length >= (ssize_t)sizeof target)
        return mg_fail(error, MG_IO, "%s/%s: the link cannot be followed: %s", mg_directory_path(place->directory), place->name,
                       length < 0 ? strerror(errno) : strerror(ENAMETOOLONG));
    target[length] = 0;
    if (*target == '/') return mg_memory_text(out, target, error);
    return mg_directory_name(place->directory, target, out, error);
}

// One step: the directory and name of `path`, and what is there.
static mg_status look(const char *path, mg_place *place, mg_error *error) {
    const char *name;
    mg_status status = mg_directory_open_parent(path, &place->directory, &name, error);
    if (!status) status = mg_memory_text(&place->name, name, error);
    if (status) return status;
    place->descriptor = descriptor_of(place->directory, place->name);
    place->exists = !fstatat(mg_directory_descriptor(place->directory), place->name, &place->about, AT_SYMLINK_NOFOLLOW);
    if (!place->exists && errno != ENOENT) return mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(errno));
    return MG_OK;
}

mg_status mg_place_find(const char *path, mg_place *place, mg_error *error) {
    char *at;
    *place = (mg_place){.descriptor = -1};
    mg_status status = mg_memory_text(&at, path, error);
    for (int links = 0; !status; links++) {
        char *next = NULL;
        status = look(at, place, error);
        if (status || place->descriptor >= 0 || !place->exists || !S_ISLNK(place->about.st_mode)) break;
        status = links < MOST_LINKS ? follow(place, &next, error) : mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(ELOOP));
        mg_place_clear(place);
        mg_memory_free(at);
        at = next;
    }
    if (!status && place->descriptor >= 0 && fstat(place->descriptor, &place->about))
        status = mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (status) mg_place_clear(place);
    mg_memory_free(at);
    return status;
}

void mg_place_clear(mg_place *place) {
    mg_directory_close(place->directory);
    mg_memory_free(place->name);
    *place = (mg_place){.descriptor = -1};
}
