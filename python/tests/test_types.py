"""The type hints agree with the code, and mypy sees them in a program that uses the package."""

import subprocess
import sys

import pytest

pytest.importorskip("mypy")

USE = """
import numpy as np
from margin import MarginClassifier, load_model

X, y = np.zeros((3, 2), np.float32), np.array([0, 1, 1])
clf = MarginClassifier("softmax", C=1.0, n_jobs=2).fit(X, y)
probabilities: np.ndarray = clf.predict_proba(X)
labels: np.ndarray = load_model("model.h5").predict(X)
"""


def check(cwd, *arguments):
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--cache-dir", str(cwd), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_package(tmp_path):
    done = check(tmp_path, "-p", "margin")
    assert done.returncode == 0, done.stdout


def test_program(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(USE + "wrong: int = clf.loss\nMarginClassifier(Cs=1.0)\n")
    done = check(tmp_path, "--strict", "use.py")
    assert done.returncode == 0, done.stdout
    done = check(tmp_path, "--strict", "wrong.py")
    assert done.stdout.count("error:") == 2, done.stdout
