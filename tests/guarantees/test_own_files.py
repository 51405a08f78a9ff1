# test_own_files.py - a run changes only its own files: it does not change a configuration written by the
# user, files behind a symbolic link, or a model or data file that is named as output.
#
#     test_own_files.py MARGIN
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs
from runs import expect

TRAIN = ("train", "--quiet", "--set", "data.train=d.h5")
SGD = (*TRAIN, "--set", "train.solver=sgd", "--set", "sgd.eta=0.01", "--set", "train.epochs=2",
       "--set", "train.batch=8")
CV = ("cv", "--quiet", "--folds", "2", "--set", "data.train=d.h5", "--set", "output.directory=c")


def at(name):
    return ("--set", f"output.directory={name}")


def names(directory):
    return sorted(os.path.relpath(os.path.join(place, name), directory)
                  for place, _, files in os.walk(directory) for name in files)


# A file `lock` that no run wrote is neither replaced nor deleted. One that a killed run or a loss of power
# has left is replaced.
def own_lock(work):
    for name in ("l", "l/fold-1"):
        os.mkdir(work.at(name))
        with open(work.at(name, "lock"), "w") as file:
            file.write("pinned versions\n")
    os.link(work.at("l/lock"), work.at("other name"))
    cv = ("cv", "--quiet", "--folds", "2", "--set", "data.train=d.h5")
    for command in (SGD, cv, (*SGD, "--set", "data.train=missing.h5")):
        for more in ((), ("--overwrite",), ("--resume",)):
            expect(work, 2, *command, *at("l"), *more,
                   says="l/lock: was not written by margin, and a run would replace it: move it away")
    for name in ("l/lock", "l/fold-1/lock", "other name"):
        if runs.read(work.at(name)) != b"pinned versions\n":
            runs.fail(f"{name} was changed")
    os.rename(work.at("l/lock"), work.at("l/versions"))  # follows the advice
    expect(work, 0, *SGD, *at("l"))
    if runs.read(work.at("l/fold-1/lock")) != b"pinned versions\n":
        runs.fail("l/fold-1/lock was changed")
    for left in (b"4194304\n", b"41", b"\0\0\0\0", b""):
        with open(work.at("l/lock"), "wb") as file:
            file.write(left)
        expect(work, 0, *SGD, *at("l"), "--overwrite")
    shutil.rmtree(work.at("l"))


# A config.yaml that no run wrote is not replaced.
def own_configuration(work):
    os.mkdir(work.at("u"))
    with open(work.at("u/config.yaml"), "w") as file:
        file.write("# my notes\ndata:\n  train: d.h5\noutput:\n  directory: u\n")
    before = runs.read(work.at("u/config.yaml"))
    for command in (("train", "u/config.yaml"), (*SGD, *at("u")),
                    ("path", "u/config.yaml", "--C", "1e-3:1:10")):
        for more in ((), ("--overwrite",), ("--resume",)):
            expect(work, 2, *command, *more,
                   says="u/config.yaml: was not written by a run, and a run would replace it: move it away")
    for more in ((), ("--overwrite",)):
        expect(work, 0, "cv", "u/config.yaml", "--quiet", "--folds", "2", *more)
    if runs.read(work.at("u/config.yaml")) != before:
        runs.fail("a configuration that margin did not write was changed")
    os.rename(work.at("u/config.yaml"), work.at("my.yaml"))  # follows the advice
    shutil.rmtree(work.at("u"))
    expect(work, 0, "train", "my.yaml", "--quiet")
    expect(work, 0, "train", "my.yaml", "--quiet", "--overwrite")
    # this config.yaml was written by a run
    expect(work, 0, "train", "u/config.yaml", "--quiet", "--overwrite")
    shutil.rmtree(work.at("u"))
    # The same if there are other files of a run, and after --overwrite was interrupted.
    expect(work, 0, *SGD, *at("u"))
    with open(work.at("u/config.yaml"), "wb") as file:
        file.write(before)
    for interrupted in (False, True):
        files = names(work.at("u"))
        for command in (SGD, ("path", "--quiet", "--set", "data.train=d.h5", "--C", "1e-3:1:10")):
            for more in ("--overwrite", "--resume"):
                expect(work, 2, *command, *at("u"), more, says="u/config.yaml: was not written by a run")
        if names(work.at("u")) != files:
            runs.fail("a refused command changed the directory")
        os.makedirs(work.at("u/previous.new"), exist_ok=True)
    shutil.rmtree(work.at("u"))
    os.mkdir(work.at("u"))
    with open(work.at("u/config.yaml"), "wb") as file:
        file.write(before)
    for _ in range(2):
        expect(work, 0, "cv", "--quiet", "--folds", "2", "--set", "data.train=d.h5", *at("u"), "--overwrite")
        if runs.read(work.at("u/config.yaml")) != before:
            runs.fail("cv moved a configuration that margin did not write")
    os.rename(work.at("u/config.yaml"), work.at("u/fold-2/config.yaml"))
    expect(work, 2, "cv", "--quiet", "--folds", "2", "--set", "data.train=d.h5", *at("u"), "--resume",
           says="u/fold-2/config.yaml: was not written by a run")
    shutil.rmtree(work.at("u"))


# If files of other programs have the names of results, no command moves, deletes or changes them, and the
# advice works.
FOREIGN = (", so margin did not write it, or it is damaged: move it away (or delete it, if a run of margin"
           " wrote it), or set output.directory")


def foreign_results(work):
    path = ("path", "--quiet", "--set", "data.train=d.h5", "--set", "data.validation=0.3", "--C", "1e-3:1:10")
    commands = {"train": (*SGD, *at("f")), "path": (*path, *at("f")), "cv": (*CV, *at("f"))}
    places = ("model.h5", "metrics.jsonl", "begun.h5", "path.jsonl", "cv.jsonl",
              "checkpoints/step-000000000001.h5", "previous/model.h5",
              "previous/checkpoints/step-000000000001.h5", "previous/metrics.jsonl")
    for kind, command in commands.items():
        for held in (False, True):
            for place in (*places, "fold-1/model.h5"):
                if place.startswith("fold") and kind != "cv" or place.startswith("previous") and not held:
                    continue
                if held:
                    expect(work, 0, *command)
                os.makedirs(os.path.dirname(work.at("f", place)), exist_ok=True)
                shutil.copy(work.at("foreign"), work.at("f", place))
                before = runs.tree(work.at("f"))
                expect(work, 2, *command, "--overwrite", says=f"f/{place}: " if held or kind != "cv" else "")
                expect(work, 2, *command)
                if runs.tree(work.at("f")) != before:
                    runs.fail(f"{place}: a refused {kind} changed the directory")
                if not held:  # if there is a run, its damaged files are written again
                    done = work.run(*command, "--resume")
                    if done.returncode not in (2, 3) or runs.tree(work.at("f")) != before:
                        runs.fail(f"{place}: {kind} --resume: exit {done.returncode}, {done.stderr}")
                os.rename(work.at("f", place), work.at("not margin's"))  # follows the advice
                expect(work, 0, *command, "--overwrite")
                shutil.rmtree(work.at("f"))


# A file that the user keeps in `checkpoints` stays. A cross-validation does not take it for a sign of a run.
def kept_beside_checkpoints(work):
    cv = (*CV, *at("f"))
    expect(work, 0, *SGD, *at("f"))
    shutil.copy(work.at("f/model.h5"), work.at("f/checkpoints/best.h5"))
    expect(work, 0, *SGD, *at("f"), "--overwrite")
    for name in ("model.h5", "begun.h5", "metrics.jsonl",
                 *(f"checkpoints/step-{n:012d}.h5" for n in runs.steps_of(work.at("f")))):
        os.remove(work.at("f", name))
    for more in ((), ("--overwrite",), ("--resume",)):
        expect(work, 0, *cv, *more)
        if names(work.at("f/checkpoints")) != ["best.h5"]:
            runs.fail("a file beside the checkpoints was changed")
    shutil.rmtree(work.at("f"))


# If a file that the run reads is at the place of one that it writes, nothing changes, and the advice works.
def inputs(work):
    path = ("path", "--quiet", "--set", "data.train=d.h5", "--C", "1e-3:1:10", *at("i"))
    cases = ((SGD, "model.h5"), (SGD, "metrics.jsonl"), (SGD, "checkpoints/step-000000000001.h5"),
             (SGD, "previous/model.h5"), (path, "path.jsonl"),
             (CV, "cv.jsonl"), (CV, "fold-1/model.h5"), (CV, "fold-2/data.h5"))
    for command, place in cases:
        command = (*command, *at("i"))
        expect(work, 0, *command)
        os.makedirs(os.path.dirname(work.at("i", place)), exist_ok=True)
        shutil.copy(work.at("d.h5"), work.at("i", place))
        before = names(work.at("i"))
        for option in ("data.train", "data.test")[: 1 if command[0] == "cv" else 2]:
            for more in ("--overwrite", "--resume"):
                if (place, more) == ("fold-2/data.h5", "--resume"):
                    continue
                # margin writes other bytes there, so these files are refused as foreign
                foreign = place == "metrics.jsonl" or (more == "--overwrite"
                                                       and place in ("model.h5", "path.jsonl", "cv.jsonl"))
                says = (FOREIGN if foreign
                        else f"{option}: i/{place} is a file of the run in {os.path.dirname('i/' + place)}"
                             f" ({os.path.basename(place)}), which the run may replace, move or delete:"
                             " move it away")
                expect(work, 2, *command, "--set", f"{option}=i/{place}", more, says=says)
                if (names(work.at("i")) != before
                    or runs.read(work.at("i", place)) != runs.read(work.at("d.h5"))):
                    runs.fail(f"{option}={place}: a refused {command[0]} {more} changed files")
        os.rename(work.at("i", place), work.at("away.h5"))  # follows the advice
        expect(work, 0, *command, "--set", "data.train=away.h5", "--overwrite")
        shutil.rmtree(work.at("i"))
    for place in ("model.h5", "previous/model.h5"):
        expect(work, 0, *SGD, *at("i"))
        os.makedirs(work.at("i/previous"))
        shutil.copy(work.at("i/model.h5"), work.at("i/previous/model.h5"))
        before = names(work.at("i"))
        expect(work, 2, *SGD, *at("i"), "--overwrite", "--init", f"i/{place}",
               says="(model.h5), which the run may replace, move or delete: copy it to another directory")
        if names(work.at("i")) != before:
            runs.fail("a refused --overwrite changed files")
        shutil.copy(work.at("i", place), work.at("start.h5"))  # follows the advice
        expect(work, 0, *SGD, *at("i"), "--overwrite", "--init", "start.h5")
        shutil.rmtree(work.at("i"))
    # Other files in the directory do not matter.
    for name in ("i/d.h5", "i/fold-1/d.h5"):
        os.makedirs(os.path.dirname(work.at(name)), exist_ok=True)
        shutil.copy(work.at("d.h5"), work.at(name))
        for more in ("--overwrite", "--resume"):
            expect(work, 0, *SGD, *at("i"), "--set", f"data.train={name}", more)
    shutil.rmtree(work.at("i"))


# The configuration given to a command is not among the files that the command moves or deletes. `train` and
# `path` write config.yaml again, with the same content.
def given_configuration(work):
    expect(work, 0, *SGD, *at("i"))
    expect(work, 0, "train", "--quiet", "i/config.yaml", "--overwrite")
    shutil.copy(work.at("i/config.yaml"), work.at("kept.yaml"))
    shutil.rmtree(work.at("i"))
    train = ("train", "--quiet")
    path = ("path", "--quiet", "--C", "1e-3:1:10", "--set", "train.solver=dual")
    cv = ("cv", "--quiet", "--folds", "2")
    advice = ("), which the run may replace, move or delete: copy it to another directory, or set"
              " output.directory")
    cases = ((train, "previous/config.yaml", "--overwrite"), (train, "previous/config.yaml", "--resume"),
             (train, "metrics.jsonl", "--overwrite"),
             (path, "checkpoints/step-000000000001.h5", "--overwrite"))
    for command, place, more in cases:
        expect(work, 0, *command, "kept.yaml")
        os.makedirs(work.at("i/previous"), exist_ok=True)
        shutil.copy(work.at("kept.yaml"), work.at("i", place))
        before = names(work.at("i"))
        says = (f"CONFIG: i/{place} is a file of the run in {os.path.dirname('i/' + place)}"
                f" ({os.path.basename(place)}{advice}")
        expect(work, 2, *command, f"i/{place}", more, says=FOREIGN if place == "metrics.jsonl" else says)
        if names(work.at("i")) != before:
            runs.fail("a refused command changed files")
        shutil.copy(work.at("i", place), work.at("copy.yaml"))  # follows the advice
        if place in ("metrics.jsonl", "checkpoints/step-000000000001.h5"):
            os.remove(work.at("i", place))
        expect(work, 0, *command, "copy.yaml", "--overwrite")
        shutil.rmtree(work.at("i"))
    expect(work, 0, *cv, "kept.yaml")
    expect(work, 2, *cv, "i/fold-1/config.yaml", *at("i"),
           "--overwrite", says="CONFIG: i/fold-1/config.yaml is a file of the run")
    expect(work, 0, "train", "--quiet", "i/fold-1/config.yaml", *at("x"))
    shutil.rmtree(work.at("i"))


# A new directory below one that may be written but not read.
def unreadable_parent(work):
    program, user = [work.margin], []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            return
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    os.chmod(work.path, 0o755)
    os.mkdir(work.at("wo"))
    os.chmod(work.at("wo"), 0o333)
    done = subprocess.run([*user, *program, *SGD, *at("wo/r/s")], cwd=work.path, text=True,
                          capture_output=True)
    if done.returncode or not os.path.exists(work.at("wo/r/s/model.h5")):
        runs.fail(f"a run below a directory that cannot be read: exit {done.returncode}, {done.stderr}")
    os.chmod(work.at("wo"), 0o755)
    shutil.rmtree(work.at("wo"))


# Files that a user puts into `previous`: resuming a finished run deletes nothing; when a new result is
# complete, only margin's files are deleted.
def own_previous(work):
    for command in ((*SGD, *at("p")), (*CV, "--set", "output.directory=p")):
        expect(work, 0, *command)
        os.mkdir(work.at("p/previous"))
        shutil.copy(work.at("d.h5"), work.at("p/previous/model.h5"))
        expect(work, 0, *command, "--resume")
        if names(work.at("p/previous")) != ["model.h5"]:
            runs.fail("resuming a finished run deleted a file in previous/")
        shutil.rmtree(work.at("p"))
    mine = ("notes.5.tmp", "step-00000000001.h5", "step-000000000001.h5.bak", "step-mine.h5")
    os.makedirs(work.at("p/previous"))
    for name in (*mine, "begun.h5.5.tmp"):
        shutil.copy(work.at("d.h5"), work.at("p/previous", name))
    expect(work, 0, *SGD, *at("p"), "--resume",
           says="p/previous: the old result is kept, because it contains files that margin did not write")
    if not set(mine) <= set(names(work.at("p/previous"))):
        runs.fail("a new result deleted files of the user in previous/")
    expect(work, 3, *SGD, *at("p"), "--overwrite",
           says="p/previous: holds files that margin did not write: move them away")
    for name in mine:
        os.remove(work.at("p/previous", name))
    expect(work, 0, *SGD, *at("p"), "--overwrite")
    if os.path.exists(work.at("p/previous")):
        runs.fail("files of margin remain in previous/")
    shutil.rmtree(work.at("p"))


# Nothing is written or deleted through a symbolic link.
def links(work):
    expect(work, 0, *SGD, *at("l"))
    os.makedirs(work.at("else"))
    os.rename(work.at("l/checkpoints"), work.at("else/checkpoints"))
    os.symlink("../else/checkpoints", work.at("l/checkpoints"))
    before = names(work.at("else"))
    for more in ("--overwrite", "--resume"):
        expect(work, 3, *SGD, *at("l"), more,
               says="l/checkpoints: is not a directory (symbolic links are not followed here): move it away")
        if names(work.at("else")) != before:
            runs.fail(f"train {more} deleted files through a link named checkpoints")
    shutil.rmtree(work.at("l"))
    expect(work, 0, *SGD, *at("l"))
    os.remove(work.at("l/model.h5"))
    os.rename(work.at("l/metrics.jsonl"), work.at("else/metrics.jsonl"))
    os.symlink("../else/metrics.jsonl", work.at("l/metrics.jsonl"))
    before = runs.read(work.at("else/metrics.jsonl"))
    expect(work, 3, *SGD, *at("l"), "--resume", says="l/metrics.jsonl: is a symbolic link")
    os.remove(work.at("l/metrics.jsonl"))
    os.link(work.at("else/metrics.jsonl"), work.at("l/metrics.jsonl"))
    expect(work, 0, *SGD, *at("l"), "--resume")
    if (runs.read(work.at("else/metrics.jsonl")) != before
        or os.stat(work.at("l/metrics.jsonl")).st_nlink != 1):
        runs.fail("metrics.jsonl was written through a link")
    os.symlink("elsewhere", work.at("l/lock"))
    expect(work, 3, *SGD, *at("l"), "--resume",
           says="l/lock: is not a regular file, so it is not a lock of margin: move it away")
    os.remove(work.at("l/lock"))
    shutil.rmtree(work.at("l"))


# A damaged begun.h5.
def damaged_begun(work):
    expect(work, 0, *SGD, *at("g"))
    for name in ("model.h5", *(f"checkpoints/{name}" for name in os.listdir(work.at("g/checkpoints")))):
        os.remove(work.at("g", name))
    os.truncate(work.at("g/begun.h5"), 500)
    expect(work, 3, *SGD, *at("g"), "--resume", says="delete it to start from the beginning")
    os.remove(work.at("g/begun.h5"))  # follows the advice
    expect(work, 0, *SGD, *at("g"), "--resume")
    shutil.rmtree(work.at("g"))


# A linked fold is refused before any fold is trained.
def linked_fold(work):
    os.makedirs(work.at("c"))
    os.makedirs(work.at("elsewhere"))
    os.symlink("../elsewhere", work.at("c/fold-2"))
    for more in ((), ("--resume",), ("--overwrite",)):
        expect(work, 3, "cv", "--quiet", "--folds", "2", "--set", "data.train=d.h5", *at("c"), *more,
               says="c/fold-2: is not a directory (symbolic links are not followed here): move it away")
        if os.listdir(work.at("c")) != ["fold-2"]:
            runs.fail("a fold was trained before another was refused")
    shutil.rmtree(work.at("c"))


# predict does not write its output over the model or the data.
def answers(work):
    expect(work, 0, *SGD, *at("a"))
    shutil.copy(work.at("d.h5"), work.at("y.h5"))
    os.symlink("y.h5", work.at("link.h5"))
    for output, what in (("a/model.h5", "the model"), ("y.h5", "the data"), ("link.h5", "the data")):
        before = runs.read(work.at(output))
        expect(work, 2, "predict", "a/model.h5", "y.h5", "-o", output,
               says=f"is {what}, which the answers would replace")
        if runs.read(work.at(output)) != before:
            runs.fail(f"predict replaced {what}")
    with open(work.at("lines"), "w") as lines:
        lines.write("1:1\n")
    with open(work.at("lines")) as lines:
        done = work.run("predict", "a/model.h5", "-", "-o", "lines", stdin=lines)
    if done.returncode != 2 or runs.read(work.at("lines")) != b"1:1\n":
        runs.fail(f"predict replaced its standard input: {done.stderr}")
    shutil.rmtree(work.at("a"))


# A file that replaces another one gets the permissions of the old file; a new file gets those of the umask.
def permissions(work):
    expect(work, 0, *SGD, *at("a"))
    shutil.copy(work.at("d.h5.txt"), work.at("d.csv"))
    commands = (("predict", "a/model.h5", "d.h5", "-o", "out"),
                ("convert", "--quiet", "--overwrite", "--header", "no", "--label", "first", "d.csv", "out"))
    for command in commands:
        for mode in (0o600, 0o664, 0o400):
            with open(work.at("out"), "w"):
                os.chmod(work.at("out"), mode)
            expect(work, 0, *command)
            got = os.stat(work.at("out")).st_mode & 0o777
            if got != mode or not os.path.getsize(work.at("out")):
                runs.fail(f"{command[0]} replaced a file of mode {mode:o} by one of mode {got:o}")
        os.remove(work.at("out"))
        expect(work, 0, *command, says="")
        umask = os.umask(0)
        os.umask(umask)
        if os.stat(work.at("out")).st_mode & 0o777 != 0o666 & ~umask:
            runs.fail(f"{command[0]}: a new file does not follow the umask")
        os.remove(work.at("out"))
    os.chmod(work.at("a/model.h5"), 0o600)
    model = runs.read(work.at("a/model.h5"))
    os.truncate(work.at("a/model.h5"), 100)
    expect(work, 0, *SGD, *at("a"), "--resume")  # writes the damaged model again
    if runs.read(work.at("a/model.h5")) != model or os.stat(work.at("a/model.h5")).st_mode & 0o777 != 0o600:
        runs.fail("a model that is written again is not as private as it was")
    shutil.rmtree(work.at("a"))


# If the limit on file sizes is reached, every command reports an error.
def limited(work):
    expect(work, 0, *SGD, *at("a"))
    for command in (("predict", "a/model.h5", "d.h5"), ("info", "a/model.h5"), ("list",), ("config",),
                    ("--help",), ("eval", "a/model.h5", "d.h5", "--json")):
        with open(work.at("answers"), "w") as out:
            done = subprocess.run(["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", work.margin, *command],
                                  cwd=work.path, text=True, stdout=out, stderr=subprocess.PIPE)
        if done.returncode != 1 or done.stderr.count("\n") != 1:
            runs.fail(f"{command}: exit {done.returncode}, {done.stderr!r}")
    shutil.rmtree(work.at("a"))


with runs.Work(sys.argv[1]) as work:
    work.data("d.h5", 200, 10, 3, False)
    with open(work.at("foreign"), "wb") as foreign:
        foreign.write(b"\x89HDF\r\n\x1a\n of another program" * 40)
    for part in (own_lock, own_configuration, foreign_results, kept_beside_checkpoints, inputs,
                 given_configuration, unreadable_parent, own_previous, links, damaged_begun, linked_fold,
                 answers, permissions, limited):
        part(work)
    print("a run changes only what is its own")
