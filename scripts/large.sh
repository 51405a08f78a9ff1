#!/usr/bin/env bash
# large.sh - trains on more than 2^31 stored values: scripts/large.sh [directory for about 9 GB, default
# build/large]. Dense rows must give the same model streamed and in memory (4 GB); sparse rows are only
# streamed. Every row must be classified correctly, because the data are separable.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" python3 python3-h5py time
work=${1:-build/large}
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target margin_cli | grep -vE '^\[|Consolidate' ||
    test "${PIPESTATUS[0]}" = 0
mkdir -p "$work"
trap 'rm -f "$work"/dense.h5 "$work"/sparse.h5' EXIT

# train FORM NAME MEMORY_LIMIT
train() {
    /usr/bin/time -f "$2: %e s, %M kB at most" build/margin train \
        --quiet --overwrite --set data.train="$work/$1.h5" \
        --set data.memory_limit="$3" --set sgd.eta=1e-6 --set train.epochs=1 --set train.batch=1000 \
        --set output.directory="$work/$2"
    build/margin info "$work/$2/model.h5" >"$work/$2/model.txt"
    grep -E "objective|trained on" "$work/$2/model.txt"
}
for form in dense sparse; do
    /usr/bin/python3 scripts/large_rows.py "$work/$form.h5" $form
    train $form $form-streamed 300MB
    [ $form = sparse ] || train $form $form-memory 0
    build/margin eval "$work/$form-streamed/model.h5" "$work/$form.h5" | grep -i accuracy
    rm "$work/$form.h5"
done
cmp "$work/dense-streamed/model.h5" "$work/dense-memory/model.h5"
echo "streamed and in memory: the same model"
