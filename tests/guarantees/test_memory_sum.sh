#!/bin/sh
# test_memory_sum.sh MARGIN - memory is checked in sum, in a made-up container: each block fits, but not all
# of them together. SHIM is the library built from tests/shim.c; without it (a sanitizer must be loaded first)
# the test is skipped.
set -eu
margin=$(readlink -f "$1")
[ -n "${SHIM:-}" ] ||
    { echo "built with a sanitizer, which must be loaded before any other library"; exit 77; }
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed"; exit 77; }
"$python" -c "import h5py" 2>/dev/null || { echo "h5py is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset OMP_NUM_THREADS

fail() {
    echo "$*"
    [ ! -s err ] || head -5 err
    exit 1
}

# box NAME BYTES: simulates a container with this much memory.
box() {
    mkdir -p "$1/proc/self" "$1/sys/fs/cgroup/box"
    echo "0::/box" >"$1/proc/self/cgroup"
    echo "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw" >"$1/proc/self/mountinfo"
    echo "$2" >"$1/sys/fs/cgroup/box/${3:-memory.max}"
}

# inside BOX COMMAND...: sets $status; the file `peak` receives the peak of memory in kB.
inside() {
    status=0
    SHIM_ROOT=$work/$1
    shift
    "$python" - "$@" <<P >out 2>err || status=$?
import os, resource, subprocess, sys
done = subprocess.run(["$margin"] + sys.argv[1:],
                      env={**os.environ, "SHIM_ROOT": "$SHIM_ROOT", "LD_PRELOAD": "$SHIM"})
open("peak", "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(done.returncode)
P
}

"$python" - <<'P'
import h5py, numpy as np
r = np.random.RandomState(0)
with h5py.File('wide.h5', 'w') as f: # few values but many features: the state is large, the rows are small
    f['X/data'] = np.ones(800000, 'f4')  # most features are used, even in half of the rows
    f['X/indices'] = (r.randint(0, 200, (400, 1)) + np.arange(2000) * 200).ravel().astype('i4')
    f['X/indptr'] = np.arange(401, dtype='i8') * 2000
    f['X'].attrs['shape'] = [400, 400000]
    f['y'] = np.arange(400) % 16
with h5py.File('long.h5', 'w') as f:  # many rows, 36 MB
    f['X'] = r.rand(18000, 500).astype('f4')
    f['y'] = np.arange(18000) % 1000
P
fixed="--quiet --set train.solver=sgd --set sgd.eta=0.01 --set train.epochs=1 --set train.threads=1"

# Blocks of 26 MB each, in a container that holds four of them.
box small 120000000
inside small train $fixed --set data.train=wide.h5 --set output.directory=wide
[ $status = 1 ] && [ "$(wc -l <err)" = 1 ] || fail "a state beyond the container: status $status"
parts="state .*, its snapshot .*, a checkpoint or the model being written .*, evaluation and windows of rows"
message="out of memory: besides its rows (.*) the run needs .*: $parts .*; .* are available: give it more"
grep -q "$message memory" err ||
    fail "the message lacks the sum and its parts"
[ ! -e wide ] || fail "a directory was created"
[ "$(cat peak)" -lt 150000 ] || fail "a peak of $(cat peak) kB"
for command in "path --quiet --C 1:10:10" "cv --quiet --folds 2"; do
    inside small $command --set data.train=wide.h5 --set train.tolerance=1e-2 --set output.directory=other
    [ $status = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q "out of memory" err ||
        fail "margin $command: status $status"
    [ "$(cat peak)" -lt 150000 ] || fail "margin $command: a peak of $(cat peak) kB"
done
box large 1000000000
inside large train $fixed --set data.train=wide.h5 --set output.directory=wide
[ $status = 0 ] || fail "a container that is large enough: status $status"
box high 120000000 memory.high
inside high train $fixed --set data.train=wide.h5 --overwrite --set output.directory=wide2
[ $status = 1 ] && grep -q "out of memory" err || fail "memory.high does not count: status $status"

# If a model does not fit in memory together with its file or its weights, margin refuses it, instead of being
# killed.
box tiny 40000000
for command in "eval wide/model.h5 wide.h5" "predict wide/model.h5 wide.h5" "predict wide/model.h5 -"; do
    inside tiny $command </dev/null
    [ $status = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q "out of memory" err ||
        fail "margin $command: status $status"
done

# If rows fit alone, but not together with the state, the advice of the message works.
box middle 66000000
long="train $fixed --set data.train=long.h5 --set train.max_steps=5 --set train.parts=2 \
    --set data.window=1000000 --set output.directory=long"
inside middle $long
[ $status = 1 ] && grep -q "set data.memory_limit to [0-9]*, which streams the rows" err ||
    fail "no advice: status $status"
limit=$(sed 's/.*data.memory_limit to \([0-9]*\),.*/\1/' err)
inside middle $long --set data.memory_limit=$limit
[ $status = 0 ] || fail "the advice (data.memory_limit $limit) does not work: status $status"
[ "$(cat peak)" -lt 120000 ] || fail "streamed, a peak of $(cat peak) kB"

# A few wide rows: windows are allocated for these rows, not for a whole batch of 4096 (512 MB).
"$python" - <<'P'
import h5py, numpy as np
with h5py.File('few.h5', 'w') as f:
    f['X'] = np.random.RandomState(0).rand(60, 32000).astype('f4')
    f['y'] = np.arange(60) % 3
P
inside large train $fixed --set data.train=few.h5 --set output.directory=few
[ $status = 0 ] || fail "few wide rows: status $status"
box enough 100000000
for command in "eval few/model.h5 few.h5 --threads 1" "predict few/model.h5 few.h5 --threads 1"; do
    inside enough $command
    [ $status = 0 ] || fail "margin $command in 100 MB: status $status"
done
