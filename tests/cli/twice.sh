# Two runs some seconds apart, over memory filled with other bytes, leave the same files: no clock and no stray byte gets into them.
. "$HERE/lib.sh"
dense train.h5 400 12 4
sparse sparse.h5 400 30 4
twice() {
    for turn in 1 2; do
        MALLOC_PERTURB_=$((85 * turn)) ASAN_OPTIONS="${ASAN_OPTIONS:-}:max_malloc_fill_size=100000000:malloc_fill_byte=$((85 * turn))" \
            "$MARGIN" train --quiet --set data.train=$1 --set data.validation=0.2 --set train.epochs=3 --set train.batch=16 $fixed \
            --set train.solver=sgd --set sgd.eta=0.05 --set checkpoint.keep=1 --set output.directory=$1-$turn >/dev/null
        [ $turn = 2 ] || sleep 2.1
    done
    (cd $1-1 && find . -type f | sort) | while read -r file; do
        case $file in *metrics.jsonl | *config.yaml) continue ;; esac # times, and the directory
        cmp $1-1/$file $1-2/$file && echo "same: $1 $file"
    done
}
twice train.h5
twice sparse.h5
