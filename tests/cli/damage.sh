# A model or checkpoint that was changed in any way is refused by every command in one line with file and
# reason: a flipped byte, bytes removed or added, an edit by another program.
. "$HERE/lib.sh"
need_python
"$python" -c 'import h5py' 2>/dev/null || { echo "h5py is not installed"; exit 77; }
dense train.h5 100 5 3
"$MARGIN" train --quiet --set data.train=train.h5 $fixed --set sgd.eta=0.05 --set train.epochs=2 \
    --set output.directory=run >/dev/null
checkpoint=run/checkpoints/step-000000000002.h5
cp run/model.h5 model
cp $checkpoint checkpoint
restore() {
    cp model run/model.h5
    cp checkpoint $checkpoint
}
resumes() {
    margin train --quiet --resume --set data.train=train.h5 $fixed --set sgd.eta=0.05 --set train.epochs=2 \
        --set output.directory=run
}
# COMMAND...: exit 3, nothing on standard output, one line; a resumption prints one more about the skipped
# checkpoint
expect_refused() {
    most=1
    [ "$1" != resumes ] || most=2
    "$@" >out 2>err
    status=$?
    lines=$(wc -l <err)
    [ $status = 3 ] && [ $lines -le $most ] && [ ! -s out ] &&
        grep -q 'truncated, changed, or not written by margin' err || {
        echo "$*: exit $status, $lines lines"
        cat out err
    }
}
refused() { # WHAT
    echo "$1"
    for file in run/model.h5 $checkpoint; do
        status=0
        margin info --verify $file >said 2>&1 || status=$?
        echo "exit $status: $(sed -E 's/[0-9]+ bytes/# bytes/' said)"
    done
    expect_refused margin eval run/model.h5 train.h5
    expect_refused margin predict run/model.h5 train.h5
    expect_refused margin train --quiet --init run/model.h5 --set data.train=train.h5 \
        --set output.directory=other
    expect_refused resumes
    restore
}
edit() {
    "$python" - run/model.h5 $checkpoint
}
edit <<'P'
import sys
for path in sys.argv[1:]:
    with open(path, "r+b") as file:
        file.seek(8) # the version of the superblock: libhdf5 would not recognise the file
        byte = file.read(1)
        file.seek(8)
        file.write(bytes([byte[0] ^ 1]))
P
expect_refused margin info run/model.h5 # the file is refused before libhdf5 reads it
refused "a bit flipped"
for file in run/model.h5 $checkpoint; do head -c 2000 $file >cut && cp cut $file; done
refused "cut"
for file in run/model.h5 $checkpoint; do echo more >>$file; done
refused "appended to"
edit <<'P'
import sys, h5py
for path in sys.argv[1:]:
    with h5py.File(path, "r+") as file:
        file["weights" if "weights" in file else "state/weights"][...] = 0
P
refused "edited in place by h5py"
edit <<'P'
import sys, h5py
for path in sys.argv[1:]:
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "mine"
P
refused "given an attribute by h5py"
for file in run/model.h5 $checkpoint; do : >$file; done
refused "emptied"
try resumes >/dev/null
try margin info --verify run/model.h5 | sed -E 's/[0-9]+ bytes/# bytes/'
