#!/usr/bin/python3
"""Compares margin with OpenBLAS and PyTorch on Fashion-MNIST, in one run; prints a Markdown table.

    bench_sgd.py MARGIN BENCH_GEMM DATA.h5 DIRECTORY [THREADS]

scripts/bench.sh builds what it needs and calls it. Measurements that are compared take turns.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time

import h5py
import numpy
import torch

BATCH, ETA, ROUNDS, EPOCHS, TORCH_EPOCHS = 256, 0.08, 3, 6, 2
# Rows, features and classes of data of random bytes: sizes at which a BLAS is fastest.
MANY_CLASSES = [(60000, 512, 100), (20000, 1024, 1000)]


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_margin(margin, arguments, directory):
    """Runs one training. Returns its metrics, and its peak memory in bytes."""
    memory = directory + ".memory"  # wait4 on a child would also count this process's memory
    command = [
        "/usr/bin/time",
        "-f",
        "%M",
        "-o",
        memory,
        margin,
        "train",
        "configs/fashion_mnist.yaml",
        "--overwrite",
        "--quiet",
        "--set",
        f"output.directory={directory}",
    ]
    for argument in arguments:
        command += ["--set", argument]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    with open(memory) as file:
        peak = int(file.read()) * 1024
    with open(os.path.join(directory, "metrics.jsonl")) as file:
        events = [json.loads(line) for line in file]
    return events, peak


def epoch_seconds(events):
    """Returns the seconds of all epochs but the first, which is the warm-up."""
    marks = [event["seconds"] for event in events if event["event"] == "epoch"]
    return [after - before for before, after in zip(marks, marks[1:])]


def make_float_copy(path, copy):
    with h5py.File(path) as file, h5py.File(copy, "w") as out:
        out["X"] = file["X"][:].astype(numpy.float32)
        out["y"] = file["y"][:]


def make_random(path, rows, features, classes, kind=numpy.uint8):
    random = numpy.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file["X"] = random.integers(0, 256, (rows, features), dtype=numpy.uint8).astype(kind)
        file["y"] = random.permutation(numpy.arange(rows) % classes)


def compare_gemm(bench_gemm, path, threads, repetitions):
    told = json.loads(
        subprocess.run(
            [bench_gemm, path, str(threads), str(repetitions)], check=True, capture_output=True, text=True
        ).stdout
    )
    if told["difference"] > 1e-3:
        sys.exit(f"the gradients differ by {told['difference']:.2g}, so the times cannot be compared")
    return told


class Torch:
    """MultiMarginLoss and SGD with momentum; rows in memory as float32 from 0 to 1, shuffled by index."""

    def __init__(self, path, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        with h5py.File(path) as file:
            self.x = torch.from_numpy(file["X"][:].astype(numpy.float32) / 255)
            self.y = torch.from_numpy(file["y"][:].astype(numpy.int64))
        self.model = torch.nn.Linear(self.x.shape[1], int(self.y.max()) + 1)
        self.loss = torch.nn.MultiMarginLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=1 / 600)

    def epoch(self):
        start = time.perf_counter()
        order = torch.randperm(len(self.x))
        for first in range(0, len(order), BATCH):
            index = order[first : first + BATCH]
            self.optimizer.zero_grad()
            self.loss(self.model(self.x[index]), self.y[index]).backward()
            self.optimizer.step()
        return time.perf_counter() - start


def compare_epochs(margin, data, copy, directory, threads):
    peer = Torch(data, threads)
    peer.epoch()
    common = [
        f"train.epochs={EPOCHS}",
        "train.evaluate_every=0",
        "train.solver=sgd",
        f"train.threads={threads}",
        f"train.batch={BATCH}",
        f"sgd.eta={ETA}",
        "data.test=",
    ]
    seconds = {"uint8": [], "float32": [], "torch": []}
    for turn in range(ROUNDS):
        say(f"epochs, round {turn + 1} of {ROUNDS}")
        for cell, path in (("uint8", data), ("float32", copy)):
            events, _ = run_margin(margin, common + [f"data.train={path}"], os.path.join(directory, "run"))
            seconds[cell] += epoch_seconds(events)
        seconds["torch"] += [peer.epoch() for _ in range(TORCH_EPOCHS)]
    return {name: statistics.median(values) for name, values in seconds.items()}


def measure_loading(margin, path, directory, threads):
    """Returns the seconds of loading, the bytes of the file per second (it is in the page cache), and the
    peak memory of such a run."""
    arguments = [
        "train.max_steps=1",
        "train.solver=sgd",
        "sgd.eta=1",
        f"train.threads={threads}",
        f"data.train={path}",
        "data.test=",
    ]
    seconds = []
    for _ in range(5):
        events, _ = run_margin(margin, arguments, os.path.join(directory, "run"))
        seconds.append(next(event for event in events if event["event"] == "start")["load_seconds"])
    return statistics.median(seconds), os.path.getsize(path) / statistics.median(seconds)


def compare_streaming(margin, path, directory, threads):
    """Measures, in turns, rows per second in memory and streamed (from a file of four times the limit), and
    the fraction of time spent waiting for rows."""
    common = [
        f"train.epochs={EPOCHS}",
        "train.evaluate_every=0",
        f"train.threads={threads}",
        "train.solver=sgd",
        f"sgd.eta={ETA}",
        "data.test=",
        f"data.window={os.path.getsize(path) // 16}",
        f"data.train={path}",
    ]
    limit = os.path.getsize(path) // 4
    speed, waits = {"memory": [], "streamed": []}, []
    for turn in range(ROUNDS):
        say(f"streaming, round {turn + 1} of {ROUNDS}")
        for kind, more in (("memory", []), ("streamed", [f"data.memory_limit={limit}"])):
            events, _ = run_margin(margin, common + more, os.path.join(directory, "run"))
            epochs = [event for event in events if event["event"] == "epoch"]
            speed[kind] += [event["rows_per_second"] for event in epochs[1:]]
            if more:
                took = epochs[-1]["seconds"] - epochs[0]["seconds"]
                waits.append(sum(event["wait_seconds"] for event in epochs[1:]) / took)
    return statistics.median(speed["memory"]), statistics.median(speed["streamed"]), statistics.median(waits)


def measure_memory(margin, path, directory, threads):
    events, peak = run_margin(
        margin,
        [
            "train.epochs=3",
            "train.solver=sgd",
            f"sgd.eta={ETA}",
            f"train.threads={threads}",
            f"data.train={path}",
        ],
        os.path.join(directory, "run"),
    )
    return peak, os.path.getsize(path)


def processor():
    fields = dict(
        line.split(":", 1)
        for line in subprocess.run(
            ["lscpu"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
        ).stdout.splitlines()
        if ":" in line
    )
    return fields.get("Model name", platform.machine()).strip()


def milliseconds(seconds):
    return f"{1e3 * seconds:.1f} ms"


def main():
    margin, bench_gemm, data, directory = sys.argv[1:5]
    threads = int(sys.argv[5]) if len(sys.argv) > 5 else len(os.sched_getaffinity(0))
    copy = os.path.join(directory, "fashion_mnist_float32.h5")
    make_float_copy(data, copy)
    say("loss and gradient")
    gemm = compare_gemm(bench_gemm, data, threads, 15)
    many = []
    for shape in MANY_CLASSES:
        path = os.path.join(directory, "random.h5")
        make_random(path, *shape)
        many.append((shape, compare_gemm(bench_gemm, path, threads, 5)))
        os.remove(path)
    epochs = compare_epochs(margin, data, copy, directory, threads)
    say("loading and memory")
    loading = {
        cell: measure_loading(margin, path, directory, threads)
        for cell, path in (("uint8", data), ("float32", copy))
    }
    streaming = [("Fashion-MNIST", compare_streaming(margin, copy, directory, threads))]
    path = os.path.join(directory, "random.h5")
    make_random(path, *MANY_CLASSES[0], numpy.float32)
    streaming.append(("60,000 x 512, 100 classes", compare_streaming(margin, path, directory, threads)))
    os.remove(path)
    peak, stored = measure_memory(margin, copy, directory, threads)

    version = subprocess.run([margin, "--version"], check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )[0]
    blas = " ".join(gemm["blas"].split()[:2])
    print(
        f"Fashion-MNIST, 60,000 x 784, 10 classes. {processor()}, {threads} threads, kernel {gemm['kernel']}."
        f" {version}; {blas};"
    )
    print(
        f"PyTorch {torch.__version__}; Python {platform.python_version()}. Medians; measurements that are"
        " compared took turns in one run of `scripts/bench.sh`.\n"
    )
    print("| measure | margin | peer | ratio | goal |")
    print("|---|---|---|---|---|")
    for name, text in (
        ("crammer_singer_uint8", "Crammer-Singer, uint8 rows"),
        ("crammer_singer_float32", "Crammer-Singer, float32 rows"),
        ("weston_watkins_uint8", "Weston-Watkins (no coefficient is zero), uint8 rows"),
        ("weston_watkins_float32", "Weston-Watkins, float32 rows"),
    ):
        print(
            f"| loss and gradient over all rows, {text} | {milliseconds(gemm[name])} |"
            f" {milliseconds(gemm['sgemm'])}, two SGEMM calls of OpenBLAS, without the time of the"
            f" coefficients | {gemm['sgemm'] / gemm[name]:.2f}x | 2x |"
        )
    for (rows, features, classes), told in many:
        for name, text in (
            ("crammer_singer_float32", "Crammer-Singer"),
            ("weston_watkins_float32", "Weston-Watkins"),
        ):
            print(
                f"| the same, {rows:,} x {features:,} float32 rows at random, {classes:,} classes, {text} |"
                f" {milliseconds(told[name])} | {milliseconds(told['sgemm'])}, two SGEMM calls |"
                f" {told['sgemm'] / told[name]:.2f}x | |"
            )
    for cell in ("uint8", "float32"):
        print(
            f"| epoch of SGD, batch {BATCH}, {cell} rows | {milliseconds(epochs[cell])} |"
            f" {milliseconds(epochs['torch'])}, PyTorch MultiMarginLoss, SGD with momentum, float32 |"
            f" {epochs['torch'] / epochs[cell]:.1f}x | 6x |"
        )
    for cell, (seconds, rate) in loading.items():
        print(
            f"| loading HDF5, {cell} (checked for NaN, moments, fingerprint) | {milliseconds(seconds)} | |"
            f" {rate / 1e9:.2f} GB/s | 1 GB/s |"
        )
    for name, (in_memory, streamed, waiting) in streaming:
        print(
            f"| epoch of SGD, {name}, float32 rows streamed from a file 4 times `data.memory_limit`, in the"
            f" page cache | {streamed / 1e6:.2f} million rows/s, waiting {100 * waiting:.0f}% |"
            f" {in_memory / 1e6:.2f} million rows/s in memory | {streamed / in_memory:.2f}x | 0.7x, 10% |"
        )
    print(
        f"| peak memory of a training run, float32 | {peak / 1e6:.0f} MB | {stored / 1e6:.0f} MB stored |"
        f" +{(peak - stored) / 1e6:.0f} MB | +200 MB |"
    )
    print(
        "\nCommands: `bench_gemm DATA.h5 THREADS 15`; `margin train configs/fashion_mnist.yaml --set"
        f" train.solver=sgd --set train.evaluate_every=0 --set sgd.eta={ETA} --set train.epochs={EPOCHS}`"
        " (time between the epoch events of metrics.jsonl); `... --set train.solver=sgd --set"
        " train.max_steps=1 --set sgd.eta=1` (load_seconds of the start event, file in the page cache)."
    )


if __name__ == "__main__":
    main()
