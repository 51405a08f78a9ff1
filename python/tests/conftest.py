"""What the tests share."""

import os
import signal

import numpy as np
import pytest

os.environ["MPLBACKEND"] = "Agg"  # also without a screen
os.environ["SCIPY_ARRAY_API"] = "1"  # without it scikit-learn skips a check; read when scipy is imported


@pytest.fixture
def blobs():
    """300 rows of 3 classes that overlap a little, 8 features, float32."""
    draw = np.random.RandomState(0)
    y = draw.randint(3, size=300)
    X = draw.randn(300, 8).astype(np.float32)
    X[np.arange(300), y] += 2
    return X, y


# A shell lets programs in the background ignore SIGINT; then Ctrl-C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
