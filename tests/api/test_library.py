#!/usr/bin/env python3
"""The installed library: which functions it exports, and whether the example of docs/library.md can be built
with the CMake package, with pkg-config and with the static library, outside of the source.

    test_library.py PATH/TO/margin
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(sys.argv[1]).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))
import check_layers  # noqa: E402


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_exports(library):
    """The library exports exactly the functions of include/margin, whatever it was linked with."""
    public = {name for header in (ROOT / "include/margin").glob("*.h*")
              for name in check_layers.prototypes(header)}
    table = run("nm", "-D", "--defined-only", library).split("\n")
    exported = {re.sub("@.*", "", line.split()[2]) for line in table if line and " A " not in line}
    assert len(public) > 40, public
    assert exported == public, f"only exported: {exported - public}; only in headers: {public - exported}"


def check_documented():
    """docs/library.md contains the whole example and its output."""
    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", text, re.S)
    example = (ROOT / "docs/example/fit.c").read_text(encoding="utf-8")
    assert ("c", example) in blocks, "docs/library.md: not docs/example/fit.c"
    assert ("cmake", (ROOT / "docs/example/CMakeLists.txt").read_text(encoding="utf-8")) in blocks
    return [body for kind, body in blocks if kind == "text"][0]


def check_example(program, wanted, environment):
    found = run(program, env=environment)
    assert found == wanted, f"{program}: printed\n{found}not\n{wanted}"


def main():
    if not (BUILD / "libmargin.so.0").exists():
        print("this build has no shared library")
        sys.exit(77)
    check_exports(BUILD / "libmargin.so.0")
    wanted = check_documented()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        run("cmake", "--install", BUILD, "--prefix", there / "first")
        (there / "first").rename(there / "moved")  # an installation can be moved
        prefix = there / "moved"
        library = next(prefix.rglob("libmargin.so.0")).parent
        assert (library / "libmargin.so").resolve().name == (library / "libmargin.so.0").resolve().name
        shutil.copytree(ROOT / "docs/example", there / "examples")
        installed = dict(os.environ, LD_LIBRARY_PATH=str(library), PKG_CONFIG_PATH=str(library / "pkgconfig"))
        compiler = os.environ.get("CC", "cc")

        run("cmake", "-S", there / "examples", "-B", there / "cmake", f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_C_COMPILER={compiler}")
        run("cmake", "--build", there / "cmake")
        plain = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
        check_example(there / "cmake/fit", wanted, plain)

        source = there / "examples/fit.c"
        flags = run("pkg-config", "--cflags", "--libs", "margin", env=installed).split()
        assert "-lhdf5" not in " ".join(flags), flags
        run(compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", source, "-o", there / "shared", *flags)
        check_example(there / "shared", wanted, installed)

        flags = run("pkg-config", "--static", "--cflags", "--libs", "margin", env=installed).split()
        flags = [str(library / "libmargin.a") if flag == "-lmargin" else flag for flag in flags]
        run(compiler, "-std=c11", source, "-o", there / "static", *flags)
        check_example(there / "static", wanted, plain)
        assert run("pkg-config", "--modversion", "margin", env=installed).strip() == run(
            prefix / "bin/margin", "--version").split()[1]


if __name__ == "__main__":
    main()
