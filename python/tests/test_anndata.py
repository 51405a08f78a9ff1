"""fit_anndata: names of genes, labels, layers; on a simple object, and on a real file if anndata is there."""

import os
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

import margin

DATA = os.environ.get("DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
CELLS = Path(DATA) / "singlecell"
NAMES = [f"gene {d}" for d in range(8)]


@pytest.fixture
def cells(blobs):
    X, y = blobs
    labels = np.array(["B", "NK", "T"], dtype=object)[y]
    layers, obsm = {"counts": 2 * X}, {"X_pca": X[:, :4]}
    return SimpleNamespace(
        X=X, obs={"cell_type": labels, "donor": y}, var_names=NAMES, layers=layers, obsm=obsm
    )


def changed(cells, **how):
    return SimpleNamespace(**{**vars(cells), **how})


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_other_order_and_other_genes(cells, kind):
    clf = margin.fit_anndata(changed(cells, X=kind(cells.X)), C=0.1)
    wanted = clf.classifier_
    alone = margin.MarginClassifier(C=0.1).fit(kind(cells.X), cells.obs["cell_type"].astype(str))
    assert np.array_equal(wanted.coef_, alone.coef_)
    assert np.array_equal(clf.predict(changed(cells, X=kind(cells.X))), wanted.predict(cells.X))
    order = np.random.RandomState(0).permutation(8)
    wide = np.hstack([cells.X[:, order], np.full((300, 2), 1e6, np.float32)])
    names = [NAMES[d] for d in order] + ["other 1", "other 2"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = clf.decision_function(SimpleNamespace(X=kind(wide), var_names=names))
    assert np.allclose(scores, wanted.decision_function(cells.X), atol=1e-5)
    assert clf.missing_genes_ == []
    assert clf.score(cells) == wanted.score(cells.X, cells.obs["cell_type"].astype(str))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_missing_genes(cells, kind):
    clf = margin.fit_anndata(cells, C=0.1)
    fewer = SimpleNamespace(X=kind(cells.X[:, [5, 0, 1]]), var_names=[NAMES[d] for d in (5, 0, 1)])
    without = cells.X.copy()
    without[:, [2, 3, 4, 6, 7]] = 0
    with pytest.warns(
        UserWarning, match="5 of 8 genes of the model are missing, and count as 0: gene 2, gene 3"
    ):
        labels = clf.predict(fewer)
    assert np.array_equal(labels, clf.classifier_.predict(without))
    assert clf.missing_genes_ == [NAMES[d] for d in (2, 3, 4, 6, 7)]
    with pytest.raises(
        ValueError, match="none of the 8 genes of the model is in var_names; the model has gene 0"
    ):
        clf.predict(SimpleNamespace(X=cells.X, var_names=[name.upper() for name in NAMES]))


def test_repeated_names(cells):
    names = NAMES[:7] + ["gene 3"]
    with pytest.raises(ValueError, match="adata.var_names has 'gene 3' 2 times"):
        margin.fit_anndata(changed(cells, var_names=names))
    with pytest.raises(ValueError, match="adata.var_names has 'gene 3' 2 times"):
        margin.fit_anndata(cells).predict(changed(cells, var_names=names))
    with pytest.raises(ValueError, match="adata has 7 var_names, but its rows have 8 columns"):
        margin.fit_anndata(changed(cells, var_names=NAMES[:7]))


def test_unlabelled(cells):
    labels = cells.obs["cell_type"].copy()
    labels[[4, 9]] = [None, float("nan")]
    some = changed(cells, obs={"cell_type": labels})
    with pytest.raises(
        ValueError, match=r"obs\['cell_type'\]: 2 of 300 cells have no label, the first is cell 4"
    ):
        margin.fit_anndata(some)
    keep = np.delete(np.arange(300), [4, 9])
    weights = np.arange(300) % 2 + 1.0
    clf = margin.fit_anndata(some, unlabelled="drop", sample_weight=weights, C=0.1)
    alone = margin.MarginClassifier(C=0.1).fit(cells.X[keep], labels[keep].astype(str), weights[keep])
    assert np.array_equal(clf.classifier_.coef_, alone.coef_) and len(clf.predict(some)) == 300
    with pytest.raises(ValueError, match="no cell has a label"):
        margin.fit_anndata(changed(cells, obs={"cell_type": [None] * 300}), unlabelled="drop")
    with pytest.raises(ValueError, match="unlabelled is 'skip'"):
        margin.fit_anndata(some, unlabelled="skip")


def test_layers_and_embeddings(cells):
    clf = margin.fit_anndata(cells, "donor", layer="counts", C=0.1)
    assert np.array_equal(
        clf.classifier_.coef_, margin.MarginClassifier(C=0.1).fit(2 * cells.X, cells.obs["donor"]).coef_
    )
    assert clf.predict(cells).dtype.kind == "i"
    pca = margin.fit_anndata(cells, obsm="X_pca")
    assert pca.gene_names_ is None and pca.classifier_.n_features_in_ == 4 and pca.score(cells) > 0.5
    for how, error, message in (
        ({"label": "type"}, KeyError, "'type' is not in adata.obs, which has cell_type, donor"),
        ({"layer": "raw"}, KeyError, "'raw' is not in adata.layers, which has counts"),
        ({"layer": "counts", "obsm": "X_pca"}, ValueError, "at most one"),
        ({"classifier": margin.MarginClassifier(), "C": 1}, ValueError, "C is given beside classifier"),
    ):
        with pytest.raises(error, match=message):
            margin.fit_anndata(cells, **how)
    with pytest.raises(ValueError, match="adata.X is None"):
        margin.fit_anndata(changed(cells, X=None))


def test_labels_of_another_kind(cells):
    """All of them would count as errors."""
    clf = margin.fit_anndata(cells, "donor")
    texts = changed(cells, obs={"donor": cells.obs["donor"].astype(str)})
    with pytest.raises(ValueError, match=r"obs\['donor'\]: cell 0 has the label '\d', .* the other a number"):
        clf.score(texts)
    with pytest.raises(ValueError, match="sample_weight.shape"):
        margin.fit_anndata(cells, sample_weight=[1, 2, 3])


def test_classifier_and_save(cells, tmp_path):
    chosen = margin.fit_anndata(cells, classifier=margin.MarginClassifierCV("softmax", Cs=[0.01, 0.1], cv=3))
    assert chosen.classifier_.C_ in (0.01, 0.1) and np.allclose(
        chosen.predict_proba(cells).sum(axis=1), 1, atol=1e-5
    )
    chosen.save(tmp_path / "model.h5")
    model = margin.load_model(tmp_path / "model.h5")
    assert model.feature_names.tolist() == NAMES and model.classes.tolist() == ["B", "NK", "T"]
    assert np.array_equal(model.predict(cells.X), chosen.predict(cells))
    chosen.export(tmp_path / "model.npz")
    assert np.load(tmp_path / "model.npz")["feature_names"].tolist() == NAMES


def test_real_cells():
    anndata = pytest.importorskip("anndata")
    path = CELLS / "anndata-v0.5.0.h5ad"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = anndata.read_h5ad(path)
    train, test = cells[:500].copy(), cells[500:, ::-1].copy()
    clf = margin.fit_anndata(train, "bulk_labels", C=0.01)
    assert clf.gene_names_.tolist() == cells.var_names.tolist()
    assert clf.score(test) > 0.75
    train.obs["bulk_labels"] = train.obs["bulk_labels"].where(np.arange(500) > 3)
    with pytest.raises(ValueError, match="4 of 500 cells have no label"):
        margin.fit_anndata(train, "bulk_labels")
    assert margin.fit_anndata(train, "bulk_labels", unlabelled="drop").score(train) > 0.9
