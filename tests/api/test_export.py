#!/usr/bin/env python3
"""mg_model_export: every format is read back, and gives the labels of the model. liblinear-predict and
onnxruntime are used where they are installed.

    test_export.py PATH/TO/margin
"""
import csv
import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import runs  # noqa: E402

runs.need_modules("h5py", "numpy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

ROWS, FEATURES = 400, 19
library = os.path.join(os.path.dirname(os.path.realpath(sys.argv[1])), "libmargin.so.0")
if not os.path.exists(library):
    runs.skip("this build has no shared library")
margin = ctypes.CDLL(library)
margin.mg_export_format_name.restype = ctypes.c_char_p


class Model:
    def __init__(self, path):
        self.error, self.model = ctypes.create_string_buffer(8192), ctypes.c_void_p()
        assert margin.mg_model_load(os.fsencode(path), ctypes.byref(self.model), self.error) == 0

    def export(self, form, path):
        status = margin.mg_model_export(self.model, form.encode(), os.fsencode(path), self.error)
        return status, self.error.raw[4:].split(b"\0")[0].decode()


def make(work, name, labels, *sets):
    draw = np.random.default_rng(3)
    y = draw.integers(0, len(labels), ROWS)
    x = (draw.normal(size=(ROWS, FEATURES)) + 2 * np.eye(len(labels), FEATURES)[y]).astype("f4")
    x = np.abs(x)
    with h5py.File(work.at(name + ".h5"), "w") as f:
        f["X"] = x
        f["y"] = np.array([labels[k] for k in y], dtype=h5py.string_dtype() if isinstance(labels[0], str) else "i8")
    runs.expect(work, 0, "train", "--quiet", "--set", f"data.train={name}.h5", "--set", f"output.directory={name}",
                "--set", "train.tolerance=1e-3", *[word for text in sets for word in ("--set", text)])
    done = runs.expect(work, 0, "predict", f"{name}/model.h5", f"{name}.h5")
    with h5py.File(work.at(name, "model.h5")) as f:
        weights, bias = f["weights"][:], f["bias"][:]
    return Model(work.at(name, "model.h5")), x, done.stdout.split("\n")[:-1], weights, bias


def check_arrays(work, name, model, labels, weights, bias):
    path = work.at(name + ".npz")
    assert model.export("npz", path)[0] == 0, model.error.raw
    with np.load(path) as f:
        assert set(f) == {"coef", "intercept", "classes", "loss", "rows", "transform"}
        assert np.array_equal(f["coef"], weights) and np.array_equal(f["intercept"], bias)
        assert f["classes"].tolist() == labels and f["rows"] == "none", f["classes"]
    path = work.at(name + ".safetensors")
    assert model.export("safetensors", path)[0] == 0
    content = open(path, "rb").read()
    size = int.from_bytes(content[:8], "little")
    header, rest = json.loads(content[8:8 + size]), content[8 + size:]
    assert json.loads(header["__metadata__"]["classes"]) == labels and size % 8 == 0
    for key, wanted in ("coef", weights), ("intercept", bias):
        a, b = header[key]["data_offsets"]
        assert np.array_equal(np.frombuffer(rest[a:b], "<f4").reshape(header[key]["shape"]), wanted)
    assert b == len(rest)


def check_csv(work, name, model, labels, weights, bias):
    assert model.export("csv", work.at(name + ".csv"))[0] == 0
    with open(work.at(name + ".csv"), newline="", encoding="utf-8") as f:
        head, *lines = csv.reader(f)
    assert head == ["class", "intercept"] + [f"x{d}" for d in range(FEATURES)]
    assert [line[0] for line in lines] == [str(label) for label in labels]
    table = np.array([[float(v) for v in line[1:]] for line in lines]).astype("f4")
    assert np.array_equal(table[:, 0], bias) and np.array_equal(table[:, 1:], weights)


def check_liblinear(work, name, model, labels, x, predicted, weights, bias):
    path = work.at(name + ".liblinear")
    if isinstance(labels[0], str):
        status, text = model.export("liblinear", path)
        assert status and "labels are texts" in text and not os.path.exists(path), text
        return
    assert model.export("liblinear", path)[0] == 0
    lines = open(path).read().split("\n")
    assert lines[:6] == ["solver_type MCSVM_CS", f"nr_class {len(labels)}", "label " + " ".join(map(str, labels)),
                         f"nr_feature {FEATURES}", "bias 1", "w"]
    table = np.array([[float(v) for v in line.split()] for line in lines[6:-1]]).astype("f4")
    assert np.array_equal(table[:-1].T, weights) and np.array_equal(table[-1], bias)
    if not shutil.which("liblinear-predict"):
        print("no liblinear-predict: its labels are not compared")
        return
    with open(work.at("rows.txt"), "w") as f:
        f.writelines("0 " + " ".join(f"{d + 1}:{v:.9g}" for d, v in enumerate(row)) + "\n" for row in x)
    subprocess.run(["liblinear-predict", work.at("rows.txt"), path, work.at("out.txt")], check=True, capture_output=True)
    assert open(work.at("out.txt")).read().split("\n")[:-1] == predicted


def check_onnx(work, name, model, x, predicted, softmax):
    path = work.at(name + ".onnx")
    assert model.export("onnx", path)[0] == 0
    if importlib.util.find_spec("onnxruntime") is None:
        print("no onnxruntime: its labels are not compared")
        return
    import onnxruntime
    if importlib.util.find_spec("onnx"):
        import onnx
        onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    labels, scores, *more = session.run(None, {"X": x})
    assert [str(label) for label in labels] == predicted and len(more) == softmax
    for shares in more:
        wanted = np.exp(scores.astype("f8"))
        assert np.abs(shares - wanted / wanted.sum(1, keepdims=True)).max() < 1e-5


def main():
    names = []
    while (name := margin.mg_export_format_name(len(names))) is not None:
        names.append(name.decode())
    assert sorted(names) == ["csv", "liblinear", "npz", "onnx", "safetensors"], names
    with runs.Work(sys.argv[1]) as work:
        for name, labels, *sets in (("two", [-5, 12]), ("softmax", [1, 2, 30], "model.loss=softmax"),
                                    ("texts", ["Zürich", "a,\"b\"", "x"]), ("deep", [0, 1, 2, 3], "data.scale=standard")):
            labels = sorted(labels, key=lambda v: v.encode() if isinstance(v, str) else v)
            model, x, predicted, weights, bias = make(work, name, labels, *sets)
            check_arrays(work, name, model, labels, weights, bias)
            check_csv(work, name, model, labels, weights, bias)
            check_liblinear(work, name, model, labels, x, predicted, weights, bias)
            check_onnx(work, name, model, x, predicted, name == "softmax")
        model, *_ = make(work, "unit", [0, 1], "data.rows=unit")
        for form in "csv", "liblinear", "onnx":
            status, text = model.export(form, work.at("unit." + form))
            assert status and "data.rows: unit" in text and not os.path.exists(work.at("unit." + form)), text
        assert model.export("npz", work.at("unit.npz"))[0] == 0 and np.load(work.at("unit.npz"))["rows"] == "unit"
        status, text = model.export("pickle", work.at("unit.pickle"))
        assert status and text.startswith("pickle: is not a format"), text


main()
