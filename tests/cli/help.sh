# Every command has a help text with an example, on standard output. It fits 80 columns, and no example is
# broken into two lines.
. "$HERE/lib.sh"
try margin --help
try margin help | tail -1
for command in train path cv eval predict calibrate convert export weights info gradcheck config list bench \
    report runs example completion; do
    "$MARGIN" $command --help >help.txt 2>help.err
    echo "$command: exit $?, $(grep -c '^Example:' help.txt) example, $(wc -c <help.err) bytes of errors"
    grep "^Usage: margin $command" help.txt || echo "no usage line"
    grep -q "^  margin $command " help.txt || echo "the example does not run $command"
    [ "$(awk '{ if (length > most) most = length } END { print most + 0 }' help.txt)" -lt 80 ] ||
        echo "lines are too long"
    awk '/^Example:/ { inside = 1; next } /^$/ { inside = 0 } inside && !/^  / { print "broken: " $0 }' \
        help.txt
    "$MARGIN" $command -h | cmp - help.txt && "$MARGIN" help $command | cmp - help.txt
done
try margin help trian
try margin train --usage
