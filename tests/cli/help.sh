# Every command has a help text with an example, on standard output.
. "$HERE/lib.sh"
try margin --help
try margin help | tail -1
for command in train path cv eval predict convert export info gradcheck config list bench; do
    "$MARGIN" $command --help >help.txt 2>help.err
    echo "$command: exit $?, $(grep -c '^Example:' help.txt) example, $(wc -c <help.err) bytes of errors"
    grep "^Usage: margin $command" help.txt || echo "no usage line"
    grep -q "^  margin $command " help.txt || echo "the example does not run $command"
    [ "$(awk '{ if (length > most) most = length } END { print most + 0 }' help.txt)" -le 120 ] || echo "lines are too long"
done
