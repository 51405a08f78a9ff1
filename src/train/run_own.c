// run_own.c - tells the files of margin in a directory from those of the user.
#include "train/run_own.h"

#include "train/checkpoint.h"
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const mg_run_results[MG_RUN_RESULTS] = {"model.h5",      "path.jsonl",  "cv.jsonl",
                                                    "metrics.jsonl", "config.yaml", "begun.h5"};

bool mg_run_is_there(const mg_directory *directory) {
    static const char *const names[] = {"metrics.jsonl", "model.h5", "path.jsonl", "checkpoints", "begun.h5"};
    bool any = false;
    for (size_t i = 0; !any && i < sizeof names / sizeof *names; i++)
        any = mg_directory_holds(directory, names[i]);
    return any;
}

// ---- files --------------------------------------------------------------------------------------

static bool is_result(const char *name, size_t length) {
    bool found = false;
    for (int i = 0; i < MG_RUN_RESULTS; i++)
        found = found || (strlen(mg_run_results[i]) == length && !strncmp(name, mg_run_results[i], length));
    return found;
}

// step-N.h5, where N has at least 12 digits.
static bool is_checkpoint(const char *name, size_t length) {
    if (strncmp(name, "step-", 5)) return false;
    size_t digits = strspn(name + 5, "0123456789");
    return digits >= 12 && length == 5 + digits + 3 && !strncmp(name + 5 + digits, ".h5", 3);
}

static bool is_own_config(const mg_directory *directory, const char *name) {
    static const char mark[] = MG_RUN_CONFIG_MARK;
    char text[sizeof mark - 1];
    int fd;
    if (mg_directory_open_file(directory, name, &fd, NULL)) return false;
    bool same = pread(fd, text, sizeof text, 0) == (ssize_t)sizeof text && !memcmp(text, mark, sizeof text);
    close(fd);
    return same;
}

bool mg_run_is_own_file(const mg_directory *directory, const char *name) {
    size_t length = strlen(name);
    if (!strcmp(name, "config.yaml")) return is_own_config(directory, name);
    if (mg_directory_is_leftover(name, "")) { // NAME.NUMBER.tmp: only NAME is compared
        length -= strlen(".tmp");
        while (name[length - 1] != '.') length--;
        length--;
    }
    return !strcmp(name, "lock") || is_result(name, length) || is_checkpoint(name, length);
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

mg_run_fold_kind mg_run_kind_of_fold(const mg_directory *parent, const char *name) {
    mg_directory *fold;
    mg_origin origin;
    char line[MG_RUN_NAME_TEXT + 16];
    if (!mg_run_is_fold_name(name) || mg_directory_open_own(parent, name, false, &fold, NULL))
        return MG_RUN_NO_FOLD;
    snprintf(line, sizeof line, "\ncv.fold: %s\n", name + 5);
    bool any = mg_run_is_there(fold) || mg_directory_holds(fold, MG_RUN_PREVIOUS) ||
               mg_directory_holds(fold, MG_RUN_GATHERING);
    mg_run_fold_kind kind = any ? MG_RUN_OTHER_RUN : MG_RUN_NO_FOLD;
    if (kind && !mg_checkpoint_origin_read(fold, "begun.h5", &origin, NULL)) {
        if (strstr(origin.config, line)) kind = MG_RUN_OWN_FOLD;
        mg_checkpoint_origin_clear(&origin);
    }
    mg_directory_close(fold);
    return kind;
}
