#!/bin/sh
# golden_environment.sh - the thread settings of the environment (OMP_NUM_THREADS, allowed cores) do not
# change the weights.
#
#     golden_environment.sh TEST_GOLDEN
set -u
count=0
one=""
if command -v taskset >/dev/null; then one="taskset -c $(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')"; \
    else echo "taskset is not installed"; fi
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
