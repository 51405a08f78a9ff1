#!/usr/bin/env bash
# bench_peers.sh - compares margin with LIBLINEAR, msvmocas, scikit-learn, PyTorch and fastText: installs and
# builds what it needs, measures, and writes docs/benchmarks_peers.md and docs/plots/*.svg. The machine should
# be otherwise idle.
#   scripts/bench_peers.sh [--report]        only writes page and plots, from the last measurements
#
# Environment: PROBLEMS ("fashion-mnist mnist news20 languages"), ROUNDS (5), TIMEOUT (300 seconds per
# command), SCALE (1; with less, only every 1/SCALE-th row is used, and page and plots go to build/peers/try),
# DATA (../shared/data: mnist and news20, left out if missing), PROGRAMS ("margin liblinear msvmocas linearsvc
# sgdclassifier torch fasttext"), BUILD (build).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

packages_need "${packages_build[@]}" "${packages_peers[@]}" dataset-fashion-mnist gnuplot-nox
build=${BUILD:-build}
work=$build/peers
read -ra problems <<<"${PROBLEMS:-fashion-mnist mnist news20 languages}"
results=$work/results.json
to=docs
[ "${SCALE:-1}" = 1 ] || { to=$work/try; results=$work/try/results.json; }
mkdir -p "$work" "$to"

programs=${PROGRAMS:-margin liblinear msvmocas linearsvc sgdclassifier torch fasttext}

if [ "${1:-}" != --report ]; then
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMARGIN_TESTS=OFF >/dev/null
    cmake --build "$build" --target margin_cli -j "$(nproc)" >/dev/null
    case " ${problems[*]} " in
    *" languages "*) [ -e data/train.tsv ] || KEEP_TEXT=1 scripts/make_languages.sh ;;
    esac
    PROGRAMS=$programs /usr/bin/python3 -B scripts/peers/compare.py "$build/margin" "$work" "$results" \
        "${problems[@]}"
fi
/usr/bin/python3 -B scripts/peers/report.py "$results" "$to"

# fastText makes features of its own, so it is compared on the texts, from the text to the model.
[ "${1:-}" != --report ] && [ "${SCALE:-1}" = 1 ] || exit 0
case " ${problems[*]} " in *" languages "*) ;; *) exit 0 ;; esac
case " $programs " in *" fasttext "*) ;; *) exit 0 ;; esac
/usr/bin/python3 -B scripts/peers/texts.py "$build/margin" data/train.tsv data/test.tsv "$work" \
    docs/benchmarks_peers.md
