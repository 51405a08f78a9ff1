# test_lent.py - a sealed file is in memory only once, because the library reads it in place.
#
#     test_lent.py MARGIN
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

FEATURES, CLASSES = 400000, 20
ALLOWANCE = 8 << 20


def peak(work, *arguments):
    """Peak memory of the command, in bytes."""
    process = work.start(*arguments)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        runs.fail(f"{arguments}: {process.stderr.read()}")
    return used.ru_maxrss << 10


if not os.environ.get("SHIM"):  # there is none in builds with a sanitizer
    print("skipped: a sanitizer keeps memory of its own")
    sys.exit(77)
with runs.Work(sys.argv[1]) as work:
    peaks = {}
    for name, features in (("small", 10), ("large", FEATURES)):
        with open(work.at(name + ".svm"), "w") as lines:
            lines.writelines(f"{i % CLASSES} {i % 7 + 1}:1 {features}:1\n" for i in range(60))
        for command in (("convert", name + ".svm", name + ".h5"),
                        ("train", "--quiet", "--set", f"data.train={name}.h5",
                         "--set", f"output.directory={name}", "--set", "train.epochs=1",
                         "--set", "train.solver=sgd", "--set", "sgd.eta=0.1")):
            if work.run(*command).returncode:
                runs.fail(f"{command} failed")
        model = f"{name}/model.h5"
        peaks[name] = [peak(work, "info", model), peak(work, "eval", model, f"{name}.h5"),
                       os.path.getsize(work.at(model))]
    size = peaks["large"][2]
    # Both commands have the file in memory, and the weights that they read from it.
    for what, copies, at in (("info", 2, 0), ("eval", 2, 1)):
        more = peaks["large"][at] - peaks["small"][at]
        if more > copies * size + ALLOWANCE:
            runs.fail(f"{what} of a model of {size} bytes takes {more} bytes more than of a small one: more"
                      f" than {copies} times the file")
    print("sealed files are in memory once")
