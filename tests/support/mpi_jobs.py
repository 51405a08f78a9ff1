# mpi_jobs.py - functions that the tests of margin-mpi share: jobs with a limit of time, and rows for a long
# training.
import os
import signal
import subprocess
import time

from runs import checkpoint, fail, need_modules, skip, steps_of

need_modules("numpy", "h5py")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

LIMIT = 60  # seconds for one job
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",  # containers forbid it
}
RUN = {
    "data": {"train": "dense.h5", "validation": 0.2, "scale": "standard"},
    "model": {"loss": "crammer-singer", "C": 1},
    "train": {"solver": "newton", "tolerance": 0.0001, "threads": 1, "shards": 8},
    "checkpoint": {"every_epochs": 1, "keep": 100},
}
# For large_rows: a training of minutes.
LONG = {"data__train": "large.h5", "data__validation": "~", "model__C": 1000, "train__tolerance": 1e-9,
        "checkpoint__keep": 2}


def large_rows(path):
    """Rows that no weights separate."""
    draw = np.random.default_rng(1)
    with h5py.File(path, "w") as out:
        out["X"], out["y"] = draw.standard_normal((30000, 100), "f4"), draw.integers(0, 10, 30000)


def program(work):
    """The path of margin-mpi, which is built beside margin. Without it, the test is skipped."""
    path = os.path.join(os.path.dirname(work.margin), "margin-mpi")
    if not os.access(path, os.X_OK):
        skip("built without MARGIN_MPI")
    return path


def changed(**changes):
    """RUN with other values: section__key=value."""
    run = {section: dict(keys) for section, keys in RUN.items()}
    for place, value in changes.items():
        section, key = place.split("__")
        run[section][key] = value
    return run


def start(work, command, **environment):
    return subprocess.Popen(command, cwd=work.path, text=True, env={**ENVIRONMENT, **environment},
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def end(job, what, limit=LIMIT):
    """Returns exit status, output and messages. A job that does not end fails the test."""
    try:
        out, said = job.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        fail(f"{what}: did not end within {limit} s")
    return job.returncode, out, said


def await_checkpoint(work, directory, job):
    until = time.monotonic() + LIMIT
    while not steps_of(work.at(directory)):
        if job.poll() is not None or time.monotonic() > until:
            fail(f"{directory}: no checkpoint: {end(job, directory, 1)}")
        time.sleep(0.02)


def whole_checkpoints(work, directory, what):
    steps = steps_of(work.at(directory))
    if not steps or not all(work.whole(checkpoint(work.at(directory), step)) for step in steps):
        fail(f"{what}: checkpoints {steps} are not whole")
