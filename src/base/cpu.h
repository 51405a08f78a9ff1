// cpu.h - how many cores and how much memory this process may use, and which instructions the processor has.
#ifndef MG_BASE_CPU_H
#define MG_BASE_CPU_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// Default number of threads, at least 1: the minimum of the affinity mask, the cgroup (v1 or v2) CPU quota
// rounded up, and OMP_NUM_THREADS. *why (`why` may be NULL) becomes the name of the limit that decided:
// "affinity", "cgroup quota" or "OMP_NUM_THREADS".
int mg_cpu_usable_threads(const char **why);

// Largest number of threads, the calling one included, that the control group's limit on processes allows.
int64_t mg_cpu_allowed_threads(void);

// Bytes that this process can still allocate: the minimum of MemAvailable and of what remains below the
// cgroup's limit.
int64_t mg_cpu_available_memory(void);

bool mg_cpu_has_avx2(void);   // AVX2, FMA and F16C
bool mg_cpu_has_avx512(void); // AVX-512 F, BW, DQ and VL

// Name of the processor as the system reports it, or "unknown".
void mg_cpu_model(char *out, int size);

#endif
