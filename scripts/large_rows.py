#!/usr/bin/env python3
"""large_rows.py FILE dense|sparse - writes a data file with more than 2^31 stored values, slab by slab.

Row i has class i % 4, and larger values in one quarter of its features, depending on the class. Rows repeat
with a long period, so that they can be generated quickly. If a read uses a wrong offset, it returns rows of
another class. """
import sys

import h5py
import numpy as np

path, form = sys.argv[1:3]
CLASSES, SLAB, WIDTH = 4, 20_000, 200  # WIDTH: stored values per row
ROWS = 11_000_000                      # 2.2e9 stored values
FEATURES = WIDTH if form == "dense" else 4 * WIDTH

rng = np.random.default_rng(1)
y = np.arange(SLAB, dtype=np.int64) % CLASSES
x = rng.integers(0, 100, (SLAB, WIDTH), dtype=np.uint8)
quarter = np.arange(WIDTH) * CLASSES // WIDTH
x += np.uint8(30) * (quarter[None, :] == y[:, None])

with h5py.File(path, "w") as f:
    f.create_dataset("y", data=np.arange(ROWS, dtype=np.int64) % CLASSES)
    if form == "dense":
        out = f.create_dataset("X", (ROWS, FEATURES), np.uint8)
        for at in range(0, ROWS, SLAB):
            out[at:at + SLAB] = x
    else:
        g = f.create_group("X")
        g.attrs["encoding-type"], g.attrs["shape"] = "csr_matrix", (ROWS, FEATURES)
        g.create_dataset("indptr", data=np.arange(ROWS + 1, dtype=np.int64) * WIDTH)
        data = g.create_dataset("data", (ROWS * WIDTH,), np.uint8)
        indices = g.create_dataset("indices", (ROWS * WIDTH,), np.uint16)
        columns = (np.arange(WIDTH) * 4 + rng.integers(0, 4, (SLAB, WIDTH))).astype(np.uint16)
        for at in range(0, ROWS, SLAB):
            data[at * WIDTH:(at + SLAB) * WIDTH] = x.ravel()
            indices[at * WIDTH:(at + SLAB) * WIDTH] = columns.ravel()
