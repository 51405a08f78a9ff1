// file.c - opens files for reading, without waiting for other programs, and only files that can be read to
// their end; computes the seal.
#include "io/file.h"

#include "base/hash.h"
#include "base/memory.h"
#include "io/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// PIPEFS_MAGIC of <linux/magic.h>: the file system of anonymous pipes.
enum { PIPE_FILE_SYSTEM = 0x50495045 };

static int system_open(int directory, const char *name, int flags, mode_t mode) {
    return openat(directory, name, flags, mode);
}

static int system_rename(int directory, const char *from, const char *to, mg_rename how) {
    struct stat there;
    if (how == MG_RENAME_REPLACE) return renameat(directory, from, directory, to);
    unsigned flags = how == MG_RENAME_NEW ? RENAME_NOREPLACE : RENAME_EXCHANGE;
    int failed = renameat2(directory, from, directory, to, flags);
    if (failed && errno == ENOSYS) errno = EINVAL;
    if (!failed || errno != EINVAL || how == MG_RENAME_SWAP) return failed;
    // This file system cannot check for the name and rename in one step.
    if (fstatat(directory, to, &there, AT_SYMLINK_NOFOLLOW)) return renameat(directory, from, directory, to);
    errno = EEXIST;
    return -1;
}

static int system_unlink(int directory, const char *name) { return unlinkat(directory, name, 0); }

mg_file_ops mg_file_calls = {system_open, write, fsync, close, system_rename, system_unlink};

mg_status mg_file_write_all(int fd, const char *path, const void *bytes, size_t size, mg_error *error) {
    const unsigned char *from = bytes;
    while (size) {
        ssize_t written = mg_file_calls.write(fd, from, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return mg_fail(error, MG_IO, "%s: cannot be written: %s", path,
                           written ? strerror(errno) : "no progress");
        from += written;
        size -= (size_t)written;
    }
    return MG_OK;
}

// ---- reading ------------------------------------------------------------------------------------

static const char *kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "directory";
    if (S_ISFIFO(mode)) return "pipe (FIFO)";
    if (S_ISSOCK(mode)) return "socket";
    return "device";
}

// Returns true for an anonymous pipe. Reading a FIFO is refused because it would wait for a writer; an
// anonymous pipe already has one.
static bool is_anonymous_pipe(int fd, mode_t mode) {
    struct statfs system;
    return S_ISFIFO(mode) && !fstatfs(fd, &system) && (unsigned long)system.f_type == PIPE_FILE_SYSTEM;
}

static mg_status check_kind(int fd, const char *path, mg_file_kind kind, mg_error *error) {
    struct stat about;
    if (fstat(fd, &about)) return mg_fail(error, MG_IO, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISREG(about.st_mode)) return MG_OK;
    if (kind == MG_FILE_REGULAR || !(S_ISCHR(about.st_mode) || is_anonymous_pipe(fd, about.st_mode)))
        return mg_fail(error, MG_IO,
                       S_ISDIR(about.st_mode)
                           ? "%s: is a %s; a file is needed"
                           : "%s: is a %s; a regular file is needed: save the content to a file",
                       path, kind_of(about.st_mode));
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return MG_OK;
}

mg_status mg_file_open_at(int directory, const char *name, const char *path, mg_file_kind kind, int *fd,
                          mg_error *error) {
    // O_NONBLOCK: do not wait for a FIFO without a writer, or for a device that is not ready.
    *fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) return mg_fail(error, MG_IO, "%s: cannot be opened: %s", path, strerror(errno));
    mg_status status = check_kind(*fd, path, kind, error);
    if (!status) return MG_OK;
    close(*fd);
    *fd = -1;
    return status;
}

mg_status mg_file_open(const char *path, mg_file_kind kind, int *fd, mg_error *error) {
    return mg_file_open_at(AT_FDCWD, path, path, kind, fd, error);
}

mg_status mg_file_read_open(int fd, const char *path, size_t limit, unsigned char **bytes, size_t *size,
                            mg_error *error) {
    *bytes = NULL;
    *size = 0;
    mg_status status = MG_OK;
    struct stat about;
    if (fstat(fd, &about)) status = mg_fail(error, MG_IO, "%s: %s", path, strerror(errno));
    else if ((uint64_t)about.st_size > limit)
        status = mg_fail(error, MG_DATA,
                         "%s: has %lld bytes, but at most %zu are allowed: check that it is the right file",
                         path, (long long)about.st_size, limit);
    if (!status) status = mg_memory_get(bytes, (size_t)about.st_size, 1, error);
    size_t want = status ? 0 : (size_t)about.st_size;
    while (!status && *size < want) {
        ssize_t got = pread(fd, *bytes + *size, want - *size, (off_t)*size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            status =
                mg_fail(error, MG_IO, "%s: cannot be read: %s", path, got ? strerror(errno) : "it shrank");
        else *size += (size_t)got;
    }
    if (status) {
        mg_memory_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

mg_status mg_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, mg_error *error) {
    int fd;
    *bytes = NULL;
    *size = 0;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    status = mg_file_read_open(fd, path, limit, bytes, size, error);
    close(fd);
    return status;
}

// ---- the seal -----------------------------------------------------------------------------------

// Layout of the seal: 16 bytes of name, version, length of the content, digest of the content, digest of the
// seal up to here, zeros.
static const char seal_name[16] = "margin sealed\n\x1a";

static void put_word(unsigned char *at, uint64_t word) { memcpy(at, &word, sizeof word); }

void mg_file_seal(const void *content, size_t size, unsigned char *seal) {
    memset(seal, 0, MG_SEAL_BYTES);
    memcpy(seal, seal_name, sizeof seal_name);
    put_word(seal + 16, 1);
    put_word(seal + 24, size);
    put_word(seal + MG_SEAL_DIGEST, mg_hash_bytes(0, content, size));
    put_word(seal + 40, mg_hash_bytes(1, seal, 40));
}

mg_status mg_file_has_seal(int fd, const char *path, bool *sealed, mg_error *error) {
    char end[sizeof seal_name];
    struct stat about;
    *sealed = false;
    bool failed = fstat(fd, &about);
    ssize_t got = 0;
    if (!failed && about.st_size >= MG_SEAL_BYTES)
        got = pread(fd, end, sizeof end, about.st_size - MG_SEAL_BYTES);
    if (failed || got < 0) return mg_fail(error, MG_IO, "%s: cannot be read: %s", path, strerror(errno));
    *sealed = got == sizeof end && !memcmp(end, seal_name, sizeof end);
    return MG_OK;
}

mg_status mg_file_check_seal(const char *path, const unsigned char *bytes, size_t size, size_t *content_size,
                             mg_error *error) {
    unsigned char expected[MG_SEAL_BYTES];
    const char *advice = "the file was truncated, changed, or not written by margin";
    if (size <= MG_SEAL_BYTES)
        return mg_fail(error, MG_DATA, "%s: %zu bytes are too few for a model or checkpoint: %s", path, size,
                       advice);
    const unsigned char *seal = bytes + size - MG_SEAL_BYTES;
    if (memcmp(seal, seal_name, sizeof seal_name))
        return mg_fail(error, MG_DATA,
                       "%s: has no seal (the checksum at the end of a model or checkpoint): %s", path,
                       advice);
    *content_size = size - MG_SEAL_BYTES;
    mg_file_seal(bytes, *content_size, expected);
    if (memcmp(seal, expected, MG_SEAL_BYTES))
        return mg_fail(error, MG_DATA,
                       "%s: the seal (the checksum at its end) does not match the %zu bytes before it: %s",
                       path, *content_size, advice);
    return MG_OK;
}

mg_status mg_file_blame(const char *path, const char *advice, mg_status status, mg_error *error) {
    if (status != MG_DATA || !error) return status;
    mg_error why = *error;
    bool named = !strncmp(why.text, path, strlen(path));
    return mg_fail(
        error, status,
        "%s%s%s; the seal at the end of the file is correct, but margin never writes such a file: %s",
        named ? "" : path, named ? "" : ": ", why.text, advice);
}
