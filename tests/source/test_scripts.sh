#!/bin/sh
# test_scripts.sh - every shell and Python script of the project parses, including those that no test runs.
# Without bash or python3 its scripts are left out; skipped (77) without both.
set -eu

root=$(dirname "$0")/../..
looked=0
if command -v bash >/dev/null; then
    for script in "$root"/scripts/*.sh "$root"/tests/*/*.sh; do
        bash -n "$script"
    done
    looked=1
fi
if command -v python3 >/dev/null; then
    python3 -B - "$root"/scripts/*.py "$root"/scripts/peers/*.py "$root"/tests/*/*.py <<'P'
import sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        compile(file.read(), path, "exec")
P
    looked=1
fi
[ $looked = 1 ] || { echo "skipped: neither bash nor python3"; exit 77; }
