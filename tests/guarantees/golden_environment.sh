#!/bin/sh
# golden_environment.sh - what the environment says of threads does not show in the weights: OMP_NUM_THREADS and the cores allowed.
#
#     golden_environment.sh TEST_GOLDEN
set -u
count=0
one=""
if command -v taskset >/dev/null; then one="taskset -c $(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')"; else echo "taskset is not installed"; fi
for threads in "" 3 16; do
    for cores in "" "$one"; do
        [ -n "$threads" ] || unset OMP_NUM_THREADS
        [ -z "$threads" ] || export OMP_NUM_THREADS=$threads
        $cores "$1" quick >out.$$ 2>&1 || {
            echo "OMP_NUM_THREADS=$threads $cores:"
            cat out.$$
            rm -f out.$$
            exit 1
        }
        count=$((count + 1))
    done
done
rm -f out.$$
echo "$count environments: the same hashes"
