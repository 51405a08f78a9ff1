# test_crash_states.py - power loss at every moment of a real run. The run's system calls are traced, every
# possible disk state between two calls is built, and each must contain what the run had reported as written.
#
#     test_crash_states.py MARGIN
#
# The model of the disk keeps what was synced and any part of the rest: for each directory, any of the names
# added, removed or changed since its last fsync; for each file, all, nothing, a half, or zeros in place of
# what was written since its last fsync. As a check of the test itself, sync calls are then removed from the
# trace: the test must find states that break the promise.
import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, read, skip, steps_of, without_leak_check

CALLS = ("openat,creat,write,pwrite64,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,"
         "fsync,fdatasync")
TRAIN = ["train", "run.yaml", "--set", "output.directory=runs/a"]
CONFIG = """
data: {{train: train.h5, validation: 0.2}}
model: {{lambda: 0.01}}
train: {{solver: sgd, epochs: {epochs}, batch: 4, threads: 2}}
sgd: {{eta: 0.05, update: adagrad, rate: constant, average: true}}
checkpoint: {{every_steps: {every}, every_seconds: 0, keep: 2}}
"""

# ---- the trace -----------------------------------------------------------------------------------


def record(work):
    """Returns the strace output of a whole run, and of its resumption, which writes the last checkpoint and
    the model again."""
    # Removes the last line, so that the run is not finished. A crash can do this too, because metrics.jsonl
    # is not synced.
    shorten = 'm=runs/a/metrics.jsonl; truncate -s $(($(wc -c <$m) - $(tail -n 1 $m | wc -c))) $m'
    script = f'"$0" {" ".join(TRAIN)} --overwrite && {shorten} && "$0" {" ".join(TRAIN)} --resume'
    traced = ["strace", "-f", "-qq", "-y", "-xx", "-s", "100000000", "-e", "trace=" + CALLS,
              "-e", "signal=none", "-o", work.at("trace")]
    try:
        probe = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    except FileNotFoundError:
        skip("strace is not installed")
    if probe.returncode:
        skip(f"processes may not be traced here: {probe.stderr.strip()}")
    done = subprocess.run([*traced, "sh", "-c", script, work.margin], cwd=work.path, env=without_leak_check(),
                          capture_output=True, text=True)
    if done.returncode:
        fail(f"the traced run: exit {done.returncode}: {done.stderr}")
    begun = {}
    for line in open(work.at("trace")):
        process, text = line.rstrip("\n").split(None, 1)
        if text.endswith("<unfinished ...>"):
            begun[process] = text[: -len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
        yield begun.pop(process) + resumed[1] if resumed else text


def plain(text):
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def operations(work, lines):
    """Returns, in order, what the calls did to files below runs/ and what the program reported."""
    below = work.at("") + "runs"
    places = {}  # write position of each descriptor that does not append
    for text in lines:
        call = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text)
        if not call or int(call[3]) < 0:
            continue
        name, arguments, result = call[1], call[2], int(call[3])
        strings = [plain(s) for s in re.findall(r'"([^"]*)"', arguments)]
        target = re.match(r"\d+<([^>]*)>", arguments)
        path = plain(target[1]).decode() if target else ""
        if name == "write" and arguments.startswith("1<"):
            if re.search(rb"^model +\S", strings[0], re.M):
                yield ("said", "model")
            continue
        if name in ("openat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat"):
            # A name is relative to the directory whose descriptor comes before it; strace shows that
            # directory's path.
            named = re.findall(r'(?:(\d+)<([^>]*)>, |AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"', arguments)
            folders = [plain(folder).decode() if descriptor else work.path for descriptor, folder, _ in named]
            paths = [os.path.normpath(os.path.join(folder, s.decode()))
                     for folder, s in zip(folders, strings)]
            if not all(p.startswith(below) for p in paths):
                continue
            if name == "openat" and "O_CREAT" in arguments:
                places[paths[0]] = None if "O_APPEND" in arguments else 0
                yield ("open", paths[0], "O_TRUNC" in arguments)
            elif name != "openat":
                yield (re.match("rename|unlink|mkdir", name)[0], *paths)
            continue
        if not path.startswith(below):
            continue
        if name in ("fsync", "fdatasync"):
            yield ("fsync", path)
        elif name == "ftruncate":
            yield ("truncate", path, int(arguments.rsplit(",", 1)[1]))
        elif name in ("write", "pwrite64"):
            data = strings[0][:result]
            at = int(arguments.rsplit(",", 1)[1]) if name == "pwrite64" else places[path]
            yield ("write", path, at, data)
            if name == "write" and at is not None:
                places[path] += len(data)
            if path.endswith("metrics.jsonl"):
                for step in re.findall(rb'"event": "checkpoint", "step": (\d+)', data):
                    yield ("said", int(step))


# ---- the disk ------------------------------------------------------------------------------------


class Disk:
    """Directories and files as lists of changes; the first `synced` changes are on disk."""

    def __init__(self, root):
        self.root = root
        self.changes = {root: []}  # of a directory: (name, its node or None); grouped if they are one step
        self.synced = {root: 0}
        self.names = {root: root}  # path -> node, as the running program sees it
        self.content = {}  # cache of bytes_of

    def make(self, node, path):
        self.changes[node] = []
        self.synced[node] = 0
        self.link([(path, node)])

    def link(self, pairs):
        change = [(os.path.basename(p), node) for p, node in pairs]
        self.changes[self.names[os.path.dirname(pairs[0][0])]].append(change)
        for path, node in pairs:
            self.names[path] = node
            if node is None:
                del self.names[path]

    def apply(self, operation, number):
        kind, path, *rest = operation
        if kind == "mkdir":
            self.make(("directory", number), path)
        elif kind == "open":
            if path not in self.names:
                self.make(("file", number), path)
            elif rest[0]:
                self.changes[self.names[path]].append(("truncate", 0))
        elif kind == "write":
            self.changes[self.names[path]].append(("write", *rest))
        elif kind == "truncate":
            self.changes[self.names[path]].append(("truncate", *rest))
        elif kind == "rename":
            if os.path.dirname(path) != os.path.dirname(rest[0]):
                fail(f"{path} is renamed into another directory, which this test does not support")
            self.link([(path, None), (rest[0], self.names[path])])
        elif kind == "unlink":
            self.link([(path, None)])
        elif kind == "fsync":
            node = self.names[path]
            self.synced[node] = len(self.changes[node])

    def bytes_of(self, node, kept, how):
        key = (node, len(self.changes[node]), kept, how)
        if key not in self.content:
            self.content[key] = self.build(node, kept, how)
        return self.content[key]

    def build(self, node, kept, how):
        out = bytearray()
        for i, (kind, *what) in enumerate(self.changes[node]):
            late = i >= kept
            if late and how == "nothing":
                break
            if kind == "truncate":
                out = out[: what[0]].ljust(what[0], b"\0")
                continue
            at, data = what
            at = len(out) if at is None else at
            if late and how == "half":
                data = data[: len(data) // 2]
            if late and how == "zeros":
                data = bytes(len(data))
            out = out.ljust(at, b"\0")
            out[at : at + len(data)] = data
        return bytes(out)

    def tree(self, lost, how):
        """Returns {path: bytes} for the case that directory lost[0] lost the changes lost[1], and that each
        file lost what how(node) says."""
        out = {}
        stack = [(self.root, "")]
        while stack:
            node, path = stack.pop()
            names = {}
            for i, change in enumerate(self.changes[node]):
                if (i < self.synced[node] or lost == "all"
                    or (lost and lost != "none" and (node != lost[0] or i not in lost[1]))):
                    names.update(change)
            for name, child in names.items():
                if child and child[0] == "directory":
                    stack.append((child, f"{path}/{name}"))
                elif child:
                    out[f"{path}/{name}"] = self.bytes_of(child, self.synced[child], how(child))
        return out

    def losses(self):
        """The ways in which names can be lost: none, all, and every combination within one directory while
        the others lose nothing. If there are many (which happens only without syncs): the last ones, and any
        single one."""
        yield "all"  # all changes are on disk
        yield "none"
        for node in self.changes:
            if node == self.root or node[0] == "directory":
                late = range(self.synced[node], len(self.changes[node]))
                several = range(1, len(late) + 1) if len(late) <= 6 else (1,)
                for count in several:
                    yield from ((node, set(some)) for some in itertools.combinations(late, count))
                if len(late) > 6:
                    yield from ((node, set(late[first:])) for first in range(len(late)))

    def states(self):
        late = [n for n in self.changes if n != self.root and n[0] == "file"
                and self.synced[n] < len(self.changes[n])]
        ways = [lambda n: "all", lambda n: "nothing"]
        for one in late:
            for how in ("nothing", "half", "zeros"):
                ways.append(lambda n, one=one, how=how: how if n == one else "all")
            ways.append(lambda n, one=one: "all" if n == one else "nothing")
        for lost in self.losses():
            for way in ways:
                yield self.tree(lost, way)


# ---- the judgement -------------------------------------------------------------------------------


class Judge:
    def __init__(self, work, reference):
        self.work, self.reference = work, reference
        self.verdicts, self.resumed = {}, set()
        self.states = 0

    def whole(self, data):
        if data not in self.verdicts:
            path = self.work.at("candidate.h5")
            with open(path, "wb") as out:
                out.write(data)
            self.verdicts[data] = self.work.whole(path)
        return self.verdicts[data]

    def complaint(self, tree, reported, model_said):
        """Returns why this state breaks the promise, or None."""
        self.states += 1
        newest = -1
        for path, data in tree.items():
            step = re.fullmatch(r"/a/checkpoints/step-(\d{12})\.h5", path)
            if (step or path == "/a/model.h5") and not self.whole(data):
                return f"{path} is torn"
            newest = max(newest, int(step[1]) if step else -1)
        if newest < reported:
            return f"the newest checkpoint is of step {newest}, one of step {reported} was reported"
        if model_said and tree.get("/a/model.h5") != self.reference:
            return "the model the run told of is not there"
        return None

    def resume(self, tree):
        """Resumes the run from this state, which must give the same model. States that differ only in metrics
        are tried once."""
        key = frozenset((p, d) for p, d in tree.items() if not p.endswith("metrics.jsonl"))
        if key in self.resumed:
            return
        self.resumed.add(key)
        self.work_on(tree)
        done = self.work.run(*TRAIN, "--resume", "--quiet", "--set", "output.directory=again/a")
        if done.returncode or read(self.work.at("again/a/model.h5")) != self.reference:
            fail(f"resumed from {sorted(tree)}: exit {done.returncode}: {done.stderr}")
        left = [n for _, _, names in os.walk(self.work.at("again")) for n in names if n.endswith(".tmp")
                or n == "lock"]
        if left:
            fail(f"resumed from {sorted(tree)}, {left} remain")

    def work_on(self, tree):
        subprocess.run(["rm", "-rf", self.work.at("again")], check=True)
        for path, data in tree.items():
            to = self.work.at("again") + path
            os.makedirs(os.path.dirname(to), exist_ok=True)
            with open(to, "wb") as out:
                out.write(data)


def explore(work, trace, judge, go_on, enough=10):
    """Returns complaints about states of the trace; stops when there are enough."""
    disk, reported, model_said, complaints = Disk(work.at("runs")), -1, False, []
    for number, operation in enumerate(trace):
        if operation[0] == "said":
            model_said |= operation[1] == "model"
            reported = reported if operation[1] == "model" else max(reported, operation[1])
        else:
            disk.apply(operation, number)
        for tree in disk.states():
            if len(complaints) == enough:
                return complaints
            why = judge.complaint(tree, reported, model_said)
            if why:
                complaints.append(f"after call {number} {operation[:2]}: {why}")
            elif go_on:
                judge.resume(tree)
    return complaints


def long_enough(work):
    """Returns a trace in which checkpoints are written, replaced and deleted. Their number depends on the
    speed of the writing thread, so runs become longer until it suffices."""
    for doubled in range(6):
        shutil.rmtree(work.at("runs/a"), ignore_errors=True)
        with open(work.at("run.yaml"), "w") as out:
            out.write(CONFIG.format(epochs=8 << doubled, every=300 << doubled))
        trace = list(operations(work, record(work)))
        last = steps_of(work.at("runs/a"))[0]
        named = [o[2] for o in trace if o[0] == "rename" and "/checkpoints/" in o[2]]
        pruned = [o for o in trace if o[0] == "unlink" and o[1] in named]
        if ("said", last) not in trace or sum(o == ("said", "model") for o in trace) != 2:
            fail("the run did not report its last checkpoint once and its model twice")
        if len(set(named)) >= 3 and len(named) > len(set(named)) and pruned:
            return trace
    fail(f"the run did not write, replace and delete checkpoints: {named}, deleted {pruned}")


def main():
    with Work(sys.argv[1]) as work:
        os.mkdir(work.at("runs"))
        work.data("train.h5", 1500, 6, 3, sparse=False)
        trace = long_enough(work)
        judge = Judge(work, read(work.at("runs/a/model.h5")))
        complaints = explore(work, trace, judge, go_on=True)
        if complaints:
            fail("\n".join(complaints))
        print(f"{len(trace)} calls, {judge.states} states, {len(judge.resumed)} of them different and"
              " resumed to the same model")

        def unsynced(drop):
            return [o for o in trace if not (o[0] == "fsync" and drop(os.path.basename(o[1])))]

        for what, drop in {"any fsync": lambda n: True, "fsync of files": lambda n: n.endswith(".tmp"),
                           "fsync of checkpoints/": lambda n: n == "checkpoints",
                           "fsync of the run's directory": lambda n: n == "a",
                           "fsync of the directory above": lambda n: n == "runs"}.items():
            found = explore(work, unsynced(drop), judge, go_on=False)
            if not found:
                fail(f"without {what} no state was found that breaks the promise: this test proves nothing")
            print(f"without {what} states break the promise, the first {found[0]}")


main()
