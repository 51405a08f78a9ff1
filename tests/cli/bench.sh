# The measurements of a small shape: every number is present; their values are not checked.
. "$HERE/lib.sh"
try margin bench --shape cubes
try margin bench --threads 0
try margin bench --quick now
try margin bench --rows 0
margin bench --quick --threads 2 --shape letters --json >report.json
for key in processor kernel threads peak_gflops read_gbps kernels name dtype rows features classes seconds \
    rows_per_second speedup gflops fraction_of_limit; do
    grep -q "\"$key\": " report.json || echo "$key is missing"
done
sed -E 's/.*"kernels": //; s/\}, /},\n/g' report.json | sed \
    -E 's/.*"name": "([^"]*)".*"dtype": "([^"]*)", "rows": ([0-9]+), "features": ([0-9]+),'\
' "classes": ([0-9]+).*/\1, \2, \3 x \4, \5 classes/'
grep -c null report.json
margin bench --quick --threads 1 --shape letters >table.txt
sed -n '4,$s/ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+x +[0-9]+ % .*/ .../p' -E table.txt
wc -l <table.txt

# The critical path of a run: it needs a configuration, and writes nothing.
try margin bench configs/example.yaml
try margin bench --set train.epochs=1
try margin bench --critical-path 8 --quick
for value in 0 8,2 2000 2,, 1,x 1,2,3,4,5,6,7,8,9; do
    try margin bench --critical-path $value --set data.train=none.h5
done
try margin bench --critical-path 1,8 --set data.train=none.h5
seq 1 600 | awk '{ printf "%d %d:1 %d:0.5\n", $1 % 3, 1 + $1 % 7, 8 + $1 % 5 }' >rows.svm
margin convert rows.svm rows.h5 >/dev/null 2>&1
margin bench --critical-path 1,8 --set data.train=rows.h5 --set train.epochs=2 --json >path.json
for key in kernel steps jobs items serial_seconds item_seconds claim_seconds start_seconds teams threads \
    seconds speedup measured serial idle; do
    grep -q "\"$key\": " path.json || echo "$key is missing"
done
margin bench --critical-path 1,8 --set data.train=rows.h5 --set train.epochs=2 |
    awk '$1 ~ /^[0-9]+$/ { print $1 " threads" }'
ls -d runs out* 2>/dev/null || echo "nothing was written"
