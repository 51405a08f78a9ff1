"""The first command of the README, scripts/quickstart.sh: it converts, trains and evaluates, and prints what
the README shows. The program is not built again: a command `cmake` in the test's directory puts it in its
place. Skipped without Debian's Fashion-MNIST, and where packages are missing.

    test_quickstart.py MARGIN
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

ROOT = Path(__file__).resolve().parents[2]


def masked(line):
    """A line without times, speeds, and what depends on the machine."""
    line = re.sub(r"^machine .*", "machine", line)
    line = re.sub(r"[\d,.]+ (s|rows/s)\b|left \S+( s)?|waiting +\d+%", "#", line)
    return " ".join(line.split())


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)


with runs.Work(sys.argv[1]) as work:
    if not os.path.exists("/usr/share/datasets/fashion-mnist") or not shutil.which("dpkg-query"):
        runs.skip("no /usr/share/datasets/fashion-mnist")
    here = Path(work.path)
    shutil.copytree(ROOT / "configs", here / "configs")
    (here / "scripts").mkdir()
    for name in ("quickstart.sh", "packages.sh"):
        shutil.copy(ROOT / "scripts" / name, here / "scripts")
    (here / "bin").mkdir()
    program(here / "bin/cmake", f"#!/bin/sh\nmkdir -p build\nln -sf '{work.margin}' build/margin\n")
    for name in ("sudo", "apt-get"):
        program(here / "bin" / name, "#!/bin/sh\nexit 77\n")
    environment = {**os.environ, "PATH": f"{here / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(["scripts/quickstart.sh"], cwd=here, text=True, capture_output=True,
                          env=environment)
    if done.returncode == 77:
        runs.skip("packages are missing")
    if done.returncode:
        runs.fail(f"scripts/quickstart.sh: exit {done.returncode}: {done.stderr}")
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```\n(rows  .*?)```", page, re.S)[1].splitlines()
    printed = {masked(line) for line in (done.stdout + done.stderr).splitlines()}
    missing = [line for line in shown if line != "..." and masked(line) not in printed]
    if missing:
        runs.fail(f"the README shows {missing}, but the program prints\n{done.stdout}{done.stderr}")
    for name in ("data/fashion_mnist_test.h5", "runs/fashion_mnist/model.h5",
                 "runs/fashion_mnist/metrics.jsonl"):
        if not (here / name).exists():
            runs.fail(f"{name} is missing")
    print("scripts/quickstart.sh prints what the README shows")
