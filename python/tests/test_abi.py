"""The structs of _structs.py have the sizes and offsets that the C compiler gives those of the headers."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from margin import _structs

ROOT = Path(__file__).resolve().parents[2]


def test_layout(tmp_path):
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    lines, wanted = [], []
    for struct in _structs.PUBLIC:
        name = struct.__name__
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        wanted.append(f"{name} {ctypes.sizeof(struct)}")
        for field, _ in struct._fields_:
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
            wanted.append(f"{name}.{field} {getattr(struct, field).offset}")
    headers = "".join(
        f"#include <margin/{name}.h>\n" for name in ("cv", "export", "fit", "model", "path", "trainer")
    )
    body = "\n".join(lines)
    (tmp_path / "layout.c").write_text(
        f"#include <stddef.h>\n#include <stdio.h>\n{headers}int main(void) {{\n{body}\n}}\n"
    )
    subprocess.run([compiler, f"-I{ROOT / 'include'}", "layout.c", "-o", "layout"], cwd=tmp_path, check=True)
    got = subprocess.run(["./layout"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    assert got[:-1] == wanted
