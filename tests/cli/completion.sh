# Scripts for shells; test_manual.py uses them.
. "$HERE/lib.sh"
for shell in bash zsh fish; do "$MARGIN" completion $shell | head -1; done
try margin completion
try margin completion tcsh
try margin completion fisch
try margin completion bash zsh
