"""Write a report as one HTML file that loads nothing; its one script lets figures be saved."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from flowsim.report.document import Document, as_data, pictures, said

TEMPLATE, SCRIPT = "report.html.j2", "report.js"


def render(document: Document) -> bytes:
    """Return the page as UTF-8; the same document gives the same bytes.

    Every text is escaped by the template engine; pictures and files are data URIs.
    """
    data = as_data(document)
    images = {name: b64encode(svg).decode() for name, svg in pictures(document).items()}
    page = _environment().get_template(TEMPLATE)
    return page.render(data, images=images, css=_style(), **script(SCRIPT)).encode()


def template(name: str) -> str:
    """Return the text of a file that comes with this package."""
    return files("flowsim.report").joinpath("templates", name).read_text(encoding="utf-8")


def script(name: str) -> dict[str, Markup]:
    """Return a script that comes with this package, and the hash by which a page allows it."""
    text = template(name)
    allowed = b64encode(sha256(text.encode()).digest()).decode()
    return {"script": Markup(text), "script_hash": Markup(allowed)}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=DictLoader({TEMPLATE: template(TEMPLATE)}),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    made.globals["said"] = said
    made.filters["breakable"] = _breakable
    made.filters["base64"] = lambda text: b64encode(text.encode()).decode()
    return made


def _breakable(text: Markup) -> Markup:
    """Let a long dotted key break after a dot or a low line; links stay as they are."""
    if "<" in text:
        return text
    return Markup(str(text).replace("_", "_<wbr>").replace(".", ".<wbr>"))  # escaped before


def _style() -> Markup:
    """Return the style sheet, which is ours and must not be escaped."""
    return Markup(template("report.css").strip())
