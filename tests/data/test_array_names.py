# test_array_names.py - the names that --features, --labels and --group give to convert are part of the
# recipe: every command reads the same arrays of another file, or refuses a file that lacks them.
#
#     test_array_names.py MARGIN
import json
import struct
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Program, Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

N, D = 30, 5
Y = np.arange(N) % 3
E = (np.random.default_rng(0).normal(size=(N, D)) + 4 * np.eye(3, D)[Y]).astype("f4")
WRONG = {"X": -E, "y": 2 - Y}  # the arrays that a guess would take
NAMES = ["--features", "embeddings", "--labels", "labels"]


def safetensors(path, **arrays):
    header, data = {}, b""
    for name, a in arrays.items():
        kind = {"f": "F32", "i": "I64"}[a.dtype.kind]
        header[name] = {"dtype": kind, "shape": list(a.shape),
                        "data_offsets": [len(data), len(data) + a.nbytes]}
        data += a.tobytes()
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


SAVE = {"npz": np.savez, "safetensors": safetensors}


class Names(Program):
    def refused(self, says, *arguments):
        done = self.work.run(*arguments)
        if done.returncode not in (2, 3) or says not in done.stderr or done.stderr.count("\n") != 1:
            fail(f"{' '.join(arguments)}: exit {done.returncode}, {says!r} expected: {done.stderr}")

    def train(self, name, data, *more, right=False):
        """right: the answers for data.test must be right, as in `right`."""
        told = self.work.run("train", "--overwrite", "--set", f"data.train={data}",
                             "--set", f"output.directory={name}",
                  "--set", "train.threads=1", *[x for m in more for x in ("--set", m)])
        if told.returncode:
            fail(f"train {name}: {told.stderr}")
        if right and "test accuracy   100.00%" not in told.stdout + told.stderr:
            fail(f"train {name}: other rows for data.test: {told.stdout}{told.stderr}")

    def right(self, *arguments, says=""):
        """eval, whose answers must be right for at least nine rows of ten: those of other arrays are not."""
        found = json.loads(self.well("eval", "--json", *arguments, says=says))
        if found["accuracy"] < 0.9:
            fail(f"eval {arguments}: accuracy {found['accuracy']}")

    def like(self, like, file, *flags):
        self.well("convert", "-q", "--overwrite", "--like", like, file, "l.h5", *flags)
        with h5py.File(self.work.at("l.h5")) as f:
            labels = f["y"][()] if "y" in f else None
            if not np.array_equal(f["X"][()], E) or (labels is not None and not np.array_equal(labels, Y)):
                fail(f"--like {like} {file} {flags}: other arrays")
            return labels is not None


def arrays(t, kind):
    save = lambda name, **a: SAVE[kind](t.work.at(f"{name}.{kind}"), **a)
    model, file = f"{kind}/model.h5", f"a.{kind}"
    save("a", **WRONG, embeddings=E, labels=Y)
    save("bare", **WRONG, embeddings=E)
    save("lacks", **WRONG, labels=Y)
    save("other", **WRONG, vectors=E, kinds=Y)
    t.well("convert", "-q", "--overwrite", file, f"{kind}.h5", *NAMES)
    t.train(kind, f"{kind}.h5", f"data.test={file}")
    wanted = t.well("predict", model, f"{kind}.h5", "--scores")
    for name in ("a", "bare"):
        found = t.well("predict", model, f"{name}.{kind}",
                       "--scores", says=f"read as {kind} (features embeddings)")
        if found != wanted:
            fail(f"predict {name}.{kind}: other answers")
    t.right(model, file, says=f"read as {kind} (features embeddings, labels labels)")
    t.well("calibrate", model, file)
    for like in (model, f"{kind}.h5"):
        if not t.like(like, file) or t.like(like, f"bare.{kind}"):
            fail(f"--like {like}: labels")
        t.like(like, f"other.{kind}", "--features", "vectors", "--labels", "kinds")
    # Files that lack the arrays are refused, and the advice works.
    for command in (["predict", model], ["eval", model], ["convert", "--like", model]):
        more = ["n.h5"] if command[0] == "convert" else []
        t.refused("'embeddings'", *command, f"lacks.{kind}", *more)
    t.refused("has no labels", "eval", model, f"bare.{kind}")
    t.right(model, f"other.{kind}", "--features", "vectors", "--labels", "kinds")
    t.refused("convert it with margin convert --like and the training file, and --features", "train",
              "--overwrite", "--set",
              f"data.train={kind}.h5", "--set", "output.directory=refused",
              "--set", f"data.test=lacks.{kind}")


def guesses(t):
    """Guessed names are kept too, and are those of the other format with named arrays."""
    np.savez(t.work.at("g.npz"), embeddings=E, labels=Y)
    t.well("convert", "-q", "g.npz", "g.h5")
    t.train("g", "g.h5")
    for kind, save in SAVE.items():
        save(t.work.at(f"h.{kind}"), **WRONG, embeddings=E, labels=Y)
        t.right("g/model.h5", f"h.{kind}", says=f"read as {kind} (features embeddings, labels labels)")
    # A model whose recipe has no names: the note says what was read.
    np.savez(t.work.at("X.npz"), X=E, y=Y)
    np.savetxt(t.work.at("t.csv"), np.column_stack([E, Y]), fmt="%.7g", delimiter=",")
    t.well("convert", "-q", "--header", "no", "--label", "last", "t.csv", "t.h5")
    t.train("t", "t.h5")
    t.right("t/model.h5", "X.npz", says="read as npz (features X, labels y)")
    t.refused("leave --features out", "eval", "t/model.h5", "t.csv", "--features", "X")


def groups(t):
    counts = np.maximum(0, np.rint(E * 3)).astype("i4")
    with h5py.File(t.work.at("two.h5"), "w") as f:
        for name, x in (("hg19", counts[:, ::-1]), ("mm10", counts)):
            rows, columns = np.nonzero(x)
            g = f.create_group(name)
            g["data"], g["indices"] = x[rows, columns], columns.astype("i8")
            g["indptr"], g["shape"] = np.concatenate([[0], np.cumsum((x > 0).sum(1))]), np.array([D, N], "i4")
            g["barcodes"] = np.array([f"c{i}" for i in range(N)], "S")
        with h5py.File(t.work.at("one.h5"), "w") as one:
            f.copy(f["hg19"], one, "hg19")
    with open(t.work.at("kinds.txt"), "w") as out:
        out.write("".join(f"{y}\n" for y in Y))
    t.well("convert", "-q", "two.h5", "m.h5", "--group", "mm10", "--labels", "kinds.txt")
    t.train("m", "m.h5")
    t.right("m/model.h5", "two.h5", "--labels", "kinds.txt", says="read as tenx (group mm10)")
    if t.well("predict", "m/model.h5", "two.h5") != t.well("predict", "m/model.h5", "m.h5"):
        fail("predict two.h5: another matrix")
    t.refused("hg19, not mm10", "predict", "m/model.h5", "one.h5")
    t.refused("hg19, not mm10", "convert", "--like", "m/model.h5", "one.h5", "n.h5")


def h5_names(t):
    """HDF5 files: the output has X and y, and remembers under which names they were in the inputs."""
    def save(name, counts="layers/counts", kinds="obs/kind"):
        with h5py.File(t.work.at(name), "w") as f:
            f["X"], f["y"] = WRONG["X"], WRONG["y"]
            if counts:
                f[counts] = E
            if kinds:
                f[kinds] = Y

    names = ["--features", "layers/counts", "--labels", "obs/kind"]
    for name in ("p.h5ad", "q.h5ad"):
        save(name)
    save("lacks.h5ad", counts=None)
    save("bare.h5ad", kinds=None)
    with h5py.File(t.work.at("p.h5ad"), "a") as f:
        f["w"] = np.ones(N)
    t.well("convert", "--split", "0.2", *names, "p.h5ad", "s.h5",
           says="note: p.h5ad: the output has features, labels, ids and names; left out: w\n")
    t.well("convert", "-q", *names, "p.h5ad", "q.h5ad", "joined.h5")
    read = "q.h5ad: features layers/counts, labels obs/kind are read"
    t.train("s", "s.h5", "data.test=q.h5ad", right=True)
    t.train("joined", "joined.h5", "data.validation=q.h5ad", "data.test=s_test.h5", right=True)
    for model in ("s/model.h5", "joined/model.h5"):
        t.right(model, "s_test.h5")
        t.right(model, "q.h5ad", says=read)
        if t.well("predict", model, "q.h5ad") != t.well("predict", model, "q.h5ad", *names[:2]):
            fail("predict q.h5ad: other features")
        t.well("predict", model, "bare.h5ad", says="bare.h5ad: features layers/counts are read")
        t.refused("layers/counts", "predict", model, "lacks.h5ad")
        t.refused("obs/kind", "eval", model, "bare.h5ad")
        t.well("calibrate", model, "q.h5ad", says=read)
    for like in ("s/model.h5", "s.h5"):
        if not t.like(like, "q.h5ad") or t.like(like, "bare.h5ad"):
            fail(f"--like {like}: labels")
        t.refused("layers/counts", "convert", "--like", like, "lacks.h5ad", "n.h5")
    # npz for such a model, and outputs with the usual names, which can be joined again.
    np.savez(t.work.at("for_h5.npz"), X=E, y=Y)
    t.right("s/model.h5", "for_h5.npz", says="(features X, labels y)")
    t.well("convert", "-q", "p.h5ad", "q.h5ad", "plain.h5")
    t.well("convert", "-q", "plain.h5", "q.h5ad", "plain2.h5")
    # A run with names of its own, and a test file that convert has made: X and y.
    with open(t.work.at("t1.csv"), "w") as out:
        out.write("a,b,c,d,e,kind\n" + "".join(",".join(map(str, x)) + f",{y}\n"
                                               for x, y in zip(E.tolist(), Y)))
    own = ["data.features=layers/counts", "data.labels=obs/kind"]
    t.well("convert", "-q", "--like", "p.h5ad", "--label", "kind", "t1.csv", "t1.h5")
    t.train("own", "p.h5ad", *own, "data.test=t1.h5", right=True)
    t.right("own/model.h5", "t1.h5",
            says="t1.h5: features X, labels y are read, because convert has made the file")
    np.save(t.work.at("X.npy"), E)
    t.refused("and --labels FILE", "train", "--overwrite", "--set", "data.train=p.h5ad",
              "--set", "output.directory=refused",
              "--set", "data.test=X.npy", *[x for o in own for x in ("--set", o)])

with Work(sys.argv[1]) as work:
    t = Names(work)
    for kind in SAVE:
        arrays(t, kind)
    guesses(t)
    groups(t)
    h5_names(t)
