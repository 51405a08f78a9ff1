#!/usr/bin/env python3
"""Checks that code and documents use the same equation tags.

    check_tags.py [ROOT]

Every tag such as (M5) in src or in a page of docs must be defined in docs/math.md, and every tag of
docs/math.md must be used in src, and has a row with a file and a function that exist. Tags are for equations
only: no promise of docs/guarantees.md may be called M1. """
import re
import sys
from pathlib import Path

# (M5), (M5, M6) and, in math.md, \tag{M5}
IN_TEXT = re.compile(r"\((M\d+[a-z]?(?:\s*,\s*M\d+[a-z]?)*)\)")
IN_FORMULA = re.compile(r"\\tag\{(M\d+[a-z]?)\}")
IN_PROSE = re.compile(r"\bM\d+[a-z]?\b")
# the first cell in a row of promises: "D1" or "D1, R1"
PROMISE = re.compile(r"\|\s*([A-Z]\d+(?:\s*,\s*[A-Z]\d+)*)\s*\|")


# a row of the table of the plain code: | M5 | `src/loss/x.c:row` |
PLAIN = re.compile(r"^\| (M\d+[a-z]?) \| `([\w/.]+):(\w+)` \|$", re.M)


def findings_in_plain_code(root, document, written):
    """Returns equations without a row in the table of the plain code, and rows without a function."""
    rows = {tag: (file, function)
            for tag, file, function in PLAIN.findall(document.read_text(encoding="utf-8"))}
    for tag in in_order(set(written) - set(rows)):
        yield f"docs/math.md: ({tag}) has no row in the table of the plain code"
    for tag, (file, function) in rows.items():
        path = root / file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not re.search(rf"^[a-z][\w \*]*\b{function}\([^;]*?\) {{$", text, re.M | re.S):
            yield f"docs/math.md: {tag}: {file} has no function {function}"


def tags_of(path):
    """Returns {tag: number of the first line that contains it}."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        for group in IN_TEXT.findall(line) + IN_FORMULA.findall(line):
            for tag in re.split(r"\s*,\s*", group):
                found.setdefault(tag, number)
    return found


def in_order(tags):
    return sorted(tags, key=lambda tag: (int(re.search(r"\d+", tag).group()), tag))


def findings_in_pages(docs, written):
    """Returns the findings in the other pages: tags without an equation, and promises whose name is that of
    an equation."""
    for path in sorted(p for p in docs.glob("*.md") if p.name != "math.md"):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            place = f"docs/{path.name}:{number}"
            promise = PROMISE.match(line) if path.name == "guarantees.md" else None
            if promise and "M" in promise.group(1):
                yield f"{place}: promise {promise.group(1)} is named like an equation; use another letter"
            for tag in IN_PROSE.findall(line):
                if tag not in written and not promise:
                    yield f"{place}: {tag} is not in docs/math.md"


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    document = root / "docs" / "math.md"
    if not document.is_file():
        print(f"{document}: missing")
        return 1
    written = tags_of(document)
    used = {}
    for path in sorted(p for p in (root / "src").rglob("*") if p.suffix in (".c", ".h")):
        for tag, line in tags_of(path).items():
            used.setdefault(tag, f"{path.relative_to(root)}:{line}")
    missing = [tag for tag in in_order(used) if tag not in written]
    unused = [tag for tag in in_order(written) if tag not in used]
    for tag in missing:
        print(f"{used[tag]}: ({tag}) is not in docs/math.md")
    for tag in unused:
        print(f"docs/math.md:{written[tag]}: ({tag}) is not used in src")
    pages = [*findings_in_pages(document.parent, written), *findings_in_plain_code(root, document, written)]
    for finding in pages:
        print(finding)
    count = len(missing) + len(unused) + len(pages)
    print(f"{len(written)} equations, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
