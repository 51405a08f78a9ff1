# test_explain.py - the weights that `margin weights` lists are those of scaled features, in the order of
# their size, with their names; images have the colours of the weights.
#
#     test_explain.py MARGIN
import json
import struct
import sys
import zlib
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules, put_csr

need_modules("h5py", "numpy")

import h5py
import numpy as np

draw = np.random.default_rng(5)


def pixels(path):
    """Reads a PNG of 8-bit colours without filters."""
    data = open(path, "rb").read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        fail(f"{path} is no PNG")
    at, packed = 8, b""
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] != zlib.crc32(name + body):
            fail(f"{path}: wrong checksum of {name}")
        if name == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        packed += body if name == b"IDAT" else b""
        at += 12 + size
    rows = np.frombuffer(zlib.decompress(packed), "u1").reshape(height, 1 + 3 * width)
    return rows[:, 1:].reshape(height, width, 3)


def explained(work, x, names, **options):
    with h5py.File(work.at("train.h5"), "w") as f:
        f["X"] = x
        f["y"] = np.array([b"a", b"b/c", b"d"])[np.arange(len(x)) % 3]
        if names:
            f["var/_index"] = np.array(names, dtype="S")
    values = {"data.train": "train.h5", "output.directory": "run", "train.threads": 1,
              **{k.replace("__", "."): v for k, v in options.items()}}
    done = work.run("train", "-q", "--overwrite",
                    *[x for k, v in values.items() for x in ("--set", f"{k}={v}")])
    if done.returncode:
        fail(done.stderr)
    done = work.run("weights", "run/model.h5", "--top", "4", "--json")
    if done.returncode:
        fail(done.stderr)
    return json.loads(done.stdout)


def check(found, weights, names):
    for k, one in enumerate(found["classes"]):
        order = np.argsort(-weights[k], kind="stable")
        wanted = ([d for d in order[:4] if weights[k][d] > 0],
                  [d for d in order[::-1][:4] if weights[k][d] < 0])
        for side, columns in zip(("for", "against"), wanted):
            if ([f["column"] for f in one[side]] != columns
                or [f["feature"] for f in one[side]] != [names[d] for d in columns]):
                fail(f"class {k}, {side}: {one[side]} instead of {columns}")
            if not np.allclose([f["weight"] for f in one[side]], weights[k][columns], rtol=1e-5):
                fail(f"class {k}, {side}: {one[side]} instead of {weights[k][columns]}")


with Work(sys.argv[1]) as work:
    x = (draw.normal(size=(90, 12)).astype("f4") * np.logspace(-2, 2, 12, dtype="f4") +
         (np.arange(90) % 3 == 0)[:, None])
    names = [f"gene {d}" for d in range(12)]
    for scale in ("standard", "max-abs", "none"):
        found = explained(work, x, names if scale == "standard" else None, data__scale=scale)
        with h5py.File(work.at("run/model.h5")) as f:
            stored = f["weights"][:]
        sizes = {"standard": x.std(axis=0), "max-abs": np.abs(x).max(axis=0), "none": np.ones(12)}[scale]
        if found["scaled"] != (scale != "none"):
            fail(f"{scale}: scaled is {found['scaled']}")
        check(found, stored * sizes, names if scale == "standard" else [f"x{d}" for d in range(12)])
    done = work.run("weights", "run/model.h5", "--image", "3x4", "-o", "images")
    if done.returncode or done.stdout != "images/000-a.png\nimages/001-b_c.png\nimages/002-d.png\n":
        fail(f"images: {done.stdout} {done.stderr}")
    for k, name in enumerate(done.stdout.split()):
        part = (stored[k] / np.abs(stored).max()).reshape(3, 4)
        image, pale = pixels(work.at(name)).astype(int), np.rint(255 * (1 - np.abs(part)))
        wanted = np.stack([np.where(part >= 0, 255, pale), pale, np.where(part <= 0, 255, pale)], axis=-1)
        if np.abs(image - wanted).max() > 1:
            fail(f"{name} has other colours")
    # Only the used features of a wide file have weights.
    wide = np.zeros((90, 5000), "f4")
    wide[:, 4000:4012] = x
    with h5py.File(work.at("wide.h5"), "w") as f:
        put_csr(f, wide)
        f["y"] = np.arange(90) % 3
    done = work.run("train", "-q", "--overwrite", "--set", "data.train=wide.h5",
                    "--set", "output.directory=wide", "--set", "data.scale=max-abs")
    found = json.loads(work.run("weights", "wide/model.h5", "--json", "--top", "4").stdout)
    with h5py.File(work.at("wide/model.h5")) as f:
        full = np.zeros((3, 5000))
        full[:, f["used_features"][:]] = f["weights"][:]
    check(found, full * np.abs(wide).max(axis=0), [f"x{d}" for d in range(5000)])
print("weights are listed by name and drawn")
