# test_failed_reads.py - a command that cannot read a file reports it. Each read of a file fails once, and the
# command must give either its complete output or one line with the reason. A failure of close() must do no
# harm.
#
#     test_failed_reads.py MARGIN
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules, skip, tree, without_leak_check

need_modules("h5py", "numpy")
import h5py
import numpy as np


def make_files(work):
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(60, 5)).astype("f4")
    label = rng.integers(0, 3, 60)
    with h5py.File(work.at("plain.h5"), "w") as file:
        file["X"], file["y"] = dense, label
    with h5py.File(work.at("packed.h5"), "w", libver="latest") as file:
        file.create_dataset("X", data=dense, chunks=(7, 5), compression="gzip")
        file.create_dataset("y", data=[b"abc"[k : k + 1] for k in label], chunks=(9,), compression="gzip")
        file["X_names"] = [f"column {d}" for d in range(5)]
    sparse = np.where(dense > 0.5, dense, 0)
    with h5py.File(work.at("cells.h5ad"), "w") as file:
        group = file.create_group("X")
        group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0",
                            "shape": sparse.shape})
        group["data"] = sparse[sparse != 0]
        group["indices"] = np.nonzero(sparse)[1].astype("i4")
        group["indptr"] = np.concatenate([[0], np.cumsum((sparse != 0).sum(1))]).astype("i4")
        file["var/_index"] = [f"gene {d}" for d in range(5)]
        file["var"].attrs["_index"] = "_index"
        file["obs/type/codes"] = label.astype("i1")
        file["obs/type/categories"] = ["x", "y", "z"]
        file["obs/type"].attrs.update({"encoding-type": "categorical", "ordered": False})


def with_fault(work, path, calls, error, turn, command):
    """Runs the command while the turn-th call of one of `calls` on the file fails. Also returns whether a
    call has failed."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", work.at("trace"), "-P", work.at(path), "-e", f"trace={calls}",
         "-e", f"inject={calls}:error={error}:when={turn}", work.margin, *command],
        cwd=work.path, capture_output=True, text=True, timeout=60,
        env=without_leak_check())
    return done, "INJECTED" in Path(work.at("trace")).read_text(errors="replace")


def check_command(work, path, command, least=3, result=None):
    right = work.run(*command)
    if right.returncode:
        fail(f"{command}: {right.stderr}")
    content, refused = Path(work.at(result)).read_bytes() if result else None, 0
    for turn in range(1, 1000):
        if result:
            Path(work.at(result)).unlink(missing_ok=True)
        done, injected = with_fault(work, path, "pread64,read", "EIO", turn, command)
        if not injected:
            break
        what = f"{command}, read {turn} fails: exit {done.returncode}: {done.stderr} {done.stdout}"
        made = Path(work.at(result)) if result else None
        if done.returncode == 0:
            if done.stdout != right.stdout or (made and made.read_bytes() != content):
                fail(what)
            continue
        refused += 1
        if done.returncode != 3 or done.stderr.count("\n") != 1 or "Input/output error" not in done.stderr:
            fail(what)
        if done.stdout or (made and made.exists()):
            fail(f"{what}: it answers all the same")
    if refused < least:
        fail(f"{command}: only {refused} failed reads were refused")
    for turn in range(1, 20):
        if result:
            Path(work.at(result)).unlink(missing_ok=True)
        done, injected = with_fault(work, path, "close", "EIO", turn, command)
        if not injected:
            break
        if done.returncode or done.stdout != right.stdout:
            fail(f"{command}, close {turn} fails: exit {done.returncode}: {done.stderr}")
    if turn == 1:
        fail(f"{command}: the file is never closed")


# A result of a finished run that cannot be read is not called damaged: nothing is written or trained.
def check_finished(work):
    data = ["--quiet", "--set", "data.train=plain.h5", "--set", "data.validation=0.3",
            "--set", "train.threads=1"]
    for command, name, result in (("path", "r", "path.jsonl"), ("path", "r", "metrics.jsonl"),
                                  ("train", "t", "metrics.jsonl"),
                                  ("train", "t", "config.yaml"), ("cv", "c", "cv.jsonl")):
        more = {"path": ["--C", "0.1:10:10"], "cv": ["--folds", "2"],
                "train": ["--set", "train.epochs=3"]}[command]
        run = [command, *data, *more, "--set", f"output.directory={name}"]
        if not Path(work.at(name)).exists() and work.run(*run).returncode:
            fail(f"{run} failed")
        before = tree(work.at(name))
        done, injected = with_fault(work, f"{name}/{result}", "pread64,read", "EIO", "1+", [*run, "--resume"])
        if (not injected or done.returncode != 3 or done.stderr.count("margin ") != 1
            or f"{result}: cannot be read: Input/output error" not in done.stderr):
            fail(f"{command} with an unreadable {result}: exit {done.returncode}: {done.stderr}")
        if tree(work.at(name)) != before:
            fail(f"{command} with an unreadable {result}: files have changed")


with Work(sys.argv[1]) as work:
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        skip("strace does not work here")
    make_files(work)
    for path, labels in (("plain.h5", "y"), ("packed.h5", "y"), ("cells.h5ad", "obs/type")):
        done = work.run("train", "--quiet", "--set", f"data.train={path}", "--set", f"data.labels={labels}",
                        "--set", f"output.directory={path}.run")
        if done.returncode:
            fail(f"{path}: {done.stderr}")
        check_command(work, path, ["info", path, "--labels", labels])
        check_command(work, path, ["info", path])
        check_command(work, path, ["eval", f"{path}.run/model.h5", path, "--labels", labels, "--json"])
        check_command(work, path, ["predict", f"{path}.run/model.h5", path, "--scores"])
        check_command(work, f"{path}.run/model.h5", ["info", f"{path}.run/model.h5"], least=1)
    Path(work.at("new.csv")).write_text(",".join(f"column {d}" for d in range(5)) +
                                        ",y\n1,2,3,4,5,a\n6,7,8,9,10,b\n")
    check_command(work, "packed.h5", ["convert", "-q", "--like", "packed.h5", "--label", "last", "new.csv",
                                      "new.h5"], result="new.h5")
    check_finished(work)
    print("every failed read was refused, or the answer was right")
