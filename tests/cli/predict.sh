# Predictions for lines and for files.
. "$HERE/lib.sh"
sparse train.h5 400 8 4
"$MARGIN" train --quiet --set data.train=train.h5 $fixed --set sgd.eta=0.05 --set train.epochs=3 \
    --set output.directory=run >/dev/null
head -5 train.h5.svm >five.svm
cat five.svm
try margin predict run/model.h5 - <five.svm
try margin predict run/model.h5 - --top 2 <five.svm
try margin predict run/model.h5 - --scores <five.svm
echo "1:6" | try margin predict run/model.h5 -
echo "0:6" | try margin predict run/model.h5 - --base 0
printf '\n# a comment\n\n2:6' | try margin predict run/model.h5 -
try margin predict run/model.h5 - </dev/null
printf '1:1\n1:4x\n' | try margin predict run/model.h5 -
printf '1:1\n9:1\n' | try margin predict run/model.h5 -
printf '1:1\n2:1 1:1\n' | try margin predict run/model.h5 -
printf '1:nan\n' | try margin predict run/model.h5 -
printf '1:1\n' | try margin predict run/model.h5 - -o missing/answers.txt
try margin predict run/model.h5 train.h5 -o answers.txt
"$MARGIN" predict run/model.h5 - <train.h5.svm >lines.txt
same answers.txt lines.txt
"$MARGIN" predict run/model.h5 train.h5 --scores >scores.txt
"$MARGIN" predict run/model.h5 - --scores <train.h5.svm >line-scores.txt
same scores.txt line-scores.txt
"$MARGIN" predict run/model.h5 train.h5 | head -2
printf '1:1\n2:zwei\n' | try margin predict run/model.h5 - -o broken.txt
try margin predict run/model.h5 - --probabilities <five.svm
"$MARGIN" train --quiet --set data.train=train.h5 --set model.loss=softmax --set train.tolerance=1e-3 \
    --set output.directory=soft >/dev/null
"$MARGIN" predict soft/model.h5 train.h5 >answers.txt
"$MARGIN" predict soft/model.h5 - --top 1 --probabilities <train.h5.svm | sed 's/:.*//' >lines.txt
same answers.txt lines.txt
"$MARGIN" predict soft/model.h5 train.h5 --probabilities | awk '{
    sum = most = 0
    for (k = 2; k <= NF; k++) {
        sum += $k
        if ($k > most) { most = $k; best = k - 2 }
        if ($k < 0 || $k > 1) print "line " NR ": " $k
    }
    if (sum < 0.999999 || sum > 1.000001 || best != $1)
        print "line " NR ": sum " sum ", best " best ", answer " $1
}'
ls
