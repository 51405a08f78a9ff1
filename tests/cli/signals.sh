# INT, TERM and USR1 end a run normally, with exit status 75; resumed, it leaves the model of an undisturbed
# run. A second INT ends it at once.
. "$HERE/lib.sh"
dense train.h5 3000 20 4
cat >run.yaml <<'X'
data: {train: train.h5, validation: 0.2, scale: standard}
model: {loss: weston-watkins}
train: {epochs: 100, batch: 8, threads: 2, parts: 2}
sgd: {eta: 0.05, update: momentum}
X
"$MARGIN" train run.yaml --quiet --set output.directory=whole >/dev/null
echo "uninterrupted: exit $?"
for signal in INT TERM USR1; do
    for attempt in 1 2 3 4 5; do
        "$MARGIN" train run.yaml --quiet --overwrite --set \
            output.directory=$signal >$signal.out 2>$signal.err &
        pid=$!
        wait_for $signal/metrics.jsonl '"event": "epoch", "step": [0-9]*, "epoch": 2,'
        kill -$signal $pid 2>/dev/null || true
        status=0
        wait $pid || status=$?
        [ $status -eq 0 ] || break # 0: this machine was busy, and the run ended before the signal came
    done
    echo "$signal: exit $status, $(wc -l <$signal.err) line, $(wc -c <$signal.out) bytes of results," \
        "$(ls $signal/checkpoints | wc -l) checkpoint"
    sed -E 's/step [0-9]+ of [0-9]+/step # of #/' $signal.err
    [ ! -e $signal/model.h5 ] || echo "but there is a model"
    "$MARGIN" train run.yaml --quiet --resume --set output.directory=$signal --set train.threads=1 >/dev/null
    echo "resumed: exit $?"
    same whole/model.h5 $signal/model.h5
done
