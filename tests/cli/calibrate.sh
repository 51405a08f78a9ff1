# Calibrates probabilities for a model whose loss does not give them.
. "$HERE/lib.sh"
dense train.h5 400 8 4
table 560 8 4 | tail -n 160 >test.csv
"$MARGIN" convert -q --header no --label first test.csv test.h5
"$MARGIN" train --quiet --set data.train=train.h5 $fixed --set sgd.eta=0.01 --set train.epochs=2 \
    --set output.directory=run >/dev/null
cp run/model.h5 model.h5
try margin predict model.h5 test.h5 --probabilities
try margin calibrate model.h5 test.h5
try margin eval model.h5 test.h5 | head -9
try margin predict model.h5 test.h5 --probabilities | head -2
try margin calibrate model.h5 test.h5 --method sigmoid --threads 3
try margin info model.h5 | grep cal
try margin calibrate model.h5
try margin calibrate model.h5 test.h5 --method platt
try margin calibrate model.h5 test.h5 more.h5
try margin calibrate missing.h5 test.h5
try margin calibrate test.h5 test.h5
try margin calibrate model.h5 missing.h5
try margin calibrate model.h5 test.h5 --labels X
try margin calibrate model.h5 train.h5
head -n 12 test.csv >few.csv
"$MARGIN" convert -q --header no --label first few.csv few.h5
try margin calibrate model.h5 few.h5
head -n 1 test.csv | sed 's/^./9/' >>few.csv
"$MARGIN" convert -q --header no --label first few.csv other.h5
cp model.h5 before.h5
try margin calibrate model.h5 other.h5
same model.h5 before.h5
try margin calibrate model.h5 other.h5 --unknown skip
