# test_clip.py - data.clip and data.clip_below: training, eval, predict and calibrate see rows as x' =
# clip(scale (x - center)), for dense, sparse, integer and streamed rows. tests/api/test_export.py compares
# exported models.
#
#     test_clip.py MARGIN
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

ROWS, FEATURES, LIMIT = 300, 12, 2.0
ABOVE, BELOW = f"data.clip={LIMIT}", "data.clip_below=0.5"


def put(path, x, y, sparse=False):
    with h5py.File(path, "w") as f:
        f["y"] = y
        if not sparse:
            f["X"] = x
            return
        g = f.create_group("X")
        g.attrs["encoding-type"], g.attrs["encoding-version"] = "csr_matrix", "0.1.0"
        g.attrs["shape"] = x.shape
        rows, columns = np.nonzero(x)
        g["data"], g["indices"] = x[rows, columns].astype("f4"), columns.astype("i4")
        g["indptr"] = np.append(0, np.cumsum((x != 0).sum(1))).astype("i8")


class Case:
    def __init__(self, work):
        self.work = work
        draw = np.random.default_rng(4)
        self.y = np.arange(ROWS) % 3
        x = (draw.poisson(1.0, (ROWS, FEATURES)) +
             4 * np.eye(FEATURES, dtype=int)[self.y] * (draw.random((ROWS, FEATURES)) < 0.7))
        x[draw.integers(0, ROWS, 25), draw.integers(0, FEATURES, 25)] = 90
        self.x = x
        for name, kind, sparse in ("f4", "f4", False), ("u1", "u1", False), ("csr", "f4", True):
            put(work.at(name + ".h5"), x.astype(kind), self.y, sparse)
        wide = np.zeros((ROWS, FEATURES * 500), "f4")  # most features never occur, and have no weights
        wide[:, ::500] = x
        put(work.at("wide.h5"), wide, self.y, True)

    def done(self, *arguments, **how):
        got = self.work.run(*arguments, **how)
        if got.returncode:
            fail(f"{arguments}: {got.stderr}")
        return got.stdout

    def train(self, directory, *sets):
        self.done("train", "-q", *[word for text in (f"output.directory={directory}", "model.loss=softmax",
                                                     *sets) for word in ("--set", text)])
        with h5py.File(self.work.at(directory, "model.h5")) as f:
            return {name: f[name][:] for name in f}, dict(f.attrs)

    def scores(self, model, data):
        lines = self.done("predict", model, data, "--scores").splitlines()
        return np.array([line.split("\t")[1:] for line in lines], float)

    def check(self, name, scale, transform, *more, clip=(ABOVE,)):
        directory = f"{name}-{scale}-{transform}-{len(clip)}{clip[0]}"
        model, attributes = self.train(directory, f"data.train={name}.h5", f"data.scale={scale}",
                                       f"data.transform={transform}", *clip, "model.lambda=0.01", *more)
        x = np.log1p(self.x) if transform == "log1p" else self.x.astype(float)
        center = x.mean(0) if scale == "standard" else np.zeros(FEATURES)
        size = (x.std(0) if scale == "standard" else np.abs(x).max(0) if scale == "max-abs"
                else np.ones(FEATURES))
        clipped = (x - center) / size
        for option, limit, sign in (ABOVE, LIMIT, 1), (BELOW, 0.5, -1):
            beyond = sign * clipped > limit
            if option in clip and not beyond.any():
                fail(f"{directory}: {option} clips nothing")
            if option in clip:
                clipped[beyond] = sign * limit
        wanted = (clipped * size + center) @ model["weights"].T.astype(float) + model["bias"]
        got = self.scores(f"{directory}/model.h5", f"{name}.h5")
        if abs(got - wanted).max() > 1e-4 * abs(wanted).max():
            fail(f"{directory}: scores {got[0]} instead of {wanted[0]}")
        # The objective of the training is that of the clipped rows, and eval computes it again.
        loss = (np.log(np.exp(wanted - wanted.max(1)[:, None]).sum(1)) +
                wanted.max(1) - wanted[np.arange(ROWS), self.y]).mean()
        told = attributes["objective"] - 0.5 * attributes["lambda"] * attributes["square_norm"]
        if abs(told - loss) > 1e-5:
            fail(f"{directory}: the mean loss is {loss}, but training says {told}")
        lines = self.done("eval", f"{directory}/model.h5", f"{name}.h5").splitlines()
        if not any(line.startswith("mean loss") and abs(float(line.split()[-1]) - loss) < 2e-6
                   for line in lines):
            fail(f"{directory}: eval: {lines}")
        return directory, got

    def check_all(self):
        for name in "f4", "u1":
            for scale in "standard", "none":
                self.check(name, scale, "none", "train.solver=newton", "train.tolerance=1e-5")
        # One limit leaves the other side as it is: with data.clip alone rows are those of CellTypist,
        # x[x > 10] = 10.
        for clip in (BELOW,), (ABOVE, BELOW):
            self.check("f4", "standard", "none", "train.solver=newton", "train.tolerance=1e-5", clip=clip)
        for name in "csr", "wide":
            self.check(name, "standard", "log1p", "train.solver=sgd", "train.epochs=3")
        directory, scores = self.check("f4", "standard", "log1p", "train.solver=newton",
                                       "train.tolerance=1e-5",
                                       "model.calibration=temperature")
        line = " ".join(f"{d + 1}:{v}" for d, v in enumerate(self.x[7]))
        got = self.done("predict", f"{directory}/model.h5", "-", "--scores", "--base", "1",
                        input=line + "\n").split("\t")[1:]
        if [float(v) for v in got] != list(scores[7]):
            fail(f"a line: {got} instead of {scores[7]}")
        if "clipped" not in self.done("info", f"{directory}/model.h5"):
            fail("info does not say that rows are clipped")

    def check_sparse(self):
        """Rows of another layout, and streamed rows, give the same model as far as rounding goes."""
        sets = ("data.scale=standard", f"data.clip={LIMIT}", "train.solver=sgd", "sgd.eta=0.1",
                "train.epochs=3", "model.lambda=0.01", "train.batch=32", "data.window=4KiB")
        models = {}
        for name, *more in ("f4",), ("csr",), ("streamed",
                                               "data.memory_limit=10000"), ("held", "data.validation=0.2"):
            data = name if name in ("f4", "csr") else "f4"
            models[name], _ = self.train("sgd-" + name, f"data.train={data}.h5", *sets, *more)
        if (models["streamed"]["weights"] != models["f4"]["weights"]).any():
            fail("streamed: other weights than of rows in memory")
        for name in "csr", "streamed":
            if abs(models[name]["clip_high"] - models["f4"]["clip_high"]).max() > 1e-5:
                fail(f"{name}: other limits than of dense rows in memory")
        a, b = self.scores("sgd-csr/model.h5", "csr.h5"), self.scores("sgd-csr/model.h5", "f4.h5")
        if (a != b).any():
            fail("dense and sparse rows have other scores")
        without, _ = self.train("sgd-none", "data.train=f4.h5",
                                *(text for text in sets if "clip" not in text))
        if abs(without["weights"] - models["f4"]["weights"]).max() < 1e-3 or "clip_low" in without:
            fail("data.clip changes nothing")
        far = np.random.default_rng(1).normal(0, 1, (ROWS, 3)).astype("f4")
        far[:, 0] += 20
        put(self.work.at("far.h5"), far, self.y, True)
        sets = [word for text in ("data.train=far.h5", "data.scale=standard") for word in ("--set", text)]
        got = self.work.run("train", "-q", *sets, "--set", "output.directory=far", "--set",
                            "data.clip_below=1")
        says = "data.clip_below: the zeros of column 0 are outside of its limits"
        if got.returncode != 3 or says not in got.stderr:
            fail(f"zeros outside of the limits: {got.stderr}")
        # The message advises a higher limit or dense rows; both work. An upper limit alone does not clip
        # these zeros.
        self.done("train", "-q", *sets, "--set", "output.directory=higher", "--set", "data.clip_below=100")
        self.done("train", "-q", *sets, "--set", "output.directory=upper", "--set", "data.clip=1")
        put(self.work.at("far.h5"), far, self.y)
        self.done("train", "-q", *sets, "--set", "output.directory=dense", "--set", "data.clip_below=1")

    def check_zeros(self):
        """A model of dense rows whose zeros are outside of the limits: lines get the scores of dense rows,
        and sparse files are refused."""
        draw = np.random.default_rng(2)
        x = draw.normal(0, 1, (ROWS, 4)).astype("f4") + np.eye(3, 4, dtype="f4")[self.y]
        x[:, 1] += 100
        x[:, 3] -= 50
        put(self.work.at("high.h5"), x, self.y)
        model, _ = self.train("high", "data.train=high.h5", "data.scale=standard", "data.clip=2",
                              "data.clip_below=2", "train.epochs=3", "model.calibration=temperature")
        x[0, 1], x[1, 3], x[2] = 0, 0, 0
        put(self.work.at("zeros.h5"), x, self.y)
        put(self.work.at("zeros-sparse.h5"), x, self.y, True)
        text = "".join(" ".join(f"{d}:{v!r}" for d, v in enumerate(map(float, row)) if v) + "\n" for row in x)
        labelled = "".join(f"{k} {line}\n" for k, line in zip(self.y, text.splitlines()))
        Path(self.work.at("zeros.svm")).write_text(labelled)
        clipped = np.clip(x, model["clip_low"], model["clip_high"])
        if model["clip_low"][1] <= 0 or model["clip_high"][3] >= 0:
            fail("zeros are within the limits")
        got = self.scores("high/model.h5", "zeros.h5")
        if abs(got - (clipped @ model["weights"].T.astype(float) + model["bias"])).max() > 1e-3:
            fail("dense rows with zeros outside of the limits")
        lines = self.done("predict", "high/model.h5", "-", "--scores", "--base", "0", input=text).splitlines()
        if (np.array([line.split("\t")[1:] for line in lines], float) != got).any():
            fail(f"lines with zeros outside of the limits: {lines[:3]} instead of {got[:3]}")
        more = [word for name in ("data.train=high.h5", "data.test=zeros-sparse.h5", "data.scale=standard",
                                  "data.clip=2", "data.clip_below=2",
                                  "train.epochs=1", "output.directory=other") for word in ("--set", name)]
        for arguments in (["predict", "high/model.h5", "zeros-sparse.h5"],
                          ["eval", "high/model.h5", "zeros-sparse.h5"],
                          ["calibrate", "high/model.h5", "zeros-sparse.h5"],
                          ["report", "high", "--data", "zeros-sparse.h5"],
                          ["train", "-q", *more], ["predict", "high/model.h5", "zeros.svm"]):
            got = self.work.run(*arguments)
            if (got.returncode != 3 or got.stdout
                or "the zeros of column 1 are outside of its limits" not in got.stderr
                or got.stderr.count("\n") != 1):
                fail(f"{arguments}: {got.returncode} {got.stdout} {got.stderr}")


def main(margin):
    with Work(margin) as work:
        case = Case(work)
        case.check_all()
        case.check_sparse()
        case.check_zeros()


main(sys.argv[1])
