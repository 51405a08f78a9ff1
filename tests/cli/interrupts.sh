# A second INT does not wait for the end of the minibatch. The minibatches take long: many rows, the slowest
# kernel.
. "$HERE/lib.sh"
awk 'BEGIN { for (i = 0; i < 8000; i++) printf "%c", 65 + i % 50 }' >labels
{ printf '\000\000\010\001\000\000\037\100'; cat labels; } >labels.idx
{ printf '\000\000\010\002\000\000\037\100\000\000\003\350'; head -c 8000000 /dev/zero |
    tr '\000' '\001'; } >rows.idx
"$MARGIN" convert --quiet --format idx rows.idx labels.idx train.h5
for attempt in 1 2 3 4 5 6 7 8; do
    MARGIN_KERNEL=reference "$MARGIN" train --overwrite --set data.train=train.h5 --set train.batch=8000 \
        --set train.epochs=100000 --set train.evaluate_every=0 \
        --set train.solver=sgd --set train.threads=1 --set sgd.eta=1 --set output.directory=run >out 2>err &
    pid=$!
    wait_for err '^run '
    kill -INT $pid
    sleep 0.01
    kill -INT $pid 2>/dev/null
    status=0
    wait $pid || status=$?
    # 75: the minibatch ended before the second signal came
    [ $status -eq 75 ] || break
done
echo "exit $status"
[ ! -e run/model.h5 ] || echo "but there is a model"
find run -name '*.tmp'
