// directory.c - opens directories, and writes files durably: temporary file -> fsync -> rename -> fsync of
// the directory.
#include "io/directory.h"

#include "base/memory.h"
#include "base/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct mg_directory {
    int fd;
    char *path;
};

// ---- opening and creating -----------------------------------------------------------------------

// `more`: additional flags of open().
static mg_status open_at(int parent, const char *name, const char *path, int more, mg_directory **out,
                         mg_error *error) {
    mg_directory *directory;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&directory, 1, sizeof *directory, error);
    if (status) return status;
    directory->fd = -1;
    status = mg_memory_text(&directory->path, path, error);
    if (!status)
        directory->fd = mg_file_calls.open(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | more, 0);
    if (!status && directory->fd < 0) {
        int reason = errno;
        status =
            reason == ENOTDIR
                ? mg_fail(error, MG_IO, "%s: is not a directory%s", path,
                          more & O_NOFOLLOW ? " (symbolic links are not followed here): move it away" : "")
                : mg_fail(error, MG_IO, "%s: directory cannot be opened: %s", path, strerror(reason));
        errno = reason;
    }
    if (status) mg_directory_close(directory);
    else *out = directory;
    return status;
}

static mg_status sync_descriptor(int fd, const char *path, mg_error *error) {
    if (!mg_file_calls.fsync(fd)) return MG_OK;
    return mg_fail(error, MG_IO, "%s: directory cannot be synced: %s", path, strerror(errno));
}

mg_status mg_directory_sync(const mg_directory *directory, mg_error *error) {
    return sync_descriptor(directory->fd, directory->path, error);
}

// Splits `path` into its directory and the name in it; the directory of "/" is "/".
static mg_status parent_of(const char *path, char **out, const char **name, mg_error *error) {
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    mg_status status = mg_memory_text(out, slash ? path : ".", error);
    if (!status && slash) (*out)[slash == path ? 1 : slash - path] = 0;
    return status;
}

static mg_status sync_parent(const char *path, mg_error *error) {
    char *parent;
    const char *name;
    mg_directory *directory = NULL;
    mg_status status = parent_of(path, &parent, &name, error);
    if (!status) status = open_at(AT_FDCWD, parent, parent, 0, &directory, error);
    if (!status) status = sync_descriptor(directory->fd, parent, error);
    int reason = errno;
    mg_directory_close(directory);
    mg_memory_free(parent);
    errno = reason;
    return status;
}

// Syncs the name of a new directory. If its parent may be written but not read, it cannot be opened for this,
// so the whole file system is synced.
static mg_status sync_name(const char *path, mg_error *error) {
    mg_error why = {0};
    mg_status status = sync_parent(path, &why);
    int fd = status == MG_IO && errno == EACCES ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = !status || (fd >= 0 && !syncfs(fd));
    if (fd >= 0) close(fd);
    return synced ? MG_OK : mg_fail(error, status, "%s", why.text);
}

static mg_status make_all(char *path, mg_error *error) {
    for (char *c = path + (*path != 0);; c++) {
        if (*c && *c != '/') continue;
        char keep = *c;
        *c = 0;
        bool made = !mkdir(path, 0777);
        if (!made && errno != EEXIST)
            return mg_fail(error, MG_IO, "%s: cannot be created: %s", path, strerror(errno));
        // A file survives a crash only if the names of all its directories are on disk. If a process created
        // the last directory, it may have died before it synced the parent. So that parent is synced even if
        // the directory exists.
        mg_status status = made || !keep ? sync_name(path, made ? error : NULL) : MG_OK;
        if (made && status) return status;
        *c = keep;
        if (!keep) return MG_OK;
    }
}

mg_status mg_directory_open(const char *path, bool make, mg_directory **out, mg_error *error) {
    char *steps = NULL;
    *out = NULL;
    mg_status status = make ? mg_memory_text(&steps, path, error) : MG_OK;
    if (!status && make) status = make_all(steps, error);
    if (!status) status = open_at(AT_FDCWD, path, path, 0, out, error);
    mg_memory_free(steps);
    return status;
}

mg_status mg_directory_open_own(const mg_directory *parent, const char *name, bool make, mg_directory **out,
                                mg_error *error) {
    char *path;
    *out = NULL;
    mg_status status = mg_directory_name(parent, name, &path, error);
    bool made = !status && make && !mkdirat(parent->fd, name, 0777);
    if (!status && make && !made && errno != EEXIST)
        status = mg_fail(error, MG_IO, "%s: cannot be created: %s", path, strerror(errno));
    mg_status synced =
        !status && make ? sync_descriptor(parent->fd, parent->path, made ? error : NULL) : MG_OK;
    if (made && synced) status = synced;
    if (!status) status = open_at(parent->fd, name, path, O_NOFOLLOW, out, error);
    int reason = errno;
    mg_memory_free(path);
    errno = reason;
    return status;
}

mg_status mg_directory_open_parent(const char *path, mg_directory **out, const char **name, mg_error *error) {
    char *parent;
    *out = NULL;
    mg_status status = parent_of(path, &parent, name, error);
    if (!status && !**name)
        status = mg_fail(error, MG_IO, "%s: is the name of a directory; a file name is needed", path);
    if (!status) status = open_at(AT_FDCWD, parent, parent, 0, out, error);
    mg_memory_free(parent);
    return status;
}

void mg_directory_close(mg_directory *directory) {
    if (!directory) return;
    if (directory->fd >= 0) mg_file_calls.close(directory->fd);
    mg_memory_free(directory->path);
    mg_memory_free(directory);
}

// ---- looking ------------------------------------------------------------------------------------

const char *mg_directory_path(const mg_directory *directory) { return directory->path; }

int mg_directory_descriptor(const mg_directory *directory) { return directory->fd; }

bool mg_directory_has_its_path(const mg_directory *directory) {
    struct stat opened, named;
    return !fstat(directory->fd, &opened) && !stat(directory->path, &named) &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool mg_directory_leads_to(const mg_directory *directory, const char *name, int fd) {
    struct stat opened, named;
    return !fstat(fd, &opened) && !fstatat(directory->fd, name, &named, AT_SYMLINK_NOFOLLOW) &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool mg_directory_holds(const mg_directory *directory, const char *name) {
    struct stat about;
    return !fstatat(directory->fd, name, &about, AT_SYMLINK_NOFOLLOW) || errno != ENOENT;
}

bool mg_directory_lacks(const mg_directory *directory, const char *name) {
    struct stat about;
    return fstatat(directory->fd, name, &about, 0) && errno == ENOENT;
}

mg_status mg_directory_name(const mg_directory *directory, const char *name, char **out, mg_error *error) {
    mg_writer path = {0};
    const char *to = directory->path;
    bool bare = !strcmp(to, "."), slash = *to && to[strlen(to) - 1] == '/';
    mg_writer_format(&path, "%s%s%s", bare ? "" : to, bare || slash ? "" : "/", name);
    return mg_writer_take(&path, out, error);
}

mg_status mg_directory_open_file(const mg_directory *directory, const char *name, int *fd, mg_error *error) {
    char *path;
    *fd = -1;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status) status = mg_file_open_at(directory->fd, name, path, MG_FILE_REGULAR, fd, error);
    mg_memory_free(path);
    return status;
}

mg_status mg_directory_is_text(const mg_directory *directory, const char *name, const char *text, bool *same,
                               mg_error *error) {
    unsigned char *bytes = NULL;
    size_t size = 0, length = strlen(text);
    char *path;
    int fd = -1;
    *same = false;
    if (mg_directory_lacks(directory, name)) return MG_OK;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status) status = mg_file_open_at(directory->fd, name, path, MG_FILE_REGULAR, &fd, error);
    if (!status) status = mg_file_read_open(fd, path, length, &bytes, &size, error);
    *same = !status && size == length && !memcmp(bytes, text, length);
    if (fd >= 0) close(fd);
    mg_memory_free(bytes);
    mg_memory_free(path);
    return status == MG_DATA ? MG_OK : status; // MG_DATA: the file is longer
}

mg_status mg_directory_list(const mg_directory *directory, mg_directory_visit *visit, void *context,
                            mg_error *error) {
    // A new descriptor, because it needs a read position of its own.
    int again = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (!stream) {
        mg_status status =
            mg_fail(error, MG_IO, "%s: cannot be listed: %s", directory->path, strerror(errno));
        if (again >= 0) close(again);
        return status;
    }
    mg_status status = MG_OK;
    errno = 0;
    for (struct dirent *entry; !status && (entry = readdir(stream)); errno = 0)
        status = visit(context, entry->d_name, error);
    if (!status && errno)
        status = mg_fail(error, MG_IO, "%s: cannot be listed: %s", directory->path, strerror(errno));
    closedir(stream);
    return status;
}

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
    bool replaces =
        !fstatat(directory->fd, name, &replaced, AT_SYMLINK_NOFOLLOW) && S_ISREG(replaced.st_mode);
    *fd = -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        int length = snprintf(temporary, MG_TEMPORARY_TEXT, "%s.%lu.tmp", name, (unsigned long)draw());
        if (length < 0 || length >= MG_TEMPORARY_TEXT) {
            errno = ENAMETOOLONG;
            break;
        }
        *fd = mg_file_calls.open(directory->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                                 replaces ? 0600 : 0666);
        if (*fd >= 0) {
            if (replaces) take_permissions(*fd, &replaced);
            return MG_OK;
        }
        if (errno != EEXIST) break;
    }
    *temporary = 0;
    return fail_at(directory, name, "cannot be created", error);
}

mg_status mg_directory_end(const mg_directory *directory, const char *temporary, const char *name,
                           bool replace, int *fd, mg_error *error) {
    // After a failed fsync the file is given up. The kernel may have dropped the unwritten pages, so a second
    // fsync could succeed although the data is not on disk.
    if (mg_file_calls.fsync(*fd)) return fail_at(directory, name, "cannot be synced to disk", error);
    int failed = mg_file_calls.close(*fd);
    *fd = -1;
    if (failed) return fail_at(directory, name, "cannot be closed", error);
    if (mg_file_calls.rename(directory->fd, temporary, name, replace))
        return fail_at(directory, name, "the finished file cannot be renamed to this name", error);
    return sync_descriptor(directory->fd, directory->path, error);
}

void mg_directory_give_up(const mg_directory *directory, const char *temporary, int *fd) {
    if (*fd >= 0) mg_file_calls.close(*fd);
    *fd = -1;
    if (*temporary) mg_file_calls.unlink(directory->fd, temporary);
}

// `seal`: bytes that follow the content; NULL: no seal.
static mg_status write_durably(const mg_directory *directory, const char *name, const void *bytes,
                               size_t size, const unsigned char *seal, mg_error *error) {
    char temporary[MG_TEMPORARY_TEXT], *path;
    int fd = -1;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (status) return status;
    *temporary = 0;
    status = mg_directory_begin(directory, name, temporary, &fd, error);
    if (!status) status = mg_file_write_all(fd, path, bytes, size, error);
    if (!status && seal) status = mg_file_write_all(fd, path, seal, MG_SEAL_BYTES, error);
    if (!status) status = mg_directory_end(directory, temporary, name, true, &fd, error);
    if (status) mg_directory_give_up(directory, temporary, &fd);
    mg_memory_free(path);
    return status;
}

mg_status mg_directory_write(const mg_directory *directory, const char *name, const void *bytes, size_t size,
                             mg_error *error) {
    return write_durably(directory, name, bytes, size, NULL, error);
}

mg_status mg_directory_write_sealed(const mg_directory *directory, const char *name, const void *content,
                                    size_t size, mg_error *error) {
    unsigned char seal[MG_SEAL_BYTES];
    mg_file_seal(content, size, seal);
    return write_durably(directory, name, content, size, seal, error);
}

// ---- deleting -----------------------------------------------------------------------------------

mg_status mg_directory_remove(const mg_directory *directory, const char *name, mg_error *error) {
    if (!mg_file_calls.unlink(directory->fd, name) || errno == ENOENT) return MG_OK;
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
    if (mg_directory_is_leftover(entry, s->name)) mg_file_calls.unlink(s->directory->fd, entry);
    return MG_OK;
}

void mg_directory_remove_leftovers(const mg_directory *directory, const char *name) {
    leftovers s = {directory, name};
    mg_directory_list(directory, remove_leftover, &s, NULL);
}
