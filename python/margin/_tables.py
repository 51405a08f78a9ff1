"""Tables: a pandas DataFrame where pandas is installed, otherwise a list of dicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def table(records: list) -> Any:
    """The records (dicts) as a table. Keys that a record lacks are NaN in a DataFrame."""
    try:
        import pandas
    except ImportError:
        return records
    return pandas.DataFrame.from_records(records)


def read_lines(path: Path) -> list:
    """The objects of a file with one JSON object a line. An incomplete last line, which a run that was killed
    leaves, is left out. Errors: OSError; ValueError with file and line."""
    lines = path.read_text(encoding="utf-8").split("\n")
    out = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            out.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: is not JSON: {error}") from None
    return out
