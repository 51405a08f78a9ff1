#!/usr/bin/env bash
# fuzz.sh - runs every fuzz target for a while: scripts/fuzz.sh [seconds, default 60] [target ...]. Findings
# are stored in build-fuzz/found; the corpus is stored in build-fuzz/corpus, from which the next run starts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" "${packages_test[@]}"
seconds=${1:-60}
shift $(($# > 0))
[ $# -gt 0 ] || set -- config set svmlight csv text idx npy npz safetensors mtx seal lzf forge

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$(nproc)" | grep -vE '^\[|Scanning|Consolidate' || test "${PIPESTATUS[0]}" = 0
mkdir -p build-fuzz/seeds build-fuzz/found
build-fuzz/tests/fuzz_replay --write build-fuzz/seeds

# A small quarantine: the memory limit is meant for memory that the target uses, not for memory that it has
# freed.
export ASAN_OPTIONS=quarantine_size_mb=8
fuzz_target() {
    local target=$1 seeds=() failed=0
    for directory in "tests/corpus/$target" "tests/fuzz/corpus/$target" "build-fuzz/seeds/$target"; do
        [ ! -d "$directory" ] || seeds+=("$directory")
    done
    [ "$target" != config ] || seeds+=(configs)
    mkdir -p "build-fuzz/corpus/$target"
    build-fuzz/tests/fuzz_"$target" -max_total_time="$seconds" -rss_limit_mb=512 -timeout=5 -max_len=4096 \
        -print_final_stats=1 \
        -artifact_prefix="build-fuzz/found/$target-" "build-fuzz/corpus/$target" "${seeds[@]}" \
        >"build-fuzz/$target.log" 2>&1 || failed=1
    runs=$(awk '/number_of_executed_units/ { print $2 }' "build-fuzz/$target.log")
    rss=$(awk '/peak_rss_mb/ { print $2 }' "build-fuzz/$target.log")
    covered=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "build-fuzz/$target.log" | tail -1)
    echo "$target: ${runs:-?} inputs in $seconds s, ${covered:-?} edges, at most ${rss:-?} MB"
    [ $failed = 0 ] || echo "$target: failed (build-fuzz/$target.log; the inputs are in build-fuzz/found)"
    return $failed
}
export -f fuzz_target
export seconds
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'fuzz_target {}'
