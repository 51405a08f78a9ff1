#!/usr/bin/env python3
"""Measures the sums of margin-mpi on hosts that are network namespaces, whose links are limited by tc tbf.

    bench_network.py [--build build-mpi] [--hosts 2 4] [--rates 1 10] [--turns 15]
    bench_network.py --predict

Prints a table for docs/distributed.md: bytes and messages that a rank sends for one sum of floats, the time
that the cost model predicts, and the median of the measured times. Needs root, iproute2 and Open MPI.
--predict prints the speed-ups of conjugate-gradient products that the cost model predicts, without measuring
anything.
"""
import argparse
import os
import statistics
import subprocess
import sys

SHARDS = 8
LENGTHS = (100_000, 1_000_000, 4_000_000)  # K D of the weights
AGENT = '#!/bin/sh\nhost=$1\nshift\nexec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"\n'


def run(*words, **how):
    return subprocess.run(words, check=True, text=True, capture_output=True, **how).stdout


def connect(hosts):
    """The hosts on one bridge. They end with the namespace of this process."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge0", "type", "bridge")
    run("ip", "addr", "add", "10.99.0.254/24", "dev", "bridge0")
    run("ip", "link", "set", "bridge0", "up")
    for number, host in enumerate(hosts, 1):
        run("ip", "netns", "add", host)
        run("ip", "link", "add", f"to_{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
        run("ip", "link", "set", f"to_{host}", "master", "bridge0", "up")
        run("ip", "-n", host, "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
        run("ip", "-n", host, "link", "set", "eth0", "up")
        run("ip", "-n", host, "link", "set", "lo", "up")


def limit(hosts, gigabits):
    """Both directions of every link. tbf lets a burst pass at full speed, so it is short: 0.2 ms."""
    burst = str(max(int(gigabits * 1e9 / 8 * 2e-4), 100_000))
    for host in hosts:
        for inside, device in ([], f"to_{host}"), (["ip", "netns", "exec", host], "eth0"):
            run(*inside, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate",
                f"{gigabits}gbit", "burst", burst, "latency", "20ms")


def sums(program, hosts, length, turns):
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    parameters = {"plm_rsh_agent": "/run/agent.sh", "btl": "self,tcp", "btl_tcp_if_include": "10.99.0.0/24",
                  "oob_tcp_if_include": "10.99.0.0/24"}
    mca = [word for name, value in parameters.items() for word in ("--mca", name, value)]
    out = run("mpirun", "--bind-to", "none", "--host", ",".join(hosts), "--map-by", "ppr:1:node", *mca,
              program, "sum", str(SHARDS), str(length), str(turns), env=environment, timeout=600).split()
    return int(out[1]), int(out[2]), [float(word) for word in out[3:]]


def measure(options):
    program = os.path.realpath(os.path.join(options.build, "tests", "mpi_ranks"))
    hosts = [f"host{chr(97 + i)}" for i in range(max(options.hosts))]
    connect(hosts)
    with open("/run/agent.sh", "w") as out:
        out.write(AGENT)
    os.chmod("/run/agent.sh", 0o755)
    print("| ranks | link | floats | bytes a rank sends | messages | predicted | measured (median, range) |")
    print("|---|---|---|---|---|---|---|")
    for count in options.hosts:
        for rate in options.rates:
            limit(hosts, rate)
            _, _, small = sums(program, hosts[:count], count, 101)
            for length in LENGTHS:
                sent, messages, seconds = sums(program, hosts[:count], length, options.turns)
                predicted = statistics.median(small) + sent / (rate * 1e9 / 8)
                middle, least, most = (1e3 * f(seconds) for f in (statistics.median, min, max))
                print(f"| {count} | {rate:g} Gb/s | {length:,} | {sent:,} | {messages} |"
                      f" {predicted * 1e3:.2f} ms | {middle:.2f} ms ({least:.2f} to {most:.2f}) |",
                      flush=True)


# Work of one product on one node of 32 cores: seconds, K and D; and links: gigabits and microseconds.
WORK = {"softmax, 1.28M x 1024, K = 1000": (0.73, 1000, 1024),
        "the same, hinge with 15% free rows": (0.11, 1000, 1024),
        "softmax, 400M x 1024, K = 1000": (228, 1000, 1024),
        "softmax, 50M cells x 2000 (200 stored), K = 100": (2.5, 100, 2000)}
LINKS = ((10, 50), (25, 10), (100, 2))


def predict():
    links = "".join(f" {gigabits} Gb/s, {delay} us |" for gigabits, delay in LINKS)
    print(f"| work on one node | seconds |{links}")
    print("|---|---|" + "---|" * len(LINKS))
    for name, (seconds, classes, features) in WORK.items():
        cells = []
        for gigabits, delay in LINKS:
            def time(nodes):
                share = (nodes - 1) / nodes
                bytes_sent = 8 * classes * features * share
                sends = 2e-6 * (delay + 3 * (nodes - 1)) + bytes_sent / (gigabits * 1e9 / 8)
                return seconds / nodes + (sends if nodes > 1 else 0)
            cells.append(" / ".join(f"{seconds / time(nodes):.1f}" for nodes in (2, 8, 64)))
        print(f"| {name} | {seconds} |" + "".join(f" {cell} |" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build-mpi")
    parser.add_argument("--hosts", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rates", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--predict", action="store_true")
    options = parser.parse_args()
    if options.predict:
        return predict()
    if "BENCH_NETWORK" in os.environ:
        return measure(options)
    within = ["unshare", "-n", "-m", "-p", "-f", "--mount-proc"]
    environment = {**os.environ, "BENCH_NETWORK": "inside"}
    return subprocess.run([*within, sys.executable, "-B", *sys.argv], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
