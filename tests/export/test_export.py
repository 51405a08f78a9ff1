#!/usr/bin/env python3
"""`margin export` and mg_model_export: the file of every format is read again, and must give the labels of
`margin predict`. liblinear-predict and onnxruntime are used if they are installed; ONNX graphs are also
evaluated here.

    test_export.py PATH/TO/margin
"""
import csv
import ctypes
import importlib.util
import json
import os
import pty
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import runs  # noqa: E402

runs.need_modules("h5py", "numpy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import onnx_graph  # noqa: E402

ROWS, FEATURES, WIDE = 200, 19, 5000
# name, labels, type of the cells, options; "csr": sparse rows of which most columns never occur
CASES = (
    ("two", [-5, 12], "f4", []),
    ("softmax", [1, 2, 30], "f4", ["model.loss=softmax"]),
    ("large", [7, 1 << 40], "f4", []),
    ("texts", ["Zürich", 'a,"b"', "x"], "f8", []),
    ("standard", [0, 1, 2, 3], "u1", ["data.scale=standard"]),
    ("max-abs", [0, 1, 2], "i1", ["data.scale=max-abs", "data.transform=none"]),
    ("unit", [3, 4, 5], "f2", ["data.rows=unit"]),
    ("log1p", [0, 1], "u1", ["data.transform=log1p", "data.scale=standard"]),
    ("total", ["a", "b", "c"], "f4", ["data.rows=total", "data.transform=log1p"]),
    ("unit-softmax", [0, 1, 2], "f4", ["data.rows=unit", "data.transform=log1p", "data.scale=max-abs",
                                       "model.loss=softmax"]),
    ("narrow", [0, 1, 2, 3], "csr", []),
    ("narrow-total", ["a", "b", "c"], "csr", ["data.rows=total", "data.transform=log1p"]),
    ("narrow-unit", [7, 8], "csr", ["data.rows=unit"]),
    ("clip", [0, 1, 2], "f4", ["data.scale=standard", "data.clip=1"]),
    ("clip-total", ["a", "b", "c"], "f4", ["data.rows=total", "data.transform=log1p", "data.scale=standard",
                                           "data.clip=1.5"]),
    ("clip-below", [0, 1], "f4", ["data.scale=standard", "data.clip_below=0.5"]),
    ("narrow-clip", [0, 1, 2, 3], "csr", ["data.scale=max-abs", "data.clip=0.1"]),
)


def draw(seed, labels, kind):
    """Rows whose class determines one feature, a row of zeros, and small and large values. Sparse rows also
    have columns of their own, besides the first ones."""
    source = np.random.default_rng(seed)
    y = source.integers(0, len(labels), ROWS)
    x = np.abs(source.normal(size=(ROWS, FEATURES)) + 2 * np.eye(len(labels), FEATURES)[y])
    if kind in ("u1", "i1"):
        x = np.round(x * 20)
    elif kind != "f2":
        x[5] *= 1e-9
        x[6] *= 50
    x[7] = 0
    if kind == "csr":
        x = np.hstack([x, np.zeros((ROWS, WIDE - FEATURES))])
        x[8:, 100:] = (source.random((ROWS - 8, WIDE - 100)) < 2e-4) * 3
    return x.astype("f4" if kind == "csr" else kind), y


def store(path, x, y, labels, kind):
    with h5py.File(path, "w") as f:
        if kind == "csr":
            runs.put_csr(f, x)
        else:
            f["X"] = x
        f["y"] = np.array([labels[k] for k in y], dtype=h5py.string_dtype() if isinstance(labels[0], str)
                          else "i8")


def text_of(attribute):
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


class Case:
    """A trained model, other rows, and the output of `margin predict` for them."""

    def __init__(self, work, name, labels, kind, sets):
        self.work, self.name = work, name
        self.labels = sorted(labels, key=lambda v: v.encode() if isinstance(v, str) else v)
        store(work.at(name + ".h5"), *draw(3, self.labels, kind), self.labels, kind)
        self.x, y = draw(4, self.labels, kind)
        store(work.at(name + "-test.h5"), self.x, y, self.labels, kind)
        runs.expect(work, 0, "train", "--quiet", "--set", f"data.train={name}.h5",
                    "--set", f"output.directory={name}",
                    "--set", "train.tolerance=1e-3", *[word for text in sets for word in ("--set", text)])
        done = runs.expect(work, 0, "predict", f"{name}/model.h5", f"{name}-test.h5", "--scores")
        answers = [line.split("\t") for line in done.stdout.split("\n")[:-1]]
        self.predicted = [answer[0] for answer in answers]
        self.scores = np.array([[float(v) for v in answer[1:]] for answer in answers])
        with h5py.File(work.at(name, "model.h5")) as f:
            self.weights, self.bias = f["weights"][:], f["bias"][:]
            self.loss, self.rows, self.transform = (text_of(f.attrs[key])
                                                    for key in ("loss", "rows", "transform"))
            if kind == "csr":
                assert self.weights.shape[1] < WIDE / 2, self.weights.shape
                self.weights = np.zeros((len(labels), WIDE), "f4")
                self.weights[:, f["used_features"][:]] = f["weights"][:]
            self.limits = {name: f[name][:] for name in ("clip_low", "clip_high") if name in f}
        assert bool(self.limits) == ("clip" in name)
        self.prepared = bool(self.limits) or (self.rows, self.transform) != ("none", "none")

    def export(self, form):
        path = self.work.at(f"{self.name}.{form}")
        runs.expect(self.work, 0, "export", f"{self.name}/model.h5", "-o", path,
                    says=f"{form} (guessed from the name)")
        return path

    def refused(self, form, says):
        path = self.work.at(f"{self.name}.{form}")
        runs.expect(self.work, 2, "export", f"{self.name}/model.h5", "-o", path, says=says)
        assert not os.path.exists(path)

    def same_scores(self, scores):
        most = np.abs(self.scores).max(1, keepdims=True)
        spread = most + np.median(most)
        assert (np.abs(scores - self.scores) / spread).max() < 1e-5, np.abs(scores - self.scores).max()


def safetensors(path):
    """The header of a file, and its tensors, which must fill it."""
    content = runs.read(path)
    size = int.from_bytes(content[:8], "little")
    header, rest, tensors, end = json.loads(content[8:8 + size]), content[8 + size:], {}, 0
    for name, about in header.items():
        if name != "__metadata__":
            dtype, (begin, stop) = (np.dtype({"F32": "<f4", "F64": "<f8"}[about["dtype"]]),
                                    about["data_offsets"])
            assert begin == end and (size + begin) % dtype.itemsize == 0
            tensors[name], end = np.frombuffer(rest[begin:stop], dtype).reshape(about["shape"]), stop
    assert end == len(rest)
    return header, tensors


def check_arrays(case):
    with np.load(case.export("npz")) as f:
        assert set(f) == {"coef", "intercept", "classes", "loss", "rows", "transform", *case.limits}
        assert all(np.array_equal(f[name], values) for name, values in case.limits.items())
        assert np.array_equal(f["coef"], case.weights) and np.array_equal(f["intercept"], case.bias)
        assert f["classes"].tolist() == case.labels, f["classes"]
        assert (str(f["loss"]), str(f["rows"]), str(f["transform"])) == (case.loss, case.rows, case.transform)
    header, tensors = safetensors(case.export("safetensors"))
    about = header["__metadata__"]
    assert json.loads(about["classes"]) == case.labels
    assert (about["loss"], about["rows"], about["transform"]) == (case.loss, case.rows, case.transform)
    assert np.array_equal(tensors["coef"], case.weights) and np.array_equal(tensors["intercept"], case.bias)
    assert all(np.array_equal(tensors[name], values) for name, values in case.limits.items())
    if case.limits and (case.rows, case.transform) == ("none", "none"):
        clipped = np.clip(case.x.astype("f4"), tensors["clip_low"], tensors["clip_high"])
        assert not np.array_equal(clipped, case.x)
        case.same_scores(clipped @ tensors["coef"].T + tensors["intercept"])


def check_csv(case):
    if case.prepared:
        case.refused("csv", "which a file of csv cannot say: use the format onnx")
        return
    with open(case.export("csv"), newline="", encoding="utf-8") as f:
        head, *lines = csv.reader(f)
    assert head == ["class", "intercept"] + [f"x{d}" for d in range(case.weights.shape[1])]
    assert [line[0] for line in lines] == [str(label) for label in case.labels]
    table = np.array([[float(v) for v in line[1:]] for line in lines]).astype("f4")
    assert np.array_equal(table[:, 0], case.bias) and np.array_equal(table[:, 1:], case.weights)


def check_liblinear(case):
    preparation = (f"data.rows: {case.rows}, data.transform: {case.transform}" +
                   (", data.clip)" if case.limits else ")"))
    large = "classes[1] is 1099511627776, but LIBLINEAR allows labels from"
    for holds, says in ((case.prepared, preparation), (isinstance(case.labels[0], str), "labels are texts"),
                        (case.name == "large", large)):
        if holds:
            case.refused("liblinear", says)
            return
    path = case.export("liblinear")
    lines = open(path).read().split("\n")
    assert lines[:6] == ["solver_type MCSVM_CS", f"nr_class {len(case.labels)}",
                         "label " + " ".join(map(str, case.labels)),
                         f"nr_feature {case.weights.shape[1]}", "bias 1", "w"]
    table = np.array([[float(v) for v in line.split()] for line in lines[6:-1]]).astype("f4")
    assert np.array_equal(table[:-1].T, case.weights) and np.array_equal(table[-1], case.bias)
    if not shutil.which("liblinear-predict"):
        print("no liblinear-predict: its labels are not compared")
        return
    with open(case.work.at("rows.txt"), "w") as f:
        f.writelines("0 " + " ".join(f"{d + 1}:{row[d]:.9g}" for d in np.flatnonzero(row)) + "\n"
                     for row in case.x)
    subprocess.run(["liblinear-predict", case.work.at("rows.txt"), path, case.work.at("out.txt")], check=True,
                   capture_output=True)
    assert open(case.work.at("out.txt")).read().split("\n")[:-1] == case.predicted


def check_answers(case, label, scores, probabilities=None):
    case.same_scores(scores)
    assert [str(one) for one in label] == case.predicted
    assert (probabilities is not None) == (case.loss == "softmax")
    if probabilities is not None:
        wanted = onnx_graph.softmax(scores.astype("f8"))
        assert np.abs(probabilities - wanted).max() < 1e-5


def check_onnx(case):
    path = case.export("onnx")
    x = case.x.astype("f4")
    graph = onnx_graph.Graph(runs.read(path))
    check_answers(case, **graph.run(x))
    used = graph.tensors.get("used")
    assert (used is not None) == case.name.startswith("narrow")
    if used is not None:
        assert np.array_equal(used, np.flatnonzero(np.abs(case.weights).any(0)))
    assert (graph.metadata["rows"], graph.metadata["transform"]) == (case.rows, case.transform)
    # Rows that margin refuses: their sum is not above 0, or a value has no logarithm.
    bad = np.zeros((1, x.shape[1]), "f4")
    bad[0, 0] = -3 if case.rows == "total" or case.transform == "log1p" else np.nan
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        check_answers(case, **dict(zip(graph.outputs, session.run(None, {"X": x}))))
        assert not np.isfinite(session.run(["scores"], {"X": bad})[0]).all()
    else:
        print("no onnxruntime: only the test evaluates the graph")
    if importlib.util.find_spec("onnx"):
        import onnx
        onnx.checker.check_model(path, full_check=True)
    assert not np.isfinite(graph.run(bad)["scores"]).all(), case.name


def check_library(work):
    """mg_model_export gives the bytes of the command."""
    path = os.path.join(os.path.dirname(work.margin), "libmargin.so.0")
    if not os.path.exists(path):
        print("no shared library in this build: mg_model_export is not tested")
        return
    margin = ctypes.CDLL(path)
    margin.mg_export_format_name.restype = margin.mg_export_format_of.restype = ctypes.c_char_p
    error, model = ctypes.create_string_buffer(8192), ctypes.c_void_p()
    names = []
    while (name := margin.mg_export_format_name(len(names))) is not None:
        names.append(name.decode())
    listed = work.run("list", "exports").stdout.split("\n")[1:]
    assert names == [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "], names
    assert (margin.mg_export_format_of(b"a.npz/b.ONNX") == b"onnx"
            and margin.mg_export_format_of(b"a.npz/b") is None)
    assert margin.mg_model_load(os.fsencode(work.at("two", "model.h5")), ctypes.byref(model), error) == 0
    for name in names:
        out = work.at("out." + name)
        assert margin.mg_model_export(model, name.encode(), os.fsencode(out), error) == 0, error.raw
        assert runs.read(out) == runs.read(work.at("two." + name))
    for name in ("model.h5", "data.h5", "link.csv"):  # neither the model nor data are replaced
        target = work.at("kept." + name)
        shutil.copy(work.at("two", "model.h5"), work.at("kept.model.h5"))
        with h5py.File(work.at("kept.data.h5"), "w") as f:
            f["X"] = np.eye(3)
        if name == "link.csv":
            os.symlink("kept.model.h5", target)
        before = runs.read(target)
        assert (margin.mg_model_export(model, b"csv", os.fsencode(target), error)
                and b"is not an export" in error.raw)
        saved = margin.mg_model_save(model, os.fsencode(target), error)
        assert bool(saved) == (name == "data.h5") and (not saved or b"is not a model" in error.raw), error.raw
        assert runs.read(target) == before and (name != "link.csv" or os.path.islink(target))
    for target in ("/dev/full", "/dev/stdout", work.path):
        assert (margin.mg_model_save(model, os.fsencode(target), error)
                and b"is not a regular file" in error.raw), error.raw
    assert (margin.mg_model_save(model, os.fsencode(work.at("two.csv")), error)
            and runs.read(work.at("two.csv")) == runs.read(work.at("out.csv")))
    assert margin.mg_model_export(model, b"pickle", b"out.pickle", error) and not os.path.exists("out.pickle")
    assert error.raw[4:].startswith(b"pickle: is not a format for models (onnx, "), error.raw


def probabilities_of(parameters, scores):
    """What docs/formats.md says about the calibration of an exported model, in double precision."""
    if parameters["calibration"] == "temperature":
        return onnx_graph.softmax(scores / parameters["calibration_temperature"])
    if parameters["calibration"] == "adaptive":
        reach = scores.max(1, keepdims=True) - scores.mean(1, keepdims=True)
        return onnx_graph.softmax(
            scores / (parameters["calibration_temperature"] * reach ** parameters["calibration_exponent"])
        )
    inputs = scores if scores.shape[1] > 2 else scores - scores[:, ::-1]
    shares = 1 / (1 + np.exp(parameters["calibration_slope"] * inputs + parameters["calibration_intercept"]))
    return shares / shares.sum(1, keepdims=True)


def check_calibrated(work):
    """A calibration is part of the graph, and named arrays of npz and safetensors."""
    for name, method in (("unit", "sigmoid"), ("unit", "temperature"), ("two", "sigmoid"),
                         ("softmax", "temperature"), ("total", "sigmoid"),
                         ("softmax", "adaptive"), ("two", "adaptive")):
        shutil.copy(work.at(name, "model.h5"), work.at("calibrated.h5"))
        runs.expect(work, 0, "calibrate", "calibrated.h5", f"{name}-test.h5", "--method", method)
        for form in "onnx", "npz", "safetensors":
            runs.expect(work, 0, "export", "calibrated.h5", "-o", f"calibrated.{form}", "--overwrite")
        done = runs.expect(work, 0, "predict", "calibrated.h5", f"{name}-test.h5", "--probabilities")
        wanted = np.array([[float(v) for v in line.split("\t")[1:]] for line in done.stdout.split("\n")[:-1]])
        with h5py.File(work.at(f"{name}-test.h5")) as f:
            x = f["X"][:].astype("f4")
        path = work.at("calibrated.onnx")
        answers = onnx_graph.Graph(runs.read(path)).run(x)
        found = [answers["probabilities"]]
        if importlib.util.find_spec("onnxruntime") is not None:
            import onnxruntime
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            assert [output.name for output in session.get_outputs()] == ["label", "scores", "probabilities"]
            found += session.run(["probabilities"], {"X": x})
        with np.load(work.at("calibrated.npz")) as f:
            found.append(probabilities_of(f, answers["scores"].astype("f8")))
        header, tensors = safetensors(work.at("calibrated.safetensors"))
        found.append(probabilities_of({**header["__metadata__"], **tensors}, answers["scores"].astype("f8")))
        for one in found:
            assert np.abs(one - wanted).max() < 1e-5, (name, method, np.abs(one - wanted).max())


def check_terminal(work):
    """A terminal gets text, and no bytes that control it."""
    with h5py.File(work.at("escape.h5"), "w") as f:
        f["X"] = np.tile(np.eye(2, dtype="f4"), (20, 1))
        f.create_dataset("y", data=["a", "\x1b[31m"] * 20, dtype=h5py.string_dtype())
    runs.expect(work, 0, "train", "--quiet", "--set", "data.train=escape.h5",
                "--set", "output.directory=escape")
    for name, form, status in (("two", "onnx", 2), ("two", "npz", 2), ("two", "safetensors", 2),
                               ("two", "csv", 0), ("two", "liblinear", 0),
                               ("escape", "csv", 2)):
        terminal, end = pty.openpty()
        done = work.run("export", f"{name}/model.h5", "--format", form, stdout=end)
        assert (done.returncode == status
                and ("give the name of a file with -o" in done.stderr) == (status > 0)), done.stderr
        os.close(end)
        os.close(terminal)


def check_names(work):
    """Names of features and the recipe are part of the exported model."""
    names = ["a", 'b "c"', "Länge"]
    rows = np.random.default_rng(1).integers(0, 9, (40, 3))
    with open(work.at("names.csv"), "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([["y", *names], *([int(row[0] > row[1]), *row] for row in rows.tolist())])
    runs.expect(work, 0, "convert", "--quiet", "--label", "y", "names.csv", "names.h5")
    runs.expect(work, 0, "train", "--quiet", "--set", "data.train=names.h5",
                "--set", "output.directory=names")
    for form in "onnx", "npz", "safetensors", "csv":
        runs.expect(work, 0, "export", "names/model.h5", "-o", "named." + form)
    graph = onnx_graph.Graph(runs.read(work.at("named.onnx")))
    about = safetensors(work.at("named.safetensors"))[0]["__metadata__"]
    with np.load(work.at("named.npz")) as f:
        assert (f["feature_names"].tolist() == names
                and str(f["recipe"]) == graph.metadata["recipe"] == about["recipe"])
    assert json.loads(graph.metadata["feature_names"]) == json.loads(about["feature_names"]) == names
    assert about["recipe"].startswith("format: csv"), about
    with open(work.at("named.csv"), newline="", encoding="utf-8") as f:
        assert next(csv.reader(f)) == ["class", "intercept", *names]


def check_bytes(work):
    """A label of HDF5 data may have any bytes. A format that holds UTF-8 only refuses it, and csv keeps the
    bytes."""
    labels = [b"caf\xe9", b"eau"]
    x, y = draw(5, labels, "f4")
    with h5py.File(work.at("bytes.h5"), "w") as f:
        f["X"] = x
        f["y"] = np.array([labels[int(k)] for k in y], dtype="S8")
    runs.expect(work, 0, "train", "--quiet", "--set", "data.train=bytes.h5",
                "--set", "output.directory=bytes")
    for form in "onnx", "npz", "safetensors":
        runs.expect(work, 2, "export", "bytes/model.h5", "-o", "bytes." + form,
                    says="classes[0] is 'caf\\xe9', which is not UTF-8, but a file of " + form)
        assert not os.path.exists(work.at("bytes." + form))
    runs.expect(work, 0, "export", "bytes/model.h5", "-o", "bytes.csv")
    assert b"\ncaf\xe9," in runs.read(work.at("bytes.csv"))


def main():
    with runs.Work(sys.argv[1]) as work:
        for case in CASES:
            case = Case(work, *case)
            for check in check_arrays, check_csv, check_liblinear, check_onnx:
                check(case)
        check_library(work)
        check_calibrated(work)
        check_terminal(work)
        check_names(work)
        check_bytes(work)


main()
