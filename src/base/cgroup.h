// cgroup.h - the limits that control groups (v1 and v2) set for this process. `root` is put before every path
// that is read: "" for the real system; tests pass a directory with their own /proc and /sys.
#ifndef MG_BASE_CGROUP_H
#define MG_BASE_CGROUP_H

#include <stdint.h>

// Number of processors that the process may use (quota / period): the minimum over its group and all groups
// above. Infinity if no quota is set.
double mg_cgroup_processors(const char *root);

// Number of processes and threads that the process may still start: the minimum over its group and all groups
// above. INT64_MAX if there is no limit.
int64_t mg_cgroup_processes(const char *root);

// Bytes of memory that can still be used below the limit: the minimum over its group and all groups above.
// INT64_MAX if there is no limit. Inactive page cache counts as free, because the kernel drops it before it
// refuses memory.
int64_t mg_cgroup_memory(const char *root);

// The same, but active page cache also counts as free: an upper bound of what can be allocated.
int64_t mg_cgroup_memory_at_most(const char *root);

// The lowest memory limit of its group and all groups above, in bytes; INT64_MAX if there is none.
int64_t mg_cgroup_memory_limit(const char *root);

// Resident bytes of this process that are not backed by a file; -1 if unknown.
int64_t mg_cgroup_own_memory(const char *root);

// MemAvailable of /proc/meminfo in bytes; INT64_MAX if unknown.
int64_t mg_cgroup_system_memory(const char *root);

#endif
