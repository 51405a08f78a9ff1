# Cross-validation: folds, a grid over them, and what it refuses.
. "$HERE/lib.sh"
dense train.h5 300 8 4
cat >run.yaml <<'X'
data: {train: train.h5, test: absent.h5, validation: 0.3, scale: 0.1}
model: {C: 0.1}
train: {solver: sgd, batch: 32, epochs: 5}
sgd: {update: adagrad, rate: constant, average: true, eta: 0.05}
X
# With a grid, numbers that depend on the solver are masked too; test_cv.c checks them.
without_seconds() {
    sed -E 's/  [0-9.]+ s$/  # s/; s/, "seconds": [0-9.e-]+//'
}
masked() {
    without_seconds | sed -E 's/[0-9.]+%/#%/g; s/(objective|gap) [0-9.e-]+/\1 #/g; s/  best$//
        s/("(objective|gap|accuracy|mean|deviation)": )[0-9.e-]+/\1#/g; s/"best": .*/"best": #/'
}
echo "$ margin cv run.yaml --folds 3"
"$MARGIN" cv run.yaml --folds 3 >out.txt 2>err.txt
echo "exit $?"
without_seconds <out.txt
without_times <err.txt >&2
find runs -type f ! -name 'step-*' | sort
without_seconds <runs/run-cv/cv.jsonl
echo "$ margin cv run.yaml --folds 3 --C 1e-4:1:100 --quiet"
"$MARGIN" cv run.yaml --folds 3 --C 1e-4:1:100 --quiet --set output.directory=grid --set train.solver=dual \
    --set train.epochs=0 | masked
masked <grid/cv.jsonl
echo "$ margin cv run.yaml --folds 3 --quiet --resume"
"$MARGIN" cv run.yaml --folds 3 --quiet --resume --set train.threads=3 | without_seconds
try margin cv run.yaml --folds 3
try margin cv run.yaml --folds 4 --resume
try margin cv run.yaml --folds 1
try margin cv run.yaml --folds x
try margin cv run.yaml --folds 99 --overwrite --C 1:2
table 3 2 3 >few.csv
"$MARGIN" convert --quiet --format csv --header no --label first few.csv few.h5
try margin cv run.yaml --quiet --folds 4 --set data.train=few.h5 --set output.directory=few
try margin cv run.yaml --quiet --folds 2 --set data.train=few.h5 --set output.directory=few
ls
