#!/bin/sh
# manual.sh - writes what shells and man need: DIRECTORY/completion from the tables of the program and, if
# help2man is installed, DIRECTORY/man from its help texts, and the same compressed in DIRECTORY/packed.
#
#     manual.sh MARGIN DIRECTORY VERSION      the date is that of SOURCE_DATE_EPOCH, if that is set
set -eu
export LC_ALL=C

margin=$1 directory=$2 version=$3
date=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%d)
mkdir -p "$directory/completion" "$directory/man" "$directory/packed"
rm -f "$directory"/man/*.1 "$directory"/packed/*
"$margin" completion bash >"$directory/completion/margin"
"$margin" completion zsh >"$directory/completion/_margin"
"$margin" completion fish >"$directory/completion/margin.fish"
command -v help2man >/dev/null || exit 0

# page NAME SUMMARY PROGRAM...: examples keep their lines; the date has the form that man pages expect.
page() {
    help2man --no-info --section=1 --manual=margin --source="margin $version" --version-string="$version" \
        --name="$2" "$3" \
        >"$directory/raw"
    awk -v date="$date" -v name="$1" '
            /^\.TH/ { sub(/MARGIN/, toupper(name)); sub(/"[A-Z][a-z]+ [0-9]+"/, "\"" date "\"") }
            /^\.SH NAME/ { print; getline; sub(/.* \\- /, name " \\- ") }
            /^\.SS "Example:"/ { example = 1 }
            example && /^\.IP/ { print; print ".nf"; example = 2; next }
            example == 2 && /^\.PP/ { print ".fi"; example = 0 }
            { print }
            END { if (example == 2) print ".fi" }' "$directory/raw" >"$directory/man/$1.1"
    [ -s "$directory/man/$1.1" ]
}

page margin "train multiclass linear classifiers" "\"$margin\""
"$margin" --help >"$directory/raw"
awk '/^$/ { blocks++ } blocks == 2 && NF { name = $1; $1 = ""; print name $0 }' \
    "$directory/raw" >"$directory/commands"
while read -r command summary; do page "margin-$command" "$summary" "\"$margin\" $command"; \
    done <"$directory/commands"
for file in "$directory"/man/*.1; do gzip -9nc "$file" >"$directory/packed/${file##*/}.gz"; done
