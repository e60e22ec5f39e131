"""Make docs/explore.html from the shipped sweep, and say in docs/explore.md what leads to a queue.

    python docs/make_explore.py [FOLDER]

Runs the sweep `explore` on few men, or takes a finished FOLDER of it; then the page, the boxes of
`flowsim discover` at the threshold of the sweep's own figure, and, where playwright is installed,
the screenshots. An interrupted sweep goes on where it stopped.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from textwrap import wrap

from flowsim.findings import sweep
from flowsim.findings.finding import Table
from flowsim.findings.words import plural, sampled
from flowsim.report.explorer import write
from flowsim.results.opening import open_sweep
from flowsim.results.sweep import SweepResults
from flowsim.sweep import run_sweep
from flowsim.sweep.boxes import discover
from flowsim.sweep.file import read_sweep

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "explore.html"
FOLDER = Path("results", "explore-small")
SAMPLE, REPLICATIONS = 0.005, 4
BLOCK = re.compile(r"(<!-- boxes -->\n).*?(<!-- end -->)", re.DOTALL)
SHOTS = {"explore": (1300, 1000, "light"), "explore-phone": (390, 844, "dark")}


def told(swept: SweepResults) -> str:
    """Return what leads to a long queue: sentences, and a table of the boxes on the way."""
    [figure] = [one for one in read_sweep("explore").figures if one.kind == "boxes"]
    found = discover(swept, figure.output, above=figure.threshold)
    says = sweep.leading_to(swept, found, above=figure.threshold)
    command = f"flowsim discover {FOLDER} --output {figure.output} --above {figure.threshold:g}"
    often = plural(swept.manifest["replications"], "replication")
    runs = f"{plural(found.points, 'point')}, {often} each, {sampled(swept.manifest['sample'])}."
    says_all = " ".join((*says.sentences, f"({runs})"))
    lines = ["```", command, "```", "", *wrap(says_all, 105), "", *map(_table, says.tables)]
    return "\n".join(lines) + "\n\n"


def _table(table: Table) -> str:
    rows = [table.header, ["---:"] * len(table.header), *table.rows]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def draw() -> None:
    """Take screenshots of the page, wide and on a phone."""
    from playwright.sync_api import sync_playwright

    own = which("chromium") or which("google-chrome")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=own, args=["--no-sandbox"])
        for name, (width, height, scheme) in SHOTS.items():
            size = {"width": width, "height": height}
            tab = browser.new_page(viewport=size, color_scheme=scheme)
            tab.goto(PAGE.as_uri())
            tab.get_by_label("closed from 28 September").check()
            tab.wait_for_timeout(1000)  # sentences wait until the slider rests
            tab.screenshot(path=str(DOCS / "images" / f"{name}.png"))


def main() -> None:
    """Make all of it."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    if not sys.argv[1:]:
        run_sweep("explore", folder, sample=SAMPLE, replications=REPLICATIONS)
    write(folder, PAGE)
    text = (DOCS / "explore.md").read_text(encoding="utf-8")
    block = told(open_sweep(folder))
    text = BLOCK.sub(lambda found: found[1] + block + found[2], text)
    (DOCS / "explore.md").write_text(text, encoding="utf-8")
    if find_spec("playwright"):
        draw()


if __name__ == "__main__":
    main()
