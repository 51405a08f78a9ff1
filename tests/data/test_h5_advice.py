# test_h5_advice.py - runs every command that messages about HDF5 files advise, and trains with the resulting
# files.
#
#     test_h5_advice.py MARGIN
import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

Y = np.arange(30) % 3
X = np.eye(3, dtype="f4")[Y]


class Advice:
    def __init__(self, work):
        self.work = work

    def file(self, put):
        for name in ("OLD.h5", "NEW.h5", "COPY.h5"):
            if os.path.exists(self.work.at(name)):
                os.unlink(self.work.at(name))
        with h5py.File(self.work.at("OLD.h5"), "w") as f:
            put(f)
        shutil.copy(self.work.at("OLD.h5"), self.work.at("COPY.h5"))

    def train(self, name, *more):
        return self.work.run("train", "-q", "--overwrite", "--set", f"data.train={name}",
                             "--set", "output.directory=r", *more)

    def message(self, word, *more):
        done = self.train("OLD.h5", *more)
        if done.returncode != 3 or done.stderr.count("\n") != 1 or word not in done.stderr:
            fail(f"not refused for {word}: {done.returncode} {done.stderr}")
        return done.stderr.strip()

    def works(self, name, rows, *more):
        done = self.train(name, *more)
        if done.returncode or "100.00%" not in done.stdout:
            fail(f"{name} made as advised: {done.stderr}{done.stdout}")
        if f"{rows} rows of" not in self.work.run("info", name).stdout:
            fail(f"{name} has not {rows} rows")

    def python(self, code):
        done = subprocess.run([sys.executable, "-c", code], cwd=self.work.path, text=True,
                              capture_output=True)
        if done.returncode:
            fail(f"{code}: {done.stderr}")

    def shell(self, command):
        if not shutil.which("h5repack"):
            return False
        done = subprocess.run(command, shell=True, cwd=self.work.path, text=True, capture_output=True)
        if done.returncode:
            fail(f"{command}: {done.stderr}")
        return True

    def repack(self, word, put):
        self.file(put)
        command = re.search(r"`(h5repack [^`]*)`", self.message(word))[1]
        if self.shell(command):
            self.works("NEW.h5", 30)


def code_of(message):
    return message[message.index("import h5py"):]


def repacked(a):
    def szip_like(option):
        def put(f):
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_chunk((5, 3))
            option(plist)
            space = h5py.h5s.create_simple((30, 3))
            h5py.h5d.create(f.id, b"X", h5py.h5t.STD_I32LE, space, plist).write(space, space, X.astype("i4"))
            f["y"] = Y
        return put

    a.repack("nbit", szip_like(lambda p: p.set_filter(5, 0)))
    a.repack("scaleoffset", szip_like(lambda p: p.set_scaleoffset(2, 0)))

    def virtual(f):
        f["Z"], f["y"] = X, Y
        layout = h5py.VirtualLayout((30, 3), "f4")
        layout[:] = h5py.VirtualSource(".", "Z", (30, 3), dtype="f4")
        f.create_virtual_dataset("X", layout)

    def external(f):
        X.tofile(a.work.at("x.bin"))
        f.create_dataset("X", (30, 3), "f4", external=[("x.bin", 0, X.nbytes)])
        f["y"] = Y

    a.repack("virtual", virtual)
    a.repack("external storage", external)


def rewritten(a):
    try:
        import hdf5plugin
    except ImportError:
        hdf5plugin = None
    for name in ("Blosc", "Zstd", "LZ4", "Bitshuffle") if hdf5plugin else ():
        if (not hasattr(hdf5plugin, name)
            or not h5py.h5z.filter_avail(dict(getattr(hdf5plugin, name)())["compression"])):
            continue
        a.file(lambda f: (f.create_dataset("X", data=X, chunks=(5, 3), **getattr(hdf5plugin, name)()),
                          f.create_dataset("y", data=Y)))
        a.python(code_of(a.message("uses the filter")))
        a.works("COPY.h5", 30)


def sparse(a):
    try:
        import scipy.sparse
    except ImportError:
        return
    def unsaid(f):
        rows = scipy.sparse.csr_matrix(X)
        g = f.create_group("X")
        g["data"], g["indices"], g["indptr"], g["shape"] = rows.data, rows.indices, rows.indptr, X.shape
        f["y"] = Y

    a.file(unsaid)
    a.python(code_of(a.message("needs an attribute shape")).replace("ROWS", "30").replace("FEATURES", "3"))
    a.works("COPY.h5", 30)

    def too_long(f):
        unsaid(f)
        del f["X/shape"]
        f["X/shape"] = [30, 3, 1]

    a.file(too_long)
    a.message("must hold 2 integers (rows, features), not 3: write the matrix again")
    with h5py.File(a.work.at("OLD.h5"), "w") as f:  # as 10x writes it
        unsaid(f)
        f["X"].attrs["shape"] = [30, 3]
    a.works("OLD.h5", 30)


def scaled(a):
    a.file(lambda f: f.update({"X": X * np.float32(1e-9), "y": Y}))
    a.message("choose another factor", "--set", "data.scale=1e-30")
    a.works("OLD.h5", 30, "--set", "data.scale=1e9")


# Rows without a label: the option of the message leaves them out.
def unlabelled(a):
    a.file(lambda f: f.update({"X": X, "y": np.where(np.arange(30) < 4, np.nan, Y.astype("f8"))}))
    line = a.message("4 of 30 rows have none")
    option = re.search(r"(data.unlabelled): (drop)", line).groups()
    flag = re.search(r"eval, calibrate: (--unlabelled) (drop)", line).groups()
    done = a.work.run("train", "--overwrite", "--set", "data.train=OLD.h5", "--set", "output.directory=r",
                      "--set", "=".join(option))
    if done.returncode or "OLD.h5: 4 of 30 rows have no label and are left out" not in done.stderr:
        fail(f"{option}: {done.stderr}")
    for command in ("eval", "calibrate"):
        done = a.work.run(command, "r/model.h5", "OLD.h5", *flag)
        if done.returncode or "4 of 30 rows have no label" not in done.stderr:
            fail(f"{command} {flag}: {done.stderr}")


# The words in docs/formats.md mean a missing label, in HDF5 and in CSV, in upper and lower case. No other
# word does.
def missing_words(a):
    page = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/formats.md")).read()
    listed = re.search(r"Every format has the same words for a missing label(.*?)and an empty text", page,
                       re.S)[1]
    words = re.findall(r"`([^`]*)`", listed) + ["", "-nan", "+nan"]
    if len(words) != 15:
        fail(f"docs/formats.md lists {words}")
    for word in [w for word in words for w in sorted({word, word.upper(), word.title()})] + ["none_", "x"]:
        labels = [word if i == 2 else "abc"[i % 3] for i in range(30)]
        a.file(lambda f: f.update({"X": X, "y": np.array(labels, dtype=object)}))
        with open(a.work.at("a.csv"), "w") as table:
            table.writelines(f"{i},{label}\n" for i, label in enumerate(labels))
        h5, csv = (a.train("OLD.h5"),
                   a.work.run("convert", "--overwrite", "--header", "no", "--label", "last", "a.csv", "a.h5"))
        wanted = 0 if word in ("none_", "x") else 3
        if (h5.returncode, csv.returncode) != (wanted, wanted):
            fail(f"{word!r} as a label: {h5.returncode} {h5.stderr}; {csv.returncode} {csv.stderr}")


# A file that another program is writing, and one on a file system without locks.
def locks(a):
    a.file(lambda f: f.update({"X": X, "y": Y}))
    with h5py.File(a.work.at("OLD.h5"), "r+"):
        line = a.message("another program has locked it for writing")
        setting = re.search(r"set (HDF5_USE_FILE_LOCKING)=(FALSE) in the environment", line).groups()
        os.environ[setting[0]] = setting[1]
        a.works("OLD.h5", 30)
        del os.environ[setting[0]]
    a.works("OLD.h5", 30)
    if os.environ.get("SHIM"):
        for reason in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            done = a.work.run("train", "-q", "--overwrite", "--set", "data.train=OLD.h5",
                              "--set", "output.directory=r",
                              env={**os.environ, "LD_PRELOAD": os.environ["SHIM"], "SHIM_FLOCK": str(reason)})
            if done.returncode or done.stderr:
                fail(f"flock() fails with {os.strerror(reason)}: exit {done.returncode}: {done.stderr}")


with Work(sys.argv[1]) as work:
    advice = Advice(work)
    repacked(advice)
    rewritten(advice)
    sparse(advice)
    scaled(advice)
    unlabelled(advice)
    missing_words(advice)
    locks(advice)
