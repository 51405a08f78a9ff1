"""The transport of margin-mpi on ranks of one machine; margin itself does not link MPI.

    test_mpi.py MARGIN
"""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, skip

LIMIT = 60  # seconds for one job
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_plm": "isolated",  # needs no ssh
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",  # containers forbid it
}

class Jobs:
    def __init__(self, work):
        self.work = work
        self.program = os.path.join(os.path.dirname(work.margin), "margin-mpi")
        self.commands = self.program, work.margin

    def command(self, ranks, *arguments):
        return ["mpirun", "--bind-to", "none", "-n", str(ranks), self.program, *arguments]

    def start(self, command, **how):
        return subprocess.Popen(command, cwd=self.work.path, text=True, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **how)

    def end(self, job, what, limit=LIMIT):
        """Returns exit status, output and messages of margin. A job that does not end fails the test."""
        try:
            out, said = job.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(job.pid, signal.SIGKILL)
            fail(f"{what}: did not end within {limit} s")
        return job.returncode, out, [line for line in said.splitlines() if line.startswith("margin")], said

    def run(self, command, what, status=0):
        got, out, lines, said = self.end(self.start(command), what)
        if got != status:
            fail(f"{what}: exit {got}, {status} expected: {said}")
        return out, lines


def test_transport(jobs):
    """The transport alone: equal sums, as many bytes as predicted, and one line whatever the last rank does."""
    ranks = os.path.join(os.path.dirname(jobs.program), "tests", "mpi_ranks")

    def job(count, *arguments):
        return ["mpirun", "--bind-to", "none", "-n", str(count), ranks, *arguments]

    for shards, length in ((64, 1000), (8, 5000000)):
        sums = {jobs.run(job(count, "sum", str(shards), str(length), "1"), f"sum on {count} ranks")[0].split()[0] for count in (1, 3, 4)}
        if len(sums) != 1:
            fail(f"sums of {length} elements differ: {sums}")
    for what, status, says in (("fail", 3, "rank 2 ("), ("hang", 1, "rank 2 ("), ("leave", 3, "the last rank leaves")):
        got, _, _, said = jobs.end(jobs.start(job(3, what)), what)
        lines = [line for line in said.splitlines() if line.startswith("ranks:")]
        if got != status or len(lines) != 1 or says not in lines[0]:
            fail(f"{what}: exit {got}, {status} and one line with '{says}' expected: {said}")


def test_no_mpi_in_margin(work):
    needed = subprocess.run(["readelf", "-d", work.margin], capture_output=True, text=True, check=True).stdout
    if "libmpi" in needed or "libopen-" in needed:
        fail(f"margin links MPI: {needed}")


def main():
    with Work(sys.argv[1]) as work:
        test_no_mpi_in_margin(work)
        jobs = Jobs(work)
        if not os.access(jobs.program, os.X_OK):
            skip("built without MARGIN_MPI")
        for test in (test_transport,):
            begun = time.monotonic()
            test(jobs)
            print(f"{test.__name__}: {time.monotonic() - begun:.1f} s", flush=True)


main()
