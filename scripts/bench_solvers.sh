#!/usr/bin/env bash
# bench_solvers.sh - seconds of training to a certified optimum, margin on one thread and on all, next to LIBLINEAR to the same gap:
# installs and builds what it needs, prints a Markdown table. The machine should be otherwise idle.
# Environment: PROBLEMS ("fashion-mnist mnist news20 news20-counts languages"), ROUNDS (5), TIMEOUT (300, seconds of a run), SCALE (1; with
# less, a share of the rows, to try it out), DATA (../shared/data: mnist and news20, left out when absent), BUILD (build).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" python3 python3-h5py python3-numpy python3-scipy liblinear-tools time dataset-fashion-mnist
build=${BUILD:-build}
read -ra problems <<<"${PROBLEMS:-fashion-mnist mnist news20 news20-counts languages}"
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMARGIN_TESTS=OFF >/dev/null
cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
case " ${problems[*]} " in
*" languages "*) [ -e data/languages_train.h5 ] || scripts/make_languages.sh ;;
esac
mkdir -p "$build/peers"
/usr/bin/python3 -B scripts/peers/solvers.py "$build/margin" "$build/peers" "${problems[@]}"
