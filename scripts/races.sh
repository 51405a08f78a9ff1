#!/usr/bin/env bash
# races.sh - builds margin with ThreadSanitizer and runs the tests that use threads. One test has a data race
# on purpose, which must be found.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" "${packages_test[@]}"
cmake --preset tsan >/dev/null
cmake --build --preset tsan -j "$(nproc)" | grep -vE '^\[|Scanning|Consolidate' || test "${PIPESTATUS[0]}" = 0
# If the kernel randomises addresses more than clang 14's shadow memory allows, programs must start without
# randomisation.
fixed=()
! setarch "$(uname -m)" -R true 2>/dev/null || fixed=(setarch "$(uname -m)" -R)
"${fixed[@]}" ctest --preset tsan -j "$(nproc)"
