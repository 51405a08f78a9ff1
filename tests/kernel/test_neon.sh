#!/bin/sh
# test_neon.sh - the kernels of 64-bit ARM give the bits of the reference: cross-compiles them with
# test_kernel.c, and runs that under qemu. Skipped (77) without a cross compiler or an emulator, and on ARM,
# where test_kernel runs directly.
set -eu

root=$(readlink -f "$(dirname "$0")/../..")
compiler=aarch64-linux-gnu-gcc
emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
    { echo "skipped: no qemu-aarch64"; exit 77; }
command -v $compiler >/dev/null || { echo "skipped: no $compiler"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=c17 -O2 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno"
flags="$flags -Wall -Wextra -Wconversion -Wshadow -Werror"
for source in "$root"/src/kernel/*.c "$root"/src/base/*.c "$root"/src/rows/store.c; do
    # shellcheck disable=SC2086 # flags are several words
    $compiler $flags -I"$root/src" -I"$root/include" -c "$source" -o "$work/$(basename "$source" .c).o"
done
# shellcheck disable=SC2086
$compiler $flags -Wno-conversion -I"$root/tests/kernel/cross" -I"$root/src" -I"$root/include" \
    "$root/tests/kernel/test_kernel.c" "$work"/*.o \
    -static -lm -o "$work/test_kernel"
"$emulator" "$work/test_kernel"
