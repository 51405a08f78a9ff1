// lock.c - owns the file `lock` of a directory: flock() for the right, the holder's process id inside for the message.
#include "io/lock.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static mg_status refuse(int fd, const char *directory, mg_error *error) {
    char text[24] = "", who[48] = "another process";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    long process = length > 0 ? strtol(text, NULL, 10) : 0;
    if (process > 0) snprintf(who, sizeof who, "process %ld", process);
    return mg_fail(error, MG_CONFIG, "%s: %s is training into it: wait until it ends, or set output.directory", directory, who);
}

// A holder deletes the file before it lets go: what was opened before that and locked after it is a file without a name.
static bool has_its_name(int fd, const char *path) {
    struct stat opened, named;
    return !fstat(fd, &opened) && !stat(path, &named) && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static void write_holder(int fd) {
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    // Nothing but a message depends on it: a full disk does not matter.
    if (!ftruncate(fd, 0)) (void)!mg_file_calls.write(fd, text, (size_t)length);
}

mg_status mg_lock_take(const char *directory, mg_lock *lock, mg_error *error) {
    char path[PATH_MAX];
    *lock = (mg_lock){0};
    if ((size_t)snprintf(path, sizeof path, "%s/lock", directory) >= sizeof path)
        return mg_fail(error, MG_IO, "%s: the path is too long", directory);
    mg_status status = mg_memory_text(&lock->path, path, error);
    while (!status && !lock->held) {
        lock->fd = mg_file_calls.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock->fd < 0) {
            status = mg_fail(error, MG_IO, "%s: cannot be created: %s", path, strerror(errno));
            break;
        }
        if (flock(lock->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) status = refuse(lock->fd, directory, error);
        else lock->held = has_its_name(lock->fd, path);
        if (lock->held) write_holder(lock->fd);
        else mg_file_calls.close(lock->fd);
    }
    if (!status) return MG_OK;
    mg_memory_free(lock->path);
    *lock = (mg_lock){0};
    return status;
}

void mg_lock_release(mg_lock *lock) {
    if (lock->held) {
        mg_file_calls.unlink(lock->path);
        mg_file_calls.close(lock->fd);
    }
    mg_memory_free(lock->path);
    *lock = (mg_lock){0};
}
