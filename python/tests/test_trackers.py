"""Run.to_tensorboard and Run.to_mlflow: the numbers of the lines, at their steps."""

import numpy as np
import pytest

import margin
from margin import _tables, _trackers

rng = np.random.default_rng(3)
Y = np.arange(120) % 3
X = (np.eye(3)[Y] + rng.normal(size=(120, 3))).astype("f4")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "run"
    return margin.train({"train.tolerance": 1e-3, "data.validation": 0.2}, (X, Y), directory=directory)


def expected(run):
    """{tag: {step: value}} of the epoch lines, read anew."""
    out = {}
    for event in run.events:
        for name, value in event.items():
            if (event["event"] == "epoch" and isinstance(value, (int, float))
                and name not in ("step", "epoch", "seconds")):
                out.setdefault(name, {})[event["step"]] = value
    return out


def test_scalars_are_those_of_the_lines(run):
    found = {}
    for one in _trackers.scalars(run):
        found.setdefault(one.tag, {})[one.step] = one.value
    for tag, values in expected(run).items():
        assert found[tag] == values, tag
    assert found["final/objective"] == {run.result["step"]: run.result["objective"]}
    assert "validation_loss" in found and "loss" not in found


def test_tensorboard(run, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    target = run.to_tensorboard(tmp_path / "logs")
    events = accumulator.EventAccumulator(str(target))
    events.Reload()
    for tag, values in expected(run).items():
        read = {one.step: one.value for one in events.Scalars(tag)}
        assert read == pytest.approx(values, rel=1e-6), tag
    with pytest.raises(FileExistsError, match="already holds event files"):
        run.to_tensorboard(target)


def test_mlflow(run, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # newer versions ask for a data base
    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    identity = run.to_mlflow("trial", name="first")
    client = mlflow.tracking.MlflowClient()
    stored = client.get_run(identity)
    assert stored.info.status == "FINISHED" and stored.data.tags["mlflow.runName"] == "first"
    assert stored.data.params["train.tolerance"] == "0.001"
    for tag, values in expected(run).items():
        history = client.get_metric_history(identity, tag)
        assert {one.step: one.value for one in history} == pytest.approx(values), tag


def test_a_path_has_points(tmp_path):
    margin.path({"data.validation": 0.2}, (X, Y), C=[0.01, 1], directory=tmp_path / "path")
    run = margin.Run(tmp_path / "path")
    points = [one for one in _trackers.scalars(run) if one.tag == "point/accuracy"]
    assert [one.step for one in points] == [1, 2]
    assert [one.value for one in points] == [line["accuracy"]
                                             for line in _tables.read_lines(run.directory / "path.jsonl")]


def test_without_the_library_the_error_says_what_to_install(run, monkeypatch):
    import sys

    for name in ("tensorboard", "mlflow"):
        for module in [key for key in sys.modules if key.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        run.to_tensorboard()
    with pytest.raises(ImportError, match="pip install mlflow"):
        run.to_mlflow()
