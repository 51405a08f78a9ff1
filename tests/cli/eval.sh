# Metrics of a model, as a table and as JSON.
. "$HERE/lib.sh"
dense train.h5 400 8 4
dense test.h5 150 8 4
sparse sparse.h5 150 8 4
table 60 8 5 | sed -E 's/^4/new/' >other.csv
"$MARGIN" convert -q --header no --label first other.csv other.h5
"$MARGIN" train --quiet --set data.train=train.h5 --set data.scale=standard $fixed --set sgd.eta=0.01 \
    --set train.epochs=2 \
    --set model.loss=weston-watkins --set output.directory=run >/dev/null
try margin eval run/model.h5 test.h5
try margin eval run/model.h5 missing.h5
try margin eval missing.h5 test.h5
try margin eval test.h5 test.h5
try margin eval run/model.h5 other.h5
try margin eval run/model.h5 test.h5 --labels Z
need_python
"$MARGIN" eval run/model.h5 test.h5 --json >dense.json
"$MARGIN" eval run/model.h5 sparse.h5 --json >sparse.json
"$MARGIN" eval run/model.h5 test.h5 --json --threads 3 >threads.json
same dense.json threads.json
wc -l dense.json
"$python" - <<'P'
import json
one, two = json.load(open("dense.json")), json.load(open("sparse.json"))
print(*sorted(one))
print(one["rows"], sum(map(sum, one["confusion"])), sum(c["support"] for c in one["per_class"]))
right = sum(one["confusion"][k][k] for k in range(4))
print("accuracy", abs(one["accuracy"] - right / 150) < 1e-12, one["confusion"] == two["confusion"])
print("loss of dense and sparse rows", abs(one["mean_loss"] - two["mean_loss"]) < 1e-6 * one["mean_loss"])
print(*sorted(one["per_class"][0]), [c["label"] for c in one["per_class"]])
for k, c in enumerate(one["per_class"]):
    taken = sum(row[k] for row in one["confusion"])
    precision, recall = one["confusion"][k][k] / taken, one["confusion"][k][k] / c["support"]
    assert abs(c["precision"] - precision) < 1e-12 and abs(c["recall"] - recall) < 1e-12
    assert abs(c["f1"] - 2 * precision * recall / (precision + recall)) < 1e-12
P
# Rows of zeros are tied: the line about close rows.
printf '1 1:1\n2 2:1\n1 1:2\n2 2:2\n' >tied.svm
"$MARGIN" convert -q --format svmlight tied.svm tied.h5
"$MARGIN" train --quiet --set data.train=tied.h5 --set model.bias=0 $fixed \
    --set output.directory=tied >/dev/null
printf '1 1:1\n2 2:1\n1\n2\n' >zeros.svm
"$MARGIN" convert -q --like tied.h5 zeros.svm zeros.h5
"$MARGIN" eval tied/model.h5 tied.h5 | grep -c "^close"
"$MARGIN" eval tied/model.h5 zeros.h5 | grep "^close"
