# The features that speak most for and against each class, and the list of classes.
. "$HERE/lib.sh"
cat >tiny.csv <<'END'
length,width,kind
1,20,A
3,10,B
1,30,A
4,10,B
2,20,C
2,25,C
END
margin convert --quiet tiny.csv tiny.h5
# The weights are rounded, because only their order and signs matter here.
rounded() { sed -E 's/^( +-?[0-9]+\.[0-9]{2})[0-9]*/\1/'; }
for scale in standard none; do
    margin train --quiet --set data.train=tiny.h5 --set data.scale=$scale --set train.tolerance=1e-3 \
        --set output.directory=$scale >/dev/null
    try margin weights $scale/model.h5 | rounded
done
try margin weights standard/model.h5 --top 1 --class B | rounded
try margin weights standard/model.h5 --class D
try margin weights standard/model.h5 --image 2x2 -o images
try margin weights standard/model.h5 --image 1x2
try margin weights standard/model.h5 --image 1by2 -o images
try margin weights standard/model.h5 --image 1x2 -o images
try margin weights standard/model.h5 --image 1x2 -o images --class B
try margin weights tiny.h5
try margin info standard/model.h5 --classes
try margin info tiny.h5 --classes
try margin info tiny.h5 --classes --verify
