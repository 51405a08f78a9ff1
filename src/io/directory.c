// directory.c - opens directories, creates them durably, and looks into them.
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
#include <sys/stat.h>
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
