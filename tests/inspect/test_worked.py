"""`margin example` prints the numbers of docs/math.md, and `margin gradcheck --show` a calculation that is
right."""
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

PAGE = (Path(__file__).resolve().parents[2] / "docs/math.md").read_text()


def tables(text):
    """The tables of a loss or of the head: {first word of the title: rows of numbers}."""
    found = {}
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not re.match(r" +(class|feature) \d", line)]
        rows = [re.sub(r"^(row \d+, true \d+| *(class|feature) +\d+| *bias)", "", line).split()
                for line in lines[1:]]
        found[lines[0].split()[0]] = [[None if word == "." else float(word) for word in row] for row in rows]
        if lines[0].startswith("losses"):
            found["losses"] = [float(word.rstrip(",")) for word in lines[0].split()[4:] if word[0].isdigit()]
    return found


def same(what, got, wanted):
    if got != wanted:
        runs.fail(f"{what}: {got}, {wanted} expected")


def numbers(text):
    return [float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_example(work):
    head, *losses = re.split(r"\n\nloss ", runs.expect(work, 0, "example").stdout)
    blocks = {text.split()[0]: tables(text) for text in losses}
    same("losses", set(blocks), set(re.findall(r"^  (\S+)", work.run("list", "losses").stdout, re.M)))
    same("scores", tables(head)["scores"], [[2, 4, 3], [-1, 4, 3]])
    rows = re.findall(r"^\| (Weston-Watkins|Crammer-Singer|one-vs-rest)( squared)? \| (\d.*?) \| (.*?) \|"
                      r" (.*?) \| (.*?) \|$", PAGE, re.M)
    same("rows of the table in docs/math.md", len(rows), 5)
    for name, squared, values, first, second, gradient in rows:
        block = blocks[(name + squared).lower().replace(" ", "-")]
        same(f"{name}: losses", block["losses"][:2], numbers(values))
        same(f"{name}: M", block["coefficients"], [numbers(first), numbers(second)])
        same(f"{name}: G", [value for row in block["gradient"][:3] for value in row], numbers(gradient))
        same(f"{name}: margins", block["margins"], [[None, 3, 2], [-3, 2, None]])
        same(f"{name}: indicators", block["indicators"], [[None, 1, 1], [0, 1, None]])


def test_show(work):
    shown = runs.expect(work, 0, "gradcheck", "--show", "--set", "data.train=d.h5").stdout
    labels = [int(label) for label in re.findall(r"^row \d+, true (\d+)", shown, re.M)][:4]
    head, loss = shown.split("\n\nloss crammer-singer\n\n")
    head, loss = tables(head.split("\n\n", 1)[1]), tables(loss)
    x, s, m = head["rows"], head["scores"], loss["coefficients"]
    for i, y in enumerate(labels):
        for k in range(4):
            if k != y and abs(loss["margins"][i][k] - (s[i][k] - s[i][y] + 1)) > 2e-3:
                runs.fail(f"margin of row {i}, class {k}: {loss['margins'][i]}, scores {s[i]}")
            same("indicator", loss["indicators"][i][k], None if k == y else float(loss["margins"][i][k] > 0))
        same(f"sum of the coefficients of row {i}", sum(m[i]), 0)
    for d, row in enumerate([*zip(*x), [1] * 4]):  # the last one is the constant feature
        for k in range(4):
            g = sum(row[i] * m[i][k] for i in range(4)) / 4
            if abs(loss["gradient"][d][k] - g) > 1e-3:
                runs.fail(f"gradient of feature {d}, class {k}: {loss['gradient'][d][k]}, {g} expected")
    if not any(value for row in m for value in row):
        runs.fail("no row violates its margin, so nothing was tested")


with runs.Work(sys.argv[1]) as work:
    test_example(work)
    work.data("d.h5", 100, 6, 4, False)
    test_show(work)
    work.data("s.h5", 100, 30, 4, True)
    runs.expect(work, 0, "gradcheck", "--show", "--set", "data.train=s.h5", "--set", "data.scale=max-abs",
                "--set", "model.loss=softmax")
print("worked examples are right")
