# test_large_chunks.py - `margin info` unpacks at most one chunk of a file with large chunks, and none if a
# chunk is very large; it says so and describes everything else.
#
#     test_large_chunks.py MARGIN
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

ROWS, MB = 4096, 1 << 20


# Rows of zeros, but the first one has a 2, and the first one of the last eighth a 5.
def dense(work, name, megabytes, chunk_megabytes):
    columns = megabytes * MB // (4 * ROWS)
    with h5py.File(work.at(name), "w") as f:
        rows = chunk_megabytes * MB // (4 * columns)
        x = f.create_dataset("X", (ROWS, columns), "f4", chunks=(rows, columns), compression="gzip",
                             compression_opts=1)
        for first in range(0, ROWS, rows):
            x[first : first + rows] = np.zeros((rows, columns), "f4")
        x[0, 0], x[ROWS // 8 * 7, 0] = 2, 5
        f["y"] = np.arange(ROWS) % 3


def sparse(work, name, megabytes):
    values = megabytes * MB // 8  # a value and its index have 4 bytes each
    with h5py.File(work.at(name), "w") as f:
        group = f.create_group("X")
        group.attrs["shape"] = (ROWS, values // ROWS)
        for member, dtype in (("data", "f4"), ("indices", "i4")):
            group.create_dataset(member, data=np.zeros(values, dtype), chunks=(values,), compression="gzip",
                                 compression_opts=1)
        group["indptr"] = np.arange(ROWS + 1) * (values // ROWS)
        f["y"] = np.arange(ROWS) % 3


def told(work, name):
    done = work.run("info", name)
    if done.returncode or "4096 rows of" not in done.stdout or "3, integers" not in done.stdout:
        fail(f"{name}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def main():
    with Work(sys.argv[1]) as work:
        # Chunks of 16 MB: runs are spread over the file. Chunks of 64 MB: one run at its beginning.
        for megabytes, chunk, want in ((64, 16, 5), (128, 64, 2)):
            dense(work, "d.h5", megabytes, chunk)
            text = told(work, "d.h5")
            if f"largest |x|              {want} (in a sample of" not in text:
                fail(f"chunks of {chunk} MB: {text}")
        dense(work, "d.h5", 260, 260)
        sparse(work, "s.h5", 260)
        for name in ("d.h5", "s.h5"):
            text = told(work, name)
            if "sample                   none: a chunk has 273 MB" not in text or "largest |x|" in text:
                fail(f"{name}: {text}")


main()
