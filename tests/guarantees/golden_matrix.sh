#!/bin/sh
# golden_matrix.sh - builds margin with every compiler at -O0 and -O2; the weights must have the hashes of
# golden.txt. The tests of the presets include test_golden too: -O3 in release and clang, -O1 in sanitize and
# fuzz. Folders that do no arithmetic come from the libmargin.a of another build.
#
#     golden_matrix.sh SOURCE LIBRARY        takes minutes; run by ctest --preset release -C Matrix -L matrix
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/margin-matrix-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
builds=0
for compiler in gcc clang; do
    command -v $compiler >/dev/null || { echo "$compiler is not installed"; exit 77; }
    for level in -O0 -O2; do
        { cmake -S "$1" -B "$work/build" -DCMAKE_BUILD_TYPE=Matrix -DCMAKE_C_COMPILER=$compiler \
            -DCMAKE_C_FLAGS_MATRIX=$level -DMARGIN_REST="$2" &&
            cmake --build "$work/build" --target test_golden -j 2 &&
                MARGIN_FEW=1 "$work/build/tests/test_golden"; } >"$work/log" 2>&1 ||
            { echo "$compiler $level:"; tail -30 "$work/log"; exit 1; }
        builds=$((builds + 1))
        echo "$compiler $level: $(grep 'one hash' "$work/log")"
        rm -rf "$work/build"
    done
done
echo "$builds builds: the same hashes"
