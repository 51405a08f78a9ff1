#!/bin/bash
# build.sh - builds and installs margin into a conda environment.
set -euo pipefail

# Debian calls the serial HDF5 hdf5-serial; in conda it is hdf5.
mkdir -p names
[ -e "$PREFIX/lib/pkgconfig/hdf5-serial.pc" ] || cp "$PREFIX/lib/pkgconfig/hdf5.pc" names/hdf5-serial.pc
export PKG_CONFIG_PATH="$PWD/names:$PREFIX/lib/pkgconfig"

cmake -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib \
    -DMARGIN_TESTS=OFF -DMARGIN_WERROR=OFF
cmake --build build -j "${CPU_COUNT:-2}"
cmake --install build
