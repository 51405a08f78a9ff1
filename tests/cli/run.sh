#!/bin/sh
# run.sh - runs one case of the command line: runs CASE.sh in a temporary directory, and compares its output
# with CASE.out and CASE.err, and its exit status with CASE.exit (a missing file means no output and status
# 0).
#
#     run.sh MARGIN CASE.sh          MARGIN_BLESS=1 writes the expected files instead of comparing
#
# $HERE is the directory of lib.sh. Each case filters what depends on the machine. Exit status 77: the case
# was skipped.
set -u

[ $# -eq 2 ] || { echo "usage: run.sh MARGIN CASE.sh" >&2; exit 2; }
MARGIN=$(readlink -f "$1")
case_file=$(readlink -f "$2")
HERE=$(dirname "$case_file")
expected=${case_file%.sh}
export MARGIN HERE LC_ALL=C
unset COLUMNS ARGP_HELP_FMT OMP_NUM_THREADS

base=${TMPDIR:-/dev/shm}
[ -w "$base" ] || base=/tmp
work=$(mktemp -d "$base/margin-cli-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/run"

(cd "$work/run" && sh -u "$case_file") >"$work/out" 2>"$work/err" </dev/null
echo $? >"$work/exit"
[ "$(cat "$work/exit")" != 77 ] || { cat "$work/out" "$work/err"; exit 77; }

if [ -n "${MARGIN_BLESS:-}" ]; then
    for part in out err exit; do cp "$work/$part" "$expected.$part"; done
    [ -s "$expected.err" ] || rm "$expected.err"
    [ "$(cat "$expected.exit")" != 0 ] || rm "$expected.exit"
    exit 0
fi

failed=0
for part in out err exit; do
    wanted="$expected.$part"
    if [ ! -e "$wanted" ]; then
        wanted="$work/wanted"
        case $part in exit) echo 0 ;; *) : ;; esac >"$wanted"
    fi
    diff -u --label "expected $part" --label "$part" "$wanted" "$work/$part" || failed=1
done
exit $failed
