"""A report in headless Chromium: no error, no request, tables sort, charts become interactive, it fits a
telephone, follows the dark setting. With MARGIN_AXE=FILE (axe.min.js of the npm package axe-core) also
accessibility. Skipped without chromium."""
import base64
import json
import os
import re
import shutil
import sys

import runs

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
if not BROWSER:
    runs.skip("no chromium")

WATCH = """<script>
window.problems = [];
addEventListener("error", event => problems.push("error: " + event.message));
addEventListener("securitypolicyviolation", event => problems.push("request: " + event.blockedURI));
console.error = console.warn = text => problems.push("console: " + text);
// which of the drawn paths are lines with more than one beginning
const drawn = new Map();
for (const step of ["moveTo", "lineTo", "arc"]) {
  const real = Path2D.prototype[step];
  Path2D.prototype[step] = function (...at) {
    drawn.set(this, (drawn.get(this) || "") + step[0]);
    return real.apply(this, at);
  };
}
</script>"""

PROBE = """<script>
addEventListener("load", async () => {
  const found = {problems, requests: performance.getEntriesByType("resource").map(one => one.name),
                 charts: document.querySelectorAll(".uplot canvas").length,
                 wanted: document.querySelectorAll("figure[data-chart]").length,
                 hidden: document.querySelectorAll(".live svg").length,
                 wide: document.documentElement.scrollWidth - innerWidth,
                 broken: [...drawn.values()].filter(one => /ml+ml/.test(one)).length,
                 paper: getComputedStyle(document.body).backgroundColor};
  const table = [...document.querySelectorAll("#classes table.sortable, table.sortable")][0];
  const heads = [...table.tHead.rows[0].cells], column = heads.length - 1;
  const values = () => [...table.tBodies[0].rows].map(row => Number(row.cells[column].dataset.v));
  heads[column].querySelector("button").click();
  found.up = values(), found.said = heads[column].getAttribute("aria-sort");
  heads[column].querySelector("button").click();
  found.down = values();
  const over = document.querySelector(".u-over"), box = over.getBoundingClientRect();
  const at = {bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2};
  over.dispatchEvent(new MouseEvent("mouseenter", at));
  over.dispatchEvent(new MouseEvent("mousemove", at));
  await new Promise(done => setTimeout(done, 300));
  found.read = [...over.closest(".uplot").querySelectorAll(".u-value")].map(one => one.textContent);
  if (window.axe)
    found.axe = (await axe.run(document)).violations.map(one => one.id + ": " + one.nodes[0].html);
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
  document.body.append(out);
});
</script>"""


def probe(work, page, *options):
    """What the page looks like from inside after its scripts have run."""
    axe = os.environ.get("MARGIN_AXE")
    code = f"<script>{open(axe, encoding='utf-8').read()}</script>" if axe else ""
    text = open(page, encoding="utf-8").read()
    copy = work.at("probed.html")
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text.replace("<head>", "<head>" + WATCH, 1).replace("</body>", code + PROBE + "</body>"))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               f"--user-data-dir={work.at('profile')}",
               "--virtual-time-budget=20000", "--dump-dom", *options, "file://" + copy]
    done = runs.subprocess.run(command, capture_output=True, text=True, timeout=300)
    found = re.search(r'<pre id="found">([^<]*)', done.stdout)
    if not found:
        runs.fail(f"chromium {options}: {done.stderr[-500:]}")
    return json.loads(base64.b64decode(found[1]))


def check(what, true):
    if not true:
        runs.fail(what)


with runs.Work(sys.argv[1]) as work:
    work.data("train.h5", 300, 64, 4, False)
    runs.expect(work, 0, "train", "--quiet", "--set=data.train=train.h5", "--set=output.directory=run",
                "--set=data.validation=0.3",
                "--set=train.tolerance=1e-4", "--set=model.calibration=temperature")
    runs.expect(work, 0, "report", "run", "-o", "page.html")
    page = work.at("page.html")
    light = probe(work, page)
    check(f"problems: {light['problems']}", not light["problems"])
    check(f"requests: {light['requests']}", not light["requests"])
    check(f"charts: {light['charts']} of {light['wanted']}",
          3 <= light["charts"] == light["hidden"] <= light["wanted"])
    check(f"sorted: {light['up']}, {light['down']}", light["up"] == sorted(light["up"])
          and light["down"] == light["up"][::-1]
          and light["said"] == "ascending")
    check(f"values at the pointer: {light['read']}", len(light["read"]) == 3
          and all(float(value) > 0 for value in light["read"]))
    check(f"accessibility: {light.get('axe')}", not light.get("axe"))
    dark = probe(work, page, "--window-size=375,800", "--blink-settings=preferredColorScheme=0")
    check(f"too wide by {dark['wide']}", dark["wide"] <= 0)
    check(f"paper: {light['paper']}, dark {dark['paper']}", light["paper"] == "rgb(255, 255, 255)"
          and dark["paper"] == "rgb(21, 24, 27)")
    check(f"dark problems: {dark['problems']}", not dark["problems"])
    check(f"dark accessibility: {dark.get('axe')}", not dark.get("axe"))
    check(f"lines with a gap: {light['broken']}", light["broken"] == 0)
    runs.expect(work, 0, "path", "--quiet", "--C=0.001,1000", "--set=data.train=train.h5",
                "--set=output.directory=path", "--set=data.validation=0.3", "--set=train.tolerance=1e-5")
    runs.expect(work, 0, "report", "path", "-o", "path.html")
    path = probe(work, work.at("path.html"))
    check(f"problems of a path: {path['problems']}", not path["problems"])
    check(f"lines that end between the points of a path: {path['broken']}", path["broken"] > 0)
    runs.expect(work, 0, "cv", "--quiet", "--C=0.001,1000", "--folds=3", "--set=data.train=train.h5",
                "--set=output.directory=cv", "--set=train.tolerance=1e-2")
    runs.expect(work, 0, "report", "cv", "-o", "cv.html")
    runs.expect(work, 0, "report", "run", "path", "cv", "-o", "several.html")
    for name in "path", "cv", "several":
        for options in [], ["--window-size=375,800", "--blink-settings=preferredColorScheme=0"]:
            found = probe(work, work.at(name + ".html"), *options)
            wrong = {key: found.get(key) for key in ("problems", "requests", "axe") if found.get(key)}
            check(f"{name} {options}: {wrong}", not wrong and found["wide"] <= 0)
print("ok")
