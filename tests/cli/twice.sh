# Two runs some seconds apart, whose memory was filled with different bytes, write the same files. So files
# contain no time and no uninitialised byte.
. "$HERE/lib.sh"
dense train.h5 400 12 4
sparse sparse.h5 400 30 4
# turn NUMBER DATA DIRECTORY SETTING...: trains into DIRECTORY-NUMBER.
turn() {
    number=$1 data=$2 directory=$3-$1
    shift 3
    MALLOC_PERTURB_=$((85 * number)) \
        ASAN_OPTIONS="${ASAN_OPTIONS:-}:max_malloc_fill_size=100000000:malloc_fill_byte=$((85 * number))" \
        "$MARGIN" train --quiet --set data.train=$data --set data.validation=0.2 --set train.epochs=3 \
        --set train.batch=16 $fixed \
        "$@" --set checkpoint.keep=1 --set output.directory=$directory >/dev/null
}
all() {
    for data in train.h5 sparse.h5; do
        turn $1 $data $data-sgd --set train.solver=sgd --set sgd.eta=0.05
        turn $1 $data $data-dual --set train.solver=dual
        turn $1 $data $data-newton --set train.solver=newton --set train.tolerance=1e-3
    done
}
all 1
sleep 2.1
all 2
for first in *-1; do
    second=${first%1}2
    (cd $first && find . -type f | sort) | while read -r file; do
        case $file in *metrics.jsonl | *config.yaml) continue ;; esac # they contain times and the directory
        cmp $first/$file $second/$file && echo "same: ${first%-1} $file" | sed "s/step-[0-9]*/step-#/"
    done
done
