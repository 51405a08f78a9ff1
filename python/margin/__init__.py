"""margin: multiclass linear SVMs and softmax on every core, with a certified optimum.

MarginClassifier is the scikit-learn estimator. docs/python.md describes the package.
"""

from ._classifier import MarginClassifier
from ._library import version
from ._model import Model, load_model
from .callbacks import early_stopping, record_evaluation

__version__ = "0.1.0"
__all__ = ["MarginClassifier", "Model", "early_stopping", "load_model", "record_evaluation", "version"]
