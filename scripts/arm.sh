#!/usr/bin/env bash
# arm.sh - whole runs on 64-bit ARM: cross-compiles margin with Debian's arm64 libraries, and runs the golden
# runs and the tests of run, resume and the dual pass under qemu. The weights must have the hashes of
# golden.txt, as on x86-64.
#
#     scripts/arm.sh            downloads Debian's arm64 packages once; skipped with a message if it cannot
#     scripts/arm.sh --all      the tests as on the machine itself: more numbers of threads, more stops
#
# The libraries go to build-arm/sysroot; on the machine itself only the packages of packages.sh are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

if [ "$(uname -m)" = aarch64 ]; then
    echo "arm.sh: skipped: this machine is 64-bit ARM; scripts/test.sh runs these tests on it"
    exit 0
fi
packages_need "${packages_build[@]}" "${packages_arm[@]}" python3

sysroot=$PWD/build-arm/sysroot
emulator=$(command -v qemu-aarch64-static)
# Their dependencies, the C library included, are downloaded too.
arm64=(libhdf5-dev libyaml-dev zlib1g-dev libcmocka-dev)

# Fills the sysroot from this machine's apt sources, with a separate state and cache of apt.
fetch_sysroot() {
    local apt=$PWD/build-arm/apt link target
    rm -rf "$apt" "$sysroot"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$sysroot"
    : >"$apt/status"
    local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
        -o Dir::State::lists="$apt/lists"
        -o Dir::State::status="$apt/status" -o Dir::State::extended_states="$apt/extended"
            -o Dir::Cache="$apt"
        -o Dir::Cache::archives="$apt/archives" -o Debug::NoLocking=1 -o APT::Sandbox::User=
        -o Acquire::Retries=2 -o Acquire::http::Timeout=20)
    # A source without arm64 packages fails here; the download shows whether the needed ones were found.
    apt-get "${options[@]}" update >"$apt/log" 2>&1 || true
    apt-get "${options[@]}" install --yes --download-only --no-install-recommends \
        "${arm64[@]}" >>"$apt/log" 2>&1 || return 1
    for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
    # Links in development packages are absolute paths of an installed system; they are made relative.
    find "$sysroot" -type l -lname '/*' | while read -r link; do
        target=$(readlink "$link")
        ln -sfnr "$sysroot$target" "$link"
    done
    rm -rf "$apt"
    printf '%s\n' "${arm64[@]}" >"$sysroot/complete"
}

if ! printf '%s\n' "${arm64[@]}" | cmp -s - "$sysroot/complete"; then
    echo "arm.sh: fetching Debian's arm64 packages: ${arm64[*]}"
    if ! fetch_sysroot; then
        echo "arm.sh: skipped: the arm64 packages cannot be fetched (no network, or sources without arm64):"
        tail -n 3 build-arm/apt/log
        exit 0
    fi
fi

tests=(test_resume test_dual test_run test_golden test_float_mode) # the longest first
cmake -S . -B build-arm --toolchain "$PWD/scripts/arm.cmake" -DMARGIN_ARM_SYSROOT="$sysroot" \
    -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build-arm -j "$(nproc)" --target margin_cli "${tests[@]}" >build-arm/build.log ||
    { cat build-arm/build.log; exit 1; }

kernels=$("$emulator" -L "$sysroot" build-arm/margin list kernels)
grep -q '^ *neon' <<<"$kernels" || { echo "arm.sh: no neon kernel"; exit 1; }

[ "${1:-}" = --all ] || export MARGIN_FEW=1
run_test() {
    local name=$1 start=$SECONDS
    if "$emulator" -L "$sysroot" "build-arm/tests/$name" >"build-arm/$name.log" 2>&1; then
        echo "arm.sh: $name passed ($((SECONDS - start)) s)"
    else
        echo "arm.sh: $name FAILED on 64-bit ARM:"
        cat "build-arm/$name.log"
        return 1
    fi
}
export -f run_test
export emulator sysroot
printf '%s\n' "${tests[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run_test {}'
echo "arm.sh: on 64-bit ARM the golden runs have the hashes of tests/golden.txt," \
    "with the kernels neon and reference"
