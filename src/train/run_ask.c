// run_ask.c - checks whether everything may be moved or deleted. Changes nothing, except that it takes locks
// for a short time.
#include "train/run_ask.h"

#include "io/lock.h"
#include "train/run_own.h"
#include "train/run_traces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

mg_status mg_run_refuse_foreign(const mg_directory *parent, const char *name, mg_error *error) {
    return mg_fail(error, MG_IO, "%s/%s: holds files that margin did not write: move them away",
                   mg_directory_path(parent), name);
}

static mg_status ask_entry(void *context, const char *name, mg_error *error);

// Checks that the directory contains only files of margin, and that no run uses it.
static mg_status ask_open_directory(const mg_directory *directory, mg_error *error) {
    mg_lock lock;
    mg_status status = mg_lock_take(directory, &lock, error);
    mg_lock_release(&lock);
    return status ? status : mg_directory_list(directory, ask_entry, (void *)directory, error);
}

static mg_status ask_entry(void *context, const char *name, mg_error *error) {
    mg_directory *inside;
    if (!strcmp(name, ".") || !strcmp(name, "..")) return MG_OK;
    if (mg_run_is_own_name(context, name)) return mg_run_check_mark(context, name, error);
    if (!mg_run_is_own_directory(name)) return MG_DATA;
    mg_status status = mg_directory_open_own(context, name, false, &inside, error);
    if (!status) status = ask_open_directory(inside, error);
    mg_directory_close(inside);
    return status;
}

mg_status mg_run_ask_directory(const mg_directory *directory, const char *name, mg_error *error) {
    mg_directory *inside;
    mg_error why = {0};
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &inside, &why);
    if (status == MG_IO && errno == ENOTDIR)
        return mg_fail(error, status, "%s/%s: is not a directory that margin made: move it away",
                       mg_directory_path(directory), name);
    if (!status) status = ask_open_directory(inside, &why);
    mg_directory_close(inside);
    if (status == MG_DATA) return mg_run_refuse_foreign(directory, name, error);
    return status ? mg_fail(error, status, "%s", why.text) : MG_OK;
}

// Checks that `previous.new` has no file of the name that would be moved there.
static mg_status ask_room(const mg_directory *directory, const char *name, mg_error *error) {
    char to[2 * MG_RUN_NAME_TEXT];
    snprintf(to, sizeof to, "%s/%s", MG_RUN_GATHERING, name);
    if (!mg_directory_holds(directory, name) || !mg_directory_holds(directory, to)) return MG_OK;
    return mg_fail(error, MG_IO, "%s/%s: the file %s beside %s must be moved there: move one of the two away",
                   mg_directory_path(directory), to, name, MG_RUN_GATHERING);
}

// Checks that the system will allow to move or delete the file. It will not if the directory is not writable,
// or if it has the sticky bit and the file belongs to another user. A file that does not exist is no problem.
static mg_status ask_right(const mg_directory *directory, const char *name, mg_error *error) {
    struct stat about, file;
    int fd = mg_directory_descriptor(directory);
    uid_t user = geteuid();
    if (fstat(fd, &about) || fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW)) return MG_OK;
    const char *path = mg_directory_path(directory);
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS))
        return mg_fail(error, MG_IO,
                       "%s/%s: cannot be moved or deleted (%s): change the permissions of %s, or set "
                       "output.directory",
                       path, name, strerror(errno), path);
    bool sticky = about.st_mode & S_ISVTX;
    if (!sticky || user == 0 || user == about.st_uid || user == file.st_uid) return MG_OK;
    return mg_fail(error, MG_IO,
                   "%s/%s: belongs to another user, and %s has the sticky bit, so only that user may move or "
                   "delete it: set output.directory",
                   path, name, path);
}

static mg_status ask_checkpoint(void *context, const char *name, mg_error *error) {
    if (!mg_run_is_own_name(context, name)) return MG_OK;
    mg_status status = mg_run_check_mark(context, name, error);
    return status ? status : ask_right(context, name, error);
}

static mg_status ask_checkpoints(const mg_directory *directory, mg_error *error) {
    static const char name[] = "checkpoints";
    mg_directory *checkpoints;
    if (!mg_directory_holds(directory, name)) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &checkpoints, error);
    if (!status) status = mg_directory_list(checkpoints, ask_checkpoint, checkpoints, error);
    mg_directory_close(checkpoints);
    return status;
}

mg_status mg_run_with_fold(const mg_directory *directory, const char *name, mg_run_act *act,
                           mg_error *error) {
    mg_directory *fold;
    mg_lock lock = {0};
    if (mg_run_kind_of_fold(directory, name) != MG_RUN_OWN_FOLD) return MG_OK;
    mg_status status = mg_directory_open_own(directory, name, false, &fold, error);
    if (status) return status;
    status = mg_lock_take(fold, &lock, error);
    if (!status) status = act(directory, name, fold, error);
    mg_lock_release(&lock);
    mg_directory_close(fold);
    return status;
}

// Checks a fold: it is moved with everything in it, and may later be deleted.
static mg_status ask_open_fold(const mg_directory *directory, const char *name, const mg_directory *fold,
                               mg_error *error) {
    mg_error why = {0};
    mg_status status = ask_room(directory, name, error);
    if (!status) status = ask_right(directory, name, error);
    if (status) return status;
    status = mg_directory_list(fold, ask_entry, (void *)fold, &why);
    if (status == MG_DATA) return mg_run_refuse_foreign(directory, name, error);
    return status ? mg_fail(error, status, "%s", why.text) : MG_OK;
}

static mg_status ask_fold(void *context, const char *name, mg_error *error) {
    return mg_run_with_fold(context, name, ask_open_fold, error);
}

mg_status mg_run_ask(const mg_directory *directory, mg_error *error) {
    mg_status status = mg_run_ask_directory(directory, MG_RUN_PREVIOUS, error);
    if (!status) status = mg_run_ask_directory(directory, MG_RUN_GATHERING, error);
    for (int i = 0; !status && i < MG_RUN_RESULTS; i++) {
        status = ask_room(directory, mg_run_results[i], error);
        if (!status) status = ask_right(directory, mg_run_results[i], error);
    }
    if (!status) status = mg_directory_list(directory, ask_fold, (void *)directory, error);
    return status ? status : ask_checkpoints(directory, error);
}
