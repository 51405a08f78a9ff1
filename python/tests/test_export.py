"""export and to_onnx give files whose labels are those of predict. Graphs of ONNX are evaluated with
onnxruntime where it is installed, and always by tests/support/onnx_graph.py."""

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from margin import MarginClassifier, MarginClassifierCV, Model, load_model

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
import onnx_graph  # noqa: E402


def answers(content, X):
    """The outputs of the graph, from every evaluator there is."""
    X = np.asarray(X, np.float32)
    graph = onnx_graph.Graph(content)
    found = [graph.run(X)]
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        found.append(dict(zip(graph.outputs, session.run(None, {"X": X}))))
    return found


@pytest.mark.parametrize(
    "labels, cells, options",
    [
        ([4, -2, 9], np.float32, {}),
        (["b", "a", "ü"], np.float64, {"data.rows": "unit"}),
        ([8.0, 9.0, 10.0], np.float16, {"data.scale": "standard"}),
        (["no", "yes"], np.uint8, {"data.rows": "total", "data.transform": "log1p"}),
        ([True, False], np.float32, {}),
    ],
)
@pytest.mark.parametrize("loss", ["crammer-singer", "softmax"])
def test_labels(blobs, labels, cells, options, loss):
    X, y = blobs
    X = np.round(np.abs(X) * 8).astype(cells)
    y = np.array(labels)[y % len(labels)]
    fitted = MarginClassifier(loss, options=options).fit(X, y)
    for answer in answers(fitted.to_onnx(), X):
        wanted = fitted.predict(X)
        assert answer["label"].tolist() == (wanted.astype(str) if wanted.dtype == bool else wanted).tolist()
        if loss == "softmax":
            assert np.abs(answer["probabilities"] - fitted.predict_proba(X)).max() < 1e-5


def test_file_and_bytes(blobs, tmp_path):
    fitted = MarginClassifier().fit(*blobs)
    assert fitted.to_onnx(tmp_path / "a.onnx") is None
    fitted.export(str(tmp_path / "b.onnx"))
    fitted.save(tmp_path / "model.h5")
    load_model(tmp_path / "model.h5").export(tmp_path / "c", format="onnx")
    for name in "a.onnx", "b.onnx", "c":
        assert (tmp_path / name).read_bytes() == fitted.to_onnx()


def test_arrays(blobs, tmp_path):
    X, y = blobs
    fitted = MarginClassifier().fit(X, np.array(["a", "b", "c"])[y])
    fitted.export(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as arrays:
        assert np.array_equal(arrays["coef"], fitted.coef_) and arrays["classes"].tolist() == ["a", "b", "c"]
    fitted.export(tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text().startswith("class,intercept,x0,x1,")
    with pytest.raises(ValueError, match="labels are texts, but LIBLINEAR"):
        fitted.export(tmp_path / "m.liblinear")
    MarginClassifier().fit(X, y).export(tmp_path / "m.liblinear")
    assert (
        (tmp_path / "m.liblinear").read_text().startswith("solver_type MCSVM_CS\nnr_class 3\nlabel 0 1 2\n")
    )


def test_names_of_features(blobs):
    pandas = pytest.importorskip("pandas")
    X, y = blobs
    frame = pandas.DataFrame(X, columns=[f"gene {d}" for d in range(8)])
    about = onnx_graph.Graph(MarginClassifier().fit(frame, y).to_onnx()).metadata
    assert about["feature_names"].startswith('["gene 0","gene 1",') and about["loss"] == "crammer-singer"


def test_refused(blobs, tmp_path):
    fitted = MarginClassifier(options={"data.rows": "unit"}).fit(*blobs)
    for name, form, says in (
        (
            "m.bin",
            None,
            "does not end with a format: give format \\(onnx, liblinear, npz, safetensors, csv\\)",
        ),
        ("m.onnx", "pickle", "pickle: is not a format for models"),
        ("m.csv", None, "data.rows: unit"),
    ):
        with pytest.raises(ValueError, match=says):
            fitted.export(tmp_path / name, form)
    with pytest.raises(OSError, match="no/m.npz: cannot be created"):
        fitted.export(tmp_path / "no" / "m.npz")
    assert not list(tmp_path.iterdir())
    for use in MarginClassifier().to_onnx, lambda: MarginClassifier().export(tmp_path / "m.npz"):
        with pytest.raises(NotFittedError):
            use()


def test_save_floats_as_labels(blobs, tmp_path):
    """They are whole numbers in a file. As texts, "10.0" would come before "9.0"."""
    X, y = blobs
    fitted = MarginClassifier().fit(X, np.array([9.0, 10.0, 11.0])[y])
    fitted.save(tmp_path / "model.h5")
    assert np.array_equal(load_model(tmp_path / "model.h5").predict(X), fitted.predict(X))


def test_save_half_precision_labels(blobs, tmp_path):
    X, y = blobs
    fitted = MarginClassifier().fit(X, (1000 * y).astype(np.float16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.save(tmp_path / "model.h5")
    assert load_model(tmp_path / "model.h5").classes.tolist() == [0, 1000, 2000]


def test_choice_of_C(blobs):
    X, y = blobs
    fitted = MarginClassifierCV(cv=2).fit(X, y)
    for answer in answers(fitted.to_onnx(), X):
        assert np.array_equal(answer["label"], fitted.predict(X))


def test_model(blobs):
    model = Model(weights=[[1, 0], [0, 1]], bias=[0, 0], classes=["right", "up"])
    for answer in answers(model.to_onnx(), [[2, 1], [0, 3]]):
        assert answer["label"].tolist() == ["right", "up"]
