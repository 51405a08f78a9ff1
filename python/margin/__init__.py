"""margin: multiclass linear SVMs and softmax on every core, with a certified optimum.

MarginClassifier is the scikit-learn estimator. docs/python.md describes the package.
"""

from ._anndata import AnnDataClassifier, fit_anndata
from ._classifier import MarginClassifier
from ._library import version
from ._classifier_cv import MarginClassifierCV
from ._displays import RunDisplay
from ._functions import cv, path, train
from ._model import Model, load_model
from ._run import Run
from ._weight_displays import TemplateDisplay, TopFeaturesDisplay
from .callbacks import early_stopping, record_evaluation

__version__ = "0.1.0"
__all__ = [
    "AnnDataClassifier",
    "MarginClassifier",
    "MarginClassifierCV",
    "Model",
    "Run",
    "RunDisplay",
    "TemplateDisplay",
    "TopFeaturesDisplay",
    "cv",
    "early_stopping",
    "fit_anndata",
    "load_model",
    "path",
    "record_evaluation",
    "train",
    "version",
]
