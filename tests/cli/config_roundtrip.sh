# The printed configuration has the same values: printing it again changes nothing.
. "$HERE/lib.sh"
cat >x.yaml <<'X'
# a comment
data: {train: "a b#c.h5", validation: 0.1, scale: 1/255, window: 1.5MiB}
model:
  loss: weston-watkins
  C: .5
  class_weight:
    "no": 2
    'a: b': 0.25
    "1": 1e-3
train: {epochs: 0x10, time_limit: 1.5m, seed: 9000000000000000000}
sgd:
  eta: ~
  average: no
output:
  directory: "runs/\u00e9t\u00e9 # 1"
X
sed -i 's/0x10/16/' x.yaml
round() {
    "$MARGIN" config "$@" >once.yaml && "$MARGIN" config once.yaml >twice.yaml || echo "exit $?"
    if cmp once.yaml twice.yaml; then echo "same: $*"; fi
}
round
round x.yaml
round x.yaml --set sgd.eta=0.1 --set data.labels=obs/cell_type --set model.class_weight=balanced
keys='train|validation|labels|scale|window|loss|C|lambda|class_weight|epochs|time_limit|seed|eta|average'
grep -E "^[a-z]|^  ($keys|directory):" once.yaml
for file in "$HERE"/../../configs/*.yaml; do
    cp "$file" .
    round "${file##*/}"
done
