"""The Python lines of the README and of docs/python.md run as shown, and the examples of the docstrings."""

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import margin

ROOT = Path(__file__).resolve().parents[2]


def test_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    block = next(block for block in blocks if "from margin import" in block)
    exec(compile(block, "README.md", "exec"), {})
    comments = re.findall(r"print.*# (.*)", block)
    wanted = [re.match(r"True True|True|\(2, 10\)", comment)[0] for comment in comments]
    assert capsys.readouterr().out.split("\n")[:-1] == wanted


def test_blocks_without_the_package(blobs, tmp_path, monkeypatch):
    """The other Python blocks of the README and of docs/formats.md: arrays for convert, the model file of a
    run, the graph of ONNX."""
    h5py = pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    X, y = blobs
    model = margin.MarginClassifier("softmax", C=0.1).fit(X, y)
    Path("runs/fashion_mnist").mkdir(parents=True)
    model.save("model.h5")
    model.save("runs/fashion_mnist/model.h5")
    blocks = [block for page in ("README.md", "docs/formats.md")
              for block in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S)
              if "from margin import" not in block]
    assert len(blocks) == 4
    for block in blocks:
        names = {"X": X, "y": y, "np": np, "numpy": np, "h5py": h5py}
        if "onnxruntime" in block:
            if not importlib.util.find_spec("onnxruntime"):
                continue
            model.to_onnx("model.onnx")
        exec(compile(block, "a page", "exec"), names)
        if "predict" in names:
            assert (names["predict"](X) == model.predict(X)).all()
        if "labels" in names:
            assert (np.ravel(names["labels"]) == model.predict(X)).all()
        if "W" in names:
            assert names["W"].shape == model.coef_.shape
    assert sorted(np.load("train.npz")) == ["X", "y"]


# What a block of docs/python.md needs, if it holds the word.
NEEDED = {"anndata": "anndata", "Display": "matplotlib", "run.yaml": "h5py"}


def blocks_of(name):
    """The Python blocks of a page that can run here."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        modules = [module for word, module in NEEDED.items() if word in block]
        if all(importlib.util.find_spec(module) for module in modules):
            yield block


def make_files(X, y):
    """The files that the page mentions."""
    labels = np.array(["B", "NK", "T"])[y]
    if importlib.util.find_spec("h5py"):
        import h5py

        with h5py.File("rows.h5", "w") as file:
            file["X"], file["y"] = X, y
        yaml = "data:\n  train: rows.h5\ntrain:\n  tolerance: 1e-3\noutput:\n  directory: runs/yaml\n"
        Path("run.yaml").write_text(yaml)
    if importlib.util.find_spec("anndata"):
        import anndata
        import pandas

        names = [str(cell) for cell in range(len(y))]
        obs = pandas.DataFrame({"cell_type": labels}, index=names)
        var = pandas.DataFrame(index=[f"gene {d}" for d in range(X.shape[1])])
        anndata.AnnData(X, obs, var).write_h5ad("cells.h5ad")


@pytest.mark.filterwarnings("ignore:::anndata")
def test_page(blobs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_files(*blobs)
    namespace = {}
    for block in blocks_of("python.md"):
        exec(compile(block, "docs/python.md", "exec"), namespace)
        comments = re.findall(r"^print\(.*\) +# ([^:\n]*)", block, re.M)
        assert capsys.readouterr().out.split("\n")[:-1] == comments, block


MODULES = [module.name for module in pkgutil.iter_modules(margin.__path__) if module.name != "libmargin"]


def names_of(thing):
    """The names that the example of a class makes."""
    out = {}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(thing)):
        exec(example.source, out)
    return out


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    if name.endswith("displays") or name == "_run":
        pytest.importorskip("matplotlib")
    shared = names_of(margin.AnnDataClassifier) if name == "_anndata" else {}
    assert doctest.testmod(importlib.import_module(f"margin.{name}"), extraglobs=shared).failed == 0


def public():
    """What `margin` exports, and the public methods and properties of its classes: name, object."""
    for name in margin.__all__:
        thing = getattr(margin, name)
        yield name, thing
        for method, found in inspect.getmembers(thing) if inspect.isclass(thing) else ():
            if method.startswith("_"):
                continue
            source = found.fget if isinstance(found, property) else inspect.unwrap(found)
            if source.__module__.startswith("margin"):  # not those of scikit-learn
                yield f"{name}.{method}", found


def test_every_public_name_has_an_example():
    names = dict(public())
    assert {"AnnDataClassifier.export", "Model.predict", "MarginClassifierCV.predict_proba"} <= set(names)
    texts = {name: inspect.getdoc(thing) or "" for name, thing in names.items()}
    assert [name for name, text in texts.items() if not text] == []
    missing = [name for name, thing in names.items() if callable(thing) and ">>> " not in texts[name]]
    assert missing == []
