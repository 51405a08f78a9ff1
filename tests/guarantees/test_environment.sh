#!/bin/sh
# test_environment.sh MARGIN - margin in a hostile environment: a libhdf5 that it must not use, memory that
# runs out during a whole command, a container with one processor. SHIM is the library built from
# tests/shim.c; without it (a sanitizer must be loaded first) the test is skipped.
set -eu
margin=$(readlink -f "$1")
[ -n "${SHIM:-}" ] ||
    { echo "built with a sanitizer, which must be loaded before any other library"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset OMP_NUM_THREADS

fail() {
    echo "$*"
    [ ! -s err ] || cat err
    exit 1
}

# expect STATUS TEXT COMMAND...: checks the exit status, and that the only line on standard error contains
# TEXT.
expect() {
    wanted=$1 text=$2 status=0
    shift 2
    LD_PRELOAD=$SHIM "$margin" "$@" >out 2>err || status=$?
    [ "$status" = "$wanted" ] || fail "margin $*: status $status, not $wanted"
    [ "$wanted" = 0 ] || [ "$(wc -l <err)" = 1 ] || fail "margin $*: not one line"
    grep -q -- "$text" err || [ -z "$text" ] || fail "margin $*: '$text' is missing"
}

awk 'BEGIN {
    for (i = 0; i < 60; i++) printf "%d,%d,%d,%d\n", i % 3, i * 7 % 11, i % 3 * 5 + i % 2, i * 3 % 5
}' >train.csv
cat >c.yaml <<'YAML'
data: {train: train.h5, validation: 0.2}
sgd: {eta: 0.05}
train: {epochs: 3, batch: 16, threads: 1}
checkpoint: {every_epochs: 1}
output: {directory: run}
YAML
train="train c.yaml --quiet --overwrite"
convert="convert --quiet --overwrite --label first --header no train.csv train.h5"
expect 0 "" $convert
expect 0 "" $train

# ---- another libhdf5 -----------------------------------------------------------------------------

for command in "$convert" "$train" "eval run/model.h5 train.h5" "predict run/model.h5 train.h5" \
    "predict run/model.h5 -" \
    "info train.h5" "gradcheck c.yaml"; do
    export SHIM_HDF5=unsafe
    expect 1 "libhdf5 [0-9.]* is not thread-safe" $command
    export SHIM_HDF5=1.8.22
    expect 1 "libhdf5 1.8.22 is loaded, but margin was built with" $command
    unset SHIM_HDF5
    expect 0 "" $command
done

# ---- memory --------------------------------------------------------------------------------------

# Only every 13th allocation: test_memory.c tries all of them, in one process. Here the exit status and the
# one line of the program are tested.
rm "$(ls run/checkpoints/*.h5 | tail -1)" # so that one more epoch must be trained
cp -r run kept
tries=0
for command in "$convert" "train c.yaml --quiet --resume" "eval run/model.h5 train.h5" \
    "predict run/model.h5 train.h5" "info run/model.h5" "export run/model.h5 -f onnx" "gradcheck c.yaml"; do
    at=1
    while :; do
        for more in "" +; do
            status=0
            rm -rf run && cp -r kept run
            LD_PRELOAD=$SHIM SHIM_MEMORY=$at$more "$margin" $command >out 2>err </dev/null || status=$?
            tries=$((tries + 1))
            [ $status -le 1 ] || fail "margin $command: status $status when allocation $at$more fails"
            sed -i '/^warning: /d' err # a checkpoint could not be written
            [ $status = 0 ] || { [ "$(wc -l <err)" = 1 ] && grep -q "margin [a-z]*: .*memory" err; } ||
                fail "margin $command, allocation $at$more"
            case $command in train*) for file in run/checkpoints/*.h5; do
                "$margin" info --verify "$file" >/dev/null ||
                    fail "allocation $at$more left $file broken"; done ;; esac
        done
        [ $status != 0 ] || break # there was no such allocation
        at=$((at + 13))
    done
done
[ $tries -gt 100 ] || fail "only $tries failures"
echo "$tries runs out of memory"

# A file of two lines declares so many features that even a table of them is larger than the container's
# memory: margin refuses it before the container kills the process.
mkdir -p small/proc/self small/sys/fs/cgroup/box
echo "0::/box" >small/proc/self/cgroup
echo "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw" >small/proc/self/mountinfo
echo 268435456 >small/sys/fs/cgroup/box/memory.max
printf '1 1:1\n2 2:1\n' >wide.svm
expect 0 "" convert --quiet --features 4000000000 wide.svm wide.h5
SHIM_ROOT=$work/small expect 1 "out of memory: [0-9]* bytes are needed, [0-9]* are available" \
    train --quiet --set data.train=wide.h5 --set output.directory=wide

# ---- control groups ------------------------------------------------------------------------------

threads_are() {
    "$@" "$margin" --version >out
    grep -q "threads *1 (cgroup quota)" out ||
        { cat out; fail "one processor of time should give one thread: $*"; }
}
if [ "$(nproc)" -gt 1 ]; then
    mkdir -p v2/proc/self v2/sys/fs/cgroup/box v1/proc/self v1/sys/fs/cgroup/cpu/box
    echo "0::/box" >v2/proc/self/cgroup
    echo "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw" >v2/proc/self/mountinfo
    echo "100000 100000" >v2/sys/fs/cgroup/box/cpu.max
    echo "4:cpu,cpuacct:/box" >v1/proc/self/cgroup
    echo "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct" >v1/proc/self/mountinfo
    echo 50000 >v1/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us
    echo 100000 >v1/sys/fs/cgroup/cpu/box/cpu.cfs_period_us
    for version in v1 v2; do threads_are env LD_PRELOAD="$SHIM" SHIM_ROOT="$work/$version"; done
    echo "one thread under made-up quotas, v1 and v2"
fi

# A real control group, if this machine allows creating one.
group=
if [ -w /sys/fs/cgroup/cpu/cgroup.procs ] && mkdir "/sys/fs/cgroup/cpu/margin-test-$$" 2>/dev/null; then
    group=/sys/fs/cgroup/cpu/margin-test-$$
    echo 100000 >$group/cpu.cfs_period_us && echo 100000 >$group/cpu.cfs_quota_us
elif grep -qs cpu /sys/fs/cgroup/cgroup.subtree_control && mkdir \
    "/sys/fs/cgroup/margin-test-$$" 2>/dev/null; then
    group=/sys/fs/cgroup/margin-test-$$
    echo "100000 100000" >$group/cpu.max
fi
if [ -n "$group" ] && [ "$(nproc)" -gt 1 ]; then
    status=0
    (threads_are sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group") || status=$?
    sleep 0.1
    rmdir "$group"
    [ $status = 0 ] || exit 1
    echo "one thread under a real quota"
fi
