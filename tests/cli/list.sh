# What there is to choose from; which kernels can be used is the machine's.
. "$HERE/lib.sh"
for kind in losses solvers updates rates formats; do try margin list $kind; done
try margin list kernels | grep -c usable >/dev/null && echo "kernels are listed"
try margin list colours
