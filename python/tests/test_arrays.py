"""What X may be: types, layouts, frames, tensors; what is copied, and what is not."""

import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

import margin
from margin import MarginClassifier
from margin._arrays import plain


def fit(X, y, **how):
    return MarginClassifier(C=0.1, **how).fit(X, y)


@pytest.fixture
def whole(blobs):
    """Small whole numbers, which every type holds exactly, and their weights as float32."""
    X, y = blobs
    X = np.clip(np.round(X * 4), 0, 100).astype(np.float32)
    return X, y, fit(X, y).coef_


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float16", "float32"])
def test_in_place(whole, dtype):
    X, y, weights = whole
    fitted = fit(X.astype(dtype), y)
    assert fitted.copied_bytes_ == 0
    assert np.array_equal(fitted.coef_, weights)


@pytest.mark.parametrize("dtype", ["float64", "int64", "int32", "uint16", ">f4", "bool", "object"])
def test_converted(whole, dtype):
    X, y, weights = whole
    if dtype == "bool":
        assert fit(X > 2, y).copied_bytes_ == X.nbytes
        return
    fitted = fit(X.astype(dtype), y)
    # The library pads the rows of 8 features that it converts to 16.
    assert fitted.copied_bytes_ == X.nbytes * (2 if dtype == "float64" else 1)
    assert np.array_equal(fitted.coef_, weights)


def test_layouts(whole):
    X, y, weights = whole
    wide = np.zeros((len(X), 20), np.float32)
    wide[:, 5:13] = X
    apart = fit(wide[:, 5:13], y)
    assert apart.copied_bytes_ == 0 and np.array_equal(apart.coef_, weights)
    for other in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1].copy()[::-1]):
        fitted = fit(other, y)
        assert fitted.copied_bytes_ == X.nbytes and np.array_equal(fitted.coef_, weights)


def test_read_only_map(whole, tmp_path):
    X, y, weights = whole
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    fitted = fit(mapped, y)
    assert fitted.copied_bytes_ == 0 and np.array_equal(fitted.coef_, weights)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("value", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array"])
def test_sparse(whole, index, value, kind):
    X, y, _ = whole
    rows = getattr(sp, kind)(X.astype(value))
    rows.indices, rows.indptr = rows.indices.astype(index), rows.indptr.astype(index)
    fitted = fit(rows, y)
    assert np.array_equal(fitted.coef_, fit(sp.csr_matrix(X), y).coef_)
    assert (fitted.copied_bytes_ <= 8 * (len(y) + 1)) == (index is np.int32 and value is np.float32)
    assert np.array_equal(fitted.predict(rows), fitted.predict(X))


def test_sparse_repeated_and_unsorted(whole):
    X, y, _ = whole
    rows = sp.csr_matrix(X)
    rows.indices = rows.indices.copy()
    first = slice(rows.indptr[0], rows.indptr[1])
    rows.indices[first], rows.data[first] = rows.indices[first][::-1].copy(), rows.data[first][::-1].copy()
    rows.has_sorted_indices = False
    doubled = sp.csr_matrix(
        (np.repeat(rows.data / 2, 2), np.repeat(rows.indices, 2), rows.indptr * 2), shape=X.shape
    )
    before = doubled.data.copy(), doubled.indices.copy()
    wanted = fit(sp.csr_matrix(X), y).coef_
    assert np.array_equal(fit(rows, y).coef_, wanted)
    assert np.array_equal(fit(doubled, y).coef_, wanted)
    assert np.array_equal(doubled.data, before[0]) and np.array_equal(doubled.indices, before[1])


def test_not_finite(blobs):
    X, y = blobs
    bad = X.copy()
    bad[3, 5] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN. .*X\[3, ?5\]"):
        fit(bad, y)
    fitted = fit(X, y)
    bad[3, 5] = np.inf
    with pytest.raises(ValueError, match=r"infinity .*X\[3, ?5\]"):
        fitted.predict(bad)
    with pytest.raises(ValueError, match="NaN|inf"):
        fitted.predict(sp.csr_matrix(bad))


def test_frames(whole):
    pd = pytest.importorskip("pandas")
    X, y, weights = whole
    names = [f"f{d}" for d in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=names)
    fitted = fit(frame, pd.Series(y))
    assert np.array_equal(fitted.coef_, weights)
    assert fitted.feature_names_in_.tolist() == names
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[names[::-1]])


def test_polars(whole):
    pl = pytest.importorskip("polars")
    X, y, weights = whole
    frame = pl.DataFrame({f"f{d}": X[:, d] for d in range(X.shape[1])})
    fitted = fit(frame, y)
    assert np.array_equal(fitted.coef_, weights)
    assert np.array_equal(fitted.predict(frame), fitted.predict(X))


class Tensor:
    """What a CPU array of another library offers."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim

    def __len__(self):
        return len(self.array)

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack(whole):
    X, y, weights = whole
    fitted = fit(Tensor(X), y)
    assert fitted.copied_bytes_ == 0 and np.array_equal(fitted.coef_, weights)


def test_torch(whole):
    torch = pytest.importorskip("torch")
    X, y, weights = whole
    rows = torch.from_numpy(X)
    for tensor, copied in (
        (rows, 0),
        (rows.to(torch.float16), 0),
        (rows.to(torch.bfloat16), X.nbytes),
        (rows.clone().requires_grad_(), 0),
        (rows.t().contiguous().t(), X.nbytes),
    ):
        fitted = fit(tensor, torch.from_numpy(y))
        assert fitted.copied_bytes_ == copied and np.array_equal(fitted.coef_, weights)
        assert np.array_equal(fitted.predict(tensor), fitted.predict(X))
    with pytest.raises(ValueError, match="X is a tensor on meta, but training runs on the CPU"):
        fit(rows.to("meta"), y)


class TorchTensor:
    """As much of a tensor of torch as is used, for machines without torch."""

    device = SimpleNamespace(type="cpu")

    def __init__(self, array, dtype):
        self.array, self.dtype, self.shape = array, dtype, array.shape

    def detach(self):
        return self

    def view(self, dtype):
        return TorchTensor(self.array.view(dtype), dtype)

    def numpy(self):
        assert self.dtype != "bfloat16", "numpy has no such type"
        return self.array


def test_tensors_like_those_of_torch(whole, monkeypatch):
    X, y, weights = whole
    halves = (X.view(np.uint32) >> 16).astype(np.uint16)
    torch = SimpleNamespace(Tensor=TorchTensor, bfloat16="bfloat16", int16=np.int16)
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert plain(TorchTensor(X, "float32")) is X
    wide = plain(TorchTensor(halves, "bfloat16"))
    assert wide.dtype == np.float32 and np.array_equal(wide, X)
    elsewhere = TorchTensor(X, "float32")
    elsewhere.device = SimpleNamespace(type="cuda")
    with pytest.raises(ValueError, match="but training runs on the CPU: pass X.cpu"):
        plain(elsewhere)


def test_bfloat16(whole):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    X, y, weights = whole
    rows = X.astype(ml_dtypes.bfloat16)
    fitted = fit(rows, y)
    assert fitted.copied_bytes_ == X.nbytes and np.array_equal(fitted.coef_, weights)
    assert np.array_equal(fitted.predict(rows), fitted.predict(X))
    assert np.array_equal(fitted.predict(X.astype(np.float16)), fitted.predict(X))


def test_widened():
    from margin._arrays import _widen

    numbers = np.array([[1.5, -2, 0.0078125]], np.float32)
    assert np.array_equal(_widen((numbers.view(np.uint32) >> 16).astype(np.uint16).view(np.int16)), numbers)


@pytest.mark.parametrize(
    "labels",
    [
        [10, -3, 7],
        [1.0, 0.0, 2.0],
        ["b", "a", "ä"],
        [np.iinfo(np.int64).max, np.iinfo(np.int64).min, 0],
    ],
)
def test_labels(blobs, labels):
    X, y = blobs
    labels = np.array(labels)
    fitted = fit(X, labels[y])
    assert np.array_equal(fitted.classes_, np.sort(labels))
    assert (fitted.predict(X) == labels[y]).mean() > 0.7


def test_broken_sparse_rows(whole):
    """scipy and the library would read behind the arrays."""
    X, y, weights = whole
    for kind in (sp.csr_matrix, sp.csc_matrix):
        good = kind(X)
        changed = {
            "data": good.data[:10],
            "indices": good.indices[:10],
            "indptr": np.append(good.indptr[:-1], 10**6),
        }
        for name, array in changed.items():
            broken = kind(X)
            setattr(broken, name, array)
            for work in (
                lambda: fit(broken, y),
                lambda: MarginClassifier().partial_fit(broken, y, classes=np.unique(y)),
                lambda: MarginClassifier().fit(X, y).predict(broken),
                lambda: margin.train(None, (broken, y)),
            ):
                with pytest.raises(ValueError, match="X is not a valid CS. matrix: indptr has"):
                    work()
        broken = kind(X)
        broken.indptr[3] = 10**6
        with pytest.raises(ValueError, match=r"indptr\[4\] is \d+, below indptr\[3\], which is 1000000"):
            fit(broken, y)


def test_label_numbers():
    from margin._arrays import encode

    draw = np.random.RandomState(0)
    for y in (
        draw.randint(-5, 5, 100).astype(np.int8),
        draw.randint(0, 10**12, 100),
        np.array([250, 3], np.uint8),
    ):
        for got, wanted in zip(encode(y), np.unique(y, return_inverse=True)):
            assert np.array_equal(got, wanted)
        assert encode(y)[0].dtype == y.dtype


MEMORY = """
import resource, sys
import numpy as np, scipy.sparse as sp
import margin
from margin import MarginClassifier
kind = sys.argv[1]
small = np.eye(64, dtype=np.float32)
MarginClassifier().fit(small, np.arange(64) % 3)
rows, columns = 100_000, 512
if kind == "csr":
    count = 100
    indices = np.tile(np.arange(0, 512, 5, dtype=np.int32)[:count], rows)
    indptr = np.arange(rows + 1, dtype=np.int32) * count
    X = sp.csr_matrix((np.ones(rows * count, np.float32), indices, indptr), shape=(rows, columns))
    X.has_canonical_format = True
    size = X.data.nbytes + X.indices.nbytes
else:
    X = np.ones((rows, columns), kind)
    size = X.nbytes
y = np.arange(rows) % 3
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
fitted = MarginClassifier(tol=0, max_iter=1).fit(X, y)
fitted.predict(X)
print(size, peak() - before, fitted.copied_bytes_)
"""


@pytest.mark.parametrize("kind", ["float32", "float16", "uint8", "csr"])
def test_memory(kind):
    """A fit and a prediction need much less memory than a copy of the rows."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), kind], capture_output=True, text=True, check=True
    )
    size, extra, copied = map(int, done.stdout.split())
    assert copied <= 8 * 100_001  # indptr
    assert extra < min(0.5 * size + 16e6, 60e6), f"{extra / 1e6:.0f} MB for rows of {size / 1e6:.0f} MB"
