"""Trackers: metrics.jsonl as event files of TensorBoard, or as a run of MLflow."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Optional

from . import _tables

_PLACE = ("event", "step", "epoch", "seconds", "point", "fold")
_VALUE_LENGTH = 500  # MLflow's limit for a parameter before its version 2.11
_BATCH = 500  # metrics in one request to MLflow; its limit is 1,000
_PARAMS = 100  # parameters in one request


class Scalar(NamedTuple):
    tag: str
    value: float
    step: int
    time: float  # seconds since 1970


def scalars(run: Any) -> Iterator[Scalar]:
    """The numbers of a run in the order of its lines. Those of an epoch have their name as the tag and its
    step, those of the `end` line the tag final/NAME, those of a path point/NAME and the number of the point,
    those of a cross-validation fold/NAME or mean/NAME and their number."""
    begun = _begun(run)
    for event in run.events:
        if event["event"] in ("epoch", "eval", "end"):
            head = "final/" if event["event"] == "end" else ""
            for name, value in _numbers(event):
                tag = "validation_loss" if event["event"] == "eval" and name == "loss" else head + name
                if event["event"] != "eval" or name == "loss":  # the epoch line has the accuracy too
                    yield Scalar(tag, value, event["step"], begun + event["seconds"])
    elapsed = 0.0
    numbers: dict[str, int] = {}
    heads: tuple = (("path.jsonl", "point"), ("cv.jsonl", None))
    for name, head in heads:
        path = run.directory / name
        for line in _tables.read_lines(path) if path.exists() else []:
            kind = head or line["event"]
            elapsed += line.get("seconds", 0)
            numbers[kind] = numbers.get(kind, 0) + 1
            for key, value in _numbers(line):
                yield Scalar(f"{kind}/{key}", value, numbers[kind], begun + elapsed)


def _numbers(line: dict) -> Iterator[tuple]:
    for name, value in line.items():
        if name not in _PLACE and isinstance(value, (int, float)) and math.isfinite(value):
            yield name, float(value)


def _begun(run: Any) -> float:
    """When the training began, from the time of the last line."""
    for name in ("metrics.jsonl", "path.jsonl", "cv.jsonl"):
        path = run.directory / name
        if path.exists():
            events = run.events
            return path.stat().st_mtime - (events[-1]["seconds"] if events else 0)
    return 0.0


def params(run: Any) -> dict:
    """The options that are set, as ``{"section.key": value}``, and what the run began with."""
    try:
        config = run.config
    except OSError:
        config = {}
    out = {f"{section}.{key}": value for section, keys in config.items() for key, value in keys.items()
           if value is not None}
    start: dict = next((event for event in run.events if event["event"] == "start"), {})
    out.update({f"start.{key}": value for key, value in start.items() if key not in _PLACE})
    return out


def write_tensorboard(run: Any, directory: Any) -> Path:
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise ImportError("to_tensorboard needs tensorboard: pip install tensorboard") from None
    target = Path(directory) if directory is not None else run.directory / "tensorboard"
    if any(target.glob("events.out.tfevents.*")):
        raise FileExistsError(f"{target}: already holds event files, which TensorBoard would show together:"
                              " delete them, "
                              "or give another directory")
    target.mkdir(parents=True, exist_ok=True)
    writer = EventFileWriter(str(target))
    try:
        for one in scalars(run):
            summary = Summary(value=[Summary.Value(tag=one.tag, simple_value=one.value)])
            writer.add_event(Event(wall_time=one.time, step=one.step, summary=summary))
    finally:
        writer.close()
    return target


def write_mlflow(run: Any, experiment: str, name: Optional[str]) -> str:
    try:
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise ImportError("to_mlflow needs mlflow: pip install mlflow") from None
    client = MlflowClient()
    found = client.get_experiment_by_name(experiment)
    number = found.experiment_id if found else client.create_experiment(experiment)
    tags = {"margin.directory": str(run.directory.resolve()), "margin.status": run.status}
    begun = int(1000 * _begun(run))
    made = client.create_run(number, start_time=begun, run_name=name or run.directory.name,
                             tags=tags).info.run_id
    end, state = begun, "FAILED"
    try:
        given = [Param(key, str(value)[:_VALUE_LENGTH]) for key, value in params(run).items()]
        for at in range(0, len(given), _PARAMS):
            client.log_batch(made, params=given[at:at + _PARAMS])
        metrics = [Metric(one.tag, one.value, int(1000 * one.time), one.step) for one in scalars(run)]
        for at in range(0, len(metrics), _BATCH):
            client.log_batch(made, metrics=metrics[at:at + _BATCH])
        end = max([begun, *(one.timestamp for one in metrics)])
        state = {"finished": "FINISHED", "running": "RUNNING"}.get(run.status, "KILLED")
    finally:
        client.set_terminated(made, status=state, end_time=end)
    return made
