# Descriptions of files, and whether the files are intact.
. "$HERE/lib.sh"
dense data.h5 100 5 3
sparse sparse.h5 100 5 3
"$MARGIN" train --quiet --set data.train=data.h5 $fixed --set sgd.eta=0.05 --set train.epochs=2 \
    --set output.directory=run >/dev/null
try margin info data.h5
try margin info sparse.h5
try margin info run/model.h5 | sed -E 's/margin [0-9]+\.[0-9]+\.[0-9]+/margin #/'
try margin info run/checkpoints/step-000000000002.h5 | sed \
    -E 's/margin [0-9]+\.[0-9]+\.[0-9]+/margin #/; /^  (data|model|train|checkpoint|sgd\.[^e])/d'
try margin info run/model.h5 --verify | sed 's/[0-9]* bytes/# bytes/'
head -c 5000 run/model.h5 >cut.h5
try margin info cut.h5 --verify
try margin info data.h5 --verify
try margin info missing.h5
try margin info run/config.yaml
try margin info run | sed -E 's/margin [0-9]+\.[0-9]+\.[0-9]+/margin #/; s/  +[0-9.]+$/  #/' | head -5
try margin info run --json | sed -E 's/("seconds": )[0-9.e-]+/\1#/'
mkdir empty
try margin info empty
try margin info run --verify
try margin info data.h5 --json
try margin info run/model.h5 --json
try margin info run/checkpoints/step-000000000002.h5 --json | sed -E "s/(\"version\": )\"[^\"]*\"/\1\"#\"/" |
    cut -c1-120
try margin info data.h5 --json --classes
try margin info data.h5 --features Z
