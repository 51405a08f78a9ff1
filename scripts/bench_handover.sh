#!/usr/bin/env bash
# bench_handover.sh - compares train.solver auto with dual and newton alone, to a certified gap, on data sets
# and on random shapes, by user CPU seconds on one thread. Installs and builds what it needs, prints a
# Markdown table. Arguments: names of problems; none: all. Environment: CS ("0.01 1 100"), TOLERANCE (1e-3),
# TIMEOUT (60 CPU seconds per run), ROUNDS (1), SOLVERS ("dual newton auto"), DATA (../shared/data), BUILD
# (build).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" python3 python3-h5py python3-numpy python3-scipy dataset-fashion-mnist
build=${BUILD:-build}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMARGIN_TESTS=OFF >/dev/null
cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
/usr/bin/python3 -B scripts/peers/handover.py "$build/margin" "$build/handover" "$@"
