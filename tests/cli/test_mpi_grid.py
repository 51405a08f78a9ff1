"""margin-mpi path and cv: the same points, folds and models for any number of ranks as for one process.

    test_mpi_grid.py MARGIN
"""
import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import mpi_jobs
from runs import Work, checkpoint, fail, read, steps_of
from test_mpi import STOPPED, Jobs, name_rows

GRID = ["--C", "0.01:10:10"]


def lines_of(work, path):
    """The lines of a file of results, without times."""
    lines = [json.loads(line) for line in read(work.at(path)).splitlines()]
    for line in lines:
        line.pop("seconds", None)
    return lines


def start(jobs, command, ranks, directory, *more):
    """ranks 0: margin without MPI."""
    arguments = [command, "run.yaml", "--quiet", "--set", f"output.directory={directory}", *more]
    jobs.run(jobs.command(ranks, *arguments) if ranks else [jobs.work.margin, *arguments],
             f"{command} {directory} on {ranks} ranks")


def compare(jobs, one, other, name, model=True):
    work = jobs.work
    if lines_of(work, f"{one}/{name}") != lines_of(work, f"{other}/{name}"):
        fail(f"{one} and {other}: {name} differ")
    if model and read(work.at(one, "model.h5")) != read(work.at(other, "model.h5")):
        fail(f"{one} and {other}: the models differ")


def test_path(jobs):
    work = jobs.work
    for name, changes in {"sparse": {"data__train": "sparse.h5", "data__scale": "max-abs"},
                          "softmax": {"model__loss": "softmax"}, "dense": {}}.items():
        jobs.write(model__C="~", **changes)
        start(jobs, "path", 0, "plain", *GRID, "--overwrite")
        for ranks in (2, 3, 4) if name == "dense" else (3,):
            start(jobs, "path", ranks, f"ranks{ranks}", *GRID, "--overwrite")
            compare(jobs, "plain", f"ranks{ranks}", "path.jsonl")
    if len(lines_of(work, "plain/path.jsonl")) != 4:
        fail("4 points expected")


def test_path_resumed(jobs):
    """After a point in the middle, 4 ranks go on, then one process. A finished path stays as it is."""
    work = jobs.work
    for ranks, left in ((4, 3), (0, 5)):
        shutil.rmtree(work.at("resumed"), ignore_errors=True)
        shutil.copytree(work.at("ranks3"), work.at("resumed"))
        os.remove(work.at("resumed/model.h5"))
        for step in sorted(steps_of(work.at("resumed")))[left:]:
            os.remove(checkpoint(work.at("resumed"), step))
        start(jobs, "path", ranks, "resumed", *GRID, "--resume")
        compare(jobs, "plain", "resumed", "path.jsonl")
    before = {name: read(work.at("resumed", name)) for name in ("path.jsonl", "model.h5", "metrics.jsonl")}
    start(jobs, "path", 3, "resumed", *GRID, "--resume")
    for name, content in before.items():
        if read(work.at("resumed", name)) != content:
            fail(f"{name} of a finished path has changed")


def test_cv(jobs):
    work = jobs.work
    for name, grid, changes in (("folds", [], {"data__train": "sparse.h5", "data__scale": "max-abs"}),
                                ("unlabelled rows", GRID, {"data__train": "named.h5", "data__weights": "w",
                                                           "data__unlabelled": "drop"}),
                                ("grid", GRID, {})):
        if grid:
            changes["model__C"] = "~"
        jobs.write(data__validation="~", **changes)
        more = [*grid, "--folds", "3", "--overwrite", "--refit"]
        start(jobs, "cv", 0, "cv", *more)
        for ranks in (2, 3):
            start(jobs, "cv", ranks, f"cv{ranks}", *more)
            compare(jobs, "cv", f"cv{ranks}", "cv.jsonl", model=False)
            if read(work.at("cv/refit/model.h5")) != read(work.at(f"cv{ranks}/refit/model.h5")):
                fail(f"cv and cv{ranks}: the models of all rows differ")
        print(f"{name}: {len(lines_of(work, 'cv/cv.jsonl'))} lines are equal")


def test_cv_resumed(jobs):
    work = jobs.work
    shutil.rmtree(work.at("cv3/fold-3"))
    os.remove(work.at("cv3/cv.jsonl"))
    start(jobs, "cv", 2, "cv3", *GRID, "--folds", "3", "--resume")
    compare(jobs, "cv", "cv3", "cv.jsonl", model=False)


def test_stopped(jobs):
    """SIGUSR1 to mpirun stops all ranks in the same step, with one line and a whole checkpoint."""
    jobs.write("long.yaml", **{**mpi_jobs.LONG, "model__C": "~"})
    for command, directory in ((["path"], "long"), (["cv", "--folds", "3"], "folds/fold-1")):
        arguments = [*command, "long.yaml", "-q", "--C", "100:1000:10", "--set",
                     f"output.directory={directory.split('/')[0]}"]
        job = jobs.start(jobs.command(3, *arguments))
        mpi_jobs.await_checkpoint(jobs.work, directory, job)
        job.send_signal(signal.SIGUSR1)
        status, _, said = mpi_jobs.end(job, f"USR1 to {command[0]}")
        lines = [line for line in said.splitlines() if line.startswith("margin")]
        if status != STOPPED or len(lines) != 1 or "--resume" not in lines[0]:
            fail(f"USR1 to {command[0]}: exit {status}: {said}")
        mpi_jobs.whole_checkpoints(jobs.work, directory, command[0])


def test_refusals(jobs):
    def refused(command, what, status, *words):
        jobs.refused(jobs.command(3, *command, "run.yaml", "-q", *GRID), what, status, *words)

    there = ["--set", "output.directory=ranks2"]
    refused(["path", *there], "a path in its place", 2, "ranks2", "--overwrite")
    refused(["cv", "--set", "output.directory=cv2"], "a cross-validation in its place", 2, "cv2",
            "--overwrite")
    refused(["cv", "--folds", "601", "--set", "output.directory=many"], "too many folds", 2, "--folds", "601")
    refused(["path", "--set", "data.train=none.h5", "--set", "output.directory=none"], "no file", 3,
            "none.h5")
    for name in ("many", "none"):
        if os.path.exists(jobs.work.at(name, "fold-1")) or os.path.exists(jobs.work.at(name, "model.h5")):
            fail(f"{name} has results")


def main():
    with Work(sys.argv[1]) as work:
        jobs = Jobs(work)
        work.data("dense.h5", 600, 20, 5, sparse=False)
        work.data("sparse.h5", 600, 40, 5, sparse=True)
        name_rows(work)
        mpi_jobs.large_rows(work.at("large.h5"))
        for test in (test_path, test_path_resumed, test_cv, test_cv_resumed, test_stopped, test_refusals):
            test(jobs)


if __name__ == "__main__":
    main()
