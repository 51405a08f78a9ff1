"""Every command block (sh, console) of the README and of docs runs as shown, on small files of the names in it. Blocks
that build margin are run by other tests and scripts."""
import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

runs.need_modules("numpy", "h5py")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# The first words of blocks that are not run here, and what runs them.
ELSEWHERE = {
    "scripts/quickstart.sh": "itself, and scripts/test.sh",
    "cmake --preset": "scripts/test.sh",
    "cc fit.c": "test_library",
    "cmake -B build-package": "scripts/release.sh",
    "cmake -B build-mpi": "scripts/test.sh",
    "mpirun -n": "test_mpi",
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


def save(path, rows, seed, text=False):
    draw = np.random.RandomState(seed)
    x = draw.rand(rows, 6).astype("f4")
    y = x[:, :3].argmax(1)
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = x, y
    return x, y


def save_cells(labels):
    """A file of Cell Ranger, which has genes by cells as CSC, and the labels of its cells."""
    counts = np.random.RandomState(7).poisson(1, (len(labels), 6)) + 3 * (np.arange(6) == np.asarray(labels)[:, None])
    cell, gene = np.nonzero(counts)
    barcodes = [f"CELL{i}-1" for i in range(len(labels))]
    with h5py.File("filtered_feature_bc_matrix.h5", "w") as file:
        matrix = file.create_group("matrix")
        matrix["data"], matrix["indices"] = counts[cell, gene].astype("i4"), gene.astype("i8")
        matrix["indptr"] = np.concatenate([[0], np.cumsum((counts > 0).sum(1))]).astype("i8")
        matrix["shape"] = np.array(counts.T.shape, "i4")
        matrix["barcodes"] = np.array(barcodes, "S")
        features = matrix.create_group("features")
        features["id"] = features["name"] = np.array([f"GENE{d}" for d in range(6)], "S")
        features["feature_type"] = np.array(["Gene Expression"] * 6, "S")
        features["genome"] = np.array(["GRCh38"] * 6, "S")
    with open("cell_types.csv", "w") as out:
        out.write("barcode,cell_type\n" + "".join(f"{name},type {y}\n" for name, y in zip(barcodes, labels)))


def prepare(work):
    """The files that the blocks name, in the directory `base`."""
    os.makedirs(work.at("base"))
    os.chdir(work.at("base"))
    for seed, name in enumerate(("train.h5", "test.h5", "validation.h5")):
        x, y = save(name, 300, seed)
    save_cells(y)
    with gzip.open("train.svm.gz", "wt") as out:
        for row, label in zip(x, y):
            out.write(f"{label} " + " ".join(f"{d + 1}:{value:.3f}" for d, value in enumerate(row)) + "\n")
    for name in ("config", "first", "a", "b"):
        Path(f"{name}.yaml").write_text("data: {train: train.h5, validation: validation.h5}\nmodel: {calibration: temperature}\n")
        subprocess.run([work.margin, "train", "-q", f"{name}.yaml"], check=True, capture_output=True)
    shutil.copytree(ROOT / "configs", "configs")
    os.mkdir("data")
    for name in ("train", "test"):
        with h5py.File(f"data/fashion_mnist_{name}.h5", "w") as file:
            file["X"] = np.random.RandomState(0).randint(0, 255, (500, 784)).astype("u1")
            file["y"] = np.arange(500) % 10
    shutil.copy("train.h5", "FILE")
    shutil.copy("runs/first/model.h5", "FILE")


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
    return subprocess.run(["bash", "-ec", text], input="1:1 2:0.5\n", capture_output=True, text=True, env=environment)


def masked(text):
    """Without what depends on the machine."""
    text = re.sub(r"^machine .*", "machine #", text, flags=re.M)
    return re.sub(r"\b\d[\d,.]*(e[+-]\d+)?( (s|B|kB|MB|GB))?", "#", text)


def check_console(place, block, environment):
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
        done = subprocess.run(["bash", "-c", command + " 2>&1"], capture_output=True, text=True, env=environment)
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
    for line in (line for line in block.splitlines() if line.strip() and not (line + " ").startswith(TOO_LONG)):
        if place.startswith(APART):
            begin_again(work)
        clear_outputs(line)
        done = shell(line, environment)
        if done.returncode:
            runs.fail(f"{place}: {line}: status {done.returncode}: {done.stderr}")


with runs.Work(sys.argv[1]) as work:
    os.makedirs(work.at("bin"))
    os.symlink(work.margin, work.at("bin/margin"))
    prepare(work)
    environment = {**os.environ, "PATH": f"{work.at('bin')}:{os.environ['PATH']}"}
    count = 0
    for place, kind, block in blocks():
        if any(block.startswith(words) for words in ELSEWHERE):
            continue
        begin_again(work)
        if kind == "console":
            check_console(place, block, environment)
        else:
            check_script(work, place, block, environment)
        count += 1
    if count < 7:
        runs.fail(f"only {count} blocks were found")
print(f"{count} blocks of commands run as shown")
