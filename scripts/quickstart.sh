#!/usr/bin/env bash
# quickstart.sh - from a clean Debian 12 to a trained and evaluated classifier of Fashion-MNIST: packages,
# build, data, training.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" dataset-fashion-mnist

cmake --preset release -DMARGIN_TESTS=OFF >/dev/null
cmake --build build --target margin_cli -j "$(nproc)" >/dev/null
margin=build/margin

images=/usr/share/datasets/fashion-mnist
mkdir -p data
[ -e data/fashion_mnist_train.h5 ] ||
    $margin convert --format idx $images/train-images-idx3-ubyte.gz $images/train-labels-idx1-ubyte.gz \
        data/fashion_mnist_train.h5
[ -e data/fashion_mnist_test.h5 ] ||
    $margin convert --format idx $images/t10k-images-idx3-ubyte.gz $images/t10k-labels-idx1-ubyte.gz \
        data/fashion_mnist_test.h5

$margin train configs/fashion_mnist.yaml --overwrite
$margin eval runs/fashion_mnist/model.h5 data/fashion_mnist_test.h5

cat <<END

the program     $PWD/$margin   ($margin --help)
the data        $PWD/data/fashion_mnist_{train,test}.h5
the model       $PWD/runs/fashion_mnist/model.h5
the run's log   $PWD/runs/fashion_mnist/metrics.jsonl
its settings    $PWD/configs/fashion_mnist.yaml   (every option: docs/options.md)
END
