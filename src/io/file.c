// file.c - owns the durable write: whole content -> temporary -> fsync -> rename -> fsync of the directory.
#include "io/file.h"

#include "base/hash.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_open(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}

mg_file_ops mg_file_calls = {system_open, write, fsync, close, rename, unlink};

static mg_status write_all(int fd, const char *path, const unsigned char *bytes, size_t size, mg_error *error) {
    while (size) {
        ssize_t written = mg_file_calls.write(fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return mg_fail(error, MG_IO, "%s: cannot be written: %s", path, written ? strerror(errno) : "no progress");
        bytes += written;
        size -= (size_t)written;
    }
    return MG_OK;
}

mg_status mg_file_sync_parent(const char *path, mg_error *error) {
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash) snprintf(parent, sizeof parent, ".");
    else if (slash == parent) parent[1] = 0;
    else *slash = 0;
    int fd = mg_file_calls.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return mg_fail(error, MG_IO, "%s: directory cannot be opened: %s", parent, strerror(errno));
    int failed = mg_file_calls.fsync(fd), reason = errno;
    mg_file_calls.close(fd);
    if (failed) return mg_fail(error, MG_IO, "%s: directory cannot be synced: %s", parent, strerror(reason));
    return MG_OK;
}

// `seal` NULL: none.
static mg_status write_durably(const char *path, const void *bytes, size_t size, const unsigned char *seal, mg_error *error) {
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary)
        return mg_fail(error, MG_IO, "%s: the path is too long", path);
    mg_status status = MG_OK;
    int fd = mg_file_calls.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return mg_fail(error, MG_IO, "%s: cannot be created: %s", temporary, strerror(errno));
    status = write_all(fd, path, bytes, size, error);
    if (!status && seal) status = write_all(fd, path, seal, MG_SEAL_BYTES, error);
    // A failed fsync is final for this file: the kernel may have dropped the dirty pages, so a retry could lie.
    if (!status && mg_file_calls.fsync(fd))
        status = mg_fail(error, MG_IO, "%s: cannot be synced to disk: %s", path, strerror(errno));
    if (mg_file_calls.close(fd) && !status)
        status = mg_fail(error, MG_IO, "%s: cannot be closed: %s", path, strerror(errno));
    if (!status && mg_file_calls.rename(temporary, path))
        status = mg_fail(error, MG_IO, "%s: cannot be put in place: %s", path, strerror(errno));
    if (status) {
        mg_file_calls.unlink(temporary);
        return status;
    }
    return mg_file_sync_parent(path, error);
}

mg_status mg_file_write(const char *path, const void *bytes, size_t size, mg_error *error) {
    return write_durably(path, bytes, size, NULL, error);
}

mg_status mg_file_write_sealed(const char *path, const void *content, size_t size, mg_error *error) {
    unsigned char seal[MG_SEAL_BYTES];
    mg_file_seal(content, size, seal);
    return write_durably(path, content, size, seal, error);
}

mg_status mg_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, mg_error *error) {
    *bytes = NULL;
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return mg_fail(error, MG_IO, "%s: cannot be opened: %s", path, strerror(errno));
    mg_status status = MG_OK;
    struct stat about;
    if (fstat(fd, &about)) status = mg_fail(error, MG_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode)) status = mg_fail(error, MG_IO, "%s: is not a regular file", path);
    else if ((uint64_t)about.st_size > limit)
        status = mg_fail(error, MG_DATA, "%s: %lld bytes are more than the allowed %zu", path, (long long)about.st_size, limit);
    if (!status) status = mg_memory_get(bytes, (size_t)about.st_size, 1, error);
    size_t want = status ? 0 : (size_t)about.st_size;
    while (!status && *size < want) {
        ssize_t got = read(fd, *bytes + *size, want - *size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) status = mg_fail(error, MG_IO, "%s: cannot be read: %s", path, got ? strerror(errno) : "it shrank");
        else *size += (size_t)got;
    }
    close(fd);
    if (status) {
        mg_memory_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

mg_status mg_file_make_directory(const char *path, mg_error *error) {
    char step[PATH_MAX];
    if ((size_t)snprintf(step, sizeof step, "%s", path) >= sizeof step)
        return mg_fail(error, MG_IO, "%s: the path is too long", path);
    for (char *c = step + 1;; c++) {
        if (*c && *c != '/') continue;
        char keep = *c;
        *c = 0;
        bool made = !mkdir(step, 0777);
        if (!made && errno != EEXIST) return mg_fail(error, MG_IO, "%s: cannot be created: %s", step, strerror(errno));
        // Files are only as durable as the names on the way to them. Who made the last one may have died before syncing it.
        mg_status status = made || !keep ? mg_file_sync_parent(step, made ? error : NULL) : MG_OK;
        if (made && status) return status;
        *c = keep;
        if (!keep) break;
    }
    struct stat about;
    if (stat(path, &about) || !S_ISDIR(about.st_mode))
        return mg_fail(error, MG_IO, "%s: is not a directory", path);
    return MG_OK;
}

static bool is_leftover(const char *entry, const char *name) {
    size_t length = strlen(entry), digits = 0;
    if (strncmp(entry, name, strlen(name)) || length < 4 || strcmp(entry + length - 4, ".tmp")) return false;
    while (digits < length - 4 && strchr("0123456789", entry[length - 5 - digits])) digits++;
    return digits && digits < length - 4 && entry[length - 5 - digits] == '.';
}

void mg_file_remove_leftovers(const char *directory, const char *name) {
    DIR *stream = opendir(directory);
    if (!stream) return;
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[PATH_MAX];
        if (!is_leftover(entry->d_name, name)) continue;
        snprintf(path, sizeof path, "%.3800s/%.255s", directory, entry->d_name);
        mg_file_calls.unlink(path);
    }
    closedir(stream);
}

// Layout of the seal: 16 bytes of name, version, content length, digest of the content, digest of the seal so far, zeros.
static const char seal_name[16] = "margin sealed\n\x1a";

static void put_word(unsigned char *at, uint64_t word) {
    memcpy(at, &word, sizeof word);
}

void mg_file_seal(const void *content, size_t size, unsigned char *seal) {
    memset(seal, 0, MG_SEAL_BYTES);
    memcpy(seal, seal_name, sizeof seal_name);
    put_word(seal + 16, 1);
    put_word(seal + 24, size);
    put_word(seal + 32, mg_hash_bytes(0, content, size));
    put_word(seal + 40, mg_hash_bytes(1, seal, 40));
}

bool mg_file_has_seal(const char *path) {
    char end[sizeof seal_name];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    bool there = size >= MG_SEAL_BYTES && pread(fd, end, sizeof end, size - MG_SEAL_BYTES) == sizeof end &&
                 !memcmp(end, seal_name, sizeof end);
    if (fd >= 0) close(fd);
    return there;
}

mg_status mg_file_check_seal(const char *path, const unsigned char *bytes, size_t size, size_t *content_size,
                             mg_error *error) {
    unsigned char expected[MG_SEAL_BYTES];
    const char *advice = "it was cut, altered or not written by margin";
    if (size <= MG_SEAL_BYTES) return mg_fail(error, MG_DATA, "%s: %zu bytes hold no sealed file: %s", path, size, advice);
    const unsigned char *seal = bytes + size - MG_SEAL_BYTES;
    if (memcmp(seal, seal_name, sizeof seal_name))
        return mg_fail(error, MG_DATA, "%s: the seal at its end is missing: %s", path, advice);
    *content_size = size - MG_SEAL_BYTES;
    mg_file_seal(bytes, *content_size, expected);
    if (memcmp(seal, expected, MG_SEAL_BYTES))
        return mg_fail(error, MG_DATA, "%s: the seal does not match its %zu bytes: %s", path, *content_size, advice);
    return MG_OK;
}
