# A whole run and its files; a directory that holds a run is not overwritten by accident.
. "$HERE/lib.sh"
dense train.h5 300 8 4
dense test.h5 100 8 4
cat >small.yaml <<'X'
data: {train: train.h5, validation: 0.2, test: test.h5, scale: 0.1}
model: {loss: weston-watkins, lambda: 1e-3}
train: {epochs: 3, batch: 32, threads: 1}
sgd: {update: adagrad, rate: constant, average: true, eta: 0.1}
X
"$MARGIN" train small.yaml >out.txt 2>err.txt
echo "exit $?"
without_times <out.txt
without_times <err.txt >&2
find runs -type f | sort
try margin train small.yaml
echo "$ margin train small.yaml --overwrite --quiet"
cp runs/small/model.h5 first.h5
"$MARGIN" train small.yaml --overwrite --quiet 2>&1 | without_times
same runs/small/model.h5 first.h5
echo "$ margin train small.yaml --resume --quiet"
"$MARGIN" train small.yaml --resume --quiet >out.txt 2>&1
echo "exit $?"
same runs/small/model.h5 first.h5
try margin train small.yaml --resume --set sgd.eta=0.2
try margin train small.yaml --resume --set data.train=test.h5
"$MARGIN" train runs/small/config.yaml --overwrite --quiet >out.txt
same runs/small/model.h5 first.h5
need_python
"$python" - <<'P'
import json
for line in open("runs/small/metrics.jsonl"):
    event = json.loads(line)
    print(event["event"], *sorted(event))
P
