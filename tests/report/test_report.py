"""margin report: a page that is complete without scripts and network, says what `margin eval` says, escapes
every name, refuses the model of another training, and never replaces anything but a report."""
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

import runs

runs.need_modules("h5py", "numpy")
import h5py
import numpy as np

EVIL = '</script><b title="x">\'&'


class Page(html.parser.HTMLParser):
    """The tables, ids, texts and attributes of a report."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.tags, self.scripts, self.tables, self.text = [], [], [], [], [], []
        self.cell = self.script = None
        self.size = os.path.getsize(path)
        self.feed(open(path, encoding="utf-8").read())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.links += [given[name] for name in ("src", "href") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.cell = True
        self.script = "" if tag == "script" and given.get("type") == "application/json" else None

    def handle_endtag(self, tag):
        self.cell = None if tag in ("td", "th") else self.cell
        if tag == "script" and self.script is not None:
            self.scripts.append(json.loads(self.script))
            self.script = None

    def handle_data(self, data):
        if self.script is not None:
            self.script += data
            return
        self.text.append(data)
        if self.cell:
            self.tables[-1][-1][-1] += data

    def table(self, *heads):
        for table in self.tables:
            if table and table[0] == list(heads):
                return table[1:]
        runs.fail(f"no table {heads}")

    def says(self, text):
        return text in " ".join("".join(self.text).split())


def number(text):
    return float(re.sub(r"[\s\u202f%]", "", text).replace("−", "-"))


def check(what, true):
    if not true:
        runs.fail(what)


def train(work, name, *options):
    runs.expect(work, 0, "train", "--quiet", "--set", f"output.directory={name}",
                *(f"--set={option}" for option in options))


def report(work, name, *arguments):
    runs.expect(work, 0, "report", name, "-o", work.at(name + ".html"), *arguments)
    page = Page(work.at(name + ".html"))
    check("an id occurs twice", len(page.ids) == len(set(page.ids)))
    check(f"links: {page.links}", all(link.startswith("data:") for link in page.links))
    raw = open(work.at(name + ".html"), encoding="utf-8").read()
    check("no policy", "default-src 'none'" in raw)
    check("a drawing for every chart", raw.count("<svg") == raw.count("<title id=") == raw.count("<desc"))
    return page


def test_figures(work):
    """The page has the figures of `margin eval`, with data.test, and with --data."""
    work.data("train.h5", 400, 64, 4, False)
    work.data("test.h5", 200, 64, 4, False, seed=9)
    train(work, "run", "data.train=train.h5", "data.test=test.h5", "data.validation=0.2",
          "train.tolerance=1e-3", "model.C=1e-5",
          "model.calibration=temperature")
    page = report(work, "run")
    eval_ = json.loads(work.run("eval", "run/model.h5", "test.h5", "--json").stdout)
    check("certificate", page.says("Certified optimum."))
    check("test rows", page.says("Measured on 200 rows of test.h5 (data.test):"
                                 f" {round(200 * eval_['accuracy'])} right"))
    check("ece", page.says(f"Calibrated: expected calibration error {eval_['ece']:.4f}, log-loss"
                           f" {eval_['log_loss']:.4f}"))
    classes = {row[0]: row for row in page.table("class", "precision", "recall", "F1", "rows")}
    for one in eval_["per_class"]:
        row = classes[str(one["label"])]
        for cell, key in zip(row[1:], ("precision", "recall", "f1")):
            check(f"{key} {cell}", abs(number(cell) - 100 * one[key]) < 0.006)
        check("support", number(row[4]) == one["support"])
    f1 = [number(row[3]) for row in page.table("class", "precision", "recall", "F1", "rows")]
    check(f"worst first: {f1}", f1 == sorted(f1))
    matrix = [[number(cell or "0") for cell in row[1:]] for row in page.table("", "0", "1", "2", "3")]
    check("confusion", matrix == eval_["confusion"])
    check("templates", page.tags.count("img") >= 4)
    with h5py.File(work.at("test.h5"), "r+") as f:
        f["y"][:100] = (f["y"][:100] + 1) % 4
    page = report(work, "run")
    check("changed", page.says("test.h5 (data.test) has changed since the run"))
    check("held-out rows instead", page.says("rows that were held out"))
    os.remove(work.at("test.h5"))
    page = report(work, "run")
    check("held-out rows", page.says("is not there any more") and page.says("rows that were held out"))
    page = report(work, "run", "--data", work.at("train.h5"))
    check("--data", page.says("Measured on 400 rows") and page.says("(--data)"))
    done = runs.expect(work, 3, "report", "run", "-o", "x.html", "--data", "missing.h5", says="missing.h5")
    check("no file after a failure", not os.path.exists(work.at("x.html")) and done.stderr.count("\n") == 1)


def test_names(work):
    """Names from files are text, whatever they contain."""
    rng = np.random.default_rng(1)
    y = np.arange(90) % 3
    with h5py.File(work.at("names.h5"), "w") as f:
        f["X"] = (np.eye(3)[y] * 3 + rng.normal(size=(90, 3))).astype("f4")
        f["y"] = [f"{EVIL}{k}" for k in y]
        f["names"] = [f"{EVIL}{d}" for d in range(3)]
    train(work, "names", "data.train=names.h5", "data.names=names", "train.epochs=2")
    page = report(work, "names", "--data", work.at("names.h5"))
    check("tags from names", page.says(EVIL + "0"))
    check("names of features", page.says(EVIL + "2"))
    raw = open(work.at("names.html"), encoding="utf-8").read()
    check("escaped", EVIL not in raw and raw.count("</script>") == 1 + len(page.scripts))


def test_recipe(work):
    """A line for each option of `margin convert`."""
    with open(work.at("table.csv"), "w") as file:
        file.write("kind,size,weight\n")
        file.writelines(f"{'ab'[n % 2]},{n % 2 + n / 100},{n}\n" for n in range(60))
    runs.expect(work, 0, "convert", "-q", "--label", "kind", "table.csv", work.at("table.h5"))
    train(work, "table", "data.train=table.h5", "train.epochs=2")
    facts = {row[0]: row[1] for table in report(work, "table").tables for row in table if len(row) == 2}
    lines = work.run("info", "table.h5").stdout.split("recipe", 1)[1].splitlines()[0].split(", ")
    check("recipe", facts["made by convert from"] == "".join(lines).strip())


def test_points(work):
    """A path and a cross-validation; several runs are compared."""
    work.data("p.h5", 200, 6, 3, False)
    common = ["--quiet", "--set=data.train=p.h5", "--set=data.validation=0.2"]
    runs.expect(work, 0, "path", *common, "--C", "1e-5:1e-2:10", "--set=output.directory=path")
    runs.expect(work, 0, "cv", *common[:2], "--folds", "3", "--C", "1e-4,1e-2", "--set=output.directory=cv")
    lines = [json.loads(line) for line in open(work.at("path", "path.jsonl"))]
    page = report(work, "path")
    rows = page.table("C", "lambda", "validation", "objective", "lower bound", "gap", "certified", "passes",
                      "time")
    check("points", [number(row[2]) for row in rows] == [round(100 * line["accuracy"], 2) for line in lines])
    page = report(work, "cv")
    means = [json.loads(line) for line in open(work.at("cv", "cv.jsonl")) if '"mean"' in line]
    rows = page.table("C", "mean accuracy", "deviation", "folds not certified")
    check("means", [number(row[1]) for row in rows] == [round(100 * line["mean"], 2) for line in means
                                                        if line["event"] == "mean"])
    runs.expect(work, 3, "report", "cv", "--data", "p.h5", says="a cross-validation keeps no model")
    runs.expect(work, 0, "report", "path", "cv", "-o", "both.html")
    heads = "run kind status C loss solver objective gap validation test seconds".split()
    check("comparison", len(Page(work.at("both.html")).table(*heads)) == 2)
    runs.expect(work, 2, "report", "path", "cv", "--data", "p.h5", says="give one directory")
    return lines


def test_outputs(work):
    """Only a report is ever replaced."""
    work.data("o.h5", 60, 4, 2, False)
    train(work, "out", "data.train=o.h5", "train.epochs=1")
    open(work.at("out", "lock"), "w").close()
    before = runs.tree(work.path)
    for name in ("out/model.h5", "out/metrics.jsonl", "out/config.yaml", "o.h5", "out/lock"):
        runs.expect(work, 2, "report", "out", "-o", name, says="exists and is not a report")
    runs.expect(work, 3, "report", "o.h5", "-o", "n.html", says="is not the directory of a training")
    runs.expect(work, 3, "report", "nowhere", "-o", "n.html", says="cannot be read")
    check("an input has changed", runs.tree(work.path) == before)
    runs.expect(work, 0, "report", "out", "-o", "r.html")
    runs.expect(work, 0, "report", "out", "-o", "r.html")
    with open(work.at("s.html"), "w") as file:  # not replaced, but written
        runs.expect(work, 0, "report", "out", "-q", "-o", "/dev/stdout", stdout=file)
    check("/dev/stdout", open(work.at("s.html")).read() == open(work.at("r.html")).read())
    # Another program writes a file while the report is made: where none was, and over an older report.
    if os.environ.get("SHIM"):
        for name in "new.html", "r.html":
            env = {**os.environ, "LD_PRELOAD": os.environ["SHIM"], "SHIM_APPEAR": work.at(name)}
            runs.expect(work, 2, "report", "out", "-o", name, says="exists and is not a report", env=env)
            check(f"{name} was replaced", open(work.at(name)).read() == "theirs\n")
            os.remove(work.at(name))
            check("a temporary file remains", not [one for one in os.listdir(work.path) if name in one])
    with open(work.at("out", "metrics.jsonl"), "a") as file:
        file.write('{"event": "epoch", "step"\n')
    runs.expect(work, 3, "report", "out", "-o", "r.html", says="metrics.jsonl:")


def test_other_model(work):
    """The model of another training is refused, and the advice works: without it, and after --resume."""
    work.data("m.h5", 60, 4, 2, False)
    train(work, "mine", "data.train=m.h5", "train.epochs=2")
    train(work, "theirs", "data.train=m.h5", "train.epochs=3")
    runs.expect(work, 0, "path", "-q", "--set=data.train=m.h5", "--set=data.validation=0.2",
                "--set=output.directory=many_C", "--C", "1e-4:1e-2:3")
    mine = runs.read(work.at("mine", "model.h5"))
    for name in "mine", "many_C":
        shutil.copy(work.at("theirs", "model.h5"), work.at(name, "model.h5"))
        says = f"{name}/model.h5: is intact, but not the model of this training"
        runs.expect(work, 3, "report", name, "-o", "mine.html", says=says)
        runs.expect(work, 3, "info", name, says=says)
        os.rename(work.at(name, "model.h5"), work.at("away.h5"))
        runs.expect(work, 0, "report", name, "-o", "mine.html")
    runs.expect(work, 0, "train", "-q", "--resume", "--set=data.train=m.h5", "--set=train.epochs=2",
                "--set=output.directory=mine")
    check("the model is back", runs.read(work.at("mine", "model.h5")) == mine)
    runs.expect(work, 0, "info", "mine")


def test_unreadable(work):
    """What may not be read is named with the reason: it is not called missing or damaged."""
    how = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    os.chmod(work.path, 0o777)
    begins = subprocess.run([work.margin, "--version"], cwd=work.path, capture_output=True, **how)
    if begins.returncode:
        return  # another user may not run the program or see the directory
    work.data("u.h5", 60, 4, 2, False)
    train(work, "all/run", "data.train=u.h5", "data.test=u.h5", "train.epochs=1")
    name = "all/run"
    for file in "config.yaml", "model.h5", "metrics.jsonl":
        os.chmod(work.at(name, file), 0)
        says = f"{name}/{file}: cannot be opened: Permission denied"
        for command in ["report", name, "-o", "u.html"], ["info", name], ["runs", name]:
            wanted = 0 if command[0] == "runs" and file == "model.h5" else 3
            done = runs.expect(work, wanted, *command, says=says if wanted else "", **how)
            check("one line", done.stderr.count("\n") == (1 if wanted else 0))
            check("an empty line", not done.stdout.endswith("\n\n"))
        os.chmod(work.at(name, file), 0o644)
    os.chmod(work.at(name), 0)
    for command in ["report", name, "-o", "u.html"], ["info", name], ["runs", name]:
        runs.expect(work, 3, *command, says=f"{name}: cannot be read: Permission denied", **how)
    listed = json.loads(runs.expect(work, 0, "runs", "all", "--json", **how).stdout)["runs"]
    check("unreadable", [one["status"] for one in listed] == ["unreadable"])
    os.chmod(work.at(name), 0o755)
    os.remove(work.at(name, "config.yaml"))
    page = report(work, name)
    check("unknown rows", page.says("is missing or cannot be read") and not page.says("the run has no test"))


def test_size(work):
    """A report of 1,000 classes is small."""
    rng = np.random.default_rng(2)
    y = np.arange(4000) % 1000
    centre = rng.normal(size=(1000, 20))
    with h5py.File(work.at("k.h5"), "w") as f:
        f["X"] = (centre[y] + rng.normal(size=(4000, 20))).astype("f4")
        f["y"] = y
    train(work, "k", "data.train=k.h5", "train.epochs=1")
    page = report(work, "k", "--data", work.at("k.h5"))
    check(f"{page.size} bytes", page.size < 2_000_000)
    check("all classes", len(page.table("class", "precision", "recall", "F1", "rows")) == 1000)


def test_runs(work, lines):
    """margin runs: the same values as the files, sorted, in three forms."""
    listed = json.loads(runs.expect(work, 0, "runs", work.path,
                                    "--json", "--sort", "validation").stdout)["runs"]
    best = max(lines, key=lambda line: (line["accuracy"], -line["C"]))
    path = next(one for one in listed if one["run"].endswith("/path"))
    check("best point", (path["C"], path["validation"]) == (best["C"], best["accuracy"]))
    known = [one["validation"] for one in listed if one["validation"] is not None]
    check(f"sorted: {known}", known == sorted(known, reverse=True))
    tsv = runs.expect(work, 0, "runs", work.path, "--tsv", "--sort=-run").stdout.splitlines()
    names = [line.split("\t")[0] for line in tsv[1:]]
    check("tsv", names == sorted(names, reverse=True) and len(names) == len(listed))
    check("table", len(runs.expect(work, 0, "runs", "path", "cv").stdout.splitlines()) == 3)
    runs.expect(work, 2, "runs", "path", "--sort", "validaton", says="did you mean validation")
    runs.expect(work, 3, "runs", "p.h5", says="is not the directory of a training")
    os.makedirs(work.at("many", "hurt"))  # a damaged training does not hide the others
    shutil.copytree(work.at("path"), work.at("many", "path"))
    with open(work.at("many", "hurt", "metrics.jsonl"), "w") as file:
        file.write("x\n")
    # as a killed run leaves it; the number is of another process
    with open(work.at("many", "path", "lock"), "w") as file:
        file.write(f"{os.getpid()}\n")
    listed = json.loads(runs.expect(work, 0, "runs", "many", "--json").stdout)["runs"]
    check("damaged", [one["status"] for one in listed] == ["damaged", "finished"])


def test_copies():
    """The copies of uPlot are the released ones."""
    root = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "src", "report", "uplot")
    for line in open(os.path.join(root, "SHA256SUMS")):
        sum_, name = line.split()
        check(f"{name} has changed", hashlib.sha256(runs.read(os.path.join(root, name))).hexdigest() == sum_)


with runs.Work(sys.argv[1]) as work:
    test_figures(work)
    test_names(work)
    test_recipe(work)
    points = test_points(work)
    test_outputs(work)
    test_other_model(work)
    test_unreadable(work)
    test_size(work)
    os.remove(work.at("out", "metrics.jsonl"))  # damaged above
    test_runs(work, points)
    test_copies()
print("ok")
