// directory_files.c - writes files of a directory durably (temporary file -> fsync -> rename -> fsync of the
// directory), replaces only the file that was looked at, and deletes files.
#include "io/directory.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

// ---- writing ------------------------------------------------------------------------------------

// Returns the error "path/name: what: reason", with the reason that errno gives.
static mg_status fail_at(const mg_directory *directory, const char *name, const char *what, mg_error *error) {
    int reason = errno;
    char *path;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status) status = mg_fail(error, MG_IO, "%s: %s: %s", path, what, strerror(reason));
    mg_memory_free(path);
    return status;
}

// A random number for temporary names. The process id would not be unique: in a container it is often the
// same for every run.
static uint32_t draw(void) {
    static _Atomic uint32_t turn;
    uint32_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        number = (uint32_t)now.tv_nsec ^ (uint32_t)getpid() << 16;
    }
    return number + turn++;
}

// Gives a new file, which only its owner can read, the permissions of the file that it will replace. If the
// group cannot be preserved, it gets only the permissions of all other users, so that private content stays
// private. If the permissions cannot be changed, the file remains private.
static void take_permissions(int fd, const struct stat *replaced) {
    struct stat about;
    mode_t mode = replaced->st_mode & 0777;
    if (fstat(fd, &about)) return;
    bool other = about.st_uid != replaced->st_uid || about.st_gid != replaced->st_gid;
    if (other && fchown(fd, replaced->st_uid, replaced->st_gid) && // only root can change the owner
        about.st_gid != replaced->st_gid && fchown(fd, (uid_t)-1, replaced->st_gid))
        mode = (mode & ~(mode_t)S_IRWXG) | (mode & S_IRWXO) << 3;
    if (fchmod(fd, mode)) return;
}

mg_status mg_directory_begin(const mg_directory *directory, const char *name,
                             char temporary[MG_TEMPORARY_TEXT], int *fd, mg_error *error) {
    struct stat replaced;
    bool replaces = !fstatat(mg_directory_descriptor(directory), name, &replaced, AT_SYMLINK_NOFOLLOW) &&
                    S_ISREG(replaced.st_mode);
    *fd = -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        int length = snprintf(temporary, MG_TEMPORARY_TEXT, "%s.%lu.tmp", name, (unsigned long)draw());
        if (length < 0 || length >= MG_TEMPORARY_TEXT) {
            errno = ENAMETOOLONG;
            break;
        }
        *fd = mg_file_calls.open(mg_directory_descriptor(directory), temporary,
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, replaces ? 0600 : 0666);
        if (*fd >= 0) {
            if (replaces) take_permissions(*fd, &replaced);
            return MG_OK;
        }
        if (errno != EEXIST) break;
    }
    *temporary = 0;
    return fail_at(directory, name, "cannot be created", error);
}

// ---- the name -----------------------------------------------------------------------------------

bool mg_directory_look(const mg_directory *directory, const char *name, mg_named *out) {
    *out = (mg_named){0};
    out->fd = openat(mg_directory_descriptor(directory), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (out->fd < 0) return errno == ENOENT;
    out->exists = !fstat(out->fd, &out->about);
    if (!out->exists) close(out->fd);
    return out->exists;
}

void mg_named_clear(mg_named *was) {
    if (was->exists) close(was->fd);
    *was = (mg_named){0};
}

// Returns true if `name` is still the file `was`, with the same content.
static bool is_unchanged(const mg_directory *directory, const char *name, const mg_named *was) {
    struct stat now;
    const struct stat *old = &was->about;
    return !fstatat(mg_directory_descriptor(directory), name, &now, AT_SYMLINK_NOFOLLOW) &&
           now.st_dev == old->st_dev && now.st_ino == old->st_ino && now.st_size == old->st_size &&
           now.st_mtim.tv_sec == old->st_mtim.tv_sec && now.st_mtim.tv_nsec == old->st_mtim.tv_nsec;
}

static mg_status keep(const mg_directory *directory, const char *name, const char *what, mg_error *error) {
    char *path;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status)
        status = mg_fail(error, MG_IO,
                         "%s: %s while margin was working, so it is kept: move it away or give another "
                         "name, and repeat the command",
                         path, what);
    mg_memory_free(path);
    return status;
}

static bool rename_to(const mg_directory *directory, const char *from, const char *to, mg_rename how) {
    return !mg_file_calls.rename(mg_directory_descriptor(directory), from, to, how);
}

// Called when the file with the temporary name is not margin's new file, but a file of another program or the
// old file, and cannot get its own name back. Gives it, if possible, a name that margin never deletes, and
// says in the error which name it has.
static mg_status leave_aside(const mg_directory *directory, char *temporary, const char *name,
                             mg_error *error) {
    char kept[MG_TEMPORARY_TEXT], *path = NULL, *there = NULL;
    size_t stem = strlen(temporary) - strlen(".tmp");
    int length = snprintf(kept, sizeof kept, "%.*s.kept", (int)stem, temporary);
    bool fits = length > 0 && length < (int)sizeof kept;
    bool renamed = fits && rename_to(directory, temporary, kept, MG_RENAME_NEW);
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status) status = mg_directory_name(directory, renamed ? kept : temporary, &there, error);
    if (!status)
        status = mg_fail(error, MG_IO,
                         "%s: now is the file that margin wrote; the file that was there before cannot get "
                         "its name back and is %s: move both to where they belong",
                         path, there);
    *temporary = 0; // nobody deletes it
    mg_memory_free(there);
    mg_memory_free(path);
    return status;
}

static mg_status put_new(const mg_directory *directory, const char *temporary, const char *name,
                         mg_error *error) {
    if (rename_to(directory, temporary, name, MG_RENAME_NEW)) return MG_OK;
    if (errno == EEXIST) return keep(directory, name, "appeared", error);
    return fail_at(directory, name, "the finished file cannot be renamed to this name", error);
}

// Exchanges the two files and then looks which one was replaced. So a file that takes the name at the last
// moment is not lost: it is put back.
static mg_status put_over(const mg_directory *directory, char *temporary, const char *name,
                          const mg_named *was, bool *kept, mg_error *error) {
    static const char changed[] = "was replaced or changed";
    if (!mg_directory_holds(directory, name)) return put_new(directory, temporary, name, error);
    if (!is_unchanged(directory, name, was)) return keep(directory, name, changed, error);
    if (rename_to(directory, temporary, name, MG_RENAME_SWAP)) {
        if (is_unchanged(directory, temporary, was)) {
            if (kept) *kept = true;
            else mg_file_calls.unlink(mg_directory_descriptor(directory), temporary);
            return MG_OK;
        }
        if (rename_to(directory, temporary, name, MG_RENAME_SWAP) ||
            rename_to(directory, temporary, name, MG_RENAME_NEW))
            return keep(directory, name, changed, error);
        return leave_aside(directory, temporary, name, error);
    }
    if (errno == ENOENT) return put_new(directory, temporary, name, error);
    if (errno == EINVAL && rename_to(directory, temporary, name, MG_RENAME_REPLACE)) return MG_OK;
    return fail_at(directory, name, "the finished file cannot be renamed to this name", error);
}

mg_status mg_directory_put(const mg_directory *directory, char *temporary, const char *name,
                           const mg_named *was, bool *kept, mg_error *error) {
    if (kept) *kept = false;
    if (was && was->exists) return put_over(directory, temporary, name, was, kept, error);
    if (was) return put_new(directory, temporary, name, error);
    if (rename_to(directory, temporary, name, MG_RENAME_REPLACE)) return MG_OK;
    return fail_at(directory, name, "the finished file cannot be renamed to this name", error);
}

mg_status mg_directory_take_back(const mg_directory *directory, char *temporary, const char *name,
                                 const mg_named *own, bool kept, mg_error *error) {
    if (!is_unchanged(directory, name, own)) return MG_OK;
    if (!kept) mg_file_calls.unlink(mg_directory_descriptor(directory), name);
    else if (!rename_to(directory, temporary, name, MG_RENAME_REPLACE))
        return leave_aside(directory, temporary, name, error);
    return MG_OK;
}

mg_status mg_directory_set_aside(const mg_directory *directory, const char *name, const mg_named *was,
                                 char aside[MG_TEMPORARY_TEXT], mg_error *error) {
    static const char changed[] = "was replaced or changed";
    bool moved = false;
    *aside = 0;
    if (!was->exists || !mg_directory_holds(directory, name)) return MG_OK;
    if (!is_unchanged(directory, name, was)) return keep(directory, name, changed, error);
    for (int attempt = 0; !moved && attempt < 100; attempt++) {
        int length = snprintf(aside, MG_TEMPORARY_TEXT, "%s.%lu.tmp", name, (unsigned long)draw());
        if (length < 0 || length >= MG_TEMPORARY_TEXT) errno = ENAMETOOLONG;
        else moved = rename_to(directory, name, aside, MG_RENAME_NEW);
        if (!moved && errno != EEXIST) break;
    }
    if (!moved) {
        *aside = 0;
        return fail_at(directory, name, "cannot be moved out of the way", error);
    }
    if (is_unchanged(directory, aside, was)) return MG_OK;
    mg_status status = mg_directory_bring_back(directory, aside, name, error);
    return status ? status : keep(directory, name, changed, error);
}

mg_status mg_directory_bring_back(const mg_directory *directory, char aside[MG_TEMPORARY_TEXT],
                                  const char *name, mg_error *error) {
    if (!*aside) return MG_OK;
    bool moved = rename_to(directory, aside, name, MG_RENAME_NEW);
    if (!moved && !mg_directory_holds(directory, name))
        moved = rename_to(directory, aside, name, MG_RENAME_REPLACE);
    if (!moved) return leave_aside(directory, aside, name, error);
    *aside = 0;
    return MG_OK;
}

mg_status mg_directory_close_file(const mg_directory *directory, const char *name, int *fd, mg_error *error) {
    // After a failed fsync the file is given up. The kernel may have dropped the unwritten pages, so a second
    // fsync could succeed although the data is not on disk.
    if (mg_file_calls.fsync(*fd)) return fail_at(directory, name, "cannot be synced to disk", error);
    int failed = mg_file_calls.close(*fd);
    *fd = -1;
    return failed ? fail_at(directory, name, "cannot be closed", error) : MG_OK;
}

mg_status mg_directory_end(const mg_directory *directory, char *temporary, const char *name,
                           const mg_named *was, int *fd, mg_error *error) {
    mg_status status = mg_directory_close_file(directory, name, fd, error);
    if (!status) status = mg_directory_put(directory, temporary, name, was, NULL, error);
    return status ? status : mg_directory_sync(directory, error);
}

void mg_directory_give_up(const mg_directory *directory, const char *temporary, int *fd) {
    if (*fd >= 0) mg_file_calls.close(*fd);
    *fd = -1;
    if (*temporary) mg_file_calls.unlink(mg_directory_descriptor(directory), temporary);
}

// `seal`: bytes that follow the content; NULL: no seal.
static mg_status write_durably(const mg_directory *directory, const char *name, const mg_named *was,
                               const void *bytes, size_t size, const unsigned char *seal, mg_error *error) {
    char temporary[MG_TEMPORARY_TEXT], *path;
    int fd = -1;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (status) return status;
    *temporary = 0;
    status = mg_directory_begin(directory, name, temporary, &fd, error);
    if (!status) status = mg_file_write_all(fd, path, bytes, size, error);
    if (!status && seal) status = mg_file_write_all(fd, path, seal, MG_SEAL_BYTES, error);
    if (!status) status = mg_directory_end(directory, temporary, name, was, &fd, error);
    if (status) mg_directory_give_up(directory, temporary, &fd);
    mg_memory_free(path);
    return status;
}

mg_status mg_directory_write(const mg_directory *directory, const char *name, const void *bytes, size_t size,
                             mg_error *error) {
    return write_durably(directory, name, NULL, bytes, size, NULL, error);
}

mg_status mg_directory_write_sealed(const mg_directory *directory, const char *name, const mg_named *was,
                                    const void *content, size_t size, mg_error *error) {
    unsigned char seal[MG_SEAL_BYTES];
    mg_file_seal(content, size, seal);
    return write_durably(directory, name, was, content, size, seal, error);
}

// ---- deleting -----------------------------------------------------------------------------------

mg_status mg_directory_remove(const mg_directory *directory, const char *name, mg_error *error) {
    if (!mg_file_calls.unlink(mg_directory_descriptor(directory), name) || errno == ENOENT) return MG_OK;
    return fail_at(directory, name, "cannot be deleted", error);
}

bool mg_directory_is_leftover(const char *entry, const char *name) {
    size_t length = strlen(entry), digits = 0;
    if (strncmp(entry, name, strlen(name)) || length < 4 || strcmp(entry + length - 4, ".tmp")) return false;
    while (digits < length - 4 && strchr("0123456789", entry[length - 5 - digits])) digits++;
    return digits && digits < length - 4 && entry[length - 5 - digits] == '.';
}

typedef struct leftovers {
    const mg_directory *directory;
    const char *name;
} leftovers;

static mg_status remove_leftover(void *context, const char *entry, mg_error *error) {
    const leftovers *s = context;
    (void)error;
    if (mg_directory_is_leftover(entry, s->name))
        mg_file_calls.unlink(mg_directory_descriptor(s->directory), entry);
    return MG_OK;
}

void mg_directory_remove_leftovers(const mg_directory *directory, const char *name) {
    leftovers s = {directory, name};
    mg_directory_list(directory, remove_leftover, &s, NULL);
}
