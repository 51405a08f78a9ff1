#!/usr/bin/env bash
# test_python.sh - installs the Python package in virtual environments and runs its tests: with Debian's
# numpy, scipy and scikit-learn, and with the newest. Needs the package index; without it, Debian's Python
# tests the library of build/ (or of the directory in BUILD).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
packages_need "${packages_build[@]}" "${packages_python[@]}"

build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1

tests() {
    echo "== python: $1"
    timeout 1500 "$2" -m pytest -p no:cacheprovider "${3:-python/tests}" || exit 1
}

/usr/bin/python3 -m venv --system-site-packages "$work/debian"
if ! PYTHON=$work/debian/bin/python scripts/wheel.sh "$work" >"$work/log" 2>&1; then
    if ! grep -qE 'Could not find a version|NewConnectionError|Connection' "$work/log"; then
        cat "$work/log" >&2
        exit 1
    fi
    echo "skipped: the package index is not reachable," \
        "so the wheel and the newest scikit-learn are not tested"
    MARGIN_LIBRARY=$(realpath "$build/libmargin.so") PYTHONPATH=python tests \
        "Debian's scikit-learn, $build/libmargin.so" /usr/bin/python3
    exit 0
fi
"$work/debian/bin/pip" install -q --no-deps "$work"/*.whl
tests "Debian's scikit-learn" "$work/debian/bin/python"
/usr/bin/python3 -m venv "$work/newest"
if ! "$work/newest/bin/pip" install -q "$work"/*.whl pytest pandas polars h5py matplotlib anndata onnx \
    onnxruntime ml_dtypes tensorboard mlflow-skinny mypy >"$work/log" 2>&1; then
    tail -3 "$work/log"
    echo "skipped: the newest scikit-learn and its companions cannot be installed from the package index"
    exit 0
fi
tests "the newest scikit-learn" "$work/newest/bin/python"

# A wheel with copies of the shared libraries, as a system without libhdf5.a makes it, next to the HDF5 of
# h5py.
MARGIN_STATIC=OFF PYTHON=$work/debian/bin/python scripts/wheel.sh "$work/shared" >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; exit 1; }
"$work/newest/bin/pip" install -q --no-deps --force-reinstall "$work"/shared/*.whl
ls "$work"/newest/lib/python3*/site-packages/margin_svm.libs/libhdf5*-*.so* >"$work/log" ||
    { echo "the wheel has no libhdf5 of its own" >&2; exit 1; }
tests "copies of the shared libraries" "$work/newest/bin/python" python/tests/test_h5py.py
