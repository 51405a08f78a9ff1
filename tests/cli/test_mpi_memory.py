"""margin-mpi: a rank reads the bytes of its own rows, labels, weights and offsets, and holds only its own
rows: its memory is at most its rows + 200 MB + 108 K D bytes.

    test_mpi_memory.py MARGIN
"""
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import mpi_jobs
import h5py
import numpy as np
from runs import Work, fail, read

RANKS, ROWS, FEATURES, CLASSES, STORED = 8, 400_000, 64, 4, 12
SPARE = 2e6  # bytes that a rank reads besides: the system's files, pipes, the beginning of the file
# Starts a program, and writes what it has read and its largest memory to a file.
WATCH = """import json, os, resource, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
read = next(int(line.split()[1]) for line in open(f"/proc/{child.pid}/io") if line.startswith("rchar"))
status = child.wait()
memory = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open(sys.argv[1] + os.environ.get("OMPI_COMM_WORLD_RANK", "0"), "w") as out:
    json.dump({"read": read, "memory": memory}, out)
sys.exit(status)
"""


def make(work):
    draw = np.random.default_rng(4)
    y = draw.integers(0, CLASSES, ROWS)
    weight = draw.integers(1, 3, ROWS).astype("f8")
    with h5py.File(work.at("dense.h5"), "w") as f:
        f["X"] = draw.standard_normal((ROWS, FEATURES), "f4") + (np.arange(FEATURES) % CLASSES == y[:, None])
        f["y"], f["w"] = y, weight
    with h5py.File(work.at("sparse.h5"), "w") as f:
        g = f.create_group("X")
        g.attrs["shape"], g.attrs["encoding-type"] = (ROWS, FEATURES), "csr_matrix"
        index = np.sort((np.arange(STORED) * 5 + draw.integers(0, 5, (ROWS, STORED))), axis=1).astype("i4")
        g["indices"], g["data"] = index.ravel(), (1 + (index % CLASSES == y[:, None])).astype("f4").ravel()
        g["indptr"] = np.arange(ROWS + 1, dtype="i8") * STORED
        f["y"], f["w"] = y, weight


def watch(work, name, ranks, data, *more):
    """[{read, memory}] of each rank."""
    program = mpi_jobs.program(work) if ranks > 1 else work.margin
    train = [sys.executable, work.at("watch.py"), work.at(name), program, "train", "-q", "--overwrite"]
    for text in (f"data.train={data}", "data.weights=w", f"output.directory={name}.run",
                 "train.solver=newton", "train.tolerance=0.2", "train.shards=8", "train.threads=1", *more):
        train += ["--set", text]
    mpirun = ["mpirun", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    job = mpi_jobs.start(work, [*mpirun, *train], OMPI_MCA_plm="isolated", OMPI_MCA_btl="self,vader")
    status, _, said = mpi_jobs.end(job, name, 120)
    if status:
        fail(f"{name}: exit {status}: {said}")
    return [json.loads(read(work.at(f"{name}{rank}"))) for rank in range(ranks)]


def compare(work, kind, row, *more):
    """`row`: bytes of a row in memory."""
    size = os.path.getsize(work.at(f"{kind}.h5"))
    # Labels and weights are read three times: to find the own rows, to compare the files, and to keep them.
    own = (size + 2 * ROWS * 16) / RANKS
    alone = watch(work, f"{kind}-one", 1, f"{kind}.h5", *more)[0]
    ranks = watch(work, f"{kind}-all", RANKS, f"{kind}.h5", *more)
    limit = ROWS / RANKS * row + 200e6 + 108 * CLASSES * FEATURES
    for rank, seen in enumerate(ranks):
        if seen["memory"] > limit:
            fail(f"{kind}, rank {rank}: {seen['memory']} bytes of memory, at most {limit:.0f} are allowed")
        if seen["read"] > own + SPARE:
            fail(f"{kind}, rank {rank} has read {seen['read']} bytes of a file with {size}")
    if read(work.at(f"{kind}-one.run/model.h5")) != read(work.at(f"{kind}-all.run/model.h5")):
        fail(f"{kind}: the models differ")
    most = {what: max(seen[what] for seen in ranks) for what in ("read", "memory")}
    print(f"{kind}: {size / 1e6:.0f} MB in the file; one process reads {alone['read'] / 1e6:.0f} MB and has"
          f" {alone['memory'] / 1e6:.0f} MB; a rank of {RANKS} {most['read'] / 1e6:.0f} MB and"
          f" {most['memory'] / 1e6:.0f} MB of {limit / 1e6:.0f} MB that are allowed")


def main():
    with Work(sys.argv[1]) as work:
        mpi_jobs.program(work)
        make(work)
        with open(work.at("watch.py"), "w") as out:
            out.write(WATCH)
        compare(work, "dense", 4 * FEATURES)
        compare(work, "sparse", 8 * STORED + 8, "data.scale=max-abs")


main()
