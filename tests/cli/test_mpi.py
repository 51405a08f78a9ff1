"""margin-mpi: the same model and checkpoints for any number of ranks as for one process, and an end within a
limit of time, with one line, whatever happens to a rank.

    test_mpi.py MARGIN
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import mpi_jobs
import h5py
from runs import Work, checkpoint, fail, namespaces, read, settings, steps_of

STOPPED = 75
# one machine: needs neither ssh nor a network
HERE = {"OMPI_MCA_plm": "isolated", "OMPI_MCA_btl": "self,vader"}


RANKS = {"dense": (1, 2, 3, 4, 8), "sparse": (2, 5, 8), "softmax": (3, 4), "several files": (2, 4),
         "fewer rows than shards": (1, 4), "names and weights": (3, 8)}


class Jobs:
    def __init__(self, work):
        self.work = work
        self.program = mpi_jobs.program(work)
        self.compared = 0  # checkpoints

    def write(self, name="run.yaml", **changes):
        with open(self.work.at(name), "w") as out:
            out.write(settings(mpi_jobs.changed(**changes)))

    def command(self, ranks, *arguments):
        return ["mpirun", "--bind-to", "none", "-n", str(ranks), self.program, *arguments]

    def start(self, command):
        return mpi_jobs.start(self.work, command, **HERE)

    def run(self, command, what, status=0, prefix="margin"):
        """Returns the output, and the messages without those of mpirun."""
        got, out, said = mpi_jobs.end(self.start(command), what)
        if got != status:
            fail(f"{what}: exit {got}, {status} expected: {said}")
        return out, [line for line in said.splitlines() if line.startswith(prefix)]

    def refused(self, command, what, status, *words, prefix="margin"):
        """The job ends with this status and with exactly one line, which has all of the words."""
        _, lines = self.run(command, what, status, prefix)
        if len(lines) != 1 or not all(word in lines[0] for word in words):
            fail(f"{what}: one line with {words} expected, not {lines}")

    def train(self, directory, ranks, *more):
        """ranks 0: margin without MPI."""
        arguments = ["train", "run.yaml", "--quiet", "--set", f"output.directory={directory}", *more]
        self.run(self.command(ranks, *arguments) if ranks else [self.work.margin, *arguments],
                 f"{directory} on {ranks} ranks")

    def files(self, directory):
        """The bytes of the model and of all checkpoints."""
        steps = steps_of(self.work.at(directory))
        return (read(self.work.at(directory, "model.h5")),
                {step: read(checkpoint(self.work.at(directory), step)) for step in steps})

    def same(self, one, other):
        a, b = self.files(one), self.files(other)
        if a[0] != b[0]:
            fail(f"{one} and {other}: the models differ")
        if max(a[1]) != max(b[1]):
            fail(f"{one} and {other}: checkpoints {sorted(a[1])} and {sorted(b[1])}")
        for step in a[1].keys() & b[1].keys():  # a checkpoint is left out while an older one is being written
            if a[1][step] != b[1][step]:
                fail(f"{one} and {other}: the checkpoints of step {step} differ")
            self.compared += 1

    def cut(self, directory, step):
        """Leaves the state that a run has which was killed after the checkpoint of this step."""
        os.remove(self.work.at(directory, "model.h5"))
        for later in steps_of(self.work.at(directory)):
            if later > step:
                os.remove(checkpoint(self.work.at(directory), later))


def test_transport(jobs):
    """The transport alone: equal sums, as many bytes as predicted, and one line whatever the last rank
    does."""
    ranks = os.path.join(os.path.dirname(jobs.program), "tests", "mpi_ranks")

    def job(count, *arguments):
        return ["mpirun", "--bind-to", "none", "-n", str(count), ranks, *arguments]

    for shards, length in ((64, 1000), (8, 5000000)):
        sums = {jobs.run(job(count, "sum", str(shards), str(length), "1"),
                         f"sum on {count} ranks")[0].split()[0] for count in (1, 3, 4, 8)}
        if len(sums) != 1:
            fail(f"sums of {length} elements differ: {sums}")
        swapped, _ = jobs.run(job(4, "sum", str(shards), str(length), "1", "swapped"), "another order")
        if swapped.split()[0] in sums:
            fail(f"sums of {length} elements: another order has the same bits, so this test proves nothing")
    for what, status, says in (("fail", 3, "rank 2 ("), ("hang", 1, "rank 2 ("),
                               ("leave", 3, "the last rank leaves"), ("wake", 1, "rank 0 (")):
        jobs.refused(job(3, what), what, status, says, prefix="ranks:")
    late = [*job(1, "late"), ":", "-n", "1", "sleep", "60"]
    jobs.refused(late, "a rank that does not start", 1, "within 2 s")
    jobs.refused(job(3, "linger"), "a rank that does not end", 1, "rank 2 has not ended")


def test_bits(jobs):
    """The same files for every number of ranks; another number of shards gives other bits."""
    for name, changes in {
        "sparse": {"data__train": "sparse.h5", "data__scale": "max-abs"},
        "softmax": {"model__loss": "softmax"},
        "several files": {"data__train": "[part-0.h5, part-1.h5, part-2.h5]", "data__test": "'part-[12].h5'",
                          "data__scale": "max-abs"},
        "fewer rows than shards": {"data__train": "tiny.h5", "data__validation": "~", "train__shards": 16},
        "names and weights": {"data__train": "named.h5", "data__test": "named.h5", "data__unlabelled": "drop",
                              "data__weights": "w", "model__class_weight": "balanced"},
        "dense": {},
    }.items():
        jobs.write(**changes)
        jobs.compared = 0
        jobs.train("plain", 0, "--overwrite")
        for ranks in RANKS.get(name, (1, 2, 3, 4)):
            jobs.train(f"ranks{ranks}", ranks, "--overwrite")
            jobs.same("plain", f"ranks{ranks}")
        print(f"{name}: {jobs.compared} checkpoints are equal")
    jobs.train("other", 2, "--set", "train.shards=4")
    if jobs.files("plain")[0] == jobs.files("other")[0]:
        fail("4 and 8 shards give the same bits: the test proves nothing")


def test_resume(jobs):
    """4 ranks, then 3, then one process."""
    jobs.train("resumed", 4)
    steps = sorted(steps_of(jobs.work.at("resumed")))
    if len(steps) < 3:
        fail(f"only {len(steps)} checkpoints")
    jobs.cut("resumed", steps[0])
    jobs.train("resumed", 3, "--resume")
    jobs.same("plain", "resumed")
    jobs.cut("resumed", sorted(steps_of(jobs.work.at("resumed")))[1])
    jobs.train("resumed", 0, "--resume")
    jobs.same("plain", "resumed")


def test_output(jobs):
    """Only rank 0 prints, and the metrics say what it has sent."""
    arguments = ["train", "run.yaml", "--set", "output.directory=printed"]
    one, _ = jobs.run([jobs.work.margin, *arguments], "one process")
    many, _ = jobs.run(jobs.command(3, *arguments, "--overwrite"), "three ranks")
    if one.count("\n") != many.count("\n") or "ended by" not in many or "\x1b" in many:
        fail(f"three ranks printed {many}")
    lines = [json.loads(line) for line in read(jobs.work.at("printed", "metrics.jsonl")).splitlines()]
    for line in lines:  # what docs/metrics.md says of several ranks
        least = min(line.get(name, 0) for name in ("sent_bytes", "sent_messages", "rank_wait_seconds"))
        if line["event"] == "epoch" and not least > 0:
            fail(f"three ranks: {line}")
    text, _ = jobs.run(jobs.command(2, "--version"), "--version")
    if text != jobs.work.run("--version").stdout:
        fail(f"--version printed {text}")


def ranks_of(job):
    """{rank: process id} of the processes of margin-mpi that this mpirun has started."""
    found = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(read(f"/proc/{process}/stat").rsplit(b")", 1)[1].split()[1])
            words = read(f"/proc/{process}/environ").split(b"\0") if parent == job.pid else []
        except OSError:
            continue
        for word in words:
            if word.startswith(b"OMPI_COMM_WORLD_RANK="):
                found[int(word.split(b"=")[1])] = int(process)
    return found


def begin_long(jobs, *more):
    """Starts a job that would take minutes, and returns it when it has written a checkpoint."""
    shutil.rmtree(jobs.work.at("long"), ignore_errors=True)
    job = jobs.start(jobs.command(3, "train", "long.yaml", "--quiet", "--set", "output.directory=long",
                                  *more))
    mpi_jobs.await_checkpoint(jobs.work, "long", job)
    return job


def minds_usr1(process):
    """Whether a process blocks or catches SIGUSR1."""
    fields = dict(line.split(b":", 1) for line in read(f"/proc/{process}/status").splitlines())
    return (int(fields[b"SigBlk"], 16) | int(fields[b"SigCgt"], 16)) >> (signal.SIGUSR1 - 1) & 1


def stop_at_start(jobs):
    """A signal that comes before MPI has started, or soon after."""
    job = jobs.start(jobs.command(3, "train", "long.yaml", "--quiet", "--set", "output.directory=early"))
    until = time.monotonic() + mpi_jobs.LIMIT
    while len(ranks := ranks_of(job)) < 3 or not all(minds_usr1(process) for process in ranks.values()):
        if job.poll() is not None or time.monotonic() > until:
            fail(f"the ranks have not started: {mpi_jobs.end(job, 'early USR1', 1)}")
    job.send_signal(signal.SIGUSR1)
    status, _, said = mpi_jobs.end(job, "early USR1")
    if status != STOPPED:
        fail(f"early USR1: exit {status}: {said}")


def test_signals(jobs):
    jobs.write("long.yaml", **mpi_jobs.LONG)
    stop_at_start(jobs)
    job = begin_long(jobs)
    job.send_signal(signal.SIGUSR1)
    status, _, said = mpi_jobs.end(job, "USR1 to mpirun")
    lines = [line for line in said.splitlines() if line.startswith("margin")]
    if status != STOPPED or len(lines) != 1 or "--resume" not in lines[0]:
        fail(f"USR1 to mpirun: exit {status}: {said}")
    mpi_jobs.whole_checkpoints(jobs.work, "long", "USR1 to mpirun")
    for victim in (1, 0):
        what = f"rank {victim} was killed"
        job = begin_long(jobs)
        os.kill(ranks_of(job)[victim], signal.SIGKILL)
        begun = time.monotonic()
        status, _, said = mpi_jobs.end(job, what, 10)
        if not status:
            fail(f"{what}: exit 0: {said}")
        mpi_jobs.whole_checkpoints(jobs.work, "long", what)
        print(f"{what}: mpirun ended after {time.monotonic() - begun:.1f} s, exit {status}")


def test_silent_rank(jobs):
    """A rank that hangs ends the job after train.rank_timeout."""
    job = begin_long(jobs, "--set", "train.rank_timeout=2")
    os.kill(ranks_of(job)[2], signal.SIGSTOP)
    status, _, said = mpi_jobs.end(job, "rank 2 hangs", 20)
    lines = [line for line in said.splitlines() if line.startswith("margin")]
    if not status or len(lines) != 1 or "rank 2 (" not in lines[0] or "train.rank_timeout" not in lines[0]:
        fail(f"rank 2 hangs: exit {status}: {said}")
    mpi_jobs.whole_checkpoints(jobs.work, "long", "rank 2 hangs")


def test_refusals(jobs):
    work = jobs.work
    train = [jobs.program, "train", "run.yaml", "--quiet", "--set", "output.directory=refused"]
    jobs.refused(jobs.command(4, *train[1:], "--set", "train.shards=2"), "more ranks than shards", 2,
                 "train.shards", "from 4 on")
    one = ["mpirun", "--bind-to", "none", "-n", "1"]
    for other, word in ((["--resume"], "--resume"),
                        (["--set", "data.validation=dense.h5"], "data.validation"), (["--plan"], "a dry run"),
                        (["--set", "data.test=dense.h5"], "data.test"), (["--nonsense"], "'--nonsense'")):
        jobs.refused([*one, *train, ":", "-n", "1", *train, *other], f"{other[-1]} on one rank", 2, word)
    jobs.refused([*one, *train, ":", "-n", "1", *train, "--help"], "--help on one rank", 1,
                 "rank 1 has ended before")
    os.mkdir(work.at("elsewhere"))
    shutil.copy(work.at("run.yaml"), work.at("elsewhere"))
    elsewhere = [*one, *train, ":", "-n", "1", "--wdir", work.at("elsewhere"), *train]
    jobs.refused(elsewhere, "a file that one rank lacks", 3, "rank 1 (", "dense.h5")
    work.data("elsewhere/dense.h5", 600, 20, 5, sparse=False, seed=2)
    jobs.refused(elsewhere, "other rows on one rank", 3, "rank 1 (", "differ")
    work.data("elsewhere/dense.h5", 500, 20, 5, sparse=False)
    jobs.refused(elsewhere, "fewer rows on one rank", 3, "rank 1 (", "differ")
    if within := namespaces("-m"):
        os.mkdir(work.at("small"))
        mount = 'mount -t tmpfs -o size=24k tmpfs small && exec "$@"'
        train[-1] = "output.directory=small/run"
        full = [*one, *within, "sh", "-c", mount, "sh", *train, ":", "-n", "1", *train]
        jobs.refused(full, "a full disk on rank 0", 3, "small/run", "No space left")
    for name in ("refused", "elsewhere/refused", "small/run"):
        if os.path.exists(work.at(name, "model.h5")):
            fail(f"{name} has a model")


def test_page(jobs):
    """The commands of docs/distributed.md run as shown. This machine takes the place of several."""
    work = jobs.work
    page = (Path(__file__).resolve().parents[2] / "docs/distributed.md").read_text(encoding="utf-8")
    with open(work.at("run.yaml"), "w") as out:
        out.write("data: {train: dense.h5}\n" + re.search(r"```yaml\n(.*?)```", page, re.S)[1])
    with open(work.at("hosts"), "w") as out:
        out.write("localhost slots=2\n")
    path = f"{os.path.dirname(jobs.program)}:{os.environ['PATH']}"
    blocks = re.findall(r"```sh\n(mpirun .*?)```", page, re.S)
    if len(blocks) < 2:
        fail(f"docs/distributed.md: only {len(blocks)} jobs were found")
    for block in blocks:
        status, _, said = mpi_jobs.end(mpi_jobs.start(work, ["sh", "-c", block], PATH=path, **HERE), block)
        if status or not os.path.exists(work.at("runs/run/model.h5")):
            fail(f"docs/distributed.md: {block}: exit {status}: {said}")


def sets(*texts):
    return [word for text in texts for word in ("--set", text)]


def test_impossible(jobs):
    """What ranks cannot do is one line, whose advice helps."""
    jobs.write()
    train = ["train", "run.yaml", "--quiet", "--overwrite", *sets("output.directory=impossible")]
    streamed = ["train.solver=sgd", "train.tolerance=0", "data.memory_limit=140000", "train.shards=1"]
    start = [*train, "--init", "plain/model.h5"]
    for changes, *words in ((["train.solver=dual"], "train.solver", "newton"),
                            (["train.solver=sgd", "train.tolerance=0"], "train.solver", "newton"),
                            (["train.tolerance=0"], "train.tolerance"),
                            (["data.memory_limit=4096"], "data.memory_limit", "train.shards to 1"),
                            (["model.calibration=temperature"], "margin calibrate"),
                            (["model.C=auto"], "margin cv --C 1e-3:1:10")):
        jobs.refused(jobs.command(2, *train, *sets(*changes)), str(changes), 2, *words)
    jobs.refused(jobs.command(2, *start), "--init", 2, "--init", "margin train with train.shards: 1")
    jobs.refused(jobs.command(2, *train, "--plan"), "--plan", 2, "margin train --plan")
    for command in ([name, "plain/model.h5", "dense.h5"] for name in ("eval", "predict", "calibrate")):
        jobs.refused(jobs.command(2, *command), command[0], 2, f"margin {command[0]}", "without mpirun")
    jobs.train("impossible", 2, "--overwrite")
    alone = sets("train.shards=1", "train.solver=auto", "train.tolerance=0")
    for arguments in ([*train, "--plan"], [*start, *alone], [*train, *sets(*streamed)],
                      ["cv", "run.yaml", "-q", "--C", "1e-3:1:10", *sets("output.directory=values")],
                      ["calibrate", "plain/model.h5", "dense.h5"]):
        jobs.run([jobs.work.margin, *arguments], " ".join(arguments))


def cut_rows(work):
    """The rows of sparse.h5 in three files."""
    with h5py.File(work.at("sparse.h5")) as f:
        group, y = f["X"], f["y"][()]
        ends, shape = group["indptr"][()], group.attrs["shape"]
        for part, (a, b) in enumerate(((0, 100), (100, 110), (110, len(y)))):
            with h5py.File(work.at(f"part-{part}.h5"), "w") as out:
                to = out.create_group("X")
                to.attrs["shape"], to.attrs["encoding-type"] = [b - a, shape[1]], "csr_matrix"
                for name in ("data", "indices"):
                    to[name] = group[name][ends[a]:ends[b]]
                to["indptr"], out["y"] = ends[a:b + 1] - ends[a], y[a:b]


def name_rows(work):
    """The rows of dense.h5 with texts as classes, which few ranks see, rows without a label, and weights."""
    with h5py.File(work.at("dense.h5")) as f, h5py.File(work.at("named.h5"), "w") as out:
        y = sorted(f["y"][()])
        f.copy("X", out)
        out["y"] = ["NA" if i % 7 == 0 else f"class {9 - c}" for i, c in enumerate(y)]
        out["w"] = [0.5 + i % 3 for i in range(len(y))]


def test_no_mpi_in_margin(work):
    needed = subprocess.run(["readelf", "-d", work.margin], capture_output=True, text=True, check=True).stdout
    if "libmpi" in needed or "libopen-" in needed:
        fail(f"margin links MPI: {needed}")


def main():
    with Work(sys.argv[1]) as work:
        test_no_mpi_in_margin(work)
        jobs = Jobs(work)
        work.data("dense.h5", 600, 20, 5, sparse=False)
        work.data("sparse.h5", 600, 40, 5, sparse=True)
        work.data("tiny.h5", 11, 6, 3, sparse=False)
        cut_rows(work)
        name_rows(work)
        mpi_jobs.large_rows(work.at("large.h5"))
        for test in (test_transport, test_bits, test_resume, test_output, test_refusals, test_impossible,
                     test_signals, test_silent_rank, test_page):
            begun = time.monotonic()
            test(jobs)
            print(f"{test.__name__}: {time.monotonic() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    main()
