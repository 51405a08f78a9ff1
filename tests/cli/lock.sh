# One run at a time in a directory: a second run is refused, and changes nothing. A killed run does not
# prevent a new one, and its incomplete files are deleted.
. "$HERE/lib.sh"
dense train.h5 2000 20 4
cat >run.yaml <<'X'
data: {train: train.h5}
train: {solver: sgd, epochs: 1000000, batch: 8, threads: 1}
sgd: {eta: 0.05, update: adagrad, rate: constant, average: true}
checkpoint: {every_steps: 10}
output: {directory: run}
X
"$MARGIN" train run.yaml --quiet &
pid=$!
wait_for run/metrics.jsonl '"event": "checkpoint"'
for how in --resume --overwrite; do
    timeout -s KILL 60 "$MARGIN" train run.yaml --quiet $how 2>err # without the lock it would not end
    echo "$how while it runs: exit $?, $(wc -l <err) line"
    sed "s/process $pid /process # /" err
done
# The second run is refused before any data are read.
timeout -s KILL 60 "$MARGIN" train run.yaml --quiet --resume --set data.train=none.h5 2>&1 |
    sed "s/process $pid /process # /"
"$MARGIN" train run.yaml --quiet --set train.epochs=1 --set output.directory=other >/dev/null
echo "another directory while it runs: exit $?"
ls other
kill -KILL $pid
wait $pid 2>/dev/null
touch run/model.h5.$pid.tmp run/config.yaml.$pid.tmp run/checkpoints/step-000000000001.h5.$pid.tmp
touch run/model.h5.tmp run/mine.7.tmp run/model.h5.a7.tmp # not margin's files
"$MARGIN" train run.yaml --quiet --overwrite --set train.epochs=1 >/dev/null
echo "after it was killed: exit $?"
ls run
find run/checkpoints -name '*.tmp'
