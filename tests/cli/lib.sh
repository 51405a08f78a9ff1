# lib.sh - functions that the cases share. To be sourced; works in the current directory.

# try COMMAND...: prints the command on both streams and runs it; prints its exit status unless it is 0.
try() {
    echo "\$ $*"
    echo "\$ $*" >&2
    status=0
    "$@" || status=$?
    [ $status -eq 0 ] || echo "exit $status"
}

margin() {
    "$MARGIN" "$@"
}

# table ROWS FEATURES CLASSES: prints records of a label and small whole numbers. They are the same on every
# machine, because awk counts exactly up to 2^53.
table() {
    awk -v rows="$1" -v features="$2" -v classes="$3" 'BEGIN {
        state = 12345
        for (i = 0; i < rows; i++) {
            y = i < classes ? i : next_number() % classes
            line = y
            for (d = 0; d < features; d++) {
                x = (d % classes == y ? 6 : 0) + next_number() % 9 - 4
                line = line "," (x > 0 ? x : 0)
            }
            print line
        }
    }
    function next_number() {
        state = (state * 69069 + 1) % 4294967296
        return int(state / 65536)
    }'
}

# dense NAME ROWS FEATURES CLASSES: makes a data file.
dense() {
    table "$2" "$3" "$4" >"$1.csv"
    "$MARGIN" convert --quiet --format csv --header no --label first "$1.csv" "$1"
}

# sparse NAME ROWS FEATURES CLASSES: the same rows as CSR without zeros.
sparse() {
    table "$2" "$3" "$4" |
        awk -F, '{ line = $1
                   for (d = 2; d <= NF; d++) if ($d != 0) line = line " " d - 1 ":" $d
                   print line }' >"$1.svm"
    "$MARGIN" convert --quiet --format svmlight --features "$3" "$1.svm" "$1"
}

# Settings for all runs, so that the expected output does not depend on defaults of the solver.
fixed="--set sgd.update=adagrad --set sgd.rate=constant --set sgd.average=true"

# Masks times, rates and sizes, which depend on the machine.
without_times() {
    sed -E 's/\([0-9.]+ s\)/(# s)/; s/[0-9,]+ rows\/s/# rows\/s/; s/waiting +[0-9]+%/waiting #%/
            s/[0-9.]+ s of training/# s of training/
            s/  [0-9.]+ s(  left [0-9:?]+( s)?)?  # rows/  # s  # rows/
            s/^machine .*/machine    #/; s/[0-9.]+ s, [0-9.]+ MB\/s/# s, # MB\/s/'
}

# wait_for FILE TEXT: waits until the file contains the text; gives up after a minute.
wait_for() {
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 6000 ] || { echo "timeout: $1 does not contain $2"; return 1; }
        sleep 0.01
    done
}

# same FILE FILE: prints a line if the files have the same bytes.
same() {
    if cmp "$1" "$2"; then echo "same: $1 $2"; fi
}

need_python() {
    python=/usr/bin/python3
    [ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed"; exit 77; }
}
