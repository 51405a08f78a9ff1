#!/usr/bin/env bash
# bench_solvers.sh - measures the seconds of training to a certified optimum, with margin on one thread and on
# all, and with LIBLINEAR to the same gap; for the softmax loss with scikit-learn. Installs and builds what it
# needs, and prints Markdown tables. The machine should be otherwise idle.
# Environment: PROBLEMS ("fashion-mnist mnist news20 news20-counts languages softmax"), ROUNDS (5), TIMEOUT
# (300 seconds per run), SCALE (1; with less, that share of the rows, for a trial), DATA (../shared/data:
# mnist and news20, left out if missing), BUILD (build).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" python3 python3-h5py python3-numpy python3-scipy python3-sklearn \
    liblinear-tools time dataset-fashion-mnist
build=${BUILD:-build}
read -ra problems <<<"${PROBLEMS:-fashion-mnist mnist news20 news20-counts languages softmax}"
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMARGIN_TESTS=OFF >/dev/null
cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
case " ${problems[*]} " in
*" languages "*) [ -e data/languages_train.h5 ] || scripts/make_languages.sh ;;
esac
mkdir -p "$build/peers"
hinges=()
for problem in "${problems[@]}"; do [ "$problem" = softmax ] || hinges+=("$problem"); done
if [ ${#hinges[@]} -gt 0 ]; then
    /usr/bin/python3 -B scripts/peers/solvers.py "$build/margin" "$build/peers" "${hinges[@]}"
fi
if [ ${#hinges[@]} -lt ${#problems[@]} ]; then
    /usr/bin/python3 -B scripts/peers/softmax.py "$build/margin" "$build/peers"
fi
