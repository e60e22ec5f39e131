"""The documentation as a site: `make docs`. Commands and functions are read from the code."""

from __future__ import annotations

import sys
from pathlib import Path

import typer.main
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.application import Sphinx
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flowsim import cli  # noqa: E402
from flowsim.version import __version__  # noqa: E402

project, author, release = "flowsim", "The flowsim authors", __version__
project_copyright = "The flowsim authors; data of others, see LICENSE-data"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
highlight_language = "none"
html_theme = "furo"
html_title = f"flowsim {release}"
html_copy_source = False
autodoc_typehints = "none"  # the docstrings say types, shapes and units
autodoc_class_signature = "separated"
napoleon_use_rtype = False


PAGES = {
    "flowsim/data/README": "data",
    "CONTRIBUTING": "contributing",
    "CHANGELOG": "changelog",
    "README": "index",
}
"""Pages that show files beside this folder, by how links to them end; the first that fits."""


class Commands(Directive):
    """Put the help of every command into a section of its own."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        sections = []
        for name in typer.main.get_command(cli.app).commands:
            title = f"flowsim {name}"
            section = nodes.section(ids=[nodes.make_id(title)], names=[title])
            shown = CliRunner().invoke(cli.app, [name, "--help"], terminal_width=78).output.strip()
            section += [nodes.title(text=title), nodes.literal_block(text=shown, language="text")]
            sections.append(section)
        return sections


def find_pages(_app: Sphinx, doctree: nodes.document) -> None:
    """Lead links to files beside this folder to the pages that show them."""
    for link in doctree.findall(addnodes.pending_xref):
        name = link["reftarget"].partition("#")[0].removesuffix(".md")
        for end, page in PAGES.items():
            if name.endswith(end):
                link["refdomain"], link["reftarget"], link["reftargetid"] = "doc", page, None
                break


def setup(app: Sphinx) -> None:
    """Add what is made while the site is built."""
    app.add_directive("commands", Commands)
    app.connect("doctree-read", find_pages)
