"""The table of the README has the figures of docs/benchmarks_peers.md.

    test_readme_figures.py MARGIN
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def rows(text):
    """The cells of the lines of tables by the first cell; of equal ones the first."""
    found = {}
    for line in re.findall(r"^\| (.*) \|$", text, re.M):
        name, *cells = line.split(" | ")
        found.setdefault(name, cells)
    return found


def main():
    page = (ROOT / "docs/benchmarks_peers.md").read_text(encoding="utf-8")
    measured = rows(re.search(r"^## fashion-mnist\n(.*?)^## ", page, re.S | re.M)[1])
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"^\| program \|.*\n\|---.*\n((?:\|.*\n)+)", readme, re.M)[1]
    for name, cells in rows(shown).items():
        wanted = [re.sub(r" \(.*\)", "", cell) for cell in measured[name.replace(" (scikit-learn)", "")][:4]]
        if cells != wanted:
            sys.exit(f"README.md: {name}: {cells}, but docs/benchmarks_peers.md has {wanted}")
    print(f"{len(rows(shown))} programs have the figures of docs/benchmarks_peers.md")


main()
