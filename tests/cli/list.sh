# Lists everything that can be chosen. Which kernels are usable depends on the machine.
. "$HERE/lib.sh"
for kind in losses solvers updates rates formats exports; do try margin list $kind; done
try margin list kernels | grep -c usable >/dev/null && echo "kernels are listed"
try margin list colours
