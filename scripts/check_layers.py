#!/usr/bin/env python3
"""Checks what keeps the source tree readable: layers, who may include what, sizes of files and functions.

    check_layers.py [ROOT]

Prints one line per finding, and exits with 1 if there is any. docs/ARCHITECTURE.md explains the rules.
"""

import bisect
import re
import sys
from pathlib import Path

LAYERS = {
    "base": 0,
    "io": 1,
    "rows": 1,
    "kernel": 2,
    "loss": 2,
    "optim": 2,
    "rate": 2,
    "format": 2,
    "parallel": 2,
    "comm": 2,
    "data": 3,
    "calibration": 3,
    "model": 4,
    "export": 5,
    "solver": 5,
    "train": 6,
    "inspect": 7,
    "bench": 7,
    "config": 7,
    "api": 8,
    "report": 8,
    "cli": 9,
    "mpi": 10,
}
# Folders inside a folder. Their files may include files of the enclosing folder and of their own folder, but
# not of each other.
SUB_ROOMS = {"solver": ("dual", "newton", "sgd")}
# Files of the enclosing folder must not include files of the folders inside, except for these files, which
# drive them.
DRIVERS = ("solver/certified.h",)
FILE_LINES = 400
TEST_LINES = 500
COLUMNS = 110
SCRIPTS = (".ci", "docs", "python", "scripts", "tests")  # folders with scripts; clang-format lays out C
FUNCTION_LINES = 60
STRUCT_FIELDS = 25
PROGRAMS = ("cli", "mpi")  # folders of programs, which may allocate, print and exit
PARAMETERS = 7
CONDITIONALS = 2  # `?:` in one expression
WRITERS = 3  # files that assign members of a struct
CIRCLE = 2  # modules (X.h with X.c) that include each other
# Structs that hold no state: the caller of a function fills them, or the function fills them as its result.
VALUES = (
    "mg_field",
    "mg_format_shape",
    "mg_model_options",
    "mg_optim_line",
    "mg_problem",
    "mg_record",
    "mg_rows",
    "mg_step_result",
    "mg_store",
    "mg_train_options",
    "mg_trainer_options",
    "mg_weights",
)

# (header, files of src that may include it, their description)
GUARDED_HEADERS = [
    (re.compile(r"(hdf5|H5\w+|hdf5_hl)\.h"), re.compile(r"io/h5\w*\.[ch]"), "src/io/h5*"),
    (re.compile(r"yaml\.h"), re.compile(r"config/yaml\.c"), "src/config/yaml.c"),
    (re.compile(r"mpi\.h"), re.compile(r"mpi/\w+\.c"), "src/mpi"),
    (re.compile(r"zlib\.h"), re.compile(r"io/\w+\.[ch]"), "src/io"),
    (
        re.compile(r"(\w*intrin|arm_\w+)\.h"),
        re.compile(r"base/(lanes\.h|float_mode\.c)|kernel/(?!kernel|reference)\w+\.c"),
        "src/base/lanes.h and the kernels of instruction sets",
    ),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
OPENMP = re.compile(r'^\s*#\s*(pragma\s+omp\b|include\s*[<"]omp\.h)|_Pragma\s*\(\s*"\s*omp\b')
# Compute threads are started only in src/parallel. One thread reads ahead, one writes checkpoints, the
# command line draws progress in one, and runs the library in a thread with a large stack.
STARTS_THREADS = re.compile(r"(?<![\w.>])(pthread_create|mg_thread_start|thrd_create)\s*\(")
MAY_START_THREADS = re.compile(
    r"base/thread\.[ch]|parallel/\w+\.[ch]|data/stream\.c|train/checkpoint\.c|cli/process\.c|cli/progress\.c"
)
REDUCTION = re.compile(r"\breduction\s*\(")
ALLOCATE = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|strdup|strndup|posix_memalign|aligned_alloc)\s*\(")
SPEAK = re.compile(r"(?<![\w.>])(printf|puts|putchar|perror|exit|_exit|abort)\s*\(|\b(stdout|stderr)\b")
# A member: x->a.b, x.a[i], (*x).a
MEMBER = r"(?:\(\s*\*\s*(\w+)\s*\)|\b(\w+))((?:\[[^\]]*\])?(?:(?:->|\.)\w+(?:\[[^\]]*\])?)+)"
# Code that assigns a member, or creates its buffer (base/arena.h).
ASSIGNED = (
    re.compile(MEMBER + r"\s*(?:(?:[-+*/|&^]|<<|>>)?=(?!=)|\+\+|--)"),
    re.compile(r"MG_(?:BUFFER|ARENA_FILL)\s*\(\s*&?" + MEMBER),
)
DECLARATION = re.compile(r"\b(\w+)\s+((?:\*|\bconst\b|\brestrict\b|\s)*\w+(?:\s*,\s*\*+\w+)*)\s*(?=[,;=)\[])")
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """Replaces comments and the content of literals by spaces; lines and columns do not change."""

    def replace(match):
        token = match.group()
        inside = re.sub(r"[^\n]", " ", token)
        return token[0] + inside[1:-1] + token[0] if token[0] in "\"'" and len(token) > 1 else inside

    return TOKEN.sub(replace, text)


def without_directives(text):
    """Blanks preprocessor lines and their continuations, because their braces need not be paired."""
    lines, inside = text.split("\n"), False
    for i, line in enumerate(lines):
        inside = inside or line.lstrip().startswith("#")
        if inside:
            lines[i] = ""
            inside = line.endswith("\\")
    return "\n".join(lines)


def functions(code):
    """Yields (name, first line, last line, head) of every function. `code`: without comments and
    directives."""
    newlines = [m.start() for m in re.finditer("\n", code)]
    line_of = lambda at: bisect.bisect_left(newlines, at) + 1
    depth, start, found = 0, 0, None
    for match in re.finditer(r"[{};]", code):
        at, character = match.start(), match.group()
        if character == "{":
            head = code[start:at]
            if depth == 0 and head.rstrip().endswith('"'):
                start = at + 1  # extern "C" {
                continue
            if depth == 0 and head.rstrip().endswith(")") and "=" not in head:
                name = re.search(r"(\w+)\s*\(", head)
                found = (
                    name.group(1) if name else "?",
                    line_of(start + len(head) - len(head.lstrip())),
                    head,
                )
            depth += 1
        elif character == "}":
            depth = max(depth - 1, 0)
            if depth == 0:
                if found:
                    yield found[0], found[1], line_of(at), found[2]
                found, start = None, at + 1
        elif depth == 0:
            start = at + 1


def sub_room(path):
    """Returns the inner folder of a file, such as solver/dual for solver/dual/round.c; None if it is in
    none."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 and parts[1] in SUB_ROOMS.get(parts[0], ()) else None


def check_include(name, room, quote, header):
    """Returns why this include is not allowed, or None."""
    for guarded, allowed, where in GUARDED_HEADERS:
        if guarded.fullmatch(header) and not allowed.fullmatch(name):
            return f"<{header}> may only be included in {where}"
    if room == "cli":
        if quote == '"' and not header.startswith("cli/"):
            return f'cli knows only <margin/*.h>, not "{header}"'
        return None
    if quote == "<":
        return None
    other = header.split("/")[0] if "/" in header else None
    if other not in LAYERS:
        return f'"{header}" is not of the form "folder/file.h"'
    mine, theirs = sub_room(name), sub_room(header)
    if mine and theirs and mine != theirs:
        return f'{mine} and {theirs} are solvers of their own: "{header}" may not be included here'
    if theirs and not mine and other == room and name not in DRIVERS:
        return f'"{header}" belongs to one solver: only {", ".join(DRIVERS)} may include it here'
    if other != room and LAYERS[other] >= LAYERS[room]:
        return f'{room} (layer {LAYERS[room]}) may not include "{header}" (layer {LAYERS[other]})'
    return None


def parameters(head):
    """Returns the number of parameters of the function with this head."""
    at, depth, count = head.index("("), 0, 1
    for character in head[at:]:
        depth += (character == "(") - (character == ")")
        count += character == "," and depth == 1
    return count


def crowded(code):
    """Returns the lines of those statements that have too many conditional operators in one expression."""
    start = 0
    for match in re.finditer(r"[;{}]", code):
        statement = code[start : match.start()]
        if deepest(statement) > CONDITIONALS:
            yield code.count("\n", 0, start + len(statement) - len(statement.lstrip())) + 1
        start = match.end()


def deepest(statement):
    """Returns the largest number of conditional operators in one expression of a statement. Brackets and
    commas begin another expression."""
    counts, most = [0], 0
    for character in statement:
        if character in "([":
            counts.append(0)
        elif character in ")]" and len(counts) > 1:
            counts.pop()
        elif character == ",":
            counts[-1] = 0
        elif character == "?":
            counts[-1] += 1
        most = max(most, sum(counts))
    return most


def check_lines(name, room, raw, code, source):
    for number, (line, plain) in enumerate(zip(raw.split("\n"), code.split("\n")), 1):
        if plain.strip() and OPENMP.search(line):
            yield number, "OpenMP is not allowed: use the threads of src/parallel/team.c"
        include = INCLUDE.match(line) if plain.lstrip().startswith("#") else None
        if include:
            quote, header = include.groups()
            complaint = check_include(name, room, quote, header)
            if not complaint and quote == '"' and not (source / header).is_file():
                complaint = f'"{header}" does not exist'
            if complaint:
                yield number, complaint
            continue
        if STARTS_THREADS.search(plain) and not MAY_START_THREADS.fullmatch(name):
            yield number, "compute threads are started only in src/parallel: use mg_team_for"
        if REDUCTION.search(plain):
            yield (
                number,
                (
                    "a reduction adds in an order that depends on the threads: add the sums of the parts in a"
                    " fixed order"
                ),
            )
        if ALLOCATE.search(plain) and name != "base/memory.c" and room not in PROGRAMS:
            yield number, "only base/memory.c allocates: use base/memory.h"
        if SPEAK.search(plain) and room not in PROGRAMS:
            yield number, "library code never prints or exits; fill an mg_error"


def check_file(path, source):
    name = path.relative_to(source).as_posix()
    room = name.split("/")[0] if "/" in name else None
    if room not in LAYERS:
        yield 1, f"folder {room} has no layer; add it to scripts/check_layers.py"
        return
    raw = path.read_text(encoding="utf-8")
    code = blank(raw)
    lines = raw.count("\n")
    if lines > FILE_LINES:
        yield lines, f"file of {lines} lines (at most {FILE_LINES})"
    if path.stem in ("util", "utils", "common", "misc", "helpers"):
        yield 1, "the file name does not say what the file owns"
    if not re.match(rf"// {re.escape(path.name)} - \S", raw):
        yield 1, f'the file does not open with "// {path.name} - what it owns"'
    yield from check_lines(name, room, raw, code, source)
    yield from check_sizes(without_directives(code))
    for function, first, _, head in functions(without_directives(code)):
        # Macros in capitals, such as INLINE, include `static`.
        private = re.search(r"\bstatic\b", head) or re.match(r"\s*[A-Z_]{2,}\s", head) or room in PROGRAMS
        if not private and not function.startswith("mg_"):
            yield first, f"external function {function} does not start with mg_"


def check_sizes(code):
    """Finds structs, expressions and functions over the limits, in code without comments and directives."""
    for struct, line, fields in structs(code):
        if fields > STRUCT_FIELDS:
            yield line, f"struct {struct} of {fields} fields (at most {STRUCT_FIELDS})"
    for line in crowded(code):
        yield line, f"more than {CONDITIONALS} conditional operators in one expression: use an if or a table"
    for function, first, last, head in functions(code):
        if last - first + 1 > FUNCTION_LINES:
            yield first, f"function {function} of {last - first + 1} lines (at most {FUNCTION_LINES})"
        if parameters(head) > PARAMETERS:
            yield first, f"function {function} takes {parameters(head)} parameters (at most {PARAMETERS})"


def structs(code):
    """(name, line, fields) of every struct; `int a, *b;` counts as two, a struct inside as one."""
    for match in re.finditer(r"\bstruct\s+(\w*)\s*\{", code):
        depth, fields = 1, 0
        for character in code[match.end() :]:
            if character in "{([":
                depth += 1
            elif character in "})]":
                depth -= 1
                if not depth:
                    break
            elif depth == 1 and character in ",;":
                fields += 1
        yield match.group(1), code.count("\n", 0, match.start()) + 1, fields


def members(body):
    """{member: type} of the body of a struct."""
    found, depth, start = {}, 0, 0
    for at, character in enumerate(body):
        depth += (character in "{([") - (character in "})]")
        if character != ";" or depth:
            continue
        text = re.sub(
            r"_Alignas\s*\([^)]*\)|\[[^\]]*\]|\b(const|struct|volatile|_Atomic)\b", " ", body[start:at]
        )
        start = at + 1
        one = re.match(r"\s*(\w+)\s+(.*)$", text, re.S)
        for name in one.group(2).split(",") if one and "(" not in text else ():
            found[re.search(r"\w*\s*$", name).group().strip()] = one.group(1)
    return found


def struct_members(code):
    """{struct: {member: type}} of the structs that a file defines."""
    found = {}
    for match in re.finditer(r"\bstruct\s+(\w+)\s*\{", code):
        at, depth = match.end(), 1
        while depth and at < len(code):
            depth += (code[at] == "{") - (code[at] == "}")
            at += 1
        found[match.group(1)] = members(code[match.end() : at - 1])
    return found


def assigned_structs(function, known):
    """Returns those structs of `known` of which the function changes a member; the types of its variables are
    known from their declarations."""
    types = {}
    for match in DECLARATION.finditer(function):
        if match.group(1) in known:
            for name in match.group(2).split(","):
                types.setdefault(
                    re.match(r"[\s*]*(?:const\b|restrict\b)?[\s*]*(\w*)", name).group(1), match.group(1)
                )
    for match in (match for pattern in ASSIGNED for match in pattern.finditer(function)):
        struct = types.get(match.group(1) or match.group(2))
        chain = re.findall(r"(?:->|\.)(\w+)", re.sub(r"\[[^\]]*\]", "", match.group(3)))
        for member in chain[:-1]:
            struct = known.get(struct, {}).get(member)
        if struct in known:
            yield struct


def check_writers(files):
    """Checks that members of structs which hold a state are changed in few files only."""
    code = {path: without_directives(blank(path.read_text(encoding="utf-8"))) for path in files}
    shared, home, writers = {}, {}, {}
    for path, text in code.items():
        if path.suffix == ".h":
            for struct, its in struct_members(text).items():
                shared[struct], home[struct] = its, path
    for path, text in code.items():
        known = {**shared, **(struct_members(text) if path.suffix == ".c" else {})}
        lines = text.split("\n")
        for _, first, last, _ in functions(text):
            for struct in assigned_structs("\n".join(lines[first - 1 : last]), known):
                writers.setdefault(struct, set()).add(path.name)
    for struct, names in sorted(writers.items()):
        if struct in home and struct not in VALUES and len(names) > WRITERS:
            yield (
                home[struct],
                1,
                f"members of {struct} are assigned in {', '.join(sorted(names))} (at most {WRITERS} files)",
            )


def prototypes(header):
    """Returns the functions that a public header declares."""
    code = without_directives(blank(re.sub(r"extern \"C\" \{", "", header.read_text(encoding="utf-8"))))
    depth, start = 0, 0
    for match in re.finditer(r"[{};]", code):
        if match.group() == ";" and depth == 0:
            name = re.match(r"\s*(?!typedef)[\w\s*]*?\b(mg_\w+)\s*\(", code[start : match.start()])
            if name:
                yield name.group(1)
        depth = max(depth + {"{": 1, "}": -1}.get(match.group(), 0), 0)
        if depth == 0:
            start = match.end()


def check_public(root, files):
    """Checks that the functions of include/margin/X.h are all defined in one file X.c, in src/api or another
    folder."""
    defined = {}
    for path in files:
        for function, line, _, head in functions(without_directives(blank(path.read_text(encoding="utf-8")))):
            if path.suffix == ".c" and not re.search(r"\bstatic\b", head):
                defined[function] = (path, line)
    for header in sorted((root / "include/margin").glob("*.h*")):
        name = header.name.split(".")[0]
        homes = {defined[f][0] for f in prototypes(header) if f in defined}
        for function in prototypes(header):
            path, line = defined.get(function, (header, 1))
            if path.stem != name or path.suffix != ".c":
                yield path, line, f"{function} of margin/{name}.h is not defined in a file {name}.c"
            elif len(homes) > 1:
                yield path, line, f"the functions of margin/{name}.h are defined in several files"
            elif path.parent.name != "api" and (root / f"src/api/{name}.c").exists():
                yield path, line, f"{function} of margin/{name}.h is not defined in src/api/{name}.c"


def check_public_sizes(root):
    for path in sorted((root / "include/margin").glob("*.h")):
        for line, complaint in check_sizes(without_directives(blank(path.read_text(encoding="utf-8")))):
            yield path, line, complaint


def includes(files, source):
    """{module: the modules that it includes}. A module is X.h with X.c, without the ending."""
    found = {}
    for path in files:
        its = found.setdefault(path.relative_to(source).with_suffix("").as_posix(), set())
        for line in path.read_text(encoding="utf-8").split("\n"):
            include = INCLUDE.match(line)
            if include and include.group(1) == '"':
                its.add(re.sub(r"\.[ch]$", "", include.group(2)))
    return found


def check_circles(files, source):
    """Finds circles of more than two modules that include each other."""
    graph, reached = includes(files, source), {}
    for start in graph:
        seen, left = set(), [start]
        while left:
            new = graph.get(left.pop(), set()) - seen
            seen |= new
            left += new
        reached[start] = seen
    for module in sorted(graph):
        circle = sorted({other for other in reached[module] if module in reached.get(other, ())} | {module})
        if len(circle) > CIRCLE and module == circle[0]:
            path = next(p for p in files if p.relative_to(source).with_suffix("").as_posix() == module)
            yield path, 1, f"include circle of {len(circle)} modules: {', '.join(circle)} (at most {CIRCLE})"


def check_tests(root):
    """Finds tests that are too long or have parts that are, and tests that are not in the folder of the files
    that they test."""
    for path in sorted(p for p in (root / "tests").rglob("*") if p.suffix in (".c", ".h", ".py", ".sh")):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > TEST_LINES:
            yield path, lines, f"test of {lines} lines (at most {TEST_LINES})"
        if path.suffix in (".c", ".h"):
            for line, complaint in check_sizes(without_directives(blank(path.read_text(encoding="utf-8")))):
                yield path, line, complaint
        # shim.c is a library for LD_PRELOAD, not a test
        if path.parent.name == "tests" and path.name != "shim.c":
            yield path, 1, "a test belongs in the folder of what it tests (CONTRIBUTING.md)"


def check_columns(root):
    """Finds lines of Python and of scripts that are too long."""
    files = [path for folder in SCRIPTS for path in (root / folder).rglob("*")]
    for path in sorted(path for path in files if path.suffix in (".py", ".sh") or path == root / ".ci/run"):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if len(line) > COLUMNS:
                yield path, number, f"line of {len(line)} columns (at most {COLUMNS})"


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    source = root / "src"
    files = sorted(p for p in source.rglob("*") if p.suffix in (".c", ".h"))
    if not files:
        print(f"{source}: no sources found")
        return 1
    count = 0
    for path in files:
        for line, complaint in check_file(path, source):
            print(f"{path.relative_to(root)}:{line}: {complaint}")
            count += 1
    for path, line, complaint in [
        *check_public(root, files),
        *check_public_sizes(root),
        *check_circles(files, source),
        *check_writers(files),
        *check_tests(root),
        *check_columns(root),
    ]:
        print(f"{path.relative_to(root)}:{line}: {complaint}")
        count += 1
    print(f"{len(files)} files, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
