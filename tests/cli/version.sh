# Only the names and their order are compared; the values depend on the machine.
. "$HERE/lib.sh"
try margin --version | sed -E 's/^([a-zA-Z0-9]+ +).*/\1#/'
"$MARGIN" --version | grep -c '^margin *[0-9]*\.[0-9]*\.[0-9]*$'
