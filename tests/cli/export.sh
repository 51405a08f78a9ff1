# Models in formats of other programs: the format is given by its name or by the name of the output; what is
# refused; what the files contain.
. "$HERE/lib.sh"
dense train.h5 60 4 3
"$MARGIN" train --quiet --set data.train=train.h5 $fixed --set sgd.eta=0.05 --set train.epochs=2 \
    --set output.directory=run >/dev/null
cp run/model.h5 model.h5
try margin export model.h5 --format csv
"$MARGIN" export model.h5 --format csv >table
try margin export model.h5 -o table.csv
same table table.csv
for format in onnx liblinear npz safetensors; do
    try margin export model.h5 -o model.$format --quiet
    "$MARGIN" export model.h5 --format $format >out
    same out model.$format
done
try margin export model.h5 -f npz -o anything --quiet
same anything model.npz

echo "a file that exists, and the model itself"
echo mine >mine.csv
try margin export model.h5 -o mine.csv
try margin export model.h5 -o mine.csv --overwrite
cp train.h5 mine.onnx
try margin export model.h5 -o mine.onnx --overwrite
cmp train.h5 mine.onnx
cat mine.csv
cp model.liblinear mine.csv
try margin export model.h5 -o mine.csv
try margin export model.h5 -o mine.csv --overwrite -q
same mine.csv table
ln -s mine.csv link.csv
try margin export model.h5 -o link.csv
try margin export model.h5 -f csv -o link.csv --overwrite
[ -L link.csv ] || echo "the link was replaced"
try margin export model.h5 -f csv -o model.h5 --overwrite
ln -s model.h5 alias.csv
try margin export model.h5 -o alias.csv --overwrite
same model.h5 run/model.h5
"$MARGIN" export model.h5 -f csv -o /dev/stdout --quiet | cmp - table

echo "formats"
try margin export model.h5
try margin export model.h5 -o model.bin
try margin export model.h5 -o .csv
try margin export model.h5 --format onxx -o model.bin
try margin export model.h5 --format pickle
try margin export train.h5 --format csv
try margin export missing.h5 --format csv

echo "no room"
"$MARGIN" export model.h5 --format csv >/dev/full
echo "exit $?"
"$MARGIN" export model.h5 --format csv -o /dev/full
echo "exit $?"
try margin export model.h5 -o missing/model.csv
(ulimit -f 0 && "$MARGIN" export model.h5 -o limited.csv; echo "exit $?") 2>&1 | cat

echo "what a format cannot hold"
table 60 4 3 | sed 's/^/label /' >texts.csv
"$MARGIN" convert --quiet --format csv --header no --label first texts.csv texts.h5
"$MARGIN" train --quiet --set data.train=texts.h5 --set data.rows=unit --set train.tolerance=1e-3 \
    --set output.directory=texts >/dev/null
try margin export texts/model.h5 -o texts.liblinear
try margin export texts/model.h5 --format csv
ls
