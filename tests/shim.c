// shim.c - a library for LD_PRELOAD: simulates another libhdf5, memory that runs out, other control groups,
// and another floating-point mode.
//
//     SHIM_HDF5=unsafe          the HDF5 library is not thread-safe
//     SHIM_HDF5=1.8.22          the HDF5 library has this version
//     SHIM_MEMORY=7             margin's 7th allocation fails (only margin uses posix_memalign)
//     SHIM_MEMORY=7+            this allocation and all later ones fail
//     SHIM_ROOT=/directory      /proc/self/ and /sys/fs/cgroup/ are read from this directory
//     SHIM_FLOCK=37             flock() fails with this errno
//     SHIM_SLOW=0.5             each pread() of at least 16 kB takes half a second longer
//     SHIM_APPEAR=report.html   another program writes this file when a text is begun (open_memstream)
//     SHIM_FLOAT=flush          denormals are flushed to zero, as by a library built with -ffast-math
//     SHIM_FLOAT=up             results are rounded up
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

__attribute__((constructor)) static void set_float_mode(void) {
    const char *mode = getenv("SHIM_FLOAT");
    if (mode && !strcmp(mode, "up")) fesetround(FE_UPWARD);
#if defined(__x86_64__)
    if (mode && !strcmp(mode, "flush")) _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
    if (mode && !strcmp(mode, "flush")) __asm__ volatile("msr fpcr, %0" : : "r"(1ULL << 24));
#endif
}

int H5is_library_threadsafe(_Bool *safe);
int H5get_libversion(unsigned *major, unsigned *minor, unsigned *release);

int H5is_library_threadsafe(_Bool *safe) {
    const char *other = getenv("SHIM_HDF5");
    *safe = !other || strcmp(other, "unsafe") != 0;
    return 0;
}

int H5get_libversion(unsigned *major, unsigned *minor, unsigned *release) {
    const char *other = getenv("SHIM_HDF5");
    if (other && sscanf(other, "%u.%u.%u", major, minor, release) == 3) return 0;
    int (*real)(unsigned *, unsigned *, unsigned *);
    *(void **)&real = dlsym(RTLD_NEXT, "H5get_libversion");
    return real(major, minor, release);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    static _Atomic long calls;
    const char *at = getenv("SHIM_MEMORY");
    char *rest = NULL;
    long fails = at ? strtol(at, &rest, 10) : 0, call = atomic_fetch_add(&calls, 1) + 1;
    if (fails && (call == fails || (call > fails && *rest == '+'))) return ENOMEM;
    *out = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    return *out ? 0 : ENOMEM;
}

int flock(int fd, int operation) {
    int (*real)(int, int);
    const char *reason = getenv("SHIM_FLOCK");
    *(void **)&real = dlsym(RTLD_NEXT, "flock");
    if (!reason) return real(fd, operation);
    errno = (int)strtol(reason, NULL, 10);
    return -1;
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at) {
    ssize_t (*real)(int, void *, size_t, off_t);
    const char *seconds = getenv("SHIM_SLOW");
    *(void **)&real = dlsym(RTLD_NEXT, "pread");
    if (seconds && size >= 16384) usleep((useconds_t)(1e6 * strtod(seconds, NULL)));
    return real(fd, bytes, size, at);
}

FILE *open_memstream(char **text, size_t *bytes) {
    FILE *(*real)(char **, size_t *);
    const char *path = getenv("SHIM_APPEAR");
    FILE *file = path ? fopen(path, "w") : NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "open_memstream");
    if (file) fputs("theirs\n", file);
    if (file) fclose(file);
    return real(text, bytes);
}

FILE *fopen(const char *path, const char *mode) {
    FILE *(*real)(const char *, const char *);
    char other[PATH_MAX];
    const char *root = getenv("SHIM_ROOT");
    *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    if (!root || (strncmp(path, "/proc/self/", 11) != 0 && strncmp(path, "/sys/fs/cgroup/", 15) != 0))
        return real(path, mode);
    snprintf(other, sizeof other, "%s%s", root, path);
    return real(other, mode);
}
