#!/usr/bin/env bash
# soak.sh - random configurations, killed, stopped and starved of disk at random, resumed, and compared with runs that were left alone.
#   scripts/soak.sh [MINUTES] [SEED]     default: 60 minutes from a random seed; 0 minutes is one run, to repeat a seed that was told
#                                        BUILD=DIRECTORY builds elsewhere than in build/
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" python3

build=${BUILD:-build}
[ -e "$build/CMakeCache.txt" ] || cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMARGIN_TESTS=OFF >/dev/null
cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
exec python3 -B tests/guarantees/soak.py "$build/margin" "$@"
