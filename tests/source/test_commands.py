"""Every command block (sh, console) of the README and of docs runs as shown, on small files of the names in
it. Blocks that build margin are run by other tests and scripts."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import command_files
import runs
from command_files import ROOT

# The first words of blocks that are not run here, and what runs them.
ELSEWHERE = {
    "scripts/quickstart.sh": "test_quickstart",
    "cmake --preset": "scripts/test.sh",
    "cc fit.c": "test_library",
    "cmake -B build-package": "scripts/release.sh",
    "cmake -B build-mpi": "scripts/test.sh",
    "mpirun ": "test_mpi",
}
PAGES_ELSEWHERE = ["docs/ways.md"]  # test_ways runs its blocks and checks the answers
APART = "README.md"  # its commands are independent of each other
TOO_LONG = "margin bench "  # a minute; cli_bench runs it with few rows


def blocks():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if str(page.relative_to(ROOT)) in PAGES_ELSEWHERE:
            continue
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(sh|bash|console)\n(.*?)^```", text, re.S | re.M):
            line = text[: match.start()].count("\n") + 1
            yield f"{page.relative_to(ROOT)}:{line}", match[1], match[2]


def check_fences():
    """No command stands in a page without a fence, where this test would not see it."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
        for line in re.findall(r"^    (?:margin (?!convert: |convert \[)|cmake |mpirun ).*", text, re.M):
            runs.fail(f"{page.relative_to(ROOT)}: a command without a fence: {line}")


def clear_outputs(block):
    """Removes what the commands of a block are going to write."""
    for line in block.splitlines():
        words = line.split("#")[0].split()
        files = [word for word in words if word.endswith(".h5")]
        if words[:2] == ["margin", "convert"] and os.path.exists(files[-1]):
            os.remove(files[-1])
        for word in words:
            if word.startswith("output.directory="):
                shutil.rmtree(word.split("=")[1], ignore_errors=True)
            elif words[:2] == ["margin", "train"] and word.endswith(".yaml"):
                shutil.rmtree(f"runs/{Path(word).stem}", ignore_errors=True)


def shell(text, environment):
    return subprocess.run(["bash", "-ec", text], input="1:1 2:0.5\n", capture_output=True, text=True,
                          env=environment)


def masked(text):
    """Without what depends on the machine."""
    text = re.sub(r"^machine .*", "machine #", text, flags=re.M)
    return re.sub(r"\b\d[\d,.]*(e[+-]\d+)?( (s|B|kB|MB|GB))?", "#", text)


def check_console(place, block, environment):
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
        done = subprocess.run(["bash", "-c", command + " 2>&1"], capture_output=True, text=True,
                              env=environment)
        printed = re.sub(r"^Try `.*\n(information\.\n)?", "", done.stdout, flags=re.M)
        if masked(printed) != masked(shown):
            runs.fail(f"{place}: $ {command}: printed\n{printed}not\n{shown}")


def begin_again(work):
    """Makes a new directory `here` with all files, and enters it."""
    os.chdir(work.path)
    shutil.rmtree("here", ignore_errors=True)
    shutil.copytree("base", "here")
    os.chdir("here")


def check_script(work, place, block, environment):
    for line in (line for line in block.splitlines() if line.strip()
                 and not (line + " ").startswith(TOO_LONG)):
        if place.startswith(APART):
            begin_again(work)
        clear_outputs(line)
        done = shell(line, environment)
        if done.returncode:
            runs.fail(f"{place}: {line}: status {done.returncode}: {done.stderr}")


with runs.Work(sys.argv[1]) as work:
    os.makedirs(work.at("bin"))
    os.symlink(work.margin, work.at("bin/margin"))
    os.makedirs(work.at("base"))
    os.chdir(work.at("base"))
    command_files.prepare(work.margin)
    environment = {**os.environ, "PATH": f"{work.at('bin')}:{os.environ['PATH']}"}
    check_fences()
    count = 0
    for place, kind, block in blocks():
        if any(block.startswith(words) for words in ELSEWHERE):
            continue
        begin_again(work)
        if "--text text" in block:  # the table of texts, which has the name of the one with numbers
            shutil.copytree("texts", ".", dirs_exist_ok=True)
        if kind == "console":
            check_console(place, block, environment)
        else:
            check_script(work, place, block, environment)
        count += 1
    if count < 20:
        runs.fail(f"only {count} blocks were found")
print(f"{count} blocks of commands run as shown")
