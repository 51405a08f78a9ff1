# The names that are printed, in this order; their values depend on the machine.
. "$HERE/lib.sh"
try margin --version | sed -E 's/^([a-zA-Z0-9]+ +).*/\1#/'
"$MARGIN" --version | grep -c '^margin *[0-9]*\.[0-9]*\.[0-9]*$'
