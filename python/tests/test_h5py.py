"""h5py and margin in one process, imported in either order: each has its own HDF5, and both work."""

import subprocess
import sys

import pytest

USE = """
import sys, tempfile, os
for name in sys.argv[1:]:
    __import__(name)
import h5py, margin, numpy as np
place = tempfile.mkdtemp()
y = np.arange(60) % 3
X = np.eye(3, 8, dtype=np.float32)[y] + np.arange(480, dtype=np.float32).reshape(60, 8) % 7 / 20
with h5py.File(place + "/rows.h5", "w") as file:
    file.create_dataset("X", data=X, chunks=(16, 8), compression="gzip")
    file["y"] = y
    run = None
with h5py.File(place + "/rows.h5") as file:  # open in h5py while margin reads it
    run = margin.train({"train.tolerance": 1e-3}, place + "/rows.h5", directory=place + "/run")
    assert np.array_equal(file["X"][:], X)
model = margin.train({"train.tolerance": 1e-3}, (X, y))
assert np.array_equal(run.model.weights, model.weights)
with h5py.File(place + "/run/model.h5") as file:
    arrays = []
    file.visititems(lambda name, item: arrays.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    assert any(np.array_equal(array, model.weights) for array in arrays)
    model.save(place + "/again.h5")
assert np.array_equal(margin.load_model(place + "/again.h5").predict(X), model.predict(X))
try:
    margin.load_model(place + "/rows.h5")
except ValueError as error:
    assert "rows.h5" in str(error)
else:
    raise AssertionError("a file of rows is no model")
with h5py.File(place + "/rows.h5") as file:
    assert file["y"].shape == (60,)
print("both work")
"""


@pytest.mark.parametrize("order", [("h5py", "margin"), ("margin", "h5py")])
def test_order(order):
    pytest.importorskip("h5py")
    done = subprocess.run([sys.executable, "-c", USE, *order], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("both work\n", 0), done.stderr
