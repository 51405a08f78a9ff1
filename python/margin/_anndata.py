"""fit_anndata: a classifier of cells, or of other rows, that aligns columns by their names."""

from __future__ import annotations

from typing import Any, Optional, Sequence

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import _check_sample_weight

from . import _train
from ._arrays import plain, shown
from ._classifier import MarginClassifier
from ._export import ExportMixin
from ._model import Model

_SHOWN = 5  # names in a message


def fit_anndata(
    adata: Any,
    label: str = "cell_type",
    *,
    layer: Optional[str] = None,
    obsm: Optional[str] = None,
    unlabelled: str = "error",
    sample_weight: Any = None,
    classifier: Optional[MarginClassifier] = None,
    **parameters: Any,
) -> "AnnDataClassifier":
    """Trains on an AnnData object, or on anything with X, obs and var_names.

    Parameters
    ----------
    adata : AnnData
        With N cells and D genes.
    label : str, default="cell_type"
        Column of obs with the labels.
    layer : str, default=None
        Layer with the values. None: X.
    obsm : str, default=None
        Embedding in obsm, such as "X_pca", instead of genes. Its columns have no names, so they are
        not aligned.
    unlabelled : {"error", "drop"}, default="error"
        What to do with cells that have no label (None, NaN).
    sample_weight : array of shape (N,), default=None
    classifier : MarginClassifier or MarginClassifierCV, default=None
        The estimator, which is fitted. None: MarginClassifier(**parameters).
    parameters
        Such as C=0.1, or options={"data.rows": "total", "data.transform": "log1p"} for raw counts.

    Returns
    -------
    AnnDataClassifier

    Raises
    ------
    KeyError
        If the column, layer or embedding is not there, with the names of those that are.
    ValueError
        For gene names that are repeated, cells without a label, and as MarginClassifier.fit.

    Examples
    --------
    >>> import margin, numpy as np
    >>> from types import SimpleNamespace
    >>> cells = SimpleNamespace(
    ...     X=np.array([[9, 0], [8, 1], [0, 7], [1, 9]], dtype=np.float32),
    ...     obs={"cell_type": ["B", "B", "T", "T"]},
    ...     var_names=["CD19", "CD3"],
    ... )
    >>> clf = margin.fit_anndata(cells)
    >>> other = SimpleNamespace(X=np.array([[0, 8.0]]), var_names=["CD3", "CD19"])
    >>> clf.predict(other).tolist()
    ['B']
    """
    if unlabelled not in ("error", "drop"):
        raise ValueError(f"unlabelled is {unlabelled!r}; 'error' or 'drop' is allowed")
    if classifier is not None and parameters:
        raise ValueError(f"{next(iter(parameters))} is given beside classifier: set it there")
    if layer is not None and obsm is not None:
        raise ValueError("layer and obsm: at most one may be given")
    X = _values(adata, layer, obsm)
    names = None if obsm else _names(adata, X.shape[1])
    y = np.asarray(_entry(adata.obs, label, "obs"), dtype=object).reshape(-1)
    keep = _labelled(y, label, unlabelled)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, X)[keep]
    if not keep.all():
        X = X[keep]
    classifier = MarginClassifier(**parameters) if classifier is None else classifier
    classifier.fit(X, _labels(y[keep]), sample_weight)
    return AnnDataClassifier(classifier, names, label, layer, obsm)


class AnnDataClassifier(ExportMixin):
    """A fitted classifier with the names of its genes; `margin.fit_anndata` makes one.

    A gene that an AnnData object lacks counts as 0, with a warning. Other genes are not used. The order does
    not matter.

    Attributes
    ----------
    classifier_ : MarginClassifier
    gene_names_ : ndarray of str, shape (D,); None for an embedding
    missing_genes_ : list of str
        Those that the last object did not have.
    classes_ : ndarray of shape (K,)
    label, layer, obsm
        As given.

    Examples
    --------
    The examples of the methods go on from this one.

    >>> import margin
    >>> from types import SimpleNamespace
    >>> X, obs = [[9, 0], [8, 1], [0, 7], [1, 9]], {"cell_type": ["B", "B", "T", "T"]}
    >>> cells = SimpleNamespace(X=X, obs=obs, var_names=["CD19", "CD3"])
    >>> clf = margin.fit_anndata(cells)
    >>> clf, clf.gene_names_.tolist()
    (AnnDataClassifier(2 classes of 'cell_type', 2 features), ['CD19', 'CD3'])
    """

    def __init__(
        self, classifier: MarginClassifier, names: Optional[np.ndarray], label: str, layer: Any, obsm: Any
    ) -> None:
        self.classifier_, self.gene_names_ = classifier, names
        self.label, self.layer, self.obsm = label, layer, obsm
        self.missing_genes_: list = []

    @property
    def classes_(self) -> np.ndarray:
        """The labels, ascending."""
        return self.classifier_.classes_

    def __repr__(self) -> str:
        features = self.classifier_.n_features_in_
        return f"AnnDataClassifier({len(self.classes_)} classes of {self.label!r}, {features} features)"

    def align(self, adata: Any) -> Any:
        """Rows of shape (N, D) with the columns of the training. Errors: ValueError if no gene is known.

        Examples
        --------
        >>> clf.align(SimpleNamespace(X=[[0, 8]], var_names=["CD3", "CD19"])).tolist()
        [[8, 0]]
        """
        X = _values(adata, self.layer, self.obsm)
        self.missing_genes_ = []
        if self.gene_names_ is None:
            return X
        names = _names(adata, X.shape[1])
        if np.array_equal(names, self.gene_names_):
            return X
        places = {name: at for at, name in enumerate(names.tolist())}
        columns = np.array([places.get(name, -1) for name in self.gene_names_.tolist()])
        self.missing_genes_ = self.gene_names_[columns < 0].tolist()
        self._report(len(columns))
        return _take_sparse(X, columns) if sp.issparse(X) else _take_dense(np.asarray(X), columns)

    def _report(self, count: int) -> None:
        missing = self.missing_genes_
        if len(missing) == count:
            raise ValueError(
                f"none of the {count} genes of the model is in var_names; the model has {_shown(missing)}: "
                "do both use symbols, or both ids?"
            )
        if missing:
            text = (
                f"{len(missing)} of {count} genes of the model are missing, and count as 0: {_shown(missing)}"
            )
            _train.warn(text)

    def predict(self, adata: Any) -> np.ndarray:
        """The class of each cell, ndarray of shape (N,).

        Examples
        --------
        >>> clf.predict(SimpleNamespace(X=[[0, 8]], var_names=["CD3", "CD19"])).tolist()
        ['B']
        """
        return self.classifier_.predict(self.align(adata))

    def decision_function(self, adata: Any) -> np.ndarray:
        """Scores, ndarray of shape (N, K), or (N,) for two classes.

        Examples
        --------
        >>> (clf.decision_function(cells) > 0).tolist()  # positive: the second class
        [False, False, True, True]
        """
        return self.classifier_.decision_function(self.align(adata))

    def predict_proba(self, adata: Any) -> np.ndarray:
        """Probabilities, ndarray of shape (N, K), if the classifier gives them.

        Examples
        --------
        >>> soft = margin.fit_anndata(cells, loss="softmax")
        >>> soft.predict_proba(cells).argmax(axis=1).tolist()
        [0, 0, 1, 1]
        """
        return self.classifier_.predict_proba(self.align(adata))

    def score(self, adata: Any) -> float:
        """Accuracy on the cells that have a label.

        Examples
        --------
        >>> clf.score(cells)
        1.0
        """
        y = np.asarray(_entry(adata.obs, self.label, "obs"), dtype=object).reshape(-1)
        keep = _labelled(y, self.label, "drop")
        labels = _labels(y[keep])
        if (labels.dtype.kind in "US") != (self.classes_.dtype.kind in "US"):
            raise ValueError(
                f"adata.obs[{self.label!r}]: cell {int(np.argmax(keep))} has the label {shown(labels[0])!r}, "
                f"but a class of the model is {shown(self.classes_[0])!r}: one is a text, the other a number"
            )
        return float((self.predict(adata)[keep] == labels).mean())

    def to_model(self) -> Model:
        """The model with labels and names of the genes.

        Examples
        --------
        >>> clf.to_model().feature_names.tolist()
        ['CD19', 'CD3']
        """
        parts = self.classifier_.to_model()._parts
        return Model(**{**parts, "feature_names": self.gene_names_})

    def _exported(self) -> Any:
        return self.to_model()._made()

    def save(self, path: Any) -> None:
        """Writes model.h5 with the names of the genes. Errors: OSError.

        Examples
        --------
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "cells.h5")
        >>> clf.save(path)
        >>> margin.load_model(path).feature_names.tolist()
        ['CD19', 'CD3']
        """
        self.to_model().save(path)


def _values(adata: Any, layer: Optional[str], obsm: Optional[str]) -> Any:
    """The rows, dense or CSR, in memory."""
    if obsm is not None:
        X = _entry(adata.obsm, obsm, "obsm")
        X = X.to_numpy() if hasattr(X, "to_numpy") else X
    else:
        X = adata.X if layer is None else _entry(adata.layers, layer, "layers")
    if X is None:
        raise ValueError("adata.X is None: give layer or obsm")
    if hasattr(X, "to_memory"):  # a file that is open
        X = X.to_memory()
    X = plain(X)
    if sp.issparse(X):
        return X.tocsr()
    return X if isinstance(X, np.ndarray) else np.asarray(X)


def _entry(where: Any, name: str, what: str) -> Any:
    try:
        return where[name]
    except KeyError:
        there = [str(key) for key in where.keys()]
        raise KeyError(f"{name!r} is not in adata.{what}, which has {_shown(there)}") from None


def _names(adata: Any, features: int) -> np.ndarray:
    names = np.array([str(name) for name in adata.var_names], dtype=object)
    if len(names) != features:
        raise ValueError(f"adata has {len(names)} var_names, but its rows have {features} columns")
    found, counts = np.unique(names.astype(str), return_counts=True)
    if len(found) < len(names):
        name = found[np.argmax(counts > 1)]
        raise ValueError(
            f"adata.var_names has {shown(name)!r} {counts[found == name][0]} times: names must differ, "
            "such as after adata.var_names_make_unique()"
        )
    return names


def _labelled(y: np.ndarray, label: str, unlabelled: str) -> np.ndarray:
    """True for the cells that have a label."""
    keep = np.array([not _is_missing(value) for value in y], dtype=bool)
    missing = np.flatnonzero(~keep)
    if len(missing) and unlabelled == "error":
        raise ValueError(
            f"adata.obs[{label!r}]: {len(missing)} of {len(y)} cells have no label, "
            f"the first is cell {missing[0]}: label them, or set unlabelled='drop'"
        )
    if not keep.any():
        raise ValueError(f"adata.obs[{label!r}]: no cell has a label")
    return keep


def _is_missing(value: Any) -> bool:
    """None, NaN (which differs from itself), or NA and NaT of pandas."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _labels(y: np.ndarray) -> np.ndarray:
    """Labels as an array of texts or numbers instead of objects."""
    return np.array(y.tolist())


def _take_dense(X: np.ndarray, columns: np.ndarray) -> np.ndarray:
    there = columns >= 0
    out = np.zeros((X.shape[0], len(columns)), X.dtype)
    out[:, there] = X[:, columns[there]]
    return out


def _take_sparse(X: Any, columns: np.ndarray) -> Any:
    """Stored values go to their new columns; those of other genes are left out."""
    target = np.full(X.shape[1], -1, dtype=np.int64)
    there = np.flatnonzero(columns >= 0)
    target[columns[there]] = there
    indices = target[X.indices]
    keep = indices >= 0
    indptr = np.concatenate([[0], np.cumsum(keep)])[X.indptr]
    small = len(columns) < 2**31 and indptr[-1] < 2**31
    kind = np.int32 if small else np.int64
    shape = (X.shape[0], len(columns))
    out = sp.csr_matrix((X.data[keep], indices[keep].astype(kind), indptr.astype(kind)), shape=shape)
    out.sort_indices()
    return out


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nothing") + more
