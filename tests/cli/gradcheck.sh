# Gradients of all losses on real rows. The errors are rounding errors, so only the verdicts are compared.
. "$HERE/lib.sh"
dense data.h5 100 5 3
sparse sparse.h5 100 5 3
for file in data sparse; do
    for scale in none standard; do
        "$MARGIN" gradcheck --set data.train=$file.h5 --set data.scale=$scale >check.txt
        echo "$file, $scale: exit $?," \
            "$(grep -cE '^[a-z-]+( +[0-9]+){2}( +[0-9.e-]+){3}$' check.txt) losses checked"
    done
done
try margin gradcheck --set data.train=missing.h5
try margin gradcheck --set data.train=data.h5 --rows 1000000
