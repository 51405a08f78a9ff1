#!/bin/sh
# golden_matrix.sh - margin built anew by every compiler at every level of optimisation: the weights keep the hashes of golden.txt. What
# is built with -O3 are the presets release and clang: test_golden is one of their tests.
#
#     golden_matrix.sh SOURCE        some minutes; ctest --preset release -C Matrix -L matrix runs it
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/margin-matrix-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
builds=0
for compiler in gcc clang; do
    command -v $compiler >/dev/null || { echo "$compiler is not installed"; exit 77; }
    for level in -O0 -O1 -O2; do
        { cmake -S "$1" -B "$work/build" -DCMAKE_BUILD_TYPE=Matrix -DCMAKE_C_COMPILER=$compiler -DCMAKE_C_FLAGS_MATRIX=$level &&
            cmake --build "$work/build" --target test_golden -j 2 && "$work/build/tests/test_golden" few; } >"$work/log" 2>&1 ||
            { echo "$compiler $level:"; tail -30 "$work/log"; exit 1; }
        builds=$((builds + 1))
        echo "$compiler $level: $(grep 'one hash' "$work/log")"
        rm -rf "$work/build"
    done
done
echo "$builds builds: the same hashes"
