// cpu.c - asks the operating system and the processor what this process may use.
#include "base/cpu.h"

#include "base/cgroup.h"

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

bool mg_cpu_has_avx2(void) {
    // __builtin_cpu_supports also checks that the operating system saves the registers. For F16C cpuid is
    // read instead, because some compilers do not accept that name.
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

bool mg_cpu_has_avx512(void) {
    return mg_cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
bool mg_cpu_has_avx2(void) { return false; }

bool mg_cpu_has_avx512(void) { return false; }
#endif

// The number of processors in the affinity mask. The kernel refuses a mask that is too short for the machine,
// so its length is doubled until it is accepted.
static int affinity_count(void) {
    for (size_t bits = 1024; bits <= 1u << 20; bits *= 2) {
        cpu_set_t *mask = CPU_ALLOC(bits);
        if (!mask) break;
        size_t size = CPU_ALLOC_SIZE(bits);
        int count = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
        CPU_FREE(mask);
        if (count > 0) return count;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < INT_MAX ? (int)online : 1;
}

// The first number of OMP_NUM_THREADS, which may be a list with one number per nesting level. 0 if it is
// unset or not a positive number.
static int environment_threads(void) {
    const char *text = getenv("OMP_NUM_THREADS");
    if (!text) return 0;
    char *end;
    long threads = strtol(text, &end, 10);
    end += strspn(end, " \t");
    return end != text && (*end == '\0' || *end == ',') && threads > 0 && threads <= INT_MAX ? (int)threads
                                                                                             : 0;
}

int mg_cpu_usable_threads(const char **why) {
    const char *bound = "affinity";
    int threads = affinity_count();
    double quota = ceil(mg_cgroup_processors(""));
    if (quota < threads) {
        threads = (int)quota;
        bound = "cgroup quota";
    }
    int wanted = environment_threads();
    if (wanted > 0 && wanted < threads) {
        threads = wanted;
        bound = "OMP_NUM_THREADS";
    }
    if (why) *why = bound;
    return threads;
}

int64_t mg_cpu_allowed_threads(void) {
    int64_t more = mg_cgroup_processes("");
    return more < INT_MAX ? more + 1 : INT_MAX;
}

int64_t mg_cpu_available_memory(void) {
    int64_t system = mg_cgroup_system_memory(""), group = mg_cgroup_memory("");
    return system < group ? system : group;
}

void mg_cpu_model(char *out, int size) {
    snprintf(out, (size_t)size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (!file) return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (!value || strncmp(line, "model name", 10)) continue;
        line[strcspn(line, "\n")] = '\0';
        value++;
        value += strspn(value, " ");
        snprintf(out, (size_t)size, "%s", value);
        break;
    }
    fclose(file);
}
