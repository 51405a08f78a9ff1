# test_terms.py - every term of docs/terms.md is used in the file that the page names as its definition, and
# no term has two rows.
#
#     test_terms.py MARGIN
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
findings, seen = [], set()


def spelled(term):
    """Matches a term in a file: in any case, in the plural, and as a part of a name of C."""
    words = re.findall(r"\w+", term.lower())
    return re.compile(r"[\s_/*.-]*".join(words))


def check(term, places):
    if term in seen:
        findings.append(f"{term}: two rows")
    seen.add(term)
    paths = re.findall(r"`([^`]+)`", places)
    if not paths:
        findings.append(f"{term}: no file defines it")
    for path in paths:
        if not (ROOT / path).is_file():
            findings.append(f"{term}: {path} is not there")
            continue
        text = (ROOT / path).read_text(encoding="utf-8").lower()
        if not any(spelled(name).search(text) for name in term.split(",")):
            findings.append(f"{term}: {path} does not use it")


rows = 0
for line in (ROOT / "docs/terms.md").read_text(encoding="utf-8").split("\n"):
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    if len(cells) == 4 and cells[0] not in ("term", "---"):
        check(cells[0].replace("`", ""), cells[3])
        rows += 1
if rows < 90:
    findings.append(f"docs/terms.md: {rows} terms, at least 90 are known")
print("\n".join(findings) or f"{rows} terms are used where they are defined")
sys.exit(1 if findings else 0)
