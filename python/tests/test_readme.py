"""The Python lines of the README run as shown, and the examples of the docstrings."""
import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import margin

ROOT = Path(__file__).resolve().parents[2]


def test_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    block = next(block for block in blocks if "from margin import" in block)
    exec(compile(block, "README.md", "exec"), {})
    comments = re.findall(r"print.*# (.*)", block)
    wanted = [re.match(r"True True|True|\(2, 10\)", comment)[0] for comment in comments]
    assert capsys.readouterr().out.split("\n")[:-1] == wanted


MODULES = [module.name for module in pkgutil.iter_modules(margin.__path__) if module.name != "libmargin"]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    if name.endswith("displays"):
        pytest.importorskip("matplotlib")
    assert doctest.testmod(importlib.import_module(f"margin.{name}")).failed == 0
