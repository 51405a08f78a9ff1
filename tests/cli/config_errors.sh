# An invalid configuration: the message has file and line, the value and what is allowed; no run is started.
. "$HERE/lib.sh"
wrong() {
    printf '%s\n' "$@" >x.yaml
    sed 's/^/    /' x.yaml
    try margin train x.yaml
}
wrong 'train:' '  epochs: 3' '  bathc: 4'
wrong 'trian:' '  epochs: 3'
wrong 'train:' '  batch: 0'
wrong 'train:' '  batch: -1'
wrong 'train:' '  batch: 4x'
wrong 'train:' '  batch: 1e99'
wrong 'train:' '  batch: [1, 2]'
wrong 'train:' '  seed: ""'
wrong 'train:' '  solver: sdg'
wrong 'train:' '  epochs: 3' '  epochs: 4'
wrong 'sgd:' '  eta: nan'
wrong 'sgd:' '  eta: 0'
wrong 'sgd:' '  average: perhaps'
wrong 'sgd:' '  momentum: 1'
wrong 'sgd:' '  update: adam' '  beta2: 0.81'
wrong 'sgd:' '  update: adam' '  beta1: 0.9999'
wrong 'model:' '  lambda: 1e-3' '  C: 2'
wrong 'model:' '  loss: crammer_singer'
wrong 'model:' '  class_weight: {a: -1}'
wrong 'data:' '  scale: standrad'
wrong 'data:' '  memory_limit: 3 bananas'
wrong 'checkpoint:' '  keep: 0'
wrong 'train' 
wrong 'train: {epochs: 3'
wrong '- train'
wrong 'train: *other'
try margin train missing.yaml
try margin train .
try margin train --set train.batch
try margin train --set train.bathc=4
try margin train --set train.batch=0
try margin train --set batch=4
try margin train --set data.validation=2 --set data.train=x.yaml
try margin train
try margin config --set model.delta=0
ls
