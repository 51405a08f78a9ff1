# Successful conversions, and inputs that are refused with file, line and column.
. "$HERE/lib.sh"
printf 'a,b,label\n1,2,x\n3,4,y\n' >good.csv
try margin convert good.csv good.h5 2>&1 | without_times
try margin convert good.csv good.h5
try margin convert --overwrite --quiet good.csv good.h5
wrong() {
    printf "$2" >"$1"
    try margin convert "$1" wrong.h5
}
wrong rubbish.csv 'a,b,label\n1,2,x\n3,4x,y\n'
wrong missing.csv 'a,b,label\n1,2,x\n3,,y\n'
wrong short.csv 'a,b,label\n1,2,x\n3,y\n'
wrong rubbish.svm '1 1:2 3:4\n2 1:4x\n'
wrong order.svm '1 1:2 3:4\n2 1:4 1:5\n'
printf '1 1:2 3:4\n2 -1:4\n' >negative.svm
try margin convert --format svmlight negative.svm wrong.h5
wrong empty.svm ''
wrong nan.svm '1 1:nan\n'
printf '\037\213\010\000cut' >cut.gz
try margin convert --format svmlight cut.gz wrong.h5
printf '\000\000\010\003\000\000\000\002\000\000\000\002\000\000\000\002abc' >cut.idx
try margin convert --format idx cut.idx wrong.h5
try margin convert --format idx missing.idx labels.idx wrong.h5
try margin convert --format parquet good.csv wrong.h5
try margin convert --bits 10 good.csv wrong.h5
try margin convert --labels kind good.csv wrong.h5
try margin convert good.csv missing/wrong.h5 2>&1 | sed 's/[0-9]*\.tmp/#.tmp/'
try margin convert --like good.csv good.csv wrong.h5
ls
