# test_advice.py - follows every advice in the messages of convert, its formats and the reader of
# configurations. It provokes each message and follows its advice, which must succeed. Commands are taken from
# the message, not repeated here.
#
#     test_advice.py MARGIN
import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("numpy", "h5py")

import h5py
import numpy as np

SVM = b"1 1:1\n2 2:1\n1 1:2\n"
CSV = b"1,2,x\n3,4,y\n"


class Advice:
    def __init__(self, work):
        self.work = work
        self.skipped = []

    # Runs a shell command in the work directory; margin is $MARGIN.
    def shell(self, command):
        return subprocess.run(["sh", "-c", command], cwd=self.work.at(""), capture_output=True, text=True,
                              env={**os.environ, "MARGIN": self.work.margin})

    # Runs convert with `arguments`, which must fail with one line that has all `parts`; returns the line.
    def told(self, arguments, parts, status=(2, 3)):
        done = self.work.run("convert", *arguments)
        lines = [line for line in done.stderr.splitlines() if not line.startswith(("warning", "guessed"))]
        if done.returncode not in status or len(lines) != 1 or any(part not in lines[0] for part in parts):
            fail(f"convert {arguments}: exit {done.returncode}, one of {parts} is missing in {done.stderr!r}")
        return lines[0]

    def done(self, command, why):
        result = self.shell(command)
        if result.returncode:
            fail(f"{why}\nits advice, {command}: exit {result.returncode}: {result.stderr}")
        return result.stdout + result.stderr

    def put(self, name, data):
        with open(self.work.at(name), "wb") as out:
            out.write(data)

    # For "... convert the output of: COMMAND > NAME": runs the command, and converts NAME.
    def filtered(self, name, data, parts, *options, arguments=()):
        self.put(name, data)
        line = self.told([*arguments, name, "never.h5"], parts)
        command = re.search(r"convert the output of: (.* > (\S+|'.*'))$", line)
        if not command:
            fail(f"no command in {line!r}")
        if not shutil.which(command[1].split()[0]):
            self.skipped.append(name)
            return
        self.done(command[1], line)
        self.done(f"$MARGIN convert --overwrite {' '.join(options)} {command[2]} out.h5", line)

    # Expects that the file is refused, and that it is converted with the options that the message names.
    def optional(self, data, parts, *options, name="in.csv", arguments=(), more=()):
        self.put(name, data)
        line = self.told([*arguments, name, "never.h5"], parts)
        for option in options:
            if any(word not in line for word in option.split()):
                fail(f"{option!r} is not in {line!r}")
            self.done(f"$MARGIN convert --overwrite {' '.join(arguments)} {option} {' '.join(more)} {name}"
                      " out.h5", line)


def packed_files(a):
    a.filtered("a.svm.xz", lzma.compress(SVM), ["compressed by xz"])
    a.filtered("it's a.svm.xz", lzma.compress(SVM), ["compressed by xz"])
    a.filtered("noending", lzma.compress(SVM), ["compressed by xz"])
    a.filtered("a.lzma", lzma.compress(SVM, lzma.FORMAT_ALONE), ["compressed by lzma"])
    a.filtered("a.svm.bz2", bz2.compress(SVM), ["compressed by bzip2"])
    a.filtered("twice.gz", gzip.compress(bz2.compress(SVM)), ["compressed by bzip2", "gzip -dc"])
    for tool, name in (("zstd", "a.svm.zst"), ("lz4", "a.svm.lz4")):
        if not shutil.which(tool):
            a.skipped.append(tool)
            continue
        a.put("plain.svm", SVM)
        a.done(f"{tool} -q -c < plain.svm > {name}", tool)
        with open(a.work.at(name), "rb") as file:
            a.filtered(name, file.read(), [f"compressed by {tool}"])
    a.filtered("given.csv", lzma.compress(CSV), ["compressed by xz"], arguments=["--format", "csv"])


def texts(a):
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        a.filtered(f"{encoding}.csv", "a,b,label\n1,2,ä\n3,4,y\n".encode(encoding), ["is UTF-"])
    a.filtered("mac.csv", b"a,b,label\r1,2,x\r3,4,y\r", ["CR alone"])
    a.filtered("mac.csv.gz", gzip.compress(b"a,b,label\r1,2,x\r3,4,y\r"), ["CR alone", "gzip -dc"])
    a.filtered("a.arff", b"%c\n@relation r\n@attribute a numeric\n@attribute c {x,y}\n@data\n1,x\n2,y\n",
               ["ARFF"])
    a.filtered("a.vw", b"-1 |Text good morning to all\n1 |Text bad evening\n-1 |Text good day to you\n",
               ["Vowpal Wabbit"],
               "--format text")
    a.filtered("weights.vw", b"1 2.0 'tag|f price:.23 sqft:.25\n-1 'other|f price:.1 sqft:.2\n",
               ["Vowpal Wabbit"], "--format text")
    a.filtered("numbered.vw", b"1 |f 1:0.5 2:0.3\n2 |f 1:0.1 3:0.3\n", ["Vowpal Wabbit"], "--format svmlight")
    for data, option in ((b"1|f a b\n2|f c d\n", "--format text"), (b"1 | a\n2 | b\n", "--format text"),
                         (b"1|f 1:2\n2|f 2:3\n", "--format svmlight")):
        a.filtered("bars.vw", data, ["Vowpal Wabbit"], option)
        a.optional(data, ["Vowpal Wabbit"], "--format csv --delimiter pipe --label last", name="bars.vw")
    for data in (b"1 1=2 3=4\n2 1=2\n", b"1 1;2\n2 1;2\n"):
        a.filtered("marks.txt", data, ["in place of ':'"], "--format svmlight")
    a.optional(b"1 1=2\n2 1=2\n", ["in place of ':'"], "--format csv", name="marks.txt",
               more=["--label last"])
    # Another encoding: runs the command with the file names filled in.
    for name, data, options in (("l.csv", "a,b,label\n1,2,ä\n3,4,y\n", ""),
                                ("l.tsv", "x\tschön hier\ny\tda\n", ""),
                                ("h.csv", "ä,b,label\n1,2,x\n3,4,y\n", ""), ("l.svm", "ä 1:1\ny 1:2\n", "")):
        a.put(name, data.encode("latin-1"))
        line = a.told([name, "never.h5"], ["UTF-8"])
        command = re.search(r"iconv -f WINDOWS-1252 -t UTF-8 < FILE > NEW", line)[0]
        a.done(command.replace("FILE", name).replace("NEW", f"new.{name}") +
               f" && $MARGIN convert --overwrite new.{name} out.h5", line)


def archives(a):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("zipped.csv", CSV)
    a.put("a.zip", memory.getvalue())
    line = a.told(["a.zip", "never.h5"], ["zip archive"])
    a.done(re.search(r"python3 -m zipfile -e a.zip \.", line)[0] +
           " && $MARGIN convert --overwrite zipped.csv out.h5", line)
    with zipfile.ZipFile(a.work.at("a.xlsx"), "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    a.told(["a.xlsx", "never.h5"], ["spreadsheet", "CSV"])
    a.put("tarred.csv", CSV)
    with tarfile.open(a.work.at("a.tar"), "w") as archive:
        archive.add(a.work.at("tarred.csv"), "tarred.csv")
    line = a.told(["a.tar", "never.h5"], ["tar archive"])
    os.remove(a.work.at("tarred.csv"))
    a.done(re.search(r"tar xf a.tar", line)[0] + " && $MARGIN convert --overwrite tarred.csv out.h5", line)
    a.put("a.7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40))
    a.told(["a.7z", "never.h5"], ["7z archive", "7z x a.7z"])


def binaries(a):
    save = "import numpy, pickle; X, y = numpy.eye(3), numpy.arange(3); "
    a.put("a.pkl", pickle.dumps({"X": 1}))
    for name, what in (("a.pkl", "pickle"),):
        line = a.told([name, "never.h5"], [what])
        calls = re.findall(r"numpy\.save\('\w\.npy', \w\)", line)
        convert = re.search(r"margin convert X.npy y.npy OUTPUT.h5", line)[0]
        a.done(f'/usr/bin/python3 -c "{save}{"; ".join(calls)}" && rm -f OUTPUT.h5 && $MARGIN'
               f' {convert.removeprefix("margin ")}', line)
    a.put("a.parquet", b"PAR1\x15\0\x15" + bytes(20) + b"PAR1")
    a.told(["a.parquet", "never.h5"], ["Parquet", "read_parquet"])
    with h5py.File(a.work.at("a.h5"), "w") as file:
        file["X"] = np.eye(4, dtype="f4")
        file["y"] = np.array([0, 1, 0, 1])
    line = a.told(["a.h5", "never.h5"], ["HDF5"])
    command = re.search(r"margin (train --set data.train=a.h5)", line)[1]
    a.done(f"$MARGIN {command} --set output.directory=run", line)


# Arrays that must be saved in another way: evaluates the Python call in the message.
def arrays(a):
    X, y = np.arange(12, dtype="f4").reshape(4, 3), np.array([0, 1, 0, 1])
    np.save(a.work.at("y.npy"), y)
    for bad in (np.asfortranarray(X), X.astype(">f4")):
        np.save(a.work.at("X.npy"), bad)
        line = a.told(["X.npy", "y.npy", "never.h5"], ["save"])
        call = re.search(r"save (\S.*)$", line)[1]
        np.save(a.work.at("X.npy"), eval(call, {"numpy": np, "a": bad, "X": bad}))
        a.done("$MARGIN convert --overwrite X.npy y.npy out.h5", line)
    for call, bad in (("y.ravel()", y[None, :]), ("y.argmax(1)", np.eye(2, dtype="i4")[y])):
        np.save(a.work.at("y.npy"), bad)
        line = a.told(["X.npy", "y.npy", "never.h5"], ["save"])
        if call not in line:
            fail(f"{call} is not in {line!r}")
        np.save(a.work.at("y.npy"), eval(call, {"y": bad}))
        a.done("$MARGIN convert --overwrite X.npy y.npy out.h5", line)


    np.save(a.work.at("y.npy"), np.array([b"a", b"\xe4", b"a", b"\xe4"]))
    line = a.told(["X.npy", "y.npy", "never.h5"], ["label 1", "UTF-8"])
    np.save(a.work.at("y.npy"), eval(re.search(r"save (numpy\..*)$", line)[1],
                                     {"numpy": np, "y": np.load(a.work.at("y.npy"))}))
    a.done("$MARGIN convert --overwrite X.npy y.npy out.h5", line)


def tables(a):
    wine = b"1,14.2,1065\n1,13.2,1050\n2,12.3,520\n3,13.4,750\n2,12.9,510\n"
    a.optional(wine, ["cannot be guessed"], "--label first", "--label last")
    a.optional(b"3\t-1.047\t0.537\n1\t-0.151\t-0.221\n", ["--label selects another column"],
               "--label", more=["first"], name="l.tsv")
    a.optional(b"X,Y,Z,activity\n1,3,2,0\n2,4,1,1\n3,7,1,1\n", ["may be in"], "--label 2", "--label 4")
    a.optional(b"class,a,target\n1,3,0\n2,4,1\n", ["may be in"], "--label 1", "--label 3")
    a.optional(b"x,1,2,y\nz,3,4,w\n", ["neither"], "--label first", more=["--drop 4"])
    a.optional(b"x,1,2,y\nz,3,4,w\n", ["neither"], "--label last", more=["--drop 1"])
    a.optional(b"0,1,2,label\n5,6,7,1\n5,7,7,2\n", ["may be a header"], "--header yes")
    a.optional(b"0,1,2,3\n5,6,7,1\n5,7,7,2\n", ["may be a header"],
               "--header yes", "--header no", more=["--label last"])
    a.optional(b"1,5;2,5;x\n2,5;3,5;y\n", ["decimal comma"], "--decimal comma")
    a.optional(b'"1,5","2,5",x\n"2,5","3,5",y\n', ["decimal comma"],
               "--decimal comma", arguments=["--label", "last", "--header", "no"])
    a.optional(b"a,b,label\n1,x2,x\n3,4,y\n", ["leaves it out"], "--one-hot 2", "--drop 2", "--id 2")
    a.optional(b"b,label\nx2,1\n4,2\n", ["makes a feature"], "--one-hot 1")
    a.optional(b"a,b,label\n1,NA,x\n3,4,y\n", ["leaves the column out"], "--missing median", "--drop 2")
    a.optional(b"a,b,label\n1,2,x\n3,4,y\n5,,x\n", [":4:3: '' is a missing value"],
               "--missing median", "--drop 2")
    for data, arguments in ((b'a,b,label\n"1,234",2,x\n"2,345,678",4,y\n', ""),
                            (b"a;b;label\n1,234.5;2;x\n2,345.5;3;y\n", "--delimiter semicolon")):
        a.put("thousands.csv", data)
        line = a.told([*arguments.split(), "--header", "yes", "--label", "label", "thousands.csv",
                       "never.h5"], ["commas group"])
        command = re.search(r"sed -E '.*?' < FILE > NEW",
                            line)[0].replace("FILE", "thousands.csv").replace("NEW", "plain.csv")
        a.done(f"{command} && $MARGIN convert --overwrite plain.csv out.h5", line)
    a.put("points.csv", b"a;b;label\n1.234,5;2;x\n2.345,5;3;y\n")
    line = a.told(["--decimal", "comma", "points.csv", "never.h5"], ["no point"])
    command = re.search(r"tr -d \. < FILE > NEW", line)[0]
    command = command.replace("FILE", "points.csv").replace("NEW", "plain.csv")
    a.done(f"{command} && $MARGIN convert --overwrite --decimal comma plain.csv out.h5", line)
    # Tabs: a table of texts, and a header line.
    a.optional(b"id\tbody\tkind\n1\thello there\tpos\n2\tgood bye\tneg\n", ["table or texts"],
               "--format text", name="t.tsv")
    a.put("t.tsv", b"id\tbody\tkind\n1\thello there\tpos\n2\tgood bye\tneg\n")
    a.done("$MARGIN convert --overwrite --text body --label kind t.tsv out.h5", "--text NAME --label NAME")
    a.optional(b"text\tlabel\nhello there\tpos\nbye\tneg\n", ["before the label"],
               "--text text --label label", name="t.tsv")
    a.optional(b"label\thello there\npos\tbye\n", ["may be a header"],
               "--header yes", "--header no", name="t.tsv")
    a.optional(b"hello there\nbye\n", ["no tab"], "--label none", name="t.txt",
               arguments=["--format", "text"])


# Lines that are not rows.
def odd_lines(a):
    table = b"a,b,label\n1,2,x\n3,4,y\n"
    units = b"a,b,label\ncm,kg,-\n1,2,x\n3,4,y\n"
    cases = [(b"# a comment here\n" + table, ""), (b"% one\n% two\n" + table, ""), (b"sep=,\n" + table, ""),
             (b"sep=;\n" + table, ""),
             (b"My export\n" + table, ""), (b"Export\n" + table, ""), (b"Export, January\n" + table, ""),
             (units, ""), (units, "--header yes"),
             (b"# a b label\n1 2 x\n3 4 y\n", ""), (table + b"foo,bar,x\n", ""), (table + b"foo,3,x\n", ""),
             (table + b"1,2\n", ""), (table + b"1,2,3,x\n", ""),
             (table + b"# end\n", ""), (table + b"a,b,label\n5,6,y\n", "")]
    for data, arguments in cases:
        for packed in (False, True):
            a.put("odd.csv", gzip.compress(data) if packed else data)
            line = a.told([*arguments.split(), "odd.csv", "never.h5"], ["sed"])
            command = re.search(r"(gzip -dc < FILE \| )?sed ('.*?'|\d+d)( < FILE)? > NEW", line)
            if not command:
                fail(f"no command in {line!r}")
            a.done(command[0].replace("FILE", "odd.csv").replace("NEW", "even.csv") +
                   f" && $MARGIN convert --overwrite {arguments} even.csv out.h5", line)
    a.optional(table + b"foo,3,x\n", ["leave the column out"], "--drop 1", "--one-hot 1")
    a.optional(b"a,b,c,label\n1,foo,bar,x\n3,foo,bar,y\n", ["leaves them out"], "--one-hot 2,3", "--drop 2,3")
    a.optional(b"good one\t1\nbad one\t0\n", ["texts"], "--format text --label last", name="t.tsv")
    a.put("t.csv", b"good one,1\nbad one,0\n")
    line = a.told(["--label", "last", "t.csv", "never.h5"], ["names"])
    command, option = re.search(r"(sed '.*?' < FILE > NEW), then (--text text --label label)", line).groups()
    a.done(command.replace("FILE", "t.csv").replace("NEW", "new.csv") +
           f" && $MARGIN convert --overwrite {option} new.csv out.h5", line)


# Options that svmlight, text and the conversion itself advise.
def options(a):
    a.optional(b"1 1:2 5:3\n2 2:1\n", ["--features sets"], name="f.svm", arguments=["--features", "3"])
    a.done("$MARGIN convert --overwrite --features 5 f.svm out.h5", "--features sets the number of features")
    a.optional(b"1 0:2 5:3\n2 2:1\n", ["--base 1"], name="b.svm", arguments=["--base", "1"])
    a.done("$MARGIN convert --overwrite --base 0 b.svm out.h5", "--base")
    a.put("two.csv", CSV)
    a.done("$MARGIN convert --overwrite two.csv out.h5", "")
    a.told(["two.csv", "out.h5"], ["already exists", "--overwrite"])
    a.told(["--label", "2", "--like", "out.h5", "two.csv", "never.h5"], ["leave one of them out"])
    a.done("$MARGIN convert --overwrite --like out.h5 two.csv new.h5", "leave one of them out")
    a.put("one.csv", b"1^2^3\n4^5^6\n")
    a.told(["one.csv", "never.h5"], ["cannot be guessed", "--delimiter"])
    a.done("$MARGIN convert --overwrite --delimiter ^ one.csv out.h5", "--delimiter")
    a.put("tail.csv.gz", gzip.compress(CSV) + b"rubbish")
    a.told(["tail.csv.gz", "never.h5"], ["unpack and repack"])
    a.done("(gzip -dc tail.csv.gz 2>/dev/null || true) | gzip > new.csv.gz && $MARGIN convert --overwrite"
           " new.csv.gz out.h5", "repack")
    a.put("t.tsv", b"pos\thello there\nneg\tbye\n")
    a.told(["--label", "a", "t.tsv", "never.h5"], ["needs --text"])
    a.optional("".join(f"text {i}\t{'xy'[i % 2]}\n" for i in range(9)).encode(),
               ["there are 9 values before the first tab and 2 after it"],
               "--label last", "--label first", name="t.tsv")


# Warnings are not printed again after their advice was followed.
def warnings(a):
    rows = "".join(f"{i},{i % 3},{i % 2}\n" for i in range(40))
    a.put("index.csv", (",a,label\n" + rows).encode())
    said = a.done("$MARGIN convert --overwrite index.csv out.h5", "")
    drop = re.search(r"warning: .*(--drop 1) leaves it out", said)
    if not drop or "warning" in a.done(f"$MARGIN convert --overwrite {drop[1]} index.csv out.h5", said):
        fail(f"index column: {said!r}")
    a.put("first.csv", "".join(f"{i % 3},{i % 7},{i % 5}\n" for i in range(40)).encode())
    said = a.done("$MARGIN convert --overwrite first.csv out.h5", "")
    label = re.search(r"warning: .*(--label first)", said)
    if not label or "warning" in a.done(f"$MARGIN convert --overwrite {label[1]} first.csv out.h5", said):
        fail(f"label first: {said!r}")


def outputs(a):
    a.put("a.svm", SVM)
    a.done("$MARGIN convert --overwrite a.svm there.h5", "")
    line = a.told(["a.svm", "there.h5"], ["already exists", "--overwrite", "another name"])
    a.done("$MARGIN convert --overwrite a.svm there.h5 && $MARGIN convert --overwrite a.svm another.h5", line)
    # The output was forgotten, or is the model of a training.
    a.put("b.svm", SVM)
    a.done("$MARGIN train -q --overwrite --set data.train=there.h5 --set output.directory=run", "")
    for name, parts in (("b.svm", ["not an HDF5 file"]), ("run/model.h5", ["a model or checkpoint"])):
        with open(a.work.at(name), "rb") as file:
            before = file.read()
        line = a.told(["--overwrite", "a.svm", name], ["give another one", *parts])
        with open(a.work.at(name), "rb") as file:
            if file.read() != before:
                fail(f"{name} was replaced")
        a.done("$MARGIN convert --overwrite a.svm b.svm both.h5", line)
        a.done(f"mv {name} away && $MARGIN convert --overwrite a.svm {name}", line)
        os.replace(a.work.at("away"), a.work.at(name))


# Files that a program wrote wrongly or that were cut off: written again, they are read.
def rewritten(a):
    a.optional(b"1|2;x\n3|4;y\n5|6;x\n", ["both semicolon and pipe"], "--delimiter pipe",
               more=["--label last"])
    a.optional(b"a|b;1\nc|d;2\na|b;3\n", ["both semicolon and pipe"], "--delimiter semicolon",
               more=["--label first"])
    whole = "%%MatrixMarket matrix coordinate real general\n3 2 3\n1 1 1\n2 2 2\n3 1 1\n"
    a.put("y.txt", b"a\nb\na\n")
    for broken, parts in ((whole.split("3 2 3")[0], ["is truncated"]),
                          (whole.split("3 1 1")[0], ["is truncated", "2 of 3 entries"]),
                          (whole.replace("3 1 1", "2 2 1"), ["entry 2 2 occurs twice", "add up"])):
        a.put("a.mtx", broken.encode())
        line = a.told(["--labels", "y.txt", "a.mtx", "never.h5"], parts)
        added = "\n".join(["%%MatrixMarket matrix coordinate real general", "3 2 2", "1 1 1", "2 2 3", ""])
        a.put("a.mtx", (added if "twice" in line else whole).encode())
        a.done("$MARGIN convert --overwrite --labels y.txt a.mtx out.h5", line)
    array = io.BytesIO()
    np.save(array, np.eye(3, dtype="f4"))
    for name in ("shape", "fortran_order"):
        a.put("a.npy", array.getvalue().replace(name.encode(), name[:-1].encode() + b"_"))
        line = a.told(["--labels", "y.txt", "a.npy", "never.h5"], [f"no readable '{name}'", "numpy.save"])
        np.save(a.work.at("a.npy"), np.eye(3, dtype="f4"))
        a.done("$MARGIN convert --overwrite --labels y.txt a.npy out.h5", line)


def configurations(a):
    a.put("wide.yaml", "model:\n  C: 1\n".encode("utf-16"))
    line = a.shell("$MARGIN config wide.yaml").stderr
    command = re.search(r"iconv -f UTF-16 -t UTF-8 < FILE > NEW", line)
    if not command:
        fail(f"UTF-16 configuration: {line!r}")
    a.done(command[0].replace("FILE", "wide.yaml").replace("NEW", "new.yaml") + " && $MARGIN config new.yaml",
           line)
    a.put("mark.yaml", b"\xef\xbb\xbfmodel:\n  C: 1\n\ttrain: 2\n")
    if "mark.yaml:3:" not in a.shell("$MARGIN config mark.yaml").stderr:
        fail("a place behind a byte order mark is wrong")
    a.put("mark.yaml", b"\xef\xbb\xbfmodel:\n  C: 3\n")
    if "C: 3" not in a.done("$MARGIN config mark.yaml", "byte order mark"):
        fail("a configuration with a byte order mark is not read")


def main():
    with Work(sys.argv[1]) as work:
        a = Advice(work)
        for part in (packed_files, texts, archives, binaries, arrays, tables, odd_lines, options, warnings,
                     outputs, rewritten, configurations):
            part(a)
        print("every advice works" + (f"; without their tools: {', '.join(a.skipped)}" if a.skipped else ""))


main()
