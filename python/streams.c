/* streams.c - lets Debian's libhdf5.a, which is compiled for programs, be linked into a shared library.
 *
 * Its code may refer to data only within the library that contains it. The streams of the C library are the
 * only data elsewhere: the linker option --wrap makes it use these copies. */
#include <stdio.h>

extern FILE *__real_stdout, *__real_stderr;
__attribute__((visibility("hidden"))) FILE *__wrap_stdout, *__wrap_stderr;

__attribute__((constructor)) static void copy_streams(void) {
    __wrap_stdout = __real_stdout;
    __wrap_stderr = __real_stderr;
}
