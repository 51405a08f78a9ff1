"""Man pages and completion, made from the program; the Slurm script of docs/deploy."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

ROOT = Path(__file__).resolve().parents[2]


def commands(work):
    blocks = work.run("--help").stdout.split("\n\n")
    return [line.split()[0] for line in blocks[2].splitlines()]


def same(what, got, wanted):
    if got != wanted:
        runs.fail(f"{what}: {got}, {wanted} expected")


def test_man(work):
    """Every command has a page, without warnings of mandoc, that has its options and its examples line by
    line."""
    if not shutil.which("help2man") or not shutil.which("mandoc"):
        print("without help2man and mandoc: man pages are not tested")
        return
    pages = {path.stem: path for path in Path(work.at("manual/man")).iterdir()}
    same("pages", sorted(pages), sorted(["margin"] + [f"margin-{name}" for name in commands(work)]))
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages.values()], capture_output=True,
                          text=True)
    same("mandoc -T lint", (done.returncode, done.stdout + done.stderr), (0, ""))
    text = subprocess.run(["mandoc", "-T", "ascii", pages["margin-train"]], capture_output=True,
                          text=True).stdout
    text = re.sub(".\b", "", text)
    for part in ("margin-train - train a classifier", "-s, --set=SECTION.KEY=VALUE", "train.epochs=5\n",
                 "2026-01-01"):
        if part not in text:
            runs.fail(f"margin-train.1 does not contain '{part}': {text}")
    same("compressed pages", len(os.listdir(work.at("manual/packed"))), len(pages))


def complete(work, line):
    """What bash offers after this line."""
    script = f"""source {work.at("manual/completion/margin")}
        COMP_LINE=$1 COMP_POINT=${{#1}}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _margin; printf '%s\\n' "${{COMPREPLY[@]}}\""""
    words = re.findall(r"[^\s=]+|=", line) + ([""] if line.endswith(" ") else [])
    done = subprocess.run(["bash", "-c", script, "test", line, *words], capture_output=True, text=True,
                          cwd=work.path)
    if done.stderr:
        runs.fail(f"{line}: {done.stderr}")
    return set(done.stdout.split())


def test_completion(work):
    same("commands", complete(work, "margin "), {*commands(work), "help", "--help", "--version"})
    same("a command", complete(work, "margin tr"), {"train"})
    same("help", complete(work, "margin help pre"), {"predict"})
    same("options", complete(work, "margin train --re"), {"--resume"})
    same("a word", complete(work, "margin eval m.h5 d.h5 --unknown "), {"error", "skip"})
    same("a format", complete(work, "margin export m.h5 -f sa"), {"safetensors"})
    same("a key", complete(work, "margin train --set data.sc"), {"data.scale="})
    same("its value", complete(work, "margin train -s model.loss=soft"), {"softmax"})
    same("its value, joined", complete(work, "margin train --set=train.solver="),
         {"auto", "dual", "newton", "sgd"})
    Path(work.at("small.yaml")).touch()
    same("a file", complete(work, "margin train sm"), {"small.yaml"})
    same("a shell", complete(work, "margin completion "), {"bash", "fish", "zsh"})
    # every option of every help is completed
    for command in commands(work):
        shown = set(re.findall(r"(--[a-zA-Z-]+)", work.run(command, "--usage").stdout))
        same(f"options of {command}", complete(work, f"margin {command} --"), shown)
    for shell, script in (("bash", "margin"), ("zsh", "_margin"), ("fish", "margin.fish")):
        if not shutil.which(shell):
            print(f"without {shell}: its script is not tested")
            continue
        done = subprocess.run([shell, "-n", work.at("manual/completion", script)], capture_output=True,
                              text=True)
        same(shell, (done.returncode, done.stderr), (0, ""))
    if shutil.which("fish"):
        source = (f"source {work.at('manual/completion/margin.fish')}; complete -C 'margin train --set"
                  " model.loss=soft'")
        found = subprocess.run(["fish", "-c", source], capture_output=True, text=True).stdout
        same("fish", [line.split("\t")[0] for line in found.splitlines()], ["model.loss=softmax"])


def test_zsh(work):
    """zsh completes on a terminal, with the tabulator key."""
    if not shutil.which("zsh"):
        print("without zsh: its completion is not tested")
        return
    setup = f"fpath=({work.at('manual/completion')} $fpath); autoload -Uz compinit; compinit -u -D\n"
    child, terminal = pty.fork()
    if not child:
        os.chdir(work.path)
        os.environ.update(TERM="xterm", ZDOTDIR=work.path)
        os.execvp("zsh", ["zsh", "-f", "-i"])
    os.write(terminal, setup.encode())
    for typed, shown in (("margin cal\t", "margin calibrate "), ("margin train --res\t", "--resume "),
                         ("margin train -s model.lo\t", "model.loss="),
                         ("margin train --set model.loss=so\t", "model.loss=softmax"),
                         ("margin eval m d --unknown=sk\t", "--unknown=skip "),
                         ("margin train sm\t", "small.yaml "), ("margin completion f\t", "completion fish ")):
        os.write(terminal, typed.encode())
        seen = ""
        while shown not in seen:  # what is typed comes back, then what is completed
            if not select.select([terminal], [], [], 120)[0]:
                runs.fail(f"zsh: {typed!r} gives {seen!r}")
            seen += os.read(terminal, 4096).decode()
            seen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|.\x08|\x1b[=>]", "", seen)
        os.write(terminal, b"\x15")  # Ctrl-U: erases the line
    os.close(terminal)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_slurm(work):
    """A job that gets USR1 requeues itself, and the next one continues to the model of an undisturbed run."""
    os.makedirs(work.at("bin"))
    with open(work.at("bin/scontrol"), "w") as out:
        out.write('#!/bin/sh\necho "$@" >>requeued\n')
    os.chmod(work.at("bin/scontrol"), 0o755)
    os.symlink(work.margin, work.at("bin/margin"))
    environment = {**os.environ, "PATH": f"{work.at('bin')}:{os.environ['PATH']}", "SLURM_JOB_ID": "17"}
    sets = ["--set", "data.train=d.h5", "--set", "train.solver=sgd", "--set", "sgd.eta=0.1",
            "--set", "train.batch=1"]
    long = [*sets, "--set", "train.epochs=400", "--set", "output.directory=job"]
    start = lambda: subprocess.Popen(["bash", ROOT / "docs/deploy/slurm.sh", *long], cwd=work.path,
                                     env=environment, text=True,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    job = start()
    for line in job.stderr:  # training has begun
        if line.startswith("epoch"):
            break
    job.send_signal(signal.SIGUSR1)
    job.stderr.read()
    same("the stopped job", (job.wait(), open(work.at("requeued")).read()), (0, "requeue 17\n"))
    job = start()
    job.stderr.read()
    same("the next job", (job.wait(), open(work.at("requeued")).read()), (0, "requeue 17\n"))
    runs.expect(work, 0, "train", "-q", *sets, "--set", "train.epochs=400", "--set", "output.directory=whole")
    same("the model", runs.read(work.at("job/model.h5")), runs.read(work.at("whole/model.h5")))


def test_unit(work):
    """systemd accepts the unit."""
    if not shutil.which("systemd-analyze"):
        print("without systemd-analyze: the unit is not tested")
        return
    text = (ROOT / "docs/deploy/margin@.service").read_text().replace("/usr/bin/margin", work.margin)
    for name in ("margin@.service", "margin@digits.service"):
        Path(work.at(name)).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "./margin@digits.service"], cwd=work.path,
                          capture_output=True, text=True)
    same("systemd-analyze verify", (done.returncode, done.stdout + done.stderr), (0, ""))


with runs.Work(sys.argv[1]) as work:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    done = subprocess.run(["sh", ROOT / "scripts/manual.sh", work.margin, work.at("manual"), "0.1.0"],
                          capture_output=True, text=True, env=environment)
    if done.returncode or done.stderr:
        runs.fail(f"manual.sh: {done.stderr}")
    test_completion(work)
    test_zsh(work)
    test_man(work)
    test_unit(work)
    work.data("d.h5", 400, 8, 4, False)
    test_slurm(work)
print("man pages, completion, the unit and the Slurm script work")
