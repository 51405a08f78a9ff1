#!/bin/sh
# headers.sh - every public header compiles alone and when included twice, as C11, C17 and C++17.
#
#     headers.sh INCLUDE_DIR [MORE_INCLUDE_DIRS]      CC and CXX name the compilers
#
# The headers are those in the folder margin of each directory.
set -u

: "${CC:=cc}"
if [ -z "${CXX:-}" ]; then
    for candidate in c++ g++ clang++; do
        if command -v "$candidate" >/dev/null 2>&1; then CXX=$candidate && break; fi
    done
fi
[ $# -gt 0 ] || { echo "usage: headers.sh INCLUDE_DIR..." >&2; exit 2; }

flags=""
for directory in "$@"; do flags="$flags -I$directory"; done
failures=0
count=0

# check COMPILER LANGUAGE STANDARD HEADER
check() {
    # C forbids an empty translation unit, and a header may contain only macros, so a typedef is added.
    # shellcheck disable=SC2086 # the compiler and the flags may be several words
    printf '#include <margin/%s>\n#include <margin/%s>\ntypedef int something;\n' "$4" "$4" |
        $1 -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Werror -fsyntax-only $flags - ||
        { echo "margin/$4 does not compile alone as $3" >&2; failures=$((failures + 1)); }
}

for directory in "$@"; do
    for path in "$directory"/margin/*.h; do
        [ -e "$path" ] || continue
        header=${path##*/}
        count=$((count + 1))
        check "$CC" c c11 "$header"
        check "$CC" c c17 "$header"
        if [ -n "${CXX:-}" ]; then check "$CXX" c++ c++17 "$header"; fi
    done
done

[ -n "${CXX:-}" ] || echo "no C++ compiler was found: C++17 was not tried"
echo "$count headers, $failures failures"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
