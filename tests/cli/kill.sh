# Killed at whatever moment, again and again, and resumed until it is done, a run leaves the model of the run that was left alone, and
# every checkpoint that has its name is whole.
. "$HERE/lib.sh"
sparse train.h5 2000 60 5
cat >run.yaml <<'X'
data: {train: train.h5, validation: 0.2}
train: {epochs: 40, batch: 8, threads: 2, parts: 2}
sgd: {eta: 0.3}
checkpoint: {every_steps: 25, keep: 3}
X
"$MARGIN" train run.yaml --quiet --set output.directory=whole >/dev/null
echo "uninterrupted: exit $?"
"$MARGIN" train run.yaml --quiet --set output.directory=plain --set checkpoint.every_steps=0 >/dev/null
same whole/model.h5 plain/model.h5
kills=0
damaged=0
for pause in 0.004 0.011 0.02 0.03 0.05 0.08 0.013 0.06 0.09 0.12 0.15 0.02 0.07 0.2 0.1 0.16 0.3 0.4 600; do
    "$MARGIN" train run.yaml --quiet --resume --set output.directory=killed >out 2>>err &
    pid=$!
    if [ $pause = 600 ]; then break; fi
    sleep $pause
    if kill -KILL $pid 2>/dev/null; then kills=$((kills + 1)); fi
    wait $pid 2>/dev/null
    for file in killed/checkpoints/step-*.h5 killed/model.h5; do
        [ ! -e "$file" ] || "$MARGIN" info --verify "$file" >/dev/null || damaged=$((damaged + 1))
    done
done 2>/dev/null
wait $pid
echo "resumed for the last time: exit $?"
[ $kills -ge 10 ] || echo "only $kills were killed"
echo "$damaged files were damaged, $(grep -c 'trying the one before' err) passed over"
same whole/model.h5 killed/model.h5
same whole/checkpoints/step-000000008040.h5 killed/checkpoints/step-000000008040.h5
ls killed killed/checkpoints | grep -c 'checkpoints.*tmp'
