# The measurements of a small shape: every number is present; their values are not checked.
. "$HERE/lib.sh"
try margin bench --shape cubes
try margin bench --threads 0
try margin bench --quick now
try margin bench --rows 0
margin bench --quick --threads 2 --shape letters --json >report.json
for key in processor kernel threads peak_gflops read_gbps kernels name dtype rows features classes seconds rows_per_second speedup gflops fraction_of_limit; do
    grep -q "\"$key\": " report.json || echo "$key is missing"
done
sed -E 's/.*"kernels": //; s/\}, /},\n/g' report.json | sed -E 's/.*"name": "([^"]*)".*"dtype": "([^"]*)", "rows": ([0-9]+), "features": ([0-9]+), "classes": ([0-9]+).*/\1, \2, \3 x \4, \5 classes/'
grep -c null report.json
margin bench --quick --threads 1 --shape letters >table.txt
sed -n '4,$s/ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+x +[0-9]+ % .*/ .../p' -E table.txt
wc -l <table.txt
