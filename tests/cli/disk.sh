# Directories that cannot be written, and a full disk: one line, exit status 3, no incomplete files. The run
# can be resumed. If there was space for the model only, there is nothing to resume from (exit status 2), and
# the model is kept.
. "$HERE/lib.sh"
dense train.h5 600 40 5
cat >run.yaml <<'X'
data: {train: train.h5, scale: 0.1}
train: {epochs: 3, batch: 32, threads: 1}
sgd: {eta: 0.05}
X
"$MARGIN" train run.yaml --quiet --set output.directory=whole >/dev/null

echo "a file in the way"
echo mine >file
try margin train run.yaml --quiet --set output.directory=file
try margin train run.yaml --quiet --set output.directory=file/run
cat file

echo "a directory nobody can write to"
if [ "$(id -u)" = 0 ]; then unwritable=/proc/self/fdinfo
else unwritable=locked; mkdir locked; chmod 555 locked; fi
"$MARGIN" train run.yaml --quiet --set output.directory=$unwritable/run 2>err
echo "exit $?, $(wc -l <err) line, $(grep -c 'cannot be created' err) with the reason"

# The limit is in blocks of 512 bytes. With the first, the configuration does not fit; with the second, the
# configuration and the model fit, but no checkpoint.
limited() {
    rm -rf full
    (ulimit -f "$1" && exec "$MARGIN" train run.yaml --set output.directory=full \
        --set checkpoint.every_epochs=1 >out 2>err)
    echo "limit $1: exit $?, $(grep -c '^margin train: ' err) error, $(wc -c <out) bytes of results"
    grep -q '^margin train: .*File too large' err || echo "the reason is missing"
    warnings=$(grep -c '^warning: no checkpoint .*File too large; the previous checkpoint is kept$' err)
    echo "$warnings warnings" | sed 's/^[1-9][0-9]*/some/'
    for file in full/checkpoints/*.h5 full/model.h5; do
        [ ! -e "$file" ] || "$MARGIN" info --verify "$file" >/dev/null || echo "$file is damaged"
    done
    find . -name '*.tmp'
    [ ! -e full/model.h5 ] || same full/model.h5 whole/model.h5
    "$MARGIN" train run.yaml --quiet --resume --set output.directory=full >/dev/null 2>&1
    echo "resumed: exit $?"
    same full/model.h5 whole/model.h5
}
echo "a disk that is full"
limited 4
limited 24
