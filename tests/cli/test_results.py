"""Results for programs (--json), the dry run, --strict, and the directories of path and cv."""
import json
import os
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

DATA = "--set", "data.train=d.h5", "--set", "data.scale=0.1"


def document(work, *arguments, status=0):
    """The only JSON object on standard output."""
    done = work.run(*arguments)
    if done.returncode != status or done.stdout.count("\n") != 1:
        runs.fail(f"{' '.join(arguments)}: exit {done.returncode}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def same(what, got, wanted):
    if got != wanted:
        runs.fail(f"{what}: {got}, {wanted} expected")


def events(directory, name):
    return [line for line in map(json.loads, open(f"{directory}/metrics.jsonl")) if line["event"] == name]


def test_train(work):
    got = document(work, "train", "--json", *DATA, "--set", "data.validation=20%",
                   "--set", "train.tolerance=1e-2",
                   "--set", "model.calibration=temperature", "--set", "output.directory=run")
    end = events(work.at("run"), "end")[0]
    for key in ("reason", "step", "epoch", "objective", "dual", "gap", "converged", "train_accuracy",
                "accuracy", "best_epoch"):
        same(key, got[key], end[key])
    same("calibration", got["calibration"]["log_loss"], end["log_loss"])
    same("model, warning, test", (got["model"], got["warning"], got["test_accuracy"]),
         ("run/model.h5", "", None))
    # 20% is the fraction 0.2
    document(work, "train", "--json", *DATA, "--set", "data.validation=0.2", "--set", "train.tolerance=1e-2",
             "--set", "model.calibration=temperature", "--set", "output.directory=same")
    same("20%", runs.read(work.at("run/model.h5")), runs.read(work.at("same/model.h5")))
    runs.expect(work, 2, "train", *DATA, "--set", "data.validation=120%",
                says="data.validation: 120% is not allowed")


def test_plan(work):
    for sets in ([], ["--set", "train.solver=sgd"], ["--set", "train.tolerance=1e-3"],
                 ["--set", "model.C=auto"]):
        got = document(work, "train", "--plan", "--json", *DATA, *sets)
        same("shape", (got["rows"], got["features"], got["classes"], got["directory"]),
             (400, 8, 4, "runs/unnamed"))
        same("choice of C", got["chooses_C"], "model.C=auto" in sets)
        if not 0 < got["row_bytes"] < got["memory_bytes"] < got["available_bytes"] or got["threads"] < 1:
            runs.fail(f"memory, threads: {got}")
        # so few rows are trained to the end within the time of the sample
        if not got["seconds"] > 0 or not got["rows_per_second"] > 0:
            runs.fail(f"no estimate: {got}")
    same("solver", document(work, "train", "--plan", "--json", *DATA, "--set", "train.solver=sgd")["solver"],
         "sgd")
    limited = document(work, "train", "--plan", "--json", *DATA, "--set", "train.epochs=1000000000",
                       "--set", "train.time_limit=7")
    same("seconds with train.time_limit", limited["seconds"], 7.0)
    shown = runs.expect(work, 0, "train", "--plan", *DATA).stdout
    for part in ("rows       400 x 8 features, 4 classes", "solver     dual (auto", "memory     about",
                 "estimate   about", "nothing was written"):
        if part not in shown:
            runs.fail(f"--plan does not show '{part}': {shown}")
    if Path(work.at("runs")).exists():
        runs.fail("--plan has written something")
    runs.expect(work, 2, "train", "--plan", "--set", "data.train=d.h5", "--set", "train.solver=newton",
                "--set", "train.tolerance=0",
                says="train.solver: newton cannot be used")


def test_path(work):
    got = document(work, "path", "--json", "--C", "0.1,1,10", *DATA, "--set", "data.validation=0.2")
    lines = [json.loads(line) for line in open(work.at("runs/unnamed-path/path.jsonl"))]
    same("points", [{k: v for k, v in line.items() if k != "point"} for line in lines],
         [{k: v for k, v in point.items() if v is not None} for point in got["points"]])
    same("best", (got["C"], got["accuracy"]),
         (got["points"][got["best"]]["C"], got["points"][got["best"]]["accuracy"]))
    same("model", got["model"], "runs/unnamed-path/model.h5")
    done = document(work, "path", "--json", "--C", "0.1,1", *DATA, "--set", "output.directory=alone")
    same("without validation", (done["best"], done["C"], done["model"]), (None, None, ""))


def test_cv(work):
    got = document(work, "cv", "--json", "--folds", "3", "--C", "0.1:10:10", *DATA)
    lines = [json.loads(line) for line in open(work.at("runs/unnamed-cv/cv.jsonl"))]
    same("folds", [r["accuracy"] for r in got["results"]],
         [line["accuracy"] for line in lines if line["event"] == "fold"])
    same("means", [m["accuracy"] for m in got["means"]],
         [line["mean"] for line in lines if line["event"] == "mean"])
    same("best", got["value"], [line["C"] for line in lines if line.get("best")][0])
    got = document(work, "cv", "--json", "--folds", "2", *DATA, "--set", "output.directory=plain")
    same("without a grid", (got["value"], len(got["results"]), len(got["means"])), (None, 2, 1))


def test_refit(work):
    """The training on all rows with the best value is that of margin train."""
    runs.expect(work, 0, "cv", "-q", "--folds", "3", "--C", "0.1:10:10", "--refit", *DATA,
                "--set", "model.lambda=1e-5", "--set", "output.directory=refitted")
    best = [json.loads(line) for line in open(work.at("refitted/cv.jsonl")) if '"best": true' in line][0]["C"]
    runs.expect(work, 0, "train", "-q", *DATA, "--set", f"model.C={best}", "--set", "train.tolerance=1e-3",
                "--set", "data.validation=~", "--set", "output.directory=by_hand")
    same("the model of all rows", runs.read(work.at("refitted/refit/model.h5")),
         runs.read(work.at("by_hand/model.h5")))
    again = runs.expect(work, 0, "cv", "--folds", "3", "--C", "0.1:10:10", "--refit", "--resume", *DATA,
                        "--set", "model.lambda=1e-5", "--set", "output.directory=refitted")
    if "nothing is trained" not in again.stderr:
        runs.fail(f"the refit of a finished cross-validation: {again.stderr}")
    shown = runs.expect(work, 0, "cv", "--folds", "3", "--refit", "--json", "--overwrite", *DATA,
                        "--set", "output.directory=refitted").stdout.splitlines()
    same("its model", json.loads(shown[1])["model"], "refitted/refit/model.h5")


def test_end_of_range(work):
    """A best value at an end of the range is reported, with a command that goes on; one in the middle is
    not."""
    # the columns are far from 0, so that small values of C leave the constant feature without use
    draw = random.Random(3)
    with open(work.at("far.csv"), "w") as out:
        for _ in range(600):
            a, b = draw.gauss(0, 1), draw.gauss(0, 1)
            out.write(f"{int(a > 1.2)},{a + 10:.3f},{b + 10:.3f}\n")
    runs.expect(work, 0, "convert", "-q", "--header", "no", "--label", "first", "far.csv", "far.h5")
    far = "--set", "data.train=far.h5", "--set", "data.validation=0.2", "--set", "output.directory=range"

    def note(*arguments):
        shown = runs.expect(work, 0, *arguments, "--overwrite", *far).stderr
        found = [line for line in shown.splitlines() if line.startswith("note: the best")]
        return found[0] if found else ""

    weak = note("path", "--C", "0.1:10:10")
    same("larger", weak, "note: the best C, 10, is the largest of the values, so a larger one may be better:"
                         " try --C 10:1e+04:10 with another output.directory, or with --overwrite")
    same("its advice", note("path", *weak.split("try ")[1].split()[:2]), "")
    same("smaller", note("path", "--lambda", "1e-3,1e-2,1e-1").split(":")[1][:58],
         " the best lambda, 0.001, is the smallest of the values, so")
    same("quiet", note("path", "-q", "--C", "0.1:10:10"), "")
    same("a single value", note("path", "--C", "1"), "")
    runs.shutil.rmtree(work.at("range"))
    if "try --C" not in note("cv", "--folds", "2", "--C", "0.1:1:10"):
        runs.fail("cv does not report the end of the range")


def test_directories(work):
    """path and cv have directories of their own, so that they need no --overwrite after a training, and keep
    its model."""
    config = work.at("small.yaml")
    with open(config, "w") as out:
        out.write("data: {train: d.h5, scale: 0.1, validation: 0.2}\n")
    runs.expect(work, 0, "train", "-q", "small.yaml")
    model = runs.read(work.at("runs/small/model.h5"))
    runs.expect(work, 0, "path", "-q", "small.yaml", "--C", "1,2")
    runs.expect(work, 0, "cv", "-q", "small.yaml", "--folds", "2")
    same("directories", sorted(os.listdir(work.at("runs"))),
         sorted(set(os.listdir(work.at("runs"))) | {"small", "small-path", "small-cv"}))
    same("the model of train", runs.read(work.at("runs/small/model.h5")), model)
    # the configuration in the directory of a path names that directory
    runs.expect(work, 2, "path", "-q", "runs/small-path/config.yaml", "--C", "1,2",
                says="runs/small-path: already holds a run")


def test_strict(work):
    """A run that has learned nothing ends with status 0 and, with --strict, 1; its model is written."""
    failed = "train", "-q", *DATA, "--set", "model.lambda=1e9", "--set", "output.directory=failed"
    runs.expect(work, 0, *failed, says="warning: ")
    runs.expect(work, 1, *failed, "--overwrite", "--strict", says="margin train: --strict: 1 warning")
    got = document(work, *failed, "--overwrite", "--strict", "--json", status=1)
    if not got["warning"] or not work.whole("failed/model.h5"):
        runs.fail(f"no warning in the result: {got}")
    runs.expect(work, 0, "train", "-q", *DATA, "--strict", "--set", "output.directory=good")
    short = ("path", "-q", "--C", "10,1000", *DATA, "--set", "train.epochs=1", "--set",
             "output.directory=short")
    runs.expect(work, 0, *short, says="not certified")
    runs.expect(work, 1, *short, "--overwrite", "--strict", says="--strict")


with runs.Work(sys.argv[1]) as work:
    os.chdir(work.path)
    work.data("d.h5", 400, 8, 4, False)
    test_plan(work)
    test_train(work)
    test_path(work)
    test_cv(work)
    test_refit(work)
    test_end_of_range(work)
    test_directories(work)
    test_strict(work)
print("results are for programs too")
