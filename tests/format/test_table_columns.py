# test_table_columns.py - convert --one-hot and --missing: the features and the values filled in are those
# that numpy computes, the model has them, and eval, predict FILE and predict - apply them to raw tables.
#
#     test_table_columns.py MARGIN
import random
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, expect, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

DATA, USAGE = 3, 2
CITIES = ["Lyon", "Paris", "a=b", "Nice, old", "Köln"]
GAPS = ["", "NA", "NaN", "null", "?"]
draw = random.Random(7)


def write(work, name, lines):
    with open(work.at(name), "w") as out:
        out.write("\n".join(lines) + "\n")


def convert(work, *arguments, status=0, says=""):
    return expect(work, status, "convert", "--overwrite", *arguments, says=says).stderr


def quoted(text):
    return f'"{text}"' if "," in text else text


def rows(count, cities=CITIES):
    """Rows (age, city, job, label); age may be missing."""
    for i in range(count):
        age = draw.choice(GAPS) if draw.random() < 0.2 else f"{draw.randrange(100)}.5"
        city, job = draw.choice(cities), draw.choice(["x", "y"])
        yield [age, city, job, "up" if city in ("Lyon", "Paris") else "down"]


def lines(table, header=True):
    return (["age,city,job,label"] if header else []) + [",".join(map(quoted, row)) for row in table]


def features(table, cities, fill, jobs=("x", "y")):
    """What convert must write: columns in the order of the table, values in the order of their bytes."""
    out = []
    for age, city, job, _ in table:
        out.append([fill if age in GAPS else float(age), *(float(city == c) for c in cities),
                    *(float(job == j) for j in jobs)])
    return np.array(out, "f4")


def check(work, name, table, cities, fill, names=True):
    with h5py.File(work.at(name)) as f:
        if not np.array_equal(f["X"][:], features(table, cities, fill)):
            fail(f"{name}: X differs from one-hot columns and values filled in by numpy")
        found = [n.decode() for n in f["var/_index"][:]] if names else None
        if names and found != ["age", *(f"city={c}" for c in cities), "job=x", "job=y"]:
            fail(f"{name}: names {found}")


def train(work, data, output):
    expect(work, 0, "train", "-q", "--overwrite", "--set", f"data.train={data}",
           "--set", f"output.directory={output}", "--set", "train.threads=1")
    return f"{output}/model.h5"


def scores(work, model, data, says="", **how):
    return expect(work, 0, "predict", model, data, "--scores", says=says, **how).stdout


def pipeline(work):
    table = list(rows(90))
    cities = sorted({row[1] for row in table}, key=str.encode)
    ages = np.array([float(row[0]) for row in table if row[0] not in GAPS])
    gaps = len(table) - len(ages)
    write(work, "train.csv", lines(table))
    test = list(rows(40, CITIES + ["Oslo"]))
    write(work, "test.csv", lines(test))
    unseen, missing = sum(row[1] == "Oslo" for row in test), sum(row[0] in GAPS for row in test)
    for how, fill in (("zero", 0), ("mean", ages.mean()), ("median", np.median(ages.astype("f4")))):
        fill = np.float32(fill)
        said = convert(work, "--one-hot", "city,job", "--missing", how, "train.csv", "train.h5",
                       says=f"{gaps} missing values replaced ({how})\n")
        check(work, "train.h5", table, cities, fill)
        said = convert(work, "--like", "train.h5", "test.csv", "test.h5")
        check(work, "test.h5", test, cities, fill)
        facts = (f"{missing} missing values replaced ({how}); {unseen} values of one-hot columns are not in"
                 " the training data, taken as all zeros; the first is 'Oslo' in column 'city' of line ")
        if facts not in said or said.count("\n") != 2:
            fail(f"--like says {said!r}, not {facts!r}")
        model = train(work, "train.h5", "run")
        wanted = scores(work, model, "test.h5")
        if scores(work, model, "test.csv", says=facts) != wanted:
            fail(f"{how}: the raw table gets other scores")
        expect(work, 0, "eval", model, "test.csv", says=facts)
        for header in (True, False):
            text = "\n".join(lines(test, header)) + "\n"
            if scores(work, model, "-", input=text, says=facts.split(" of line")[0]) != wanted:
                fail(f"{how}: lines get other scores, header {header}")
        # Columns in another order, and one of them missing.
        write(work, "turned.csv", ["label;city;note;age;job"] +
              [";".join([row[3], row[1], "hello", row[0], row[2]]) for row in test])
        if scores(work, model, "turned.csv") != wanted:
            fail(f"{how}: a table with other columns gets other scores")
        write(work, "short.csv", ["age,city"] + [",".join(map(quoted, row[:2])) for row in test])
        scores(work, model, "short.csv", says="2 missing (taken as 0)")
    convert(work, "--one-hot", "city,job", "--missing", "median", "train.csv", "again.h5")
    if open(work.at("again.h5"), "rb").read() != open(work.at("train.h5"), "rb").read():
        fail("the second conversion gives other bytes")
    done = expect(work, 0, "info", "train.h5").stdout
    if "one-hot: features:2=city,3=job" not in done or "missing: median" not in done:
        fail(f"info does not show the recipe: {done}")


def without_header(work):
    table = list(rows(60))
    cities = sorted({row[1] for row in table}, key=str.encode)
    write(work, "bare.csv", lines(table, header=False))
    convert(work, "--header", "no", "--label", "4", "--one-hot", "2,3", "--missing", "zero", "bare.csv",
            "bare.h5")
    check(work, "bare.h5", table, cities, 0, names=False)
    with h5py.File(work.at("bare.h5")) as f:
        if f["var/_index"][1].decode() != f"2={cities[0]}":
            fail("columns without a header are not named by their numbers")
    model = train(work, "bare.h5", "bare")
    test = list(rows(20))
    write(work, "test.csv", lines(test, header=False))
    convert(work, "--like", "bare.h5", "test.csv", "test.h5")
    check(work, "test.h5", test, cities, 0, names=False)
    wanted = scores(work, model, "test.h5")
    unlabelled = "\n".join(",".join(map(quoted, row[:3])) for row in test) + "\n"
    write(work, "unlabelled.csv", unlabelled.splitlines())
    if (scores(work, model, "test.csv") != wanted or scores(work, model, "unlabelled.csv") != wanted
        or scores(work, model, "-", input=unlabelled) != wanted):
        fail("a table without a header gets other scores")


def medians(work):
    """Medians are exact, for any number of rows and any values; columns without values are 0."""
    for count in (1, 2, 3, 50, 51):
        x = np.array([[draw.choice([0, -0.0, 1e-30, -5, 3.25, 1e30, draw.gauss(0, 1)]) for _ in range(6)]
                      for _ in range(count)], "f4")
        gap = np.array([[draw.random() < 0.3 for _ in range(6)] for _ in range(count)])
        gap[:, 5] = True
        table = [[*("NA" if g else repr(float(v)) for v, g in zip(row, gaps)), "1"]
                 for row, gaps in zip(x, gap)]
        write(work, "x.csv", ["a,b,c,d,e,f,one,label"] +
              [",".join([*row, "xy"[i % 2]]) for i, row in enumerate(table)])
        convert(work, "-q", "--missing", "median", "x.csv", "x.h5")
        with h5py.File(work.at("x.h5")) as f:
            got, fill = f["X"][:, :6], f["csv/fill"][:6]
        for d in range(6):
            values = x[~gap[:, d], d]
            want = np.float32(np.median(values.astype("f8"))) if len(values) else 0
            if fill[d] != want or not np.array_equal(got[:, d], np.where(gap[:, d], want, x[:, d])):
                fail(f"{count} rows: the median of {values} is {fill[d]}, not {want}")
    # digits of another length
    wide = np.array([[draw.gauss(0, 1) for _ in range(200)] for _ in range(9)], "f4")
    wide[3, 7] = np.nan
    write(work, "wide.csv", [",".join(map(repr, map(float, row))) + ",xyz"[:2] for row in wide])
    convert(work, "-q", "--header", "no", "--missing", "median", "wide.csv", "wide.h5")
    with h5py.File(work.at("wide.h5")) as f:
        if not np.array_equal(f["csv/fill"][:], np.nanmedian(wide.astype("f8"), axis=0).astype("f4")):
            fail("medians of many columns differ")


def refusals(work):
    write(work, "words.csv", ["a,city,job,label", "1,Lyon,x,u", "2,Paris,y,v"])
    said = convert(work, "words.csv", "w.h5", status=DATA, says="words.csv:2:3: 'Lyon' is not a number; ")
    for flag in ("--one-hot 2,3", "--drop 2,3"):
        if flag not in said:
            fail(f"{flag} is not in {said!r}")
        convert(work, *flag.split(), "words.csv", "w.h5")
    convert(work, *re.search("--id 2", said)[0].split(), "--one-hot", "3", "words.csv", "w.h5")
    write(work, "gap.csv", ["a,b,label", "1,2,u", "?,4,v"])
    said = convert(work, "gap.csv", "g.h5", status=DATA,
                   says="gap.csv:3:1: '?' is a missing value: --missing median (or mean, zero)")
    convert(work, "--missing", "median", "gap.csv", "g.h5")
    for arguments, says in ((["--one-hot", "z"], "no column 'z'"),
                            (["--one-hot", "label"], "column of the labels"),
                            (["--one-hot", "a", "--drop", "a"], "is in --one-hot and in --drop"),
                            (["--one-hot", "a", "--id", "a"], "is in --one-hot and in --id"),
                            (["--missing", "mode"], "median")):
        convert(work, *arguments, "gap.csv", "g.h5", status=USAGE, says=says)
    # A model whose training data had no missing values does not know what to fill in.
    write(work, "full.csv", ["a,b,label"] + [f"{i},{i * i % 5},{'uv'[i % 2]}" for i in range(20)])
    convert(work, "full.csv", "full.h5")
    model = train(work, "full.h5", "full")
    expect(work, DATA, "predict", model, "gap.csv",
           says="gap.csv:3:1: '?' is a missing value, and full/model.h5 was made without convert --missing")
    convert(work, "--like", "full.h5", "--missing", "mean", "gap.csv", "g.h5", status=USAGE,
            says="convert the training file again with --missing mean")
    convert(work, "--missing", "mean", "full.csv", "full.h5")
    convert(work, "--like", "full.h5", "gap.csv", "g.h5")
    convert(work, "--like", "full.h5", "--missing", "zero", "gap.csv", "g.h5", status=USAGE,
            says="--missing zero does not agree")
    write(work, "names.txt", ["p", "q", "r"])
    convert(work, "--names", "names.txt", "--one-hot", "city", "--drop", "job", "words.csv", "w.h5",
            status=USAGE, says="leave --names out")
    long = [f"{i}-{'x' * 60}" for i in range(220)]
    write(work, "long.csv", [",".join([*long, "a", "label"])] +
          [",".join(["v"] * 220 + [str(i), "uv"[i % 2]]) for i in range(3)])
    convert(work, "--one-hot", ",".join(str(i + 1) for i in range(220)), "long.csv", "l.h5", status=USAGE,
            says="too many for the recipe: shorten them")
    # Too many values, names that meet, texts that are not UTF-8.
    write(work, "many.csv", ["a,name,label"] + [f"1,n{i},{'uv'[i % 2]}" for i in range(1001)])
    said = convert(work, "--one-hot", "name", "many.csv", "m.h5", status=DATA,
                   says="many.csv:1002:3: column 2 'name' has more than 1000 values")
    for flag in ("--drop 2", "--id 2"):
        if flag not in said:
            fail(f"{flag} is not in {said!r}")
        convert(work, *flag.split(), "many.csv", "m.h5")
    write(work, "meet.csv", ["a,a=1,label", "1,2,u", "2,4,v"])
    convert(work, "--one-hot", "a", "meet.csv", "m.h5", status=DATA,
            says="the column 'a=1' has the name of a value of the one-hot column 'a'")
    with open(work.at("latin.csv"), "wb") as out:
        out.write(b"a,b,label\n1,caf\xe9,u\n2,x,v\n")
    convert(work, "--one-hot", "b", "latin.csv", "m.h5", status=DATA,
            says="latin.csv:2:6: byte e9 is not UTF-8")
    # Ids in a one-hot column would change the scores.
    convert(work, "--one-hot", "city,job", "words.csv", "w.h5")
    model = train(work, "w.h5", "words")
    expect(work, 2, "predict", model, "words.csv", "--id", "city", "-o", "ids.csv",
           says="--id city is a feature of the model")
    # A line that names one-hot columns is a header.
    write(work, "hot.csv", ["city,job,label"] +
          [f"{'LP'[i % 2]},{'xy'[i % 3 > 0]},{'uv'[i % 2]}" for i in range(30)])
    convert(work, "--header", "yes", "--one-hot", "city,job", "hot.csv", "hot.h5")
    model = train(work, "hot.h5", "hot")
    if expect(work, 0, "predict", model, "-", input="job,city\nx,L\ny,P\n").stdout != "u\nv\n":
        fail("a header of one-hot columns alone is answered")


def constants(work):
    write(work, "same.csv", ["a,b,c,label"] +
          [f"{i % 4},7,{'9' if i else '9.0'},{'uv'[i % 2]}" for i in range(9)])
    said = convert(work, "same.csv", "s.h5",
                   says="note: same.csv: column 2 'b' and 1 more: the same in every row; --drop 2,3 leaves"
                        " them out\n")
    if ("same in every row" in convert(work, "--drop", "2,3", "same.csv", "s.h5")
        or "note" in convert(work, "-q", "same.csv", "s.h5")):
        fail(f"constant columns are noted wrongly: {said}")


def names_of(work, name):
    with h5py.File(work.at(name)) as f:
        return [n.decode() for n in f["var/_index"][:]]


def numbers_as_names(work):
    """A number that is also the name of another column is refused; advice of messages names the column that
    is meant."""
    write(work, "pd.csv", [",0,1,2,3"] + [f"{i},{i * 7 % 5}.5,{i * 3 % 11},{i * i % 13},{i % 2}"
                                          for i in range(20)])
    convert(work, "--header", "yes", "--label", "3", "pd.csv", "p.h5", status=USAGE,
            says="pd.csv: '3' may be column 5, which has this name, or column 3: give column:5 or column:3")
    said = convert(work, "--header", "yes", "--label", "column:5", "pd.csv", "p.h5",
                   says="column 1 '' numbers the rows like an index")
    advice = re.search(r"--drop \S+", said)[0].split()
    for given in (["--drop", "1"], ["--id", "1"], ["--one-hot", "1"]):
        convert(work, "--header", "yes", "--label", "column:5", *given, "pd.csv", "p.h5", status=USAGE,
                says="'1' may be column 3, which has this name, or column 1: ")
    if ("like an index" in convert(work, "--header", "yes", "--label", "column:5", *advice, "pd.csv", "p.h5")
        or names_of(work, "p.h5") != ["0", "1", "2"]):
        fail(f"{advice} leaves out another column: {names_of(work, 'p.h5')}")
    # The place of the labels in a recipe is a number, also if another column has it as a name.
    convert(work, "--header", "yes", "--label", "column:3", "--drop", "column:1", "pd.csv", "p.h5")
    convert(work, "--like", "p.h5", "pd.csv", "again.h5")
    if (open(work.at("p.h5"), "rb").read() != open(work.at("again.h5"), "rb").read()
        or names_of(work, "p.h5") != ["0", "2", "3"]):
        fail("--like takes the labels from another column")
    write(work, "num.csv", ["2,1,label", "x,7,A", "y,8,B"])
    said = convert(work, "--header", "yes", "num.csv", "n.h5", status=DATA, says="'x' is not a number; ")
    for flag in ("--one-hot", "--drop", "--id"):
        convert(work, "--header", "yes", *re.search(rf"{flag} [^ ;]+", said)[0].split(), "num.csv", "n.h5")
    convert(work, "--header", "yes", "--one-hot", "column:1", "num.csv", "n.h5")
    if names_of(work, "n.h5") != ["2=x", "2=y", "1"]:
        fail(f"--one-hot column:1: {names_of(work, 'n.h5')}")
    write(work, "last.csv", ["last,n,kind", "1,2,A", "2,1,B"])
    convert(work, "--label", "last", "last.csv", "n.h5", status=USAGE,
            says="'last' may be column 1, which has this name, or column 3")
    # A number that is the name of its own column is clear.
    write(work, "own.csv", ["1,2,3"] + [f"{i * i % 7},{i % 5}.5,{'uv'[i % 2]}" for i in range(9)])
    convert(work, "--header", "yes", "--label", "3", "--drop", "2", "own.csv", "n.h5")
    if names_of(work, "n.h5") != ["1"]:
        fail("--drop 2 is not column 2")


def same_names(work):
    """Two columns of one name are refused wherever one of them is looked for, and so is a label column that
    is a feature."""
    write(work, "b.csv", ["a,n,label"] + [f"{'xy'[i % 2]},{i},{'AB'[i % 2]}" for i in range(12)])
    convert(work, "--one-hot", "a", "b.csv", "b.h5")
    model = train(work, "b.h5", "same")
    write(work, "hot.csv", ["n,a,a,label", "1,x,y,A", "2,y,x,B"])
    write(work, "labels.csv", ["n,a,label,label", "1,x,A,B", "2,y,B,A"])
    write(work, "ids.csv", ["id,n,a,id", "r,1,x,s", "t,2,y,u"])
    both = "columns {} and {} are both named '{}'; names must differ: rename one of them"
    expect(work, DATA, "predict", model, "hot.csv", says="hot.csv: " + both.format(2, 3, "a"))
    expect(work, DATA, "predict", model, "-", input="n,a,a\n1,x,y\n",
           says="standard input:1: " + both.format(2, 3, "a"))
    expect(work, DATA, "eval", model, "labels.csv", says="labels.csv: " + both.format(3, 4, "label"))
    expect(work, DATA, "eval", model, "labels.csv", "--labels", "label",
           says=", or give its number: column:3")
    for column, right in (("column:3", "accuracy   100.00% (2 right)"),
                          ("column:4", "accuracy   0.00% (0 right)")):
        if right not in expect(work, 0, "eval", model, "labels.csv", "--labels", column).stdout:
            fail(f"--labels {column}: {right} expected")
    if expect(work, 0, "predict", model, "labels.csv").stdout != "A\nB\n":
        fail("labels that are skipped change the answers")
    expect(work, DATA, "predict", model, "ids.csv", "--id", "id", "-o", "ids.out.csv",
           says="ids.csv: " + both.format(1, 4, "id"))
    convert(work, "--one-hot", "a", "labels.csv", "n.h5", status=DATA,
            says="the labels may be in column 3 'label' or in column 4 'label'")
    convert(work, "--one-hot", "a", "--label", "4", "--drop", "column:1", "labels.csv", "n.h5", status=DATA,
            says="'label' is the name of the column of the labels and of feature")
    write(work, "texts.csv", ["kind,body,body", "A,some text,more", "B,other text,less"])
    convert(work, "--text", "body", "--label", "kind", "texts.csv", "n.h5", status=DATA,
            says="two columns are named 'body'")
    for flag, column in (("eval", "n"), ("calibrate", "n"), ("eval", "a"), ("calibrate", "column:2")):
        expect(work, USAGE, flag, model, "b.csv", "--labels", column,
               says=f"--labels {column} is a feature of the model")


def bare_names(work):
    """A table without a header has the same names with --like as without, so that one-hot columns can be
    compared."""
    write(work, "p.csv", ["a,1,A", "b,2,B", "a,3,A", "b,4,B"])
    convert(work, "--header", "no", "--label", "last", "--one-hot", "1", "p.csv", "tr.h5")
    model = train(work, "tr.h5", "bare-names")
    for like in ("tr.h5", model, "nw.h5"):
        convert(work, "--like", like, "p.csv", "nw.h5" if like != "nw.h5" else "chain.h5")
        if (names_of(work, "nw.h5") != ["1=a", "1=b", "2"] or like == "tr.h5"
            and open(work.at("nw.h5"), "rb").read() != open(work.at("tr.h5"), "rb").read()):
            fail(f"--like {like}: {names_of(work, 'nw.h5')}")
    write(work, "q.csv", ["c,1,A", "b,2,B", "c,3,A"])
    convert(work, "--header", "no", "--label", "last", "--one-hot", "1", "q.csv", "q.h5")
    expect(work, 0, "eval", model, "q.h5", says="2 of 3 matched, 1 missing")


def no_values(work):
    """A one-hot column without a value in the training rows is refused, with advice that works."""
    write(work, "gone.csv", [",1,A", "NA,2,B", "?,3,A", ",4,B"])
    said = convert(work, "--header", "no", "--label", "last", "--one-hot", "1", "--missing", "median",
                   "gone.csv", "g.h5", status=DATA, says="gone.csv: column 1 has no value in the rows")
    convert(work, "--header", "no", "--label", "last", *re.search(r"--drop \S+", said)[0].rstrip(",").split(),
            "--missing", "median", "gone.csv", "g.h5")


def beginnings(work):
    """A record whose first field is #N/A is a row, also if no other line can be compared with it."""
    write(work, "hash.csv", ["a,b,label"] + [f"{'#N/A' if i % 5 == 4 else i},{i * i % 7},{'uv'[i % 2]}"
                                             for i in range(20)])
    convert(work, "--missing", "median", "hash.csv", "hash.h5")
    model = train(work, "hash.h5", "hash")
    for lines_of in (["#N/A,2", "3,4"], ["#N/A,2"], ["#N/A,2", "#N/A,5"]):
        write(work, "rows.csv", ["a,b", *lines_of])
        if len({scores(work, model, "rows.csv"),
                scores(work, model, "-", input="\n".join(lines_of) + "\n")}) != 1:
            fail(f"{lines_of}: lines are read in another way than the file")
    write(work, "note.csv", ["# a note", "1,2,u", "2,3,v"])
    convert(work, "note.csv", "n.h5", status=DATA,
            says="begins with '#' and has another number of columns than the next line")
    write(work, "comma.csv", ["a;b;label", "0.0;1,5;u", "2,0;1,5;v"])
    convert(work, "--decimal", "comma", "comma.csv", "n.h5", status=DATA,
            says="comma.csv:2:1: '0.0' is not a number; with --decimal comma a number has no point")
    expect(work, DATA, "predict", model, "-", input="3,4\nx,5\n")
    write(work, "doubt.csv", [",1", "3,4"])
    if "use say" in (work.run("predict", model, "doubt.csv").stderr +
                     work.run("predict", "bare-names/model.h5", "doubt.csv").stderr):
        fail("two verbs")


def other_doubts(work):
    """Options of tables decide for files with tabs; <NA> is no HTML; --labels takes a file for every format;
    nothing is "replaced" in one-hot columns."""
    write(work, "tt.tsv", ["city\tn\tlabel", "Lyon\t1\tA", "Rome\t2\tB", "Lyon\t3\tA", "Rome\t5\tB"])
    convert(work, "--one-hot", "city", "tt.tsv", "tt.h5")
    if names_of(work, "tt.h5") != ["city=Lyon", "city=Rome", "n"]:
        fail(f"a table with tabs: {names_of(work, 'tt.h5')}")
    write(work, "na.csv", ["<NA>,1,A", "3,2,B", "4,3,A", "3,4,B"])
    convert(work, "--header", "no", "--label", "last", "--missing", "median", "na.csv", "na.h5")
    model = train(work, "na.h5", "na")
    convert(work, "--like", "na.h5", "na.csv", "again.h5")
    if expect(work, 0, "predict", model, "na.csv", "--names", "none",
              "--scores").stdout != scores(work, model, "na.h5"):
        fail("<NA> in the first field changes the scores")
    write(work, "page.csv", ["<html>,1,A"])
    convert(work, "page.csv", "n.h5", status=DATA, says="is HTML or XML")
    write(work, "hole.csv", ["a,n,label", "x,1,A", ",2,B", "y,,A", "x,4,B"])
    said = convert(work, "--one-hot", "a", "--missing", "median", "hole.csv", "n.h5")
    if "1 missing value replaced (median)" not in said:
        fail("missing values of one-hot columns count as replaced")
    # Files of labels.
    write(work, "rows.csv", ["9,1", "3,2", "4,3", "3,4"])
    write(work, "lab.txt", ["A", "B", "A", "A"])
    wanted = sum(a == b for a, b in zip(expect(work, 0, "predict", model, "rows.csv").stdout.split(), "ABAA"))
    if f"({wanted} right)" not in expect(work, 0, "eval", model, "rows.csv", "--labels", "lab.txt").stdout:
        fail("eval of a table with a file of labels")
    np.save(work.at("x.npy"), np.array([[1, 5], [2, 6], [3, 4], [4, 6]], "f4"))
    np.save(work.at("y.npy"), np.array([0, 1, 0, 1]))
    write(work, "numbers.txt", ["0", "1", "0", "1"])
    convert(work, "x.npy", "y.npy", "x.h5")
    model = train(work, "x.h5", "x")
    arrays, numbers = (expect(work, 0, "eval", model, "x.npy", "--labels", name).stdout
                       for name in ("y.npy", "numbers.txt"))
    if arrays.replace("y.npy", "") != numbers:
        fail("eval of npy with a text file of labels")
    write(work, "t.tsv", ["A\tone two", "B\tthree four", "A\tone six", "B\tthree ten"])
    convert(work, "--format", "text", "--bits", "8", "t.tsv", "t.h5")
    model = train(work, "t.h5", "t")
    write(work, "bare.txt", ["one two", "three four", "one six", "three ten"])
    write(work, "ab.txt", ["A", "B", "A", "B"])
    if "(4 right)" not in expect(work, 0, "eval", model, "bare.txt", "--labels", "ab.txt").stdout:
        fail("eval of texts with a file of labels")


with Work(sys.argv[1]) as work:
    for part in (pipeline, without_header, medians, refusals, constants, numbers_as_names, same_names,
                 bare_names, no_values, beginnings, other_doubts):
        part(work)
print("one-hot columns and missing values are those of numpy, in files, models and lines")
