# A path: its table and files, killed and resumed to the same bytes, and what it refuses.
. "$HERE/lib.sh"
dense train.h5 600 8 4
dense test.h5 100 8 4
cat >run.yaml <<'X'
data: {train: train.h5, test: test.h5, validation: 0.3, scale: 0.1}
train: {batch: 32}
X
# Digits that depend on the solver are masked too; test_path.c checks them.
masked() {
    without_times | sed -E \
        's/^([0-9][0-9.e-]*  +[0-9][0-9.e-]*) .*( -|%) .*$/\1  ...\2  .../
        s/validation [0-9.]+%/validation #%/
        s/^(test accuracy +)[0-9.]+/\1#/; s/("(objective|dual|gap|accuracy|passes|seconds)": )[0-9.e-]+/\1#/g
        s/state .*/state #/
        s/best  .*/best #/; s/step-[0-9]+/step-#/'
}
without_seconds() {
    sed -E 's/, "seconds": [0-9.e-]+//'
}
echo "$ margin path run.yaml --C 1e-3:1:10"
"$MARGIN" path run.yaml --C 1e-3:1:10 >out.txt 2>err.txt
echo "exit $?"
masked <out.txt
masked <err.txt >&2
find runs -type f ! -name 'step-*' | sort
head -2 runs/run-path/config.yaml
masked <runs/run-path/path.jsonl

# The path is killed during its third point.
longer="--C 1e-3:1:10 --set train.tolerance=1e-5 --quiet"
"$MARGIN" path run.yaml $longer --set output.directory=whole >out.txt
"$MARGIN" path run.yaml $longer --set output.directory=killed --set checkpoint.every_steps=1 >out.txt &
pid=$!
wait_for killed/path.jsonl '"point": 2'
kill -KILL $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
"$MARGIN" path run.yaml $longer --set output.directory=killed --set train.threads=3 --resume >out.txt
same whole/model.h5 killed/model.h5
for run in whole killed; do without_seconds <$run/path.jsonl >$run.jsonl; done
same whole.jsonl killed.jsonl

echo "$ margin path run.yaml --lambda 1e-1:1e-3:10, without validation rows"
"$MARGIN" path run.yaml --lambda 1e-1:1e-3:10 --set data.validation= --set output.directory=falling 2>&1 |
    masked
try margin path run.yaml --C 1e-3:1:10
try margin path run.yaml --C 1e-3:1:2 --resume 2>err.txt
masked <err.txt >&2
try margin path run.yaml --overwrite --C 1e-3:1
try margin path run.yaml --overwrite --C 1e-3:1:0.1
try margin path run.yaml --overwrite --C 0:1:10
try margin path run.yaml --overwrite --C 1e-3:1:1.02
try margin path run.yaml --overwrite --lambda 1:10:2 --set train.solver=sgd
try margin path run.yaml --overwrite --lambda 1:10:2 --set train.max_steps=9
try margin path run.yaml --overwrite --lambda 1:10:2 --set train.time_limit=9
try margin path run.yaml --overwrite --lambda 1:10:2 --set train.solver=dual --set model.loss=softmax
find runs -type f ! -name 'step-*' | sort
