# test_same_rows.py - the same rows give the same bits, however a file stores them, as a file or as lines,
# dense or sparse, with every kernel, and in every floating-point environment.
#
#     test_same_rows.py MARGIN
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

runs.need_modules("h5py", "numpy")

import h5py
import numpy as np

ROWS, FEATURES, CLASSES = 1500, 70, 5


def rows_of(seed):
    draw = np.random.default_rng(seed)
    y = draw.integers(0, CLASSES, ROWS)
    x = draw.integers(0, 4, (ROWS, FEATURES)) * (draw.random((ROWS, FEATURES)) < 0.4)
    x[np.arange(ROWS), y] += 3
    x[7] = 0  # a row of zeros
    return x, y


def train(work, data, out, *options, env=None):
    r = work.run("train", "--quiet", "--set", f"data.train={data}", "--set", f"output.directory={out}",
                 "--set", "train.epochs=3",
                 *[w for o in options for w in ("--set", o)], env={**os.environ, **(env or {})})
    if r.returncode:
        runs.fail(f"train {data} {options}: {r.stderr}")
    with open(work.at(out, "model.h5"), "rb") as f:
        return f.read()


def stored_otherwise(work):
    x, y = rows_of(1)
    ways = {"plain": {}, "chunks": {"chunks": (700, FEATURES)},
            "small": {"chunks": (7, 33), "compression": "gzip", "shuffle": True}}
    for name, how in ways.items():
        with h5py.File(work.at(f"{name}.h5"), "w") as f:
            f.create_dataset("X", data=x.astype("f4"), **how)
            f["y"] = y
    for n, options in enumerate((("train.solver=sgd", "sgd.eta=0.01"),
                                 ("train.solver=sgd", "sgd.eta=0.01", "data.scale=standard",
                                  "data.rows=unit"))):
        models = {train(work, f"{name}.h5", f"stored-{name}-{limit}-{n}", f"data.memory_limit={limit}",
                        "data.window=64KiB", *options)
                  for name in ways for limit in ("0", "200000")}
        if len(models) != 1:
            runs.fail(f"{options}: files stored in different ways give {len(models)} models")


def answers(work, *arguments, env=None, **how):
    r = work.run("predict", "--scores", *arguments, env={**os.environ, **(env or {})}, **how)
    if r.returncode:
        runs.fail(f"predict {arguments}: {r.stderr}")
    return r.stdout


def file_and_line(work):
    x, y = rows_of(2)
    fraction = np.where(x > 0, x + np.float16(0.125), 0)
    kinds = {"u8": x.astype("u1"), "i8": (x * (1 - 2 * (x % 2))).astype("i1"), "f2": fraction.astype("f2"),
             "f4": (fraction * 0.1).astype("f4"),
             "f8": fraction * 0.1}
    for kind, cells in kinds.items():
        with h5py.File(work.at(f"{kind}.h5"), "w") as f:
            f["X"], f["y"] = cells, y
        with h5py.File(work.at(f"{kind}-sparse.h5"), "w") as f:
            runs.put_csr(f, cells)
            f["y"] = y
        lines = "".join(" ".join(f"{d + 1}:{float(np.float32(v))!r}" for d, v in enumerate(row) if v
                                 or d == 3) + "\n" for row in cells)
        preparations = [("data.scale=none",),
                        ("data.scale=standard",)] + ([("data.rows=unit", "data.transform=log1p",
                                                       "data.scale=max-abs")] if kind != "i8" else [])
        for n, preparation in enumerate(preparations):
            for layout in ("", "-sparse"):
                out = f"line-{kind}{layout}-{n}"
                train(work, f"{kind}{layout}.h5", out, *preparation)
                model = work.at(out, "model.h5")
                wanted = answers(work, model, f"{kind}.h5")
                got = {"sparse file": answers(work, model, f"{kind}-sparse.h5"),
                       "lines": answers(work, model, "-", input=lines)}
                for kernel in ("reference", "avx2") if n == 0 else ():
                    for threads in ("1", "3"):
                        if kernel == "avx2" and "avx2" not in open("/proc/cpuinfo").read():
                            continue
                        told = answers(work, model, f"{kind}.h5", "--threads", threads,
                                       env={"MARGIN_KERNEL": kernel})
                        got[f"{kernel}, {threads}"] = told
                for name, text in got.items():
                    if text != wanted:
                        both = enumerate(zip(wanted.splitlines(), text.splitlines()))
                        a = next((i, w, g) for i, (w, g) in both if w != g)
                        runs.fail(f"{out}: row {a[0]} of the file is answered {a[1]}, by {name} {a[2]}")


def environment(work):
    shim = os.environ.get("SHIM")
    if not shim:
        print("floating-point environments: left out, no shim in this build")
        return
    x, y = rows_of(3)
    x = x * 1.37
    with h5py.File(work.at("env.h5"), "w") as f:
        # Denormals; if they were flushed to zero, nothing would remain.
        f["X"], f["y"] = (x * 2.0 ** -130).astype("f4"), y
    with h5py.File(work.at("env-large.h5"), "w") as f:
        f["X"], f["y"] = x.astype("f4"), y
    lines = "".join(" ".join(f"{d + 1}:{float(np.float32(v))!r}" for d, v in enumerate(row) if v) + "\n"
                    for row in x[:100])
    for data, options in (("env.h5", ("data.scale=1e30", "train.solver=dual", "model.C=1")),
                          ("env-large.h5", ("data.scale=standard", "train.tolerance=1e-3")),
                          ("env-large.h5", ("train.solver=sgd", "sgd.eta=0.01", "train.threads=3"))):
        said = {}
        for mode in ("", "flush", "up"):
            env = {"LD_PRELOAD": shim, "SHIM_FLOAT": mode}
            out = f"env-{mode}-{data}-{len(options)}-{options[0][5]}"
            model = train(work, data, out, *options, env=env)
            said[mode] = (model, answers(work, work.at(out, "model.h5"), data, env=env),
                          answers(work, work.at(out, "model.h5"), "-", env=env, input=lines))
        if len(set(said.values())) != 1:
            runs.fail(f"{data} {options}: the floating-point environment changes the result")
        with h5py.File(work.at(out, "model.h5")) as f:
            if not np.all(np.any(f["weights"][:] != 0, axis=1)):
                runs.fail(f"{data} {options}: nothing was learned")


with runs.Work(sys.argv[1]) as work:
    stored_otherwise(work)
    file_and_line(work)
    environment(work)
    print("the same bits throughout")
