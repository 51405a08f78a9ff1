# Wrong usage: one line with the fault, exit status 2, nothing on standard output.
. "$HERE/lib.sh"
try margin 2>&1 | head -3
try margin trian
try margin prediction
try margin xyz
try margin --verbose
try margin train --wrong
try margin train --resum --overwrit
try margin train --overwite=yes
try margin train -qs --wrong
try margin train a.yaml b.yaml
try margin train --resume --overwrite
try margin train --set
try margin path a.yaml
try margin path --C 1:2:2 --lambda 1:2:2
try margin path --C 1:2:2 --resume --overwrite
try margin cv a.yaml b.yaml
try margin cv --C 1:2:2 --lambda 1:2:2
try margin cv --resume --overwrite
try margin eval
try margin eval model.h5
try margin eval a b c
try margin eval model.h5 data.h5 --threads 0
try margin eval model.h5 data.h5 --unknown ignore
try margin eval model.h5 data.h5 --unknown skipp
try margin calibrate model.h5 data.h5 --method temprature
try margin predict
try margin predict model.h5 - --top 0
try margin predict model.h5 - --top 4x
try margin predict model.h5 - --scores --top 3
try margin predict model.h5 data.h5 --base 0
try margin convert
try margin convert alone.csv
try margin convert --format svmligth in out.h5
try margin bench --shape image-uint8
(export MARGIN_KERNEL=avx; try margin list kernels) 2>&1 | sed "s/can run .*;/can run #;/"
try margin export
try margin export a b
try margin export model.h5 --formats csv
try margin report
try margin report . --data
try margin runs
try margin runs . --json=x
try margin info
try margin info a b
try margin list a b
try margin config a b
try margin gradcheck --rows 0
ls
