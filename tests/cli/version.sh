# Names of what is told, in this order; the numbers are the machine's.
. "$HERE/lib.sh"
try margin --version | sed -E 's/^([a-zA-Z0-9]+ +).*/\1#/'
"$MARGIN" --version | grep -c '^margin *[0-9]*\.[0-9]*\.[0-9]*$'
