#!/usr/bin/env bash
# test.sh - builds margin and runs every test, also those of the Python package. With --all: also the tests
# that tests/CMakeLists.txt chooses for clang and for AddressSanitizer and UBSan of both compilers, the hashes
# of the weights at every optimisation level, and whole runs on 64-bit ARM under an emulator.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" "${packages_test[@]}" dataset-fashion-mnist

test_preset() {
    echo "== $1"
    local mpi=OFF
    [ "$1" != release ] || mpi=ON
    cmake --preset "$1" -DMARGIN_TESTS=ON -DMARGIN_MPI=$mpi >/dev/null
    cmake --build --preset "$1" -j "$(nproc)" | grep -vE '^\[|Scanning|Consolidate' ||
        test "${PIPESTATUS[0]}" = 0
    ctest --preset "$1" -j "$(($(nproc) + 1))" # some tests wait most of the time
}

test_preset release
if [ "${1:-}" != --all ]; then
    exec scripts/test_python.sh
fi
for preset in clang sanitize fuzz; do test_preset $preset; done
# At the same time, because both wait for downloads.
scripts/test_python.sh >build/test_python.log 2>&1 &
trap 'kill $! 2>/dev/null || true' EXIT
ctest --preset release -C Matrix -L matrix
scripts/arm.sh
trap - EXIT
wait $! || { cat build/test_python.log; exit 1; }
cat build/test_python.log
