"""Progress on a terminal fits its width: one line is kept for each epoch, and no fragments of others remain.
Long work of other kinds is shown too. Escape sequences and colours go to terminals only."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

WIDTHS = 40, 60, 80, 120, 200


class Screen:
    """A terminal of this many columns: what is on its lines after all bytes were shown."""

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column, self.wrapped = columns, [""], 0, 0, False

    def feed(self, text):
        for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", text, re.S):
            line = self.lines[self.row]
            if token == "\r":
                self.column = 0
            elif token == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines[self.row:] = self.lines[self.row:] or [""]
            elif token == "\x1b[K":
                self.lines[self.row] = line[:self.column]
            elif token == "\x1b[J":
                self.lines[self.row:] = [line[:self.column]]
            elif re.fullmatch(r"\x1b\[[0-9]+A", token):
                self.row = max(0, self.row - int(token[2:-1]))
            elif not token.startswith("\x1b"):
                if self.column == self.columns:
                    self.wrapped = True
                self.lines[self.row] = line[:self.column].ljust(self.column) + token + line[self.column + 1:]
                self.column += 1


def resize(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def start(work, columns, *arguments, own_stdout=False, **environment):
    """Runs margin with stderr, and stdout unless it goes to /dev/null, on a terminal."""
    master, slave = pty.openpty()
    resize(slave, columns)
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **environment}
    import subprocess
    out = slave if own_stdout else subprocess.DEVNULL
    process = subprocess.Popen([work.margin, *arguments], cwd=work.path, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=slave, env=environment)
    os.close(slave)
    return process, master


def more(master, seconds=60):
    """The next bytes of the terminal; "" at its end."""
    if not select.select([master], [], [], seconds)[0]:
        runs.fail("nothing is shown")
    try:
        return os.read(master, 65536).decode(errors="replace")
    except OSError:  # the process has ended
        return ""


def watch(work, columns, *arguments, **how):
    process, master = start(work, columns, *arguments, **how)
    text = ""
    while piece := more(master):
        text += piece
    os.close(master)
    if process.wait():
        runs.fail(f"{' '.join(arguments)}: exit {process.returncode}: {text}")
    return text.replace("\r\n", "\n")


def plain(text):
    return re.sub(r"\x1b\[[0-9]*m", "", text)


def test_widths(work):
    kinds = {"sgd": ["--set", "train.solver=sgd", "--set", "sgd.eta=0.1", "--set", "train.epochs=7"],
             "certified": ["--set", "train.tolerance=1e-2"]}
    for kind, sets in kinds.items():
        for columns in WIDTHS:
            text = watch(work, columns, "train", "--overwrite", *sets, *COMMON, own_stdout=True)
            screen = Screen(columns)
            screen.feed(plain(text))
            lines = [line for line in screen.lines if line.startswith("epoch")]
            at = f"{kind}, {columns} columns"
            if ([int(re.match(r"epoch (\d+)", line)[1]) for line in lines] != list(range(1, len(lines) + 1))
                or not lines):
                runs.fail(f"{at}: not one line an epoch: {screen.lines}")
            if kind == "sgd" and len(lines) != 7:
                runs.fail(f"{at}: {len(lines)} epochs: {screen.lines}")
            if max(map(len, lines)) >= columns:
                runs.fail(f"{at}: too long: {lines}")
            if not all(re.match(r"epoch [0-9/]+  (gap|objective|pass loss) [0-9]", line) for line in lines):
                runs.fail(f"{at}: the important is missing: {lines}")
            if columns == 200 and not all("rows/s" in line for line in lines):
                runs.fail(f"{at}: there is room for everything: {lines}")


def test_text(work):
    """Plans, results and help go on in further lines where the terminal ends, between words."""
    commands = {"train": ["train", "--overwrite", "--set", "model.calibration=temperature", *COMMON],
                "plan": ["train", "--plan", *COMMON], "help": ["train", "-h"]}
    commands |= {"commands": ["--help"], "runs": ["runs", "run"]}
    for name, arguments in commands.items():
        whole = watch(work, 200, *arguments, own_stdout=True)
        for columns in 40, 60, 80:
            screen = Screen(columns)
            screen.feed(plain(watch(work, columns, *arguments, own_stdout=True)))
            # what can be copied is not broken: paths, advice, examples
            longer = "run    |run/model|model  .*/|nothing was|note: |  margin|Trains|Exit|check|no room"
            lines = [line for line in screen.lines if not re.match(longer, line)]
            if max(map(len, lines)) > columns:
                runs.fail(f"{name}: {columns} columns: too long: {lines}")
        if "no room" in whole or name in ("train", "plan") and re.search(r"\n {11}", whole):
            runs.fail(f"{name}: there is room for every line: {whole}")


def test_resize(work):
    """A line that a narrower terminal has broken into several is erased as a whole."""
    process, master = start(work, 120, "train", "--overwrite", "--set", "train.solver=sgd",
                            "--set", "sgd.eta=1e-3",
                            "--set", "train.batch=1", "--set", "train.epochs=1000",
                            "--set", "train.evaluate_every=0",
                            "--set", "data.train=wide.h5", "--set", "output.directory=wide")
    seen, narrow = "", False
    while piece := more(master):
        seen += piece
        last = plain(seen).split("\n")[-1].split("\r")[-1]
        if not narrow and last.startswith("epoch") and len(last) > 60:
            resize(master, 40)
            narrow, seen = True, ""
        elif narrow and re.search(r"\r\x1b\[[1-9]A\x1b\[J", seen):
            break
    else:
        runs.fail("the broken line is not erased")
    process.send_signal(signal.SIGINT)
    while more(master):
        pass
    os.close(master)
    if process.wait() != 75:
        runs.fail(f"exit {process.returncode}")


def test_slow_work(work):
    """Reading and scoring rows that take longer than a second are shown, for commands without epochs too."""
    shim = os.environ.get("SHIM")
    if not shim or not os.path.exists(shim):
        print("without a shim: slow work is not tested")
        return
    slow = {"LD_PRELOAD": shim, "SHIM_SLOW": "1.5"}
    for arguments, shown in ((["eval", "run/model.h5", "data.h5"], "scoring rows"),
                             (["predict", "run/model.h5", "data.h5", "-o", "labels.txt"], "scoring rows"),
                             (["calibrate", "run/model.h5", "data.h5"], "scoring rows"),
                             (["train", "--overwrite", *COMMON, "--set", "train.epochs=1"], "reading rows")):
        text = watch(work, 80, *arguments, **slow)
        if not re.search(shown, text):
            runs.fail(f"{arguments[0]}: its work is not shown: {text!r}")
        screen = Screen(80)
        screen.feed(plain(text))
        if any(re.match(shown, line) for line in screen.lines):
            runs.fail(f"{arguments[0]}: the progress line remains: {screen.lines}")


def test_colours(work):
    certified = ["train", "--overwrite", *COMMON, "--set", "train.tolerance=1e-2"]
    text = watch(work, 80, *certified, own_stdout=True)
    if "\x1b[32mcertified" not in text:
        runs.fail(f"no colour on a terminal: {text!r}")
    if re.search(r"\x1b\[[0-9]*m", watch(work, 80, *certified, own_stdout=True, NO_COLOR="1")):
        runs.fail("colours under NO_COLOR")
    if "\x1b" in watch(work, 80, *certified, own_stdout=True, TERM="dumb"):
        runs.fail("escape sequences on a dumb terminal")
    done = work.run(*certified)
    if "\x1b" in done.stdout + done.stderr or "\r" in done.stderr or done.stderr.count("\nepoch") < 1:
        runs.fail(f"escape sequences in a file: {done.stderr!r}")


COMMON = "--set", "data.train=data.h5", "--set", "output.directory=run", "--set", "train.threads=1"

with runs.Work(sys.argv[1]) as work:
    work.data("data.h5", 600, 12, 4, False)
    runs.expect(work, 0, "train", "-q", *COMMON)
    test_widths(work)
    test_text(work)
    test_slow_work(work)
    test_colours(work)
    work.data("wide.h5", 5000, 20, 1500, False)
    test_resize(work)
print("progress fits the terminal")
