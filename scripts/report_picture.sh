#!/usr/bin/env bash
# report_picture.sh - draws docs/plots/report.png: the head of a report on Fashion-MNIST. Needs chromium, and
# the data of scripts/quickstart.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/margin train -q configs/fashion_mnist.yaml --set data.validation=0.1 --set train.tolerance=1e-3 \
    --set "output.directory=$work/runs/fashion-mnist"
build/margin report "$work/runs/fashion-mnist" -o "$work/report.html"
sed -i "s#$work/##g" "$work/report.html"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,1130 \
    --screenshot="$work/report.png" "file://$work/report.html" 2>/dev/null
mv "$work/report.png" docs/plots/report.png
