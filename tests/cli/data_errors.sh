# Data that cannot be trained on: one line with file, data set and index, exit status 3, and no directory.
. "$HERE/lib.sh"
dense good.h5 40 6 3
dense wide.h5 40 7 3
table 40 6 3 | sed 's/^[0-9]*/5/' >one.csv
"$MARGIN" convert -q --header no --label first one.csv one.h5
table 40 6 3 | sed '7s/^[0-9]*/9/' >unseen.csv
"$MARGIN" convert -q --header no --label first unseen.csv unseen.h5
"$MARGIN" convert -q --header no --label none one.csv unlabelled.h5
: >empty.h5
echo "no HDF5" >text.h5
head -c 3000 good.h5 >cut.h5
for file in missing empty text cut one unlabelled; do
    try margin train --set data.train=$file.h5 --set output.directory=run
done
for file in missing wide unseen; do
    try margin train --set data.train=good.h5 --set data.validation=$file.h5 --set output.directory=run
    try margin train --set data.train=good.h5 --set data.test=$file.h5 --set output.directory=run
done
try margin train --set data.train=good.h5 --set data.features=Z --set output.directory=run
try margin train --set data.train=good.h5 --set data.labels=X --set output.directory=run
try margin train --set data.train=good.h5 --set data.weights=w --set output.directory=run
try margin train --set data.train=good.h5 --set data.memory_limit=10 --set output.directory=run
try margin train --set data.train=good.h5 --init wide.h5 --set output.directory=run
try margin train --set data.train=. --set output.directory=run
MARGIN_KERNEL=abacus "$MARGIN" train --set data.train=good.h5 --set output.directory=run 2>&1 |
    sed 's/can run .*/can run #/'
ls
