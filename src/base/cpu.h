// cpu.h - how many cores may really be used, and what the processor can do.
#ifndef MG_BASE_CPU_H
#define MG_BASE_CPU_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// Threads to use when nobody says: the minimum of the affinity mask, the cgroup v1 or v2 CPU quota (rounded
// up) and OMP_NUM_THREADS; at least 1. *why (may be NULL) names what bound it: "affinity", "cgroup quota" or
// "OMP_NUM_THREADS".
int mg_cpu_usable_threads(const char **why);

// Threads of this process, one of which is there, that the control group's limit on processes has room for.
int64_t mg_cpu_allowed_threads(void);

// Bytes this process may still use: the minimum of MemAvailable and the cgroup's limit less its use.
int64_t mg_cpu_available_memory(void);

bool mg_cpu_has_avx2(void);   // AVX2, FMA and F16C
bool mg_cpu_has_avx512(void); // AVX-512 F, BW, DQ and VL

// Name of the processor as the system gives it, "unknown" otherwise.
void mg_cpu_model(char *out, int size);

#endif
