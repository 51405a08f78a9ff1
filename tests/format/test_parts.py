# test_parts.py - several files of one format become one data set: a list, a folder, a pattern; headers
# repeat; messages name the right file and line.
#
#     test_parts.py MARGIN
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, refused

SVM = ["0 1:5 2:1\n1 3:2\n", "1 2:4\n0 1:1", "", "1 9:7 3:1\n"]  # one without a line end, one without rows
CSV = ["a,b,label\n1,2,x\n3,4,y\n", "a,b,label\n5,6,x", 'a,b,label\n"7",8,y\n9,10,x\n']
TEXT = ["ham\thello you\nspam\tbuy now\n", "ham\tsee you\n"]


def convert(work, *arguments):
    return work.run("convert", "--overwrite", *arguments)


def same(work, whole, *parts):
    """The parts give the bytes of the whole file."""
    results = []
    for out, arguments in (("whole.h5", whole), ("parts.h5", parts)):
        done = convert(work, *arguments, out)
        if done.returncode:
            fail(f"{arguments}: {done.stderr}")
        with open(work.at(out), "rb") as file:
            results.append(file.read())
    if results[0] != results[1]:
        fail(f"{parts} give another file than {whole}")


with Work(sys.argv[1]) as work:
    for kind, parts in (("svm", SVM), ("csv", CSV), ("tsv", TEXT)):
        for i, part in enumerate(parts):
            work.write(f"{kind}/part-{i}.{kind}" + (".gz" if i == 1 else ""), part)
        work.write(f"{kind}/.hidden", "x")
        work.write(f"{kind}/_SUCCESS", "")
    work.write("all.svm", "".join(p + ("" if not p or p.endswith("\n") else "\n") for p in SVM))
    work.write("all.csv", CSV[0] + CSV[1].split("\n", 1)[1] + "\n" + CSV[2].split("\n", 1)[1])
    work.write("all.tsv", "".join(TEXT))
    for kind, count in (("svm", 4), ("csv", 3), ("tsv", 2)):
        names = [f"{kind}/part-{i}.{kind}" + (".gz" if i == 1 else "") for i in range(count)]
        same(work, [f"all.{kind}"], *names)
        same(work, [f"all.{kind}"], kind)
        same(work, [f"all.{kind}"], f"{kind}/part-*")
    table = ["--text", "text", "--label", "label"]
    work.write("t/1.csv", "label,text\nx,one two\n")
    work.write("t/2.csv", "label,text\ny,three\n")
    work.write("t.csv", "label,text\nx,one two\ny,three\n")
    same(work, [*table, "t.csv"], *table, "t")
    good = work.run("train", "-q", "--set", "data.train=parts.h5", "--set", "output.directory=r")
    if good.returncode:
        fail(good.stderr)

    work.write("w/a.csv", CSV[0])
    work.write("w/b.csv", "b,a,label\n2,1,x\n")
    refused(convert(work, "w", "o.h5"), "w/b.csv:1:1: the first line is not the header of w/a.csv")
    work.write("w/b.csv", "a,b,label\n2,1,x\n3,q,y\n")
    refused(convert(work, "w", "o.h5"), "w/b.csv:3:3: 'q' is not a number")
    work.write("w/b.csv", "a,b,label\n2,1\n")
    refused(convert(work, "w", "o.h5"), "w/b.csv:2")
    work.write("w/b.csv", 'a,b,label\n2,"1,x\n')
    refused(convert(work, "w/b.csv", "w/a.csv", "o.h5"),
            "w/b.csv:2:1: a quoted field that begins in this record never ends")
    refused(convert(work, "svm/part-0.svm", "none.svm", "o.h5"), "none.svm")
    refused(convert(work, "none-*", "o.h5"), "none-*")
    work.write("v/a.svm", "0 1:1\n1 1:2\n")
    work.write("v/b.svm", "0 1:1e-50\n")
    work.write("v/c.svm", "0 1:3\n")
    if "v/b.svm:1: a value is too small" not in (told := convert(work, "v", "o.h5")).stderr:
        fail(f"the place of a value that float32 cannot hold: {told.stderr}")
    os.mkdir(work.at("empty"))
    refused(convert(work, "empty", "o.h5"), "empty: is a folder without files")
    work.write("h/1.tsv", TEXT[0])
    work.write("h/2.tsv", "label\ttext\n" + TEXT[1])
    refused(convert(work, "h", "o.h5"),
            "h/2.tsv:1:1: the first line is a header, but the first file has none")
    if "3 classes" not in convert(work, "--header", "no", "h", "o.h5").stderr:
        fail("--header no: the line is a row")
    work.write("h/1.tsv", "label\ttext\n" + TEXT[0])
    same(work, ["all.tsv"], "h")
    for make, words in ((lambda path: os.symlink("/nonexistent/3.csv", path),
                         ("f/3.csv: cannot be examined: No such file",)),
                        (os.mkdir, ("f/3.csv: is a folder in a folder",)),
                        (os.mkfifo, ("f/3.csv: is no regular file",))):
        shutil.rmtree(work.at("f"), ignore_errors=True)
        work.write("f/1.csv", CSV[0])
        work.write("f/2.csv", CSV[1])
        make(work.at("f/3.csv"))
        refused(convert(work, "f", "o.h5"), *words)
        os.rename(work.at("f/3.csv"), work.at("f/_3.csv"))
        if convert(work, "f", "o.h5").returncode:
            fail("a name that begins with an underscore is examined")
    work.write("p/z.xz", "\xfd7zXZ\0")
    with open(work.at("p/z.xz"), "wb") as out:
        out.write(b"\xfd7zXZ\0\0\0")
    refused(convert(work, "svm/part-0.svm", "p/z.xz", "o.h5"), "p/z.xz: is compressed by xz", "xz -dc")
