// lock.c - locks a directory with flock(), both the directory itself and the file `lock` in it. The file has
// the process id of the holder, for messages, and works on file systems that cannot lock directories. The
// lock of the directory still holds if somebody deletes the file. The file also has an open file description
// lock (fcntl), because others can ask for that without trying to take it.
#include "io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "lock";

// A lock of the whole file.
static struct flock whole_file(void) { return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}; }

static mg_status refuse(int fd, const char *directory, const char *otherwise, mg_error *error) {
    char text[24] = "", who[48] = "another process";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    long process = length > 0 ? strtol(text, NULL, 10) : 0;
    if (process > 0) snprintf(who, sizeof who, "process %ld", process);
    return mg_fail(error, MG_CONFIG, "%s: %s is using this directory: wait until it ends, or %s", directory,
                   who, otherwise);
}

// Returns true if the open file still has its name. A holder deletes the file before it releases the lock. So
// a process that opened the file earlier and then locked it may hold a file without a name.
static bool has_its_name(int fd, const mg_directory *directory) {
    return mg_directory_leads_to(directory, name, fd);
}

static void write_holder(int fd) {
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    // A full disk does not matter, because the content is only used in a message.
    if (length > 0 && !ftruncate(fd, 0)) (void)!mg_file_calls.write(fd, text, (size_t)length);
}

// Returns true if margin has written the file: it has a process id or, after a loss of power, a part of one,
// or zeros.
static bool is_own(int fd) {
    char text[24];
    ssize_t length = pread(fd, text, sizeof text, 0);
    bool own = length >= 0 && length < (ssize_t)sizeof text;
    for (ssize_t i = 0; own && i < length; i++)
        own = (text[i] >= '0' && text[i] <= '9') || text[i] == '\n' || text[i] == 0;
    return own;
}

static mg_status open_file(const mg_directory *directory, int *fd, mg_error *error) {
    struct stat about;
    const char *path = mg_directory_path(directory);
    // Refuses symbolic links, FIFOs and devices, because margin never creates one of this name.
    *fd = mg_file_calls.open(mg_directory_descriptor(directory), name,
                             O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (*fd < 0 && errno != ELOOP)
        return mg_fail(error, MG_IO, "%s/%s: cannot be created: %s", path, name, strerror(errno));
    bool regular = *fd >= 0 && !fstat(*fd, &about) && S_ISREG(about.st_mode);
    if (regular && is_own(*fd)) return MG_OK;
    if (*fd >= 0) mg_file_calls.close(*fd);
    if (regular)
        return mg_fail(error, MG_CONFIG,
                       "%s/%s: was not written by margin, and a run would replace it: move it away, or set "
                       "output.directory",
                       path, name);
    return mg_fail(error, MG_IO, "%s/%s: is not a regular file, so it is not a lock of margin: move it away",
                   path, name);
}

// Locks the directory. Fails if another process holds the lock. If the file system cannot lock directories,
// the lock of the file has to suffice.
static mg_status take_directory(const mg_directory *directory, const char *otherwise, mg_error *error) {
    int fd = mg_directory_descriptor(directory);
    if (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) return MG_OK;
    int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    mg_status status = refuse(file, mg_directory_path(directory), otherwise, error);
    if (file >= 0) close(file);
    return status;
}

mg_status mg_lock_take(const mg_directory *directory, mg_lock *lock, mg_error *error) {
    return mg_lock_take_or(directory, "set output.directory", lock, error);
}

mg_status mg_lock_take_or(const mg_directory *directory, const char *otherwise, mg_lock *lock,
                          mg_error *error) {
    *lock = (mg_lock){.directory = directory};
    mg_status status = take_directory(directory, otherwise, error);
    bool directory_held = !status;
    while (!status && !lock->held) {
        status = open_file(directory, &lock->fd, error);
        if (status) break;
        if (flock(lock->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
            status = refuse(lock->fd, mg_directory_path(directory), otherwise, error);
        else lock->held = has_its_name(lock->fd, directory);
        struct flock whole = whole_file();
        if (lock->held) fcntl(lock->fd, F_OFD_SETLK, &whole); // only for mg_lock_is_held
        if (lock->held) write_holder(lock->fd);
        else mg_file_calls.close(lock->fd);
    }
    if (!status) return MG_OK;
    if (directory_held) flock(mg_directory_descriptor(directory), LOCK_UN);
    *lock = (mg_lock){0};
    return status;
}

bool mg_lock_is_held(const char *path) {
    struct flock whole = whole_file();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool held = fd >= 0 && !fcntl(fd, F_OFD_GETLK, &whole) && whole.l_type != F_UNLCK;
    if (fd >= 0) close(fd);
    return held;
}

void mg_lock_release(mg_lock *lock) {
    if (lock->held) {
        // If somebody deleted the lock file, another run may have created a new one, which must not be
        // deleted.
        if (has_its_name(lock->fd, lock->directory))
            mg_file_calls.unlink(mg_directory_descriptor(lock->directory), name);
        mg_file_calls.close(lock->fd);
        flock(mg_directory_descriptor(lock->directory), LOCK_UN);
    }
    *lock = (mg_lock){0};
}
