// version.c - the versions of margin and of all libraries, for bug reports.
#include "base/cpu.h"
#include "config/yaml.h"
#include "io/h5.h"
#include "io/input.h"
#include "kernel/kernel.h"

#include <margin/version.h>

#include <stdio.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

mg_status mg_version_text(char *out, size_t size, mg_error *error) {
    const mg_kernel *kernel;
    const char *bound;
    char hdf5[32], cpu[128];
    int threads = mg_cpu_usable_threads(&bound);
    mg_h5_version(hdf5, sizeof hdf5);
    mg_cpu_model(cpu, sizeof cpu);
    mg_status status = mg_kernel_select(&kernel, error);
    if (status) return status;
    int length = snprintf(
        out, size,
        "margin    %s\nHDF5      %s\nlibyaml   %s\nzlib      %s\ncompiler  %s\nprocessor %s\nkernel    %s\n"
        "threads   %d (%s)\n",
        MG_VERSION, hdf5, mg_yaml_library_version(), mg_input_zlib_version(), COMPILER, cpu, kernel->name,
        threads, bound);
    if (length < 0 || (size_t)length >= size)
        return mg_fail(error, MG_USAGE, "the versions need %d bytes, not %zu", length + 1, size);
    return MG_OK;
}
