# A run that is killed at random moments again and again, and resumed until it is finished, leaves the model
# of an undisturbed run; every checkpoint under its final name is intact.
. "$HERE/lib.sh"
sparse train.h5 2000 60 5
cat >run.yaml <<'X'
data: {train: train.h5, validation: 0.2}
train: {epochs: 60, batch: 8, threads: 2, parts: 2}
sgd: {eta: 0.3}
checkpoint: {every_steps: 25, keep: 3}
X
start=$(date +%s%N)
"$MARGIN" train run.yaml --quiet --set output.directory=whole >/dev/null
echo "uninterrupted: exit $?"
took=$(($(date +%s%N) - start))
"$MARGIN" train run.yaml --quiet --set output.directory=plain --set checkpoint.every_steps=0 >/dev/null
same whole/model.h5 plain/model.h5
kills=0
damaged=0
# Percentages of the time that the whole run took.
for percent in 1 3 6 2 9 5 14 8 11 4 17 7 12 20 10 15 25 13 30 18; do
    "$MARGIN" train run.yaml --quiet --resume --set output.directory=killed >out 2>>err &
    pid=$!
    sleep "$(awk -v took=$took -v percent=$percent 'BEGIN { printf "%.4f", took * percent / 1e11 }')"
    kill -KILL $pid || true
    status=0
    wait $pid || status=$?
    [ $status -ne 0 ] || break # it ended before the kill
    kills=$((kills + 1))
    for file in killed/checkpoints/step-*.h5 killed/model.h5; do
        [ ! -e "$file" ] || "$MARGIN" info --verify "$file" >/dev/null || damaged=$((damaged + 1))
    done
done 2>/dev/null
"$MARGIN" train run.yaml --quiet --resume --set output.directory=killed >out
echo "resumed for the last time: exit $?"
[ $kills -ge 5 ] || echo "only $kills were killed"
echo "$damaged files were damaged, $(grep -c 'trying the previous checkpoint' err) skipped"
same whole/model.h5 killed/model.h5
last=$(ls whole/checkpoints | tail -1)
cmp "whole/checkpoints/$last" "killed/checkpoints/$last" && echo "the last checkpoints are the same"
find killed/checkpoints -name '*.tmp'
