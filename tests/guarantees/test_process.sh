#!/bin/sh
# test_process.sh MARGIN - how margin handles the process it runs in: closed descriptors, ignored signals,
# output that cannot be written, missing threads and stacks, and texts from files that would act on a
# terminal.
set -eu
margin=$(readlink -f "$1")
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed"; exit 77; }
"$python" -c "import h5py" 2>/dev/null || { echo "h5py is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset OMP_NUM_THREADS OMP_STACKSIZE
# The leak check of the sanitizers needs a thread, which the limits below do not allow.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

fail() {
    echo "$*"
    [ ! -s err ] || head -5 err
    exit 1
}

# wait_for FILE TEXT
wait_for() {
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 6000 ] || fail "timeout: $1 does not contain $2"
        sleep 0.01
    done
}

"$python" - <<'P'
import h5py, numpy as np
r = np.random.RandomState(0)
names = ['\u202ered', 'line\u2028accuracy   100.00% (forged)', 'fine\x9b31m', 'left\u2066right']
with h5py.File('d.h5', 'w') as f:
    y = np.arange(400) % 4
    x = (r.rand(400, 6) + np.eye(6)[y]).astype('f4')
    f.create_dataset('X', data=x, chunks=(100, 6), compression='gzip')
    f['y'] = y
    f['t'] = [names[i % 4] for i in range(400)]
    f['esc'] = ['\x1b[31mred', 'plain'] * 200
    f.create_group('\x1b[2Jgroup')
P
quiet="--quiet --set data.train=d.h5 --set train.solver=sgd --set sgd.eta=0.1 --set train.batch=8 \
    --set train.parts=4 --set data.window=10000"
"$margin" train $quiet --set train.threads=1 --set output.directory=whole >/dev/null

# ---- descriptors ---------------------------------------------------------------------------------

"$margin" train --set data.train=d.h5 --set train.epochs=3 --set output.directory=closed <&- >&- 2>&- ||
    fail "closed descriptors: status $?"
! grep -v '^{' closed/metrics.jsonl || fail "closed descriptors: something else is in metrics.jsonl"
for command in "info d.h5" "eval whole/model.h5 d.h5" "predict whole/model.h5 d.h5" "list" \
    "predict whole/model.h5 -"; do
    "$margin" $command <&- >&- 2>&- || fail "margin $command with closed descriptors: status $?"
done

# ---- names ---------------------------------------------------------------------------------------

long_name=$(printf '%5000s' '' | tr ' ' d)
for command in train "path --C 1:10:10" "cv --folds 2"; do
    status=0
    "$margin" $command --quiet --set data.train=d.h5 --set output.directory=$long_name >out 2>err || status=$?
    [ $status = 2 ] && grep -q "output.directory: a path of 5000 bytes is too long" err &&
        [ "$(wc -l <err)" = 1 ] || fail "$command: a long path: status $status"
done

# ---- output --------------------------------------------------------------------------------------

for command in --help --version help list "list --help" config "config --reference" "info d.h5" \
    "info --verify whole/model.h5" \
    "eval whole/model.h5 d.h5" "eval --json whole/model.h5 d.h5" "predict whole/model.h5 d.h5" \
    "export whole/model.h5 -f npz" "train --help" "gradcheck --set data.train=d.h5" \
    "gradcheck --json --set data.train=d.h5" "bench --quick --shape probe --rows 100" \
    "bench --json --quick --shape probe --rows 100" \
    "train $quiet --overwrite --set output.directory=full" \
    "path --quiet --set data.train=d.h5 --overwrite --C 1:10:10 --set output.directory=full-path" \
    "cv $quiet --overwrite --folds 2 --set output.directory=full-cv"; do
    status=0
    "$margin" $command >/dev/full 2>err || status=$?
    [ $status = 1 ] || fail "margin $command >/dev/full: status $status"
    [ "$(grep -vc '^warning: ' err)" = 1 ] && grep -Eq "cannot be written(: No space left on device)?$" err ||
        fail "margin $command >/dev/full: not exactly one line"
done
(trap '' PIPE
until [ -e closed.pipe ]; do sleep 0.01; done
status=0
"$margin" train $quiet --overwrite --set output.directory=pipe 2>err || status=$?
echo $status >status) | { exec <&-; : >closed.pipe; }
[ "$(cat status)" = 1 ] && grep -q "standard output cannot be written: Broken pipe" err ||
    fail "a closed pipe: status $(cat status)"
for command in list "info d.h5" --help; do
    "$margin" $command 2>err | head -n 1 >/dev/null
    [ ! -s err ] || fail "margin $command | head is not quiet"
done

# ---- signals -------------------------------------------------------------------------------------

long="train --set data.train=d.h5 --set train.solver=sgd --set sgd.eta=0.1 --set train.batch=1 \
    --set train.epochs=10000000 --set train.evaluate_every=0"
for signal in HUP TERM INT; do
    "$margin" $long --set output.directory=$signal >/dev/null 2>$signal.err & pid=$!
    wait_for $signal.err '^run '
    kill -$signal $pid
    status=0
    wait $pid || status=$?
    [ $status = 75 ] && [ -n "$(ls $signal/checkpoints)" ] || fail "$signal: status $status"
done
# HUP and TERM remain ignored if they were ignored at the start. INT still requests a checkpoint, because
# shells make all background commands ignore it.
(trap '' HUP TERM; exec "$margin" $long --set output.directory=ignored) >/dev/null 2>ignored.err & pid=$!
wait_for ignored.err '^run '
kill -HUP $pid
kill -TERM $pid
for bit in 1 15; do # SigIgn is a hexadecimal mask
    mask=$(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/$pid/status)
    [ $((0x$mask >> (bit - 1) & 1)) = 1 ] || fail "signal $bit is no longer ignored"
done
kill -INT $pid
status=0
wait $pid || status=$?
[ $status = 75 ] || fail "INT after ignored HUP and TERM: status $status"
for signal in HUP INT TERM; do
    mkfifo lines.$signal
    trap '' HUP INT TERM
    "$margin" predict whole/model.h5 - -o answers.$signal <lines.$signal 2>err & pid=$!
    trap - HUP INT TERM
    exec 9>lines.$signal
    kill -$signal $pid
    echo 1:1 >&9
    exec 9>&-
    wait $pid || fail "predict -o, $signal ignored: status $?"
    [ "$(wc -l <answers.$signal)" = 1 ] || fail "predict -o, $signal ignored: no answer"
done
# A signal ends the wait for a line, also if the command runs in a thread of its own because the main thread's
# stack is small.
for stack in 64 8192; do
    mkfifo waits.$stack
    (ulimit -s $stack; exec "$margin" predict whole/model.h5 - -o waits.out) <waits.$stack 2>err & pid=$!
    exec 9>waits.$stack
    echo 1:1 >&9
    until ls waits.out.*.tmp >/dev/null 2>&1; do sleep 0.01; done
    tries=0 # the first TERM may come just before the wait begins
    while kill -TERM $pid 2>/dev/null && [ $tries -lt 500 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    [ $tries -lt 500 ] || kill -KILL $pid
    status=0
    wait $pid || status=$?
    exec 9>&-
    [ $status = 143 ] && [ ! -e waits.out ] ||
        fail "predict -o, TERM while it waits, ulimit -s $stack: status $status"
done
awk 'BEGIN { for (i = 0; i < 3000; i++) printf "%d,%d,%d\n", i % 3, i % 7, i % 5 }' >rows.csv
trap '' HUP INT TERM
"$margin" convert --quiet --format csv --header no --label first rows.csv rows.h5 2>err & pid=$!
trap - HUP INT TERM
kill -HUP $pid 2>/dev/null || true
kill -TERM $pid 2>/dev/null || true
wait $pid || fail "convert with ignored signals: status $?"

# ---- threads -------------------------------------------------------------------------------------

same_model() {
    cmp whole/model.h5 "$1/model.h5" || fail "$1: another model"
}
more="train $quiet --overwrite --set train.threads=4 --set output.directory"
OMP_STACKSIZE=64k "$margin" $more=omp >/dev/null 2>err || fail "OMP_STACKSIZE=64k: status $?"
same_model omp
for stack in 64 128; do
    (ulimit -s $stack; "$margin" $more=stack >/dev/null 2>err) || fail "ulimit -s $stack: status $?"
    same_model stack
    (ulimit -s $stack; "$margin" eval whole/model.h5 d.h5 >/dev/null 2>err &&
        "$margin" bench --quick --shape probe --rows 100 >/dev/null 2>err) || fail "ulimit -s $stack"
done
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod -R a+rwX .
    as_nobody() {
        limit=$1
        shift
        setpriv --reuid=65533 --regid=65533 --clear-groups sh \
            -c "ulimit -u $limit 2>/dev/null || ulimit -p $limit || exit 99; exec \"\$@\"" sh "$margin" "$@"
    }
    for limit in 1 2 3; do
        as_nobody $limit $more=few$limit --set data.memory_limit=30000 >/dev/null 2>err ||
            fail "$limit processes: status $?"
        grep -q "^warning: only $limit of 6 threads can be started" err && [ "$(wc -l <err)" = 1 ] ||
            fail "$limit processes: not one warning"
        same_model few$limit
        as_nobody $limit predict whole/model.h5 d.h5 --threads 4 -o p$limit >/dev/null 2>err ||
            fail "predict with $limit processes: status $?"
        grep -q "^warning: only $limit of 5 threads" err || fail "predict with $limit processes: no warning"
        "$margin" predict whole/model.h5 d.h5 | cmp - p$limit ||
            fail "predict with $limit processes: other answers"
    done
    as_nobody 1 eval whole/model.h5 d.h5 --threads 3 >/dev/null 2>err &&
        grep -q "^warning: only 1 of 4" err ||
        fail "eval with 1 process"
fi

# ---- texts ---------------------------------------------------------------------------------------

names="--set data.labels=t"
"$margin" train $quiet $names --overwrite --set output.directory=texts >/dev/null
hostile() { # anything but printable characters and line feeds; includes C1, and characters that reorder text
    "$python" -c "
import sys, unicodedata
text = open('$1', 'rb').read().decode(errors='surrogateescape')
def controls(c):
    return unicodedata.category(c) == 'Cc' or c in '\u202e\u2066\u2028' or '\ud800' <= c < '\ue000'
sys.exit(not any(c not in '\n\t' and controls(c) for c in text))"
}
cp d.h5 "$(printf 'e\033[1m.h5')"
for command in "info d.h5" "info --labels t d.h5" "info --labels esc d.h5" \
    "train $quiet --set data.labels=esc --set output.directory=esc" "info texts/model.h5" \
    "eval texts/model.h5 d.h5" "eval texts/model.h5 d.h5 --json" "predict texts/model.h5 d.h5" \
    "predict texts/model.h5 d.h5 --top 2" "predict texts/model.h5 d.h5 --scores" \
    "info $(printf 'e\033[1m.h5')" "info no$(printf '\033[1m')" \
    "eval texts/model.h5 $(printf 'e\033[1m.h5')" "no$(printf '\033')" "info d.h5 $(printf '\033')" \
    "config --set $(printf 'output.directory=\033')" \
    "train --overwrite --set data.train=d.h5 $names --set train.epochs=1 \
        --set $(printf 'output.directory=\033dir')" \
    "path --overwrite --set data.train=d.h5 $names --C 1:10:10 --set $(printf 'output.directory=\033dir')"; do
    "$margin" $command >out 2>&1 || true
    ! hostile out || fail "margin $command: $(cat -v out | head -20)"
done
[ "$("$margin" eval texts/model.h5 d.h5 | grep -c '^accuracy')" = 1 ] || fail "a forged line in eval"
[ "$("$margin" predict texts/model.h5 d.h5 | wc -l)" = 400 ] || fail "a forged line in predict"
"$margin" predict texts/model.h5 d.h5 | grep -qF 'line\u2028accuracy   100.00% (forged)' ||
    fail "no escaped label"
"$margin" eval --json texts/model.h5 d.h5 | "$python" -c "
import json, sys
labels = [one['label'] for one in json.loads(sys.stdin.buffer.read().decode())['per_class']]
sys.exit('line\u2028accuracy   100.00% (forged)' not in labels)" || fail "eval --json does not hold the label"
"$python" -c "
import json
for line in open('texts/metrics.jsonl', 'rb'): json.loads(line.decode())"
