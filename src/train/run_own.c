// run_own.c - distinguishes margin's files in a directory from the user's.
#include "train/run_own.h"

#include "train/trainer_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const mg_run_results[MG_RUN_RESULTS] = {"model.h5",      "path.jsonl",  "cv.jsonl",
                                                    "metrics.jsonl", "config.yaml", "begun.h5"};

// ---- files --------------------------------------------------------------------------------------

static bool is_result(const char *name, size_t length) {
    bool found = false;
    for (int i = 0; i < MG_RUN_RESULTS; i++)
        found = found || (strlen(mg_run_results[i]) == length && !strncmp(name, mg_run_results[i], length));
    return found;
}

// True for step-N.h5, where N has at least 12 digits.
static bool is_checkpoint(const char *name, size_t length) {
    if (strncmp(name, "step-", 5)) return false;
    size_t digits = strspn(name + 5, "0123456789");
    return digits >= 12 && length == 5 + digits + 3 && !strncmp(name + 5 + digits, ".h5", 3);
}

mg_status mg_run_look_at_config(const mg_directory *directory, bool *own, mg_error *error) {
    static const char mark[] = MG_RUN_CONFIG_MARK;
    char text[sizeof mark - 1];
    int fd;
    *own = false;
    struct stat about;
    bool file =
        !fstatat(mg_directory_descriptor(directory), "config.yaml", &about, 0) && S_ISREG(about.st_mode);
    if (!file) return MG_OK;
    mg_status status = mg_directory_open_file(directory, "config.yaml", &fd, error);
    if (status) return status;
    ssize_t got = pread(fd, text, sizeof text, 0);
    if (got < 0)
        status = mg_fail(error, MG_IO, "%s/config.yaml: cannot be read: %s", mg_directory_path(directory),
                         strerror(errno));
    *own = got == (ssize_t)sizeof text && !memcmp(text, mark, sizeof text);
    close(fd);
    return status;
}

static bool is_own_config(const mg_directory *directory) {
    bool own;
    return !mg_run_look_at_config(directory, &own, NULL) && own;
}

bool mg_run_is_own_name(const mg_directory *directory, const char *name) {
    size_t length = strlen(name);
    if (!strcmp(name, "config.yaml")) return is_own_config(directory);
    if (mg_directory_is_leftover(name, "")) { // a temporary file NAME.NUMBER.tmp: only NAME is compared
        length -= strlen(".tmp");
        while (name[length - 1] != '.') length--;
        length--;
    }
    return !strcmp(name, "lock") || is_result(name, length) || is_checkpoint(name, length);
}

// True if a file of lines begins as margin writes it. It may also be empty, cut off or, after a loss of
// power, full of zeros.
static bool begins_as_own(int fd, const char *mark) {
    char text[32];
    ssize_t got = pread(fd, text, strlen(mark), 0);
    bool zeros = got > 0;
    for (ssize_t i = 0; i < got; i++) zeros = zeros && !text[i];
    return got <= 0 || zeros || !memcmp(text, mark, (size_t)got);
}

bool mg_run_has_mark(const mg_directory *directory, const char *name) {
    struct stat about;
    int fd;
    size_t length = strlen(name);
    bool sealed = length > 3 && !strcmp(name + length - 3, ".h5"),
         lines = length > 6 && !strcmp(name + length - 6, ".jsonl");
    if (!sealed && !lines) return true;
    bool file = !fstatat(mg_directory_descriptor(directory), name, &about, AT_SYMLINK_NOFOLLOW) &&
                S_ISREG(about.st_mode) && about.st_size > 0;
    if (!file || mg_directory_open_file(directory, name, &fd, NULL)) return true;
    bool marked = true; // also if the file cannot be read: whoever reads it says why
    if (sealed && mg_file_has_seal(fd, name, &marked, NULL)) marked = true;
    if (lines) marked = begins_as_own(fd, strcmp(name, "path.jsonl") ? "{\"event\": \"" : "{\"point\": ");
    close(fd);
    return marked;
}

bool mg_run_is_own_file(const mg_directory *directory, const char *name) {
    return mg_run_is_own_name(directory, name) && mg_run_has_mark(directory, name);
}

// ---- runs ---------------------------------------------------------------------------------------

static mg_status see_checkpoint(void *context, const char *name, mg_error *error) {
    (void)error;
    if (mg_run_is_own_name(context, name) && strcmp(name, "lock")) return MG_STOPPED;
    return MG_OK;
}

bool mg_run_has_checkpoints(const mg_directory *directory) {
    static const char name[] = "checkpoints";
    mg_directory *checkpoints;
    if (!mg_directory_holds(directory, name)) return false;
    if (mg_directory_open_own(directory, name, false, &checkpoints, NULL)) return true;
    mg_status status = mg_directory_list(checkpoints, see_checkpoint, checkpoints, NULL);
    mg_directory_close(checkpoints);
    return status != MG_OK;
}

bool mg_run_is_there(const mg_directory *directory) {
    static const char *const names[] = {"metrics.jsonl", "model.h5", "path.jsonl", "begun.h5"};
    bool any = mg_run_has_checkpoints(directory);
    for (size_t i = 0; !any && i < sizeof names / sizeof *names; i++)
        any = mg_directory_holds(directory, names[i]);
    return any;
}

// ---- directories --------------------------------------------------------------------------------

bool mg_run_is_fold_name(const char *name) {
    return !strncmp(name, "fold-", 5) && name[5] && strspn(name + 5, "0123456789") == strlen(name + 5) &&
           strlen(name) < MG_RUN_NAME_TEXT;
}

bool mg_run_is_own_directory(const char *name) {
    return mg_run_is_fold_name(name) || !strcmp(name, "checkpoints") || !strcmp(name, MG_RUN_PREVIOUS) ||
           !strcmp(name, MG_RUN_GATHERING);
}

mg_status mg_run_read_origin(const mg_directory *directory, mg_origin *out, mg_error *error) {
    mg_directory *checkpoints;
    mg_error why = {0};
    mg_status status = mg_checkpoint_origin_read(directory, "begun.h5", out, &why);
    bool there = mg_directory_holds(directory, "begun.h5");
    if (status && (status == MG_DATA || !there) &&
        !mg_directory_open_own(directory, "checkpoints", false, &checkpoints, NULL)) {
        if (!mg_checkpoint_newest_origin(checkpoints, out, NULL)) status = MG_OK;
        mg_directory_close(checkpoints);
    }
    return status ? mg_fail(error, status, "%s", why.text) : MG_OK;
}

// What a directory fold-N contains besides the files of a run.
typedef struct fold_content {
    const mg_directory *fold;
    bool nested; // another cross-validation, or an old result
    bool empty;
} fold_content;

static mg_status see_content(void *context, const char *name, mg_error *error) {
    fold_content *content = context;
    (void)error;
    if (!strcmp(name, ".") || !strcmp(name, "..")) return MG_OK;
    bool leftover = mg_directory_is_leftover(name, "") && mg_run_is_own_name(content->fold, name);
    content->empty = content->empty && (leftover || !strcmp(name, "lock"));
    content->nested = content->nested || mg_run_is_fold_name(name) || !strcmp(name, "cv.jsonl") ||
                      !strcmp(name, MG_RUN_PREVIOUS) || !strcmp(name, MG_RUN_GATHERING);
    return MG_OK;
}

static bool is_of_fold(const mg_directory *fold, const char *number) {
    mg_origin origin;
    char line[MG_RUN_NAME_TEXT + 16];
    snprintf(line, sizeof line, "\ncv.fold: %s\n", number);
    if (mg_run_read_origin(fold, &origin, NULL)) return false;
    bool own = strstr(origin.config, line) != NULL;
    mg_checkpoint_origin_clear(&origin);
    return own;
}

mg_run_fold_kind mg_run_kind_of_fold(const mg_directory *parent, const char *name) {
    mg_directory *fold;
    if (!mg_run_is_fold_name(name) || mg_directory_open_own(parent, name, false, &fold, NULL))
        return MG_RUN_NO_FOLD;
    fold_content content = {.fold = fold, .empty = true};
    mg_run_fold_kind kind = MG_RUN_NO_FOLD;
    if (mg_directory_list(fold, see_content, &content, NULL)) content.empty = false;
    if (content.empty) kind = MG_RUN_EMPTY_FOLD;
    if (content.nested) kind = MG_RUN_OTHER_RUN;
    else if (mg_run_is_there(fold)) kind = is_of_fold(fold, name + 5) ? MG_RUN_OWN_FOLD : MG_RUN_OTHER_RUN;
    mg_directory_close(fold);
    return kind;
}
