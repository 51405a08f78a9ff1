# packages.sh - to be sourced by other scripts: installs missing Debian packages, with sudo unless the user is
# root.

packages_need() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    echo "installing: ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
        -y -qq --no-install-recommends "${missing[@]}" >&2
}

packages_build=(gcc libc6-dev make cmake pkg-config libhdf5-dev libyaml-dev zlib1g-dev)
packages_mpi=(openmpi-bin libopenmpi-dev)
packages_peers=(python3 python3-h5py python3-numpy python3-scipy python3-sklearn python3-torch
    liblinear-tools libocas-tools fasttext time)
packages_arm=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)
packages_test=(clang clang-format libclang-rt-dev libcmocka-dev libblas-dev python3 python3-h5py
    liblinear-tools python3-sklearn g++ procps strace util-linux hdf5-tools python3-hdf5plugin chromium
    help2man mandoc zsh fish iproute2 "${packages_arm[@]}" "${packages_mpi[@]}")
packages_release=(lintian)
packages_python=(python3 python3-venv python3-pip python3-pytest python3-numpy python3-scipy python3-sklearn
    python3-pandas python3-h5py)
