// cgroup.h - what the control groups of this process allow it, v1 and v2. `root` stands before every path
// that is read: "" for the system itself, a directory with a made-up /proc and /sys for a test.
#ifndef MG_BASE_CGROUP_H
#define MG_BASE_CGROUP_H

#include <stdint.h>

// Processors' worth of time the process may use, the minimum over its group and all groups above; infinity
// without a quota.
double mg_cgroup_processors(const char *root);

// Processes and threads the process may still start, the minimum over its group and all groups above;
// INT64_MAX without a limit.
int64_t mg_cgroup_processes(const char *root);

// Bytes left below the memory limit, the minimum over its group and all groups above; INT64_MAX without a
// limit. Page cache that is not in active use counts as free: the kernel drops it before it refuses memory.
int64_t mg_cgroup_memory(const char *root);

// The same if every page of files is dropped, in use or not: what is beyond it cannot be had.
int64_t mg_cgroup_memory_at_most(const char *root);

// The smallest memory limit itself; INT64_MAX without one.
int64_t mg_cgroup_memory_limit(const char *root);

// Bytes this process has in memory that belong to no file; -1 when nobody says.
int64_t mg_cgroup_own_memory(const char *root);

// Bytes available in the whole system, as /proc/meminfo says; INT64_MAX when it does not.
int64_t mg_cgroup_system_memory(const char *root);

#endif
