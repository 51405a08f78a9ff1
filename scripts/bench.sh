#!/usr/bin/env bash
# bench.sh - compares margin with OpenBLAS and PyTorch on Fashion-MNIST: installs and builds what it needs,
# and prints a Markdown table.
#   scripts/bench.sh [THREADS]       BUILD=DIRECTORY builds there instead of in build/
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" dataset-fashion-mnist libopenblas-dev python3-torch python3-h5py \
    python3-numpy time

build=${BUILD:-build}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMARGIN_TESTS=OFF >/dev/null
cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
work=$build/bench
mkdir -p "$work"

read -ra flags <<<"$(pkg-config --cflags --libs openblas hdf5-serial yaml-0.1 zlib)"
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -Wall -Wextra -Isrc -Iinclude -I"$build/generated" \
    scripts/bench_gemm.c "$build/libmargin.a" \
    "${flags[@]}" -lpthread -lm -o "$work/bench_gemm"

images=/usr/share/datasets/fashion-mnist
for part in train t10k; do
    "$build/margin" convert --format idx $images/$part-images-idx3-ubyte.gz \
        $images/$part-labels-idx1-ubyte.gz "$work/$part.h5" --overwrite >&2
done
/usr/bin/python3 scripts/bench_sgd.py "$build/margin" "$work/bench_gemm" "$work/train.h5" "$work" "$@"
