// cgroup.c - reads the limits of control groups. Nothing here fails: a file that is missing or cannot be
// parsed sets no limit.
#include "base/cgroup.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Where a cgroup hierarchy is mounted, and the group of this process in it.
typedef struct place {
    bool unified;         // the hierarchy is cgroup v2
    char mount[PATH_MAX]; // topmost visible directory of the hierarchy; starts with `root`
    char group[PATH_MAX]; // path below `mount`: "" or "/a/b"
} place;

// Returns true if `word` is one of the comma-separated words of `list`.
static bool has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, word, n) && (at[n] == ',' || at[n] == '\0')) return true;
    }
    return false;
}

static bool format_path(char out[PATH_MAX], const char *a, const char *b) {
    int n = snprintf(out, PATH_MAX, "%s%s", a, b);
    return n >= 0 && n < PATH_MAX;
}

static FILE *open_below(const char *directory, const char *name) {
    char path[PATH_MAX];
    return format_path(path, directory, name) ? fopen(path, "re") : NULL;
}

// Finds this process's path in the v1 hierarchy of `controller`, or in the v2 hierarchy if `controller` is
// "".
static bool find_group(const char *root, const char *controller, char out[PATH_MAX]) {
    FILE *file = open_below(root, "/proc/self/cgroup");
    if (!file) return false;
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    // A line is "4:cpu,cpuacct:/path" (v1) or "0::/path" (v2).
    while (!found && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path) continue;
        *path++ = '\0';
        list++;
        bool wanted = *controller ? has_word(list, controller) : *list == '\0';
        found = wanted && *path == '/' && format_path(out, path, "");
    }
    free(line);
    fclose(file);
    return found;
}

// Parses a line of mountinfo. Returns true if it mounts the wanted hierarchy; *point becomes the mount point,
// and *within the group that is visible there.
static bool parse_mount(char *line, const char *controller, char **within, char **point) {
    char *kind = strstr(line, " - ");
    if (!kind) return false;
    *kind = '\0';
    char *save, *word = strtok_r(line, " ", &save); // fields: id parent device root point options ...
    for (int i = 0; word && i < 3; i++) word = strtok_r(NULL, " ", &save);
    *within = word;
    *point = word ? strtok_r(NULL, " ", &save) : NULL;
    char *type = strtok_r(kind + 3, " \n", &save), *source = type ? strtok_r(NULL, " \n", &save) : NULL;
    char *options = source ? strtok_r(NULL, " \n", &save) : NULL;
    if (!*point || !options) return false;
    return *controller ? !strcmp(type, "cgroup") && has_word(options, controller) : !strcmp(type, "cgroup2");
}

// The path of `group` relative to `within`. A group outside of the mount (in another namespace) counts as the
// top of the mount.
static const char *below(const char *group, const char *within) {
    size_t n = strcmp(within, "/") ? strlen(within) : 0;
    if (strncmp(group, within, n) || (group[n] && group[n] != '/') || strstr(group, "/..")) return "";
    return strcmp(group + n, "/") ? group + n : "";
}

static bool find_place(const char *root, const char *controller, place *out) {
    char group[PATH_MAX];
    if (!find_group(root, controller, group)) return false;
    FILE *file = open_below(root, "/proc/self/mountinfo");
    if (!file) return false;
    char *line = NULL, *within, *point;
    size_t size = 0;
    bool found = false;
    while (!found && getline(&line, &size, file) > 0)
        if (parse_mount(line, controller, &within, &point))
            found = format_path(out->mount, root, point) && format_path(out->group, below(group, within), "");
    out->unified = !*controller;
    free(line);
    fclose(file);
    return found;
}

// Reads the first line of a group's file, without its newline.
static bool read_line(const place *at, const char *name, char *out, int size) {
    char directory[PATH_MAX];
    FILE *file = format_path(directory, at->mount, at->group) ? open_below(directory, name) : NULL;
    if (!file) return false;
    bool read = fgets(out, size, file) != NULL;
    fclose(file);
    if (read) out[strcspn(out, "\n")] = '\0';
    return read;
}

// Reads a file of a group that contains one number. Returns -1 if it contains "max" or is missing.
static int64_t read_number(const place *at, const char *name) {
    char text[64], *end;
    if (!read_line(at, name, text, sizeof text)) return -1;
    long long value = strtoll(text, &end, 10);
    return end != text && *end == '\0' && value >= 0 ? value : -1;
}

// The value of `key` in a group's memory.stat; 0 if the key is missing.
static int64_t read_memory_stat(const place *at, const char *key) {
    char directory[PATH_MAX], line[256];
    FILE *file = format_path(directory, at->mount, at->group) ? open_below(directory, "/memory.stat") : NULL;
    if (!file) return 0;
    size_t n = strlen(key);
    long long value = 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, n) && line[n] == ' ') value = strtoll(line + n, NULL, 10);
    fclose(file);
    return value > 0 ? value : 0;
}

static double processors_of(const place *at) {
    double quota = -1, period = -1;
    if (at->unified) {
        char text[64];
        if (!read_line(at, "/cpu.max", text, sizeof text) || sscanf(text, "%lf %lf", &quota, &period) != 2)
            return INFINITY;
    } else {
        quota = (double)read_number(at, "/cpu.cfs_quota_us");
        period = (double)read_number(at, "/cpu.cfs_period_us");
    }
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

// The memory limit of one group. memory.high counts as a limit too: above it the kernel does not kill the
// process, but slows it down until it hardly makes progress.
static double memory_limit_of(const place *at) {
    int64_t limit = read_number(at, at->unified ? "/memory.max" : "/memory.limit_in_bytes");
    int64_t high = at->unified ? read_number(at, "/memory.high") : -1;
    if (high >= 0 && (limit < 0 || high < limit)) limit = high;
    return limit < 0 || limit >= INT64_MAX / 2 ? INFINITY
                                               // v1 reports a huge number where v2 reports "max"
                                               : (double)limit;
}

static double memory_beside(const place *at, bool all_files) {
    double limit = memory_limit_of(at);
    int64_t use = read_number(at, at->unified ? "/memory.current" : "/memory.usage_in_bytes");
    if (isinf(limit)) return INFINITY;
    int64_t idle = read_memory_stat(at, at->unified ? "inactive_file" : "total_inactive_file");
    if (all_files) idle += read_memory_stat(at, at->unified ? "active_file" : "total_active_file");
    if (use < 0) use = 0;
    use = use > idle ? use - idle : 0;
    return limit > (double)use ? limit - (double)use : 0;
}

static double memory_of(const place *at) { return memory_beside(at, false); }

static double memory_at_most_of(const place *at) { return memory_beside(at, true); }

// The minimum of `limit_of` over the process's group and all groups above it, in v1 and v2.
static double least(const char *root, const char *controller, double (*limit_of)(const place *)) {
    const char *hierarchies[] = {controller, ""};
    double result = INFINITY;
    for (int i = 0; i < 2; i++) {
        place at;
        if (!find_place(root, hierarchies[i], &at)) continue;
        for (;;) {
            result = fmin(result, limit_of(&at));
            char *last = strrchr(at.group, '/');
            if (!last) break;
            *last = '\0';
        }
    }
    return result;
}

static double processes_of(const place *at) {
    int64_t limit = read_number(at, "/pids.max"), use = read_number(at, "/pids.current");
    if (limit < 0) return INFINITY;
    return limit > use ? (double)(use < 0 ? limit : limit - use) : 0;
}

int64_t mg_cgroup_processes(const char *root) {
    double processes = least(root, "pids", processes_of);
    return processes < 0x1p62 ? (int64_t)processes : INT64_MAX;
}

double mg_cgroup_processors(const char *root) { return least(root, "cpu", processors_of); }

static int64_t whole_bytes(double bytes) { return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX; }

int64_t mg_cgroup_memory(const char *root) { return whole_bytes(least(root, "memory", memory_of)); }

int64_t mg_cgroup_memory_at_most(const char *root) {
    return whole_bytes(least(root, "memory", memory_at_most_of));
}

int64_t mg_cgroup_memory_limit(const char *root) {
    return whole_bytes(least(root, "memory", memory_limit_of));
}

int64_t mg_cgroup_own_memory(const char *root) {
    FILE *file = open_below(root, "/proc/self/statm");
    if (!file) return -1;
    long long size, resident, shared;
    bool read = fscanf(file, "%lld %lld %lld", &size, &resident, &shared) == 3;
    fclose(file);
    return read && resident > shared ? (resident - shared) * sysconf(_SC_PAGESIZE) : -1;
}

int64_t mg_cgroup_system_memory(const char *root) {
    FILE *file = open_below(root, "/proc/meminfo");
    if (!file) return INT64_MAX;
    char line[256];
    long long kib = -1;
    while (kib < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) != 1) kib = -1;
    fclose(file);
    return kib >= 0 && kib < INT64_MAX / 1024 ? (int64_t)kib * 1024 : INT64_MAX;
}
