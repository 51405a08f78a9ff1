#!/usr/bin/env bash
# make_languages.sh - makes a large sparse problem from Debian's word lists: predicting the language of a word
# from its character n-grams. There are 21 languages with at most 100,000 words each; one word in ten is held
# out. Writes data/languages_train.h5 and data/languages_test.h5; with KEEP_TEXT=1 it also keeps the text
# files.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

words=100000
languages=(american-english-huge french ngerman spanish italian dutch portuguese brazilian polish swedish
    danish nynorsk bokmaal
    catalan ukrainian bulgarian esperanto faroese galician-minimos irish manx)
packages_need wamerican-huge wfrench wngerman wspanish witalian wdutch wportuguese wbrazilian wpolish \
    wswedish wdanish wnorwegian \
    wcatalan wukrainian wbulgarian wesperanto wfaroese wgalician-minimos wirish wmanx

margin=build/margin
[ -x $margin ] || { cmake --preset release -DMARGIN_TESTS=OFF >/dev/null &&
    cmake --build build --target margin_cli -j "$(nproc)" >/dev/null; }

mkdir -p data
work=$(mktemp -d data/languages.XXXXXX)
trap 'rm -rf "$work"' EXIT
for language in "${languages[@]}"; do
    list=/usr/share/dict/$language
    # Some lists are ISO-8859-1.
    if iconv -f UTF-8 -t UTF-8 "$list" >/dev/null 2>&1; then cat "$list"
    else iconv -f ISO-8859-1 -t UTF-8 "$list"; fi |
        tr -d '\r\t' | LC_ALL=C sort -u | sed '/^$/d' >"$work/all"
    # The list itself is the source of random numbers, so that every machine draws the same words.
    shuf -n $words --random-source="$work/all" "$work/all" | sed "s/^/$language\t/" >"$work/drawn"
    awk -v train="$work/train.tsv" -v test="$work/test.tsv" \
        'NR % 10 == 0 { print >> test; next } { print >> train }' "$work/drawn"
done

$margin convert --format text --overwrite --ngrams char:1:4 --bits 18 "$work/train.tsv" \
    data/languages_train.h5
$margin convert --format text --overwrite --like data/languages_train.h5 "$work/test.tsv" \
    data/languages_test.h5
[ "${KEEP_TEXT:-0}" = 0 ] || mv "$work/train.tsv" "$work/test.tsv" data/
