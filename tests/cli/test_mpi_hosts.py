"""margin-mpi on three hosts that are network namespaces: the bits of one process, and an end when a host is
cut off.

    test_mpi_hosts.py MARGIN
"""
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import mpi_jobs
from runs import Work, fail, namespaces, read, settings, skip

HOSTS = ("hosta", "hostb", "hostc")
# Takes the place of ssh.
AGENT = """#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"
"""
# With keepalives mpirun notices that a host is cut off, but only before it sends something to that host. So
# the ranks must wait longer (train.rank_timeout).
PARAMETERS = {
    "btl": "self,tcp",
    "btl_tcp_if_include": "10.99.0.0/24",
    "oob_tcp_if_include": "10.99.0.0/24",
    "oob_tcp_keepalive_time": 2,
    "oob_tcp_keepalive_intvl": 1,
    "oob_tcp_keepalive_probes": 3,
}


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        skip(f"ip {' '.join(words)}: {done.stderr.strip()}")


def connect_hosts():
    """Three hosts on one bridge. They end with the namespace of this process."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    ip("link", "set", "lo", "up")
    ip("link", "add", "bridge0", "type", "bridge")
    ip("addr", "add", "10.99.0.254/24", "dev", "bridge0")
    ip("link", "set", "bridge0", "up")
    for number, host in enumerate(HOSTS, 1):
        ip("netns", "add", host)
        ip("link", "add", f"to_{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
        ip("link", "set", f"to_{host}", "master", "bridge0", "up")
        ip("-n", host, "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
        ip("-n", host, "link", "set", "eth0", "up")
        ip("-n", host, "link", "set", "lo", "up")


def start(work, directory, *more):
    agent = work.at("agent.sh")
    with open(agent, "w") as out:
        out.write(AGENT)
    os.chmod(agent, 0o755)
    command = ["mpirun", "--bind-to", "none", "--host", ",".join(HOSTS), "--map-by", "ppr:1:node",
               "--mca", "plm_rsh_agent", agent]
    for name, value in PARAMETERS.items():
        command += ["--mca", name, str(value)]
    return mpi_jobs.start(work, [*command, mpi_jobs.program(work), "train",
                                 "--quiet", "--set", f"output.directory={directory}", *more])


def test_bits(work):
    done = work.run("train", "run.yaml", "--quiet", "--set", "output.directory=one")
    if done.returncode:
        fail(f"one process: {done.stderr}")
    begun = time.monotonic()
    status, _, said = mpi_jobs.end(start(work, "hosts", "run.yaml"), "three hosts")
    if status:
        fail(f"three hosts: exit {status}: {said}")
    if read(work.at("one/model.h5")) != read(work.at("hosts/model.h5")):
        fail("three hosts: another model than that of one process")
    print(f"three hosts: {time.monotonic() - begun:.1f} s, the model of one process")


def ranks_left():
    """How many ranks run. This process is the first of its namespace, and does not collect those that have
    ended."""
    states = subprocess.run(["ps", "-C", "margin-mpi", "-o", "stat="], capture_output=True,
                            text=True).stdout.split()
    return sum(not state.startswith("Z") for state in states)


def test_cut_off(work):
    job = start(work, "long", "long.yaml")
    mpi_jobs.await_checkpoint(work, "long", job)
    ip("link", "set", "to_hostb", "down")
    begun = time.monotonic()
    status, _, said = mpi_jobs.end(job, "hostb is cut off", 30)
    if not status:
        fail(f"hostb is cut off: exit 0: {said}")
    mpi_jobs.whole_checkpoints(work, "long", "hostb is cut off")
    while ranks_left() and time.monotonic() < begun + 40:  # those that mpirun cannot reach end by themselves
        time.sleep(0.2)
    if ranks_left():
        fail("hostb is cut off: its rank did not end")
    print(f"hostb is cut off: the job ended after {time.monotonic() - begun:.1f} s with {status}")


def main():
    with Work(sys.argv[1]) as work:
        mpi_jobs.program(work)
        if "TEST_MPI_HOSTS" not in os.environ:
            within = namespaces("-n", "-m", "-p", "-f", "--mount-proc") if os.geteuid() == 0 else None
            if not within:
                skip("needs root, for network namespaces")
            sys.exit(subprocess.run([*within, sys.executable, "-B", *sys.argv],
                                    env={**os.environ, "TEST_MPI_HOSTS": "inside"}).returncode)
        connect_hosts()
        work.data("dense.h5", 600, 20, 5, sparse=False)
        mpi_jobs.large_rows(work.at("large.h5"))
        for name, changes in {"run": {}, "long": {**mpi_jobs.LONG, "train__rank_timeout": 12}}.items():
            with open(work.at(f"{name}.yaml"), "w") as out:
                out.write(settings(mpi_jobs.changed(**changes)))
        test_bits(work)
        test_cut_off(work)


main()
