# check_flags.py - every command line that compiles margin has the options that keep the bits the same, and no
# option that changes bits.
#
#     check_flags.py BUILD PROGRAM
#
# Also checks that no atomic in src/ is floating-point, and that the program has no start-up code that flushes
# denormals.
import json
import os
import re
import shlex
import subprocess
import sys

LOOSE = re.compile(r"-(Ofast|ffast-math|funsafe-math-optimizations|fassociative-math|freciprocal-math|"
                   r"ffinite-math-only|fno-signed-zeros|"
                   r"ffp-contract=(on|fast).*|f+p-model=.*|mrecip.*|mdaz-ftz|fsingle-precision-constant|"
                   r"fexcess-precision=fast|mfpmath=387)$")
ATOMIC = re.compile(r"_Atomic\s*\(?\s*(float|double)|atomic_\w+\s*\(\s*\(\s*(float|double)")


def commands(build):
    with open(os.path.join(build, "compile_commands.json")) as file:
        for entry in json.load(file):
            yield entry["file"], shlex.split(entry["command"]) if "command" in entry else entry["arguments"]


def complaints_of_flags(build):
    count = 0
    for file, words in commands(build):
        count += 1
        contract = [w for w in words if w.startswith("-ffp-contract")]
        if not contract or contract[-1] != "-ffp-contract=off":
            yield f"{file}: compiled without -ffp-contract=off"
        yield from (f"{file}: compiled with {w}" for w in words if LOOSE.match(w))
    if count < 100:
        yield f"{build}: compile_commands.json lists {count} files only"


def complaints_of_source(root):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            text = open(path, encoding="utf-8").read().replace("\\\n", " ")
            yield from (f"{path}: an atomic float, whose order of adding is open: {match[0]}"
                        for match in ATOMIC.finditer(text))


def complaints_of_program(program):
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    if re.search(r"\bset_fast_math\b", symbols):
        yield f"{program}: is linked with crtfastmath.o, which flushes denormals"
    if not re.search(r"\bmain\b", symbols):
        yield f"{program}: has no symbols, so that nothing can be said of it"


def main():
    build, program = sys.argv[1:3]
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")
    found = [*complaints_of_flags(build), *complaints_of_source(source), *complaints_of_program(program)]
    print("\n".join(found) or f"{sum(1 for _ in commands(build))} command lines and the source are as they"
                              " must be")
    sys.exit(bool(found))


main()
