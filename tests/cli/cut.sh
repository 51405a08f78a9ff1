# A data file that is truncated while its rows are used in place: one line, exit status 3, and no model. With
# the whole file restored, the run resumes from its last checkpoint to the model of an undisturbed run.
. "$HERE/lib.sh"
dense whole.h5 20000 16 3
cp whole.h5 data.h5
cat >run.yaml <<'X'
data: {train: data.h5, memory_limit: 200kB, window: 64KiB}
train: {solver: sgd, epochs: 600, batch: 16, evaluate_every: 0}
sgd: {eta: 0.01}
checkpoint: {every_epochs: 1}
X
"$MARGIN" train run.yaml --quiet --set output.directory=alone >out
"$MARGIN" train run.yaml --quiet --set output.directory=cut 2>err &
pid=$!
wait_for cut/metrics.jsonl '"event": "checkpoint"'
truncate -s 150000 data.h5
status=0
wait $pid || status=$?
cat err
echo "exit $status"
ls cut/model.h5 2>/dev/null
cp whole.h5 data.h5
"$MARGIN" train run.yaml --quiet --resume --set output.directory=cut >out
same alone/model.h5 cut/model.h5
