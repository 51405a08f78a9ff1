#!/bin/sh
# golden_matrix.sh - builds margin with every compiler at every optimisation level; the weights must have the
# hashes of golden.txt. Builds with -O3 are covered by the presets release and clang, whose tests include
# test_golden.
#
#     golden_matrix.sh SOURCE        takes minutes; run by ctest --preset release -C Matrix -L matrix
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
