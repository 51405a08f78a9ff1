"""margin.train, margin.path, margin.cv and margin.Run, on files and on arrays."""

import _thread
import fcntl
import os
import struct
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

import margin
from margin._run import read_config

OPTIONS = {"model": {"loss": "crammer-singer"}, "train.tolerance": 1e-3, "model.C": 0.1}


@pytest.fixture
def file(blobs, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "rows.h5", "w") as out:
        out["X"], out["y"] = blobs
    return tmp_path / "rows.h5"


def records(table):
    return table.to_dict("records") if hasattr(table, "to_dict") else table


def test_train_arrays(blobs):
    X, y = blobs
    model = margin.train(OPTIONS, blobs)
    fitted = margin.MarginClassifier(C=0.1).fit(X, y)
    assert np.array_equal(model.weights, fitted.coef_)
    assert model.training["converged"] and model.training["gap"] == fitted.gap_
    assert model.training["copied_bytes"] == 0 and model.training["reason"] == "tolerance"
    texts = np.array(["b", "a", "c"])[y]
    assert set(margin.train(OPTIONS, (sp.csr_matrix(X), texts)).predict(X)) == {"a", "b", "c"}


def test_weights_and_validation(blobs):
    X, y = blobs
    weights = np.arange(300) % 3
    weighted = margin.train(OPTIONS, (X, y, weights), validation=(X[:100], y[:100]))
    assert np.array_equal(weighted.weights, margin.MarginClassifier(C=0.1).fit(X, y, weights).coef_)
    assert weighted.training["accuracy"] == pytest.approx((weighted.predict(X[:100]) == y[:100]).mean())
    assert 0 < margin.train(OPTIONS, blobs, validation=0.2).training["accuracy"] < 1


def test_train_files(file, blobs, tmp_path):
    run = margin.train(OPTIONS, file, directory=tmp_path / "run")
    model = margin.train(OPTIONS, blobs)
    assert isinstance(run, margin.Run) and run.directory == tmp_path / "run"
    assert np.array_equal(run.model.weights, model.weights)
    (tmp_path / "run.yaml").write_text(f"data:\n  train: {file}\nmodel:\n  C: 1\ntrain:\n  tolerance: 1e-3\n")
    alone = margin.train(tmp_path / "run.yaml", options={"model.C": 0.1})
    assert isinstance(alone, margin.Model) and np.array_equal(alone.weights, model.weights)
    assert alone.training["converged"] and alone.training["calibration"] is None
    tested = margin.train(OPTIONS, file, options={"data.test": str(file)})
    assert tested.training["test_accuracy"] == pytest.approx((model.predict(blobs[0]) == blobs[1]).mean())
    assert "test_accuracy" not in alone.training
    assert sorted(os.listdir(tmp_path)) == ["rows.h5", "run", "run.yaml"]


def test_arrays_in_a_directory(blobs, tmp_path):
    with pytest.raises(ValueError, match="already holds a run"):
        for _ in range(2):
            run = margin.train(OPTIONS, blobs, directory=tmp_path / "run")
    again = margin.train(OPTIONS, blobs, directory=tmp_path / "run", resume=True)
    assert np.array_equal(again.model.weights, run.model.weights)
    margin.train(OPTIONS, blobs, directory=tmp_path / "run", overwrite=True)


def test_directory_of_the_configuration(blobs, tmp_path):
    set_in = {**OPTIONS, "output.directory": str(tmp_path / "dict")}
    assert margin.train(set_in, blobs).directory == tmp_path / "dict"
    (tmp_path / "run.yaml").write_text(f"output:\n  directory: {tmp_path / 'file'}\n")
    assert margin.train(tmp_path / "run.yaml", blobs, options=OPTIONS).status == "finished"
    for name, call in ("path", margin.path), ("cv", margin.cv):
        call({**OPTIONS, "output.directory": str(tmp_path / name)}, blobs, C=[0.1, 1])
    assert sorted(os.listdir(tmp_path)) == ["cv", "dict", "file", "path", "run.yaml"]


def test_start(blobs, file, tmp_path):
    how = {"train.solver": "sgd", "sgd.eta": 0.01, "train.epochs": 2}
    first = margin.train(how, blobs)
    second = margin.train(how, blobs, init=first)
    assert second.objective < first.objective
    first.save(tmp_path / "first.h5")
    third = margin.train(how, file, init=tmp_path / "first.h5")
    assert np.array_equal(third.weights, second.weights)
    with pytest.raises(TypeError, match="for arrays a Model is allowed"):
        margin.train(how, blobs, init="first.h5")


def test_class_weight_of_texts(blobs):
    X, y = blobs
    names = np.array(["a", 'b, "c": d', "ä"])[y]
    weights = {"a": 3.0, 'b, "c": d': 0.5}
    model = margin.train({**OPTIONS, "model.class_weight": weights}, (X, names))
    fitted = margin.MarginClassifier(C=0.1, class_weight=weights).fit(X, names)
    assert np.array_equal(model.weights, fitted.coef_)


def test_feature_names(blobs, tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = blobs
    names = [f"gene {d}" for d in range(8)]
    model = margin.train(OPTIONS, (pandas.DataFrame(X, columns=names), y))
    assert model.feature_names.tolist() == names


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda X, y: margin.train({"model.D": 1}, (X, y)), ValueError, "model.D"),
        (lambda X, y: margin.train(5, (X, y)), TypeError, "config is int; a dict or the path"),
        (lambda X, y: margin.train(None, X), TypeError, "train is ndarray; it may be arrays"),
        (lambda X, y: margin.train(None, (X, y[:9])), ValueError, r"train: y has shape \(9,\)"),
        (lambda X, y: margin.train(None, (X, y + 0.5)), ValueError, r"train: y\[0\] is 0.5"),
        (lambda X, y: margin.train(None, validation=(X, y)), ValueError, "validation is for arrays"),
        (lambda X, y: margin.train("/none.yaml", (X, y)), FileNotFoundError, "/none.yaml: cannot be opened"),
        (lambda X, y: margin.train(None), ValueError, "data.train: is not set"),
        (lambda X, y: margin.path(None, (X, y)), ValueError, "exactly one of C and alpha"),
        (lambda X, y: margin.path(None, (X, y), [1, 0]), ValueError, "value 0 is not allowed"),
        (lambda X, y: margin.path(None, (X, y), []), ValueError, "C is empty"),
        (lambda X, y: margin.cv(None, (X, y), folds=1), ValueError, "1 is not allowed"),
    ],
)
def test_errors(blobs, call, error, message):
    with pytest.raises(error, match=message):
        call(*blobs)


def test_not_finite(blobs):
    X, y = blobs[0].copy(), blobs[1]
    X[4, 2] = np.nan
    with pytest.raises(ValueError, match=r"train: X\[4, 2\] is nan"):
        margin.train(None, (X, y))


def test_uncertified(blobs):
    with pytest.warns(ConvergenceWarning, match="not certified within tol=1e-06"):
        model = margin.train({"train.tolerance": 1e-6, "train.epochs": 1}, blobs)
    assert not model.training["converged"]
    with pytest.warns(UserWarning, match="2 of 2 points are not certified"):
        points = records(margin.path({"train.tolerance": 1e-6, "train.epochs": 1}, blobs, [1, 10]))
    assert [point["converged"] for point in points] == [False, False]


def test_path(blobs, file, tmp_path):
    points, model = margin.path(None, blobs, [0.01, 0.1, 1], validation=0.25, return_model=True)
    points = records(points)
    kept = records(margin.path(None, file, "0.01:1:10", validation=0.25, directory=tmp_path / "path"))
    assert [point["accuracy"] for point in points] == [point["accuracy"] for point in kept]
    best = max(points, key=lambda point: (point["accuracy"], -point["C"]))
    assert best["best"] and sum(point["best"] for point in points) == 1
    assert np.array_equal(margin.Run(tmp_path / "path").model.weights, model.weights)
    assert len(margin.Run(tmp_path / "path").points) == 3
    without, none = margin.path(None, blobs, [0.1], return_model=True)
    assert none is None and not records(without)[0]["best"]
    by_alpha = records(margin.path(None, blobs, alpha=[1 / 30]))[0]
    assert by_alpha["C"] == pytest.approx(0.1)


def test_cv(blobs, file, tmp_path):
    values = records(margin.cv(None, blobs, folds=3, C=[0.01, 0.1]))
    kept = records(margin.cv(None, file, folds=3, C=[0.01, 0.1], directory=tmp_path / "cv"))
    assert values == kept
    for value in values:
        folds = [value[f"fold_{fold}"] for fold in (1, 2, 3)]
        assert value["mean"] == pytest.approx(np.mean(folds))
        assert value["deviation"] == pytest.approx(np.std(folds, ddof=1))
        assert value["not_converged"] == 0
    assert sum(value["best"] for value in values) == 1
    run = margin.Run(tmp_path / "cv")
    assert run.status == "finished" and len(run.folds) == 8
    alone = records(margin.cv({"train.epochs": 3}, blobs, folds=3))
    assert len(alone) == 1 and "C" not in alone[0]


def test_callbacks_and_stop(blobs, file, tmp_path):
    def fail(event):
        if event["kind"] == "progress":
            raise LookupError("planted")

    long = {"train.solver": "sgd", "train.epochs": 10**8, "sgd.eta": 1e-3}
    for rows in (blobs, file):
        with pytest.raises(LookupError, match="planted"):
            margin.train(long, rows, directory=tmp_path / "stopped", overwrite=True, callbacks=[fail])
        assert margin.Run(tmp_path / "stopped").status == "stopped"
    with pytest.raises(LookupError, match="planted"):
        margin.path(None, blobs, [0.1, 1], callbacks=[fail])
    with pytest.raises(LookupError, match="planted"):
        margin.cv(None, blobs, callbacks=[fail])


def test_callback_ends_training(blobs, file, tmp_path):
    def enough(event):
        return event["kind"] == "progress" and event["epoch"] == 3

    long = {"train.solver": "sgd", "train.epochs": 10**8, "sgd.eta": 1e-3}
    models = [margin.train(long, rows, callbacks=[enough]) for rows in (blobs, file)]
    assert [model.training["reason"] for model in models] == ["asked to", "asked to"]
    run = margin.train(long, file, directory=tmp_path / "run", callbacks=[enough])
    assert run.status == "finished" and run.result["reason"] == "asked to"
    again = margin.train(long, file, directory=tmp_path / "run", resume=True)
    assert again.status == "finished" and np.array_equal(again.model.weights, run.model.weights)


def test_run(blobs, tmp_path):
    options = {**OPTIONS, "model.class_weight": {0: 2, 1: 0.5}, "data.validation": 0.2}
    run = margin.train(options, blobs, directory=tmp_path / "run")
    assert run.config["model"]["class_weight"] == {"0": 2.0, "1": 0.5}
    assert run.config["model"]["C"] == 0.1 and run.config["train"]["tolerance"] == 1e-3
    assert run.status == "finished" and run.result["converged"]
    assert records(run.metrics)[-1]["objective"] == run.result["objective"]
    assert run.points is None and run.folds is None
    with open(tmp_path / "run" / "lock", "w") as lock:
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        assert run.status == "finished"  # a killed run leaves such a file
        fcntl.fcntl(lock, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))  # F_OFD_SETLK
        assert run.status == "running"
    assert run.status == "finished"
    with pytest.raises(ValueError, match="holds no run"):
        margin.Run(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a directory"):
        margin.Run(tmp_path / "none")


def test_without_pandas(blobs, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(margin.path(None, blobs, [0.1]), list)
    run = margin.train(OPTIONS, blobs, directory=tmp_path / "run")
    assert isinstance(run.metrics, list) and run.metrics[-1]["gap"] <= 1e-3


def test_read_config():
    text = (
        '# words: here\ndata:\n  train: a b.h5\n  # test:\n  labels: "y"\nmodel:\n'
        '  class_weight: {a: 1, "b, c: d": 0.5, ? "long\\x0a\\u00e4\\"": 2}\n  C: 1e-3\n  bias:\n'
    )
    assert read_config(text) == {
        "data": {"train": "a b.h5", "labels": "y"},
        "model": {"class_weight": {"a": 1.0, "b, c: d": 0.5, 'long\nä"': 2.0}, "C": 1e-3, "bias": None},
    }


def test_killed_run(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(
        '{"event": "start"}\n{"event": "epoch", "epoch": 1}\n{"event": "ep'
    )
    run = margin.Run(tmp_path)
    assert run.status == "stopped" and len(run.metrics) == 1 and run.result == {}
    (tmp_path / "metrics.jsonl").write_text("{}\nx\n{}\n")
    with pytest.raises(ValueError, match="metrics.jsonl:2: is not JSON"):
        run.events


def test_nothing_printed(blobs, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        margin.train(OPTIONS, blobs)
        margin.path(None, blobs, [0.1, 1], validation=0.3)
        margin.cv(None, blobs, folds=2)
    assert capfd.readouterr() == ("", "")
    margin.train(OPTIONS, blobs, verbose=2)
    assert "epoch 1" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["arrays", "file"])
def test_interrupt(blobs, file, tmp_path, kind):
    """Ctrl-C leaves a checkpoint; the next run is not stopped by it."""
    calls = []

    def interrupt(event):
        if event["kind"] == "progress" and not calls:
            calls.append(event)
            _thread.interrupt_main()

    rows = file if kind == "file" else blobs
    long = {"train.solver": "sgd", "train.epochs": 10**8, "sgd.eta": 1e-3}
    with pytest.raises(KeyboardInterrupt):
        margin.train(long, rows, directory=tmp_path / "run", callbacks=[interrupt])
    run = margin.Run(tmp_path / "run")
    assert run.status == "stopped" and len(calls) == 1
    assert margin.train(OPTIONS, rows, directory=tmp_path / "other").status == "finished"
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        margin.train(long, rows, directory=tmp_path / "run", resume=True, callbacks=[interrupt])
