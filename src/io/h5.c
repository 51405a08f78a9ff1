// h5.c - files, objects and attributes. Every input is checked before it is read; docs/formats.md lists what
// is accepted.
#include "io/h5_file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void mg_h5_leave_at_exit(void) { H5dont_atexit(); }

void mg_h5_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

typedef struct reason_buffer {
    char *out;
    size_t size;
} reason_buffer;

// Selects the most specific message of the error stack. If a system call failed, keeps only the system's
// reason; the rest of the message is times and addresses.
static herr_t keep_deepest(unsigned n, const H5E_error2_t *frame, void *context) {
    (void)n;
    reason_buffer *buffer = context;
    const char *text = frame->desc ? frame->desc : "unknown", *system = strstr(text, "error message = '");
    if (system) text = system + strlen("error message = '");
    snprintf(buffer->out, buffer->size, "%.*s", system ? (int)strcspn(text, "'") : (int)strlen(text), text);
    return 0;
}

const char *mg_h5_reason(char *out, size_t size) {
    snprintf(out, size, "unknown reason");
    reason_buffer buffer = {out, size};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_deepest, &buffer);
    H5Eclear2(H5E_DEFAULT);
    for (char *c = out; *c; c++)
        if (*c == '\n') *c = ' ';
    return out;
}

enum { ROOM = 2 << 20 }; // the library's structs for a file take about 600 KB

mg_status mg_h5_make_room(size_t bytes, mg_error *error) {
    char *block;
    mg_status status = mg_memory_get(&block, bytes + ROOM, 1, error);
    if (!status) mg_memory_free(block);
    return status;
}

mg_status mg_h5_check_library(mg_error *error) {
    mg_status status = mg_h5_make_room(0, error);
    if (status) return status;
    mg_h5_quiet();
    hbool_t threadsafe = 0;
    unsigned major = 0, minor = 0, release = 0;
    H5is_library_threadsafe(&threadsafe);
    H5get_libversion(&major, &minor, &release);
    if (!threadsafe)
        return mg_fail(error, MG_FAILED,
                       "libhdf5 %u.%u.%u is not thread-safe (an MPI build?): link the serial one "
                       "(Debian: libhdf5-103-1)",
                       major, minor, release);
    if (major != H5_VERS_MAJOR || minor != H5_VERS_MINOR)
        return mg_fail(error, MG_FAILED,
                       "libhdf5 %u.%u.%u is loaded, but margin was built with %d.%d.%d: rebuild margin or "
                       "correct the library path",
                       major, minor, release, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    return MG_OK;
}

void mg_h5_version(char *out, size_t size) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(out, size, "%u.%u.%u", major, minor, release);
}

void mg_h5_memory_name(char out[MG_H5_MEMORY_NAME]) {
    static _Atomic unsigned long turn;
    snprintf(out, MG_H5_MEMORY_NAME, "/dev/null/margin %lu", turn++);
}

// The new file takes ownership of the descriptor (-1: the file is in memory); on failure it is closed.
static mg_status create_file(int fd, const char *path, mg_h5 **out, mg_error *error) {
    *out = NULL;
    mg_status status = mg_h5_make_room(0, error);
    if (!status) status = mg_memory_zeroed(out, 1, sizeof **out, error);
    if (!status) {
        **out = (mg_h5){.file = H5I_INVALID_HID, .fd = fd, .users = 1};
        status = mg_memory_text(&(*out)->path, path, error);
    }
    if (!status) return MG_OK;
    if (fd >= 0) close(fd);
    mg_memory_free(*out);
    *out = NULL;
    return status;
}

// Opens the file in the library, and closes the list of properties.
static void open_in_library(mg_h5 *file, const char *name, hid_t access_list, char *reason, size_t size) {
    mg_h5_register_filters();
    file->file = H5Fopen(name, H5F_ACC_RDONLY, access_list);
    if (file->file < 0) mg_h5_reason(reason, size); // must be read before the next call clears it
    H5Pclose(access_list);
}

// The signature is at byte 0, or after a user block at 512, 1024, 2048, ...
bool mg_h5_has_signature(int fd) {
    static const char signature[8] = "\x89HDF\r\n\x1a\n";
    char found[8];
    for (off_t at = 0; pread(fd, found, sizeof found, at) == sizeof found; at = at ? 2 * at : 512)
        if (!memcmp(found, signature, sizeof found)) return true;
    return false;
}

// Takes a shared lock, as the library does. A program that writes a file with the library's default settings
// holds an exclusive lock on it, and the file is incomplete until it is released. The lock is taken here,
// because the library refuses to open a file if the file system has no locks (ENOLCK, ENOSYS and others).
// HDF5_USE_FILE_LOCKING=FALSE disables it, as in the library.
static mg_status lock_for_reading(int fd, const char *path, mg_error *error) {
    const char *use = getenv("HDF5_USE_FILE_LOCKING");
    if (use && (!strcmp(use, "FALSE") || !strcmp(use, "0"))) return MG_OK;
    if (!flock(fd, LOCK_SH | LOCK_NB) || errno != EWOULDBLOCK) return MG_OK;
    return mg_fail(error, MG_IO,
                   "%s: another program has locked it for writing: close it there, or, if that program does "
                   "not write now, set HDF5_USE_FILE_LOCKING=FALSE in the environment",
                   path);
}

mg_status mg_h5_open_descriptor(int fd, const char *path, mg_h5 **out, mg_error *error) {
    char reason[256] = "", name[MG_H5_MEMORY_NAME];
    struct stat about;
    mg_h5 *file;
    *out = NULL;
    mg_h5_quiet();
    mg_status status = create_file(fd, path, &file, error);
    if (status) return status;
    status = lock_for_reading(fd, path, error);
    // Done before the library reads the first byte, so that all later writes are detected.
    if (!status && fstat(fd, &about)) status = mg_fail(error, MG_IO, "%s: %s", path, strerror(errno));
    if (!status) {
        file->written = about.st_mtim;
        file->size = about.st_size;
        file->device = about.st_dev;
        file->inode = about.st_ino;
        mg_h5_memory_name(name);
        open_in_library(file, name, mg_h5_read_through(fd, &file->failed), reason, sizeof reason);
        if (file->file < 0) status = mg_h5_check_read(file, error);
        if (file->file < 0 && !status)
            status =
                mg_fail(error, MG_DATA, "%s: is not a readable HDF5 file (%s): %s", path, reason,
                        mg_h5_has_signature(fd) ? "it was truncated or changed: create it or copy it again"
                                                : "convert other formats with `margin convert`");
    }
    if (status) mg_h5_close(file);
    else *out = file;
    return status;
}

bool mg_h5_has_its_path(const mg_h5 *file) {
    struct stat opened, named;
    if (file->part) return mg_h5_joined_has_paths(file);
    return file->fd < 0 || fstat(file->fd, &opened) ||
           (!stat(file->path, &named) && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino);
}

mg_status mg_h5_open(const char *path, mg_h5 **out, mg_error *error) {
    int fd;
    *out = NULL;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    return status ? status : mg_h5_open_descriptor(fd, path, out, error);
}

mg_status mg_h5_open_image(const char *path, const void *bytes, size_t size, mg_h5 **out, mg_error *error) {
    char name[MG_H5_MEMORY_NAME], reason[256];
    mg_h5 *file;
    *out = NULL;
    mg_h5_quiet();
    mg_status status = create_file(-1, path, &file, error);
    if (status) return status;
    mg_h5_memory_name(name);
    open_in_library(file, name, mg_h5_lend(bytes, size), reason, sizeof reason);
    if (file->file >= 0) {
        *out = file;
        return MG_OK;
    }
    mg_h5_close(file);
    return mg_fail(error, MG_DATA, "%s: is not a readable HDF5 file (%s)", path, reason);
}

mg_h5 *mg_h5_share(mg_h5 *file) {
    file->users++;
    return file;
}

void mg_h5_close(mg_h5 *file) {
    if (!file || --file->users > 0) return;
    mg_h5_quiet();
    if (file->file >= 0) H5Fclose(file->file);
    mg_h5_joined_close(file);
    mg_memory_free(file->arrays);
    if (file->fd >= 0) close(file->fd);
    mg_memory_free(file->path);
    mg_memory_free(file);
}

const char *mg_h5_path(const mg_h5 *file) { return file->path; }

mg_status mg_h5_check_read(const mg_h5 *file, mg_error *error) {
    int reason = file->failed;
    if (file->part) return mg_h5_joined_check(file, mg_h5_check_read, error);
    if (!reason) return MG_OK;
    return mg_fail(error, reason == ENOMEM ? MG_MEMORY : MG_IO, "%s: cannot be read: %s", file->path,
                   strerror(reason));
}

mg_status mg_h5_blame(const mg_h5 *file, mg_status status, mg_error *error) {
    return status == MG_DATA && file->failed ? mg_h5_check_read(file, error) : status;
}

// The time of the last status change (ctime) would also reveal writers that reset the time of the last write.
// It is not compared, because chmod, rename and new hard links change it too.
mg_status mg_h5_check_unchanged(const mg_h5 *file, mg_error *error) {
    struct stat about;
    if (file->part) return mg_h5_joined_check(file, mg_h5_check_unchanged, error);
    mg_status status = mg_h5_check_read(file, error);
    if (status || file->fd < 0) return status;
    if (fstat(file->fd, &about)) return mg_fail(error, MG_IO, "%s: %s", file->path, strerror(errno));
    if (about.st_size == file->size && about.st_mtim.tv_sec == file->written.tv_sec &&
        about.st_mtim.tv_nsec == file->written.tv_nsec)
        return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s: was %s while it was in use, so its rows may come from two versions: run the command again; for "
        "train, path and cv add --resume if the file has its old rows again, else --overwrite",
        file->path, about.st_size < file->size ? "truncated" : "written to");
}

mg_h5_kind mg_h5_find(const mg_h5 *file, const char *name) {
    if (file->arrays) return mg_h5_memory_find(file, name);
    mg_h5_quiet();
    char step[1024];
    size_t length = strlen(name);
    if (!length || length >= sizeof step) return MG_H5_MISSING;
    if (!strcmp(name, "/")) return MG_H5_GROUP;
    for (size_t i = 1; i <= length; i++) {
        if (name[i] && name[i] != '/') continue;
        memcpy(step, name, i);
        step[i] = 0;
        H5L_info_t link;
        if (H5Lexists(file->file, step, H5P_DEFAULT) <= 0 ||
            H5Lget_info(file->file, step, &link, H5P_DEFAULT) < 0)
            return MG_H5_MISSING;
        if (link.type != H5L_TYPE_HARD) return MG_H5_OTHER;
    }
    H5O_info_t about;
    if (H5Oget_info_by_name2(file->file, name, &about, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return MG_H5_MISSING;
    if (about.type == H5O_TYPE_DATASET) return MG_H5_ARRAY;
    return about.type == H5O_TYPE_GROUP ? MG_H5_GROUP : MG_H5_OTHER;
}

bool mg_h5_member(const mg_h5 *file, const char *group, int64_t i, char *out, size_t size) {
    if (file->arrays) return false;
    mg_h5_quiet();
    ssize_t length =
        H5Lget_name_by_idx(file->file, group, H5_INDEX_NAME, H5_ITER_INC, (hsize_t)i, out, size, H5P_DEFAULT);
    if (length >= (ssize_t)size) memcpy(out + size - 4, "...", 4);
    return length >= 0;
}

bool mg_h5_has_attribute(const mg_h5 *file, const char *object, const char *name) {
    if (file->arrays) return mg_h5_memory_has_attribute(file, object, name);
    mg_h5_quiet();
    return H5Aexists_by_name(file->file, object, name, H5P_DEFAULT) > 0;
}

typedef struct attribute {
    hid_t id;
    int64_t count; // number of values
} attribute;

// Opens the attribute, and checks its type class and its number of values. Errors: MG_DATA.
static mg_status open_attribute(mg_h5 *file, const char *object, const char *name, H5T_class_t class,
                                int64_t limit, attribute *out, mg_error *error) {
    mg_h5_quiet();
    out->id = H5Aopen_by_name(file->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (out->id < 0)
        return mg_h5_blame(
            file, mg_fail(error, MG_DATA, "%s: attribute %s of %s is missing", file->path, name, object),
            error);
    hid_t space = H5Aget_space(out->id), type = H5Aget_type(out->id);
    out->count = (int64_t)H5Sget_simple_extent_npoints(space);
    H5T_class_t found = H5Tget_class(type);
    H5Sclose(space);
    H5Tclose(type);
    if (found == class && out->count >= 1 && out->count <= limit) return MG_OK;
    H5Aclose(out->id);
    return mg_fail(error, MG_DATA,
                   "%s: attribute %s of %s has the wrong type or %lld values (1 to %lld are allowed)",
                   file->path, name, object, (long long)out->count, (long long)limit);
}

mg_status mg_h5_attribute_int64(mg_h5 *file, const char *object, const char *name, int64_t *out, int limit,
                                int *count, mg_error *error) {
    attribute found;
    if (file->arrays) {
        memcpy(out, mg_h5_memory_shape(file), 2 * sizeof *out);
        if (count) *count = 2;
        return MG_OK;
    }
    mg_status status = open_attribute(file, object, name, H5T_INTEGER, limit, &found, error);
    if (status) return status;
    if (H5Aread(found.id, H5T_NATIVE_INT64, out) < 0)
        status = mg_fail(error, MG_DATA, "%s: attribute %s of %s cannot be read", file->path, name, object);
    H5Aclose(found.id);
    if (count) *count = (int)found.count;
    return mg_h5_blame(file, status, error);
}

mg_status mg_h5_attribute_real(mg_h5 *file, const char *object, const char *name, double *out,
                               mg_error *error) {
    attribute found;
    mg_status status = open_attribute(file, object, name, H5T_FLOAT, 1, &found, error);
    if (status) return status;
    if (H5Aread(found.id, H5T_NATIVE_DOUBLE, out) < 0)
        status = mg_fail(error, MG_DATA, "%s: attribute %s of %s cannot be read", file->path, name, object);
    H5Aclose(found.id);
    return mg_h5_blame(file, status, error);
}

mg_status mg_h5_attribute_text(mg_h5 *file, const char *object, const char *name, char **out,
                               mg_error *error) {
    *out = NULL;
    attribute found;
    if (file->arrays) return mg_memory_text(out, "csr_matrix", error);
    mg_status status = open_attribute(file, object, name, H5T_STRING, 1, &found, error);
    if (status) return status;
    hid_t type = H5Aget_type(found.id);
    bool failed = true;
    if (H5Tis_variable_str(type) > 0) {
        char *text = NULL;
        failed = H5Aread(found.id, type, &text) < 0;
        if (!failed) status = mg_memory_text(out, text ? text : "", error);
        if (!failed && text) H5free_memory(text);
    } else {
        size_t size = H5Tget_size(type);
        status = mg_memory_zeroed(out, size + 1, 1, error);
        failed = !status && H5Aread(found.id, type, *out) < 0;
    }
    H5Tclose(type);
    H5Aclose(found.id);
    if (!status && failed)
        status = mg_fail(error, MG_DATA, "%s: attribute %s of %s cannot be read", file->path, name, object);
    return mg_h5_blame(file, status, error);
}
