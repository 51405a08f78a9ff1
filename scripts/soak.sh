#!/usr/bin/env bash
# soak.sh - runs random configurations that are killed, stopped or out of disk at random, resumes them, and
# compares them with undisturbed runs.
#   scripts/soak.sh [MINUTES] [SEED]     default: 60 minutes from a random seed
#   scripts/soak.sh 0 SEED               a single round, to repeat a reported seed
# BUILD=DIRECTORY builds there instead of in build/.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" python3

build=${BUILD:-build}
[ -e "$build/CMakeCache.txt" ] || cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release \
    -DMARGIN_TESTS=OFF >/dev/null
cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
exec python3 -B tests/guarantees/soak.py "$build/margin" "$@"
