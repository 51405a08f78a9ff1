#!/usr/bin/env bash
# test.sh - builds margin and runs every test, also those of the Python package. With --all: both compilers,
# with and without AddressSanitizer and UBSan, the hashes of the weights at every optimisation level, and whole
# runs on 64-bit ARM under an emulator.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" "${packages_test[@]}" dataset-fashion-mnist

presets=(release)
[ "${1:-}" != --all ] || presets=(release clang sanitize sanitize-clang)
for preset in "${presets[@]}"; do
    echo "== $preset"
    mpi=OFF
    [ "$preset" != release ] || mpi=ON
    cmake --preset "$preset" -DMARGIN_TESTS=ON -DMARGIN_MPI=$mpi >/dev/null
    cmake --build --preset "$preset" -j "$(nproc)" | grep -vE '^\[|Scanning|Consolidate' || test "${PIPESTATUS[0]}" = 0
    ctest --preset "$preset" -j "$(nproc)"
done
[ "${1:-}" != --all ] || ctest --preset release -C Matrix -L matrix
[ "${1:-}" != --all ] || scripts/arm.sh
scripts/test_python.sh
