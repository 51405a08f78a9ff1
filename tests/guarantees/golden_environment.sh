#!/bin/sh
# golden_environment.sh - what the environment says of threads does not show in the weights: OpenMP's variables and the cores allowed.
#
#     golden_environment.sh TEST_GOLDEN
set -u
count=0
one=""
if command -v taskset >/dev/null; then one="taskset -c $(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')"; else echo "taskset is not installed"; fi
for dynamic in true false; do
    for schedule in dynamic,1 guided; do
        for threads in "" 3 16; do
            for cores in "" "$one"; do
                [ -n "$threads" ] || unset OMP_NUM_THREADS
                [ -z "$threads" ] || export OMP_NUM_THREADS=$threads
                OMP_DYNAMIC=$dynamic OMP_SCHEDULE=$schedule $cores "$1" quick >out.$$ 2>&1 || {
                    echo "OMP_DYNAMIC=$dynamic OMP_SCHEDULE=$schedule OMP_NUM_THREADS=$threads $cores:"
                    cat out.$$
                    rm -f out.$$
                    exit 1
                }
                count=$((count + 1))
            done
        done
    done
done
rm -f out.$$
echo "$count environments: the same hashes"
