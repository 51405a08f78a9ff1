# test_contributing.py - checks the table in CONTRIBUTING.md: every path and every test that it names exists,
# and every registered object consists of one file and one row, as the table promises.
#
#     test_contributing.py MARGIN
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# registry -> the C name of its objects
REGISTRIES = {"loss": "mg_loss_{}", "optim": "mg_optim_{}", "rate": "mg_rate_{}", "format": "mg_format_{}",
              "export": "mg_export_{}", "kernel": "mg_kernel_{}",
              "solver": None}  # a solver has several files
findings = []


def table():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in text.split("\n") if line.startswith("| a")]
    if len(rows) < 8:
        findings.append(f"CONTRIBUTING.md: {len(rows)} rows of additions, at least 8 are known")
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def registered(folder):
    text = (ROOT / "src" / folder / "list.h").read_text(encoding="utf-8")
    text = re.sub(r"//[^\n]*", "", text)
    return sorted(set(re.findall(r"\bX\((\w+)\)", text)) - {"X"})


def check_paths(row):
    for path in re.findall(r"`([\w./<>-]+)`", " ".join(row[:3])):
        if "/" not in path:
            continue
        if "<name>" not in path:
            if not (ROOT / path).exists():
                findings.append(f"{row[0]}: {path} is not there")
            continue
        folder = path.split("/")[1]
        names = registered(folder) if folder in REGISTRIES else ["train"]
        for name in names:
            if not (ROOT / path.replace("<name>", name)).exists():
                findings.append(f"{row[0]}: {name} is registered but {path.replace('<name>', name)} is not"
                                " there")


def check_functions(row):
    for name, path in re.findall(r"`(\w+)\(\)` of `([\w./]+)`", row[2]):
        if not re.search(rf"\b{name}\(", (ROOT / path).read_text(encoding="utf-8")):
            findings.append(f"{row[0]}: {path} has no {name}()")


def check_tests(row):
    cmake = (ROOT / "tests/CMakeLists.txt").read_text(encoding="utf-8")
    for name in re.findall(r"`(\w+)`", row[3]):
        found = list((ROOT / "tests").rglob(f"{name}.*")) if name.startswith("test_") else \
            [ROOT / f"tests/cli/{name[4:]}.sh"] if name.startswith("cli_") else []
        if not any(path.is_file() for path in found) and f"NAME {name} " not in cmake:
            findings.append(f"{row[0]}: the test {name} is not there")


def check_registry(folder, pattern):
    """A registered object is named only by its own file, and by the macro of the list."""
    for name in registered(folder):
        word = re.compile(rf"\b{pattern.format(name)}\b(?!\()")
        users = [p.relative_to(ROOT).as_posix() for p in sorted((ROOT / "src").rglob("*.[ch]"))
                 if word.search(re.sub(r"//[^\n]*", "", p.read_text(encoding="utf-8")))]
        if len(users) != 1 or Path(users[0]).stem != name:
            findings.append(f"src/{folder}/list.h: {pattern.format(name)} is named in {users}, not in"
                            f" {name}.c alone")


def check_solver_options():
    """Options of a solver are named only in its own folder, and by files that drive this solver by its
    name."""
    found = 0
    for options in sorted((ROOT / "src/solver").glob("*/options.h")):
        name = options.parent.name
        word = re.compile(rf'\bmg_{name}_(options|section)\b|"solver/{name}/options.h"')
        if f"mg_{name}_section" not in options.read_text(encoding="utf-8"):
            findings.append(f"src/solver/{name}/options.h: declares no mg_{name}_section")
        for path in sorted((ROOT / "src").rglob("*.[ch]")):
            text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
            if path.parent == options.parent or not word.search(text):
                continue
            if f'mg_solver_find("{name}")' not in text:
                findings.append(f"{path.relative_to(ROOT)}: names the options of solver {name}, which travel"
                                " by its row alone")
        found += 1
    if not found:
        findings.append("src/solver: no solver has options of its own, so nothing proves that they travel by"
                        " its row alone")


def body(path, function):
    """Returns the text of a C function, from its name to the closing brace in the first column."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^[\w* ]+\b{function}\(.*?^}}", text, re.S | re.M)
    return found.group() if found else ""


def check_update_rules():
    """Each update rule has the parts that its row of the table lists, and solver sgd contains neither the
    names of rules nor those of their arrays."""
    formulas, sabotage = body("tests/optim/test_optim.c", "drive"), \
        (ROOT / "tests/guarantees/test_sabotage.c").read_text(encoding="utf-8")
    most = 0
    for name in registered("optim"):
        path = ROOT / f"src/optim/{name}.c"
        arrays = re.findall(r'MG_OPTIM_EACH_(?:WEIGHT|FEATURE)\("(\w+)"', path.read_text(encoding="utf-8"))
        most = max(most, len(arrays))
        if f'"{name}"' not in formulas:
            findings.append(f"update rule {name}: drive() of tests/optim/test_optim.c has no formula of it")
        if f'"sgd.update={name}"' not in sabotage:
            findings.append(f"update rule {name}: tests/guarantees/test_sabotage.c has no row of it")
        words = [f'"{word}"' for word in [*arrays, name]]
        for other in sorted((ROOT / "src/solver/sgd").glob("*.[ch]")):
            text = "" if other.stem == "options" else other.read_text(encoding="utf-8")
            findings.extend(f"{other.relative_to(ROOT)}: names {word}, which only src/optim/{name}.c should"
                            " know"
                            for word in words if word in text)
    if most < 2:
        findings.append("src/optim: no update rule keeps two arrays, so nothing proves that any number will"
                        " do")


for entry in table():
    check_paths(entry)
    check_functions(entry)
    check_tests(entry)
for room, form in REGISTRIES.items():
    if form:
        check_registry(room, form)
check_solver_options()
check_update_rules()
print("\n".join(findings) or "CONTRIBUTING.md is true")
sys.exit(1 if findings else 0)
