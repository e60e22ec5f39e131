"""Write a report as HTML, as PDF or as a Word file; the same document gives the same bytes.

The HTML file loads nothing; its one script lets figures be saved. Every text is escaped by the
template engine; pictures and files are data URIs. PDF is made by typst, whose compiler and fonts
come in its wheel. The texts travel as data, never as markup: a title ``#read("/etc/passwd")`` is
printed as it stands. Nothing is fetched, and no font of the machine is used.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from zipfile import ZipFile, ZipInfo

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from flowsim.errors import MachineError
from flowsim.report.document import Document, as_data, pictures, said

TEMPLATE, SCRIPT = "report.html.j2", "report.js"
ACCESSIBLE = "ua-1"
LONG = re.compile(r"\S{31,}")
BREAK = "\u200b"
WIDTH, HEIGHT, DOTS = 165, 120, 200  # of a picture, at most: millimetres; and dots an inch
DRAWING = '#set page(width: {}mm, height: auto, margin: 0mm)\n#image("drawing.svg", width: 100%)'
MARKED, LINK = "FFF5DA", "00548F"


# -- HTML


def html(document: Document) -> bytes:
    """Return the page as UTF-8."""
    images = {name: b64encode(svg).decode() for name, svg in pictures(document).items()}
    made = environment(TEMPLATE)
    made.globals["said"] = said
    made.filters["breakable"] = _breakable
    made.filters["base64"] = lambda text: b64encode(text.encode()).decode()
    style = Markup(template("report.css").strip())  # ours, not to be escaped
    page = made.get_template(TEMPLATE)
    return page.render(as_data(document), images=images, css=style, **script(SCRIPT)).encode()


def template(name: str) -> str:
    """Return the text of a file that comes with this package."""
    return files("flowsim.report").joinpath("templates", name).read_text(encoding="utf-8")


def script(name: str) -> dict[str, Markup]:
    """Return a script that comes with this package, and the hash by which a page allows it."""
    text = template(name)
    allowed = b64encode(sha256(text.encode()).digest()).decode()
    return {"script": Markup(text), "script_hash": Markup(allowed)}


@cache
def environment(name: str) -> Environment:
    """Return what makes pages of a template that comes with this package."""
    return Environment(
        loader=DictLoader({name: template(name)}),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def _breakable(text: Markup) -> Markup:
    """Let a long dotted key break after a dot or a low line; links stay as they are."""
    if "<" in text:
        return text
    return Markup(str(text).replace("_", "_<wbr>").replace(".", ".<wbr>"))  # escaped before


# -- PDF


def pdf(document: Document) -> bytes:
    """Return the PDF: tagged, with title, language and alt texts.

    It meets PDF/UA-1, unless a text holds letters that none of the fonts has.

    Raises
    ------
    MachineError
        If typst cannot make it.
    """
    if find_spec("typst") is None:
        raise MachineError("a PDF needs typst, which is not installed; write a .html instead")
    import typst

    sources = sources_of(document)
    failure: Exception | None = None
    for standards in ([ACCESSIBLE], []):
        try:
            return _compiled(sources, format="pdf", pdf_standards=standards)
        except typst.TypstError as reason:
            failure = reason
    raise MachineError(f"the PDF cannot be made ({failure}); write it as report.html instead")


def _compiled(sources: dict[str, bytes], **options: Any) -> bytes:
    """Let typst make a file of sources, with no font of the machine.

    It gets those of matplotlib, whose DejaVu Sans has letters that typst's own fonts lack.
    """
    import typst

    found = find_spec("matplotlib")
    places = found.submodule_search_locations if found else None
    fonts = [Path(place, "mpl-data", "fonts", "ttf") for place in places or ()]
    make: Any = typst.compile  # its types leave out a mapping of files, which it takes
    return bytes(make(sources, font_paths=fonts, ignore_system_fonts=True, **options))


def sources_of(document: Document) -> dict[str, bytes]:
    """Return the files that typst reads: the template, the texts as data, the pictures."""
    data = json.dumps(_broken(as_data(document)), ensure_ascii=False)
    drawn = {f"{name}.svg": svg for name, svg in pictures(document).items()}
    return {"main.typ": template("report.typ").encode(), "data.json": data.encode(), **drawn}


def _broken(data: Any) -> Any:
    """Let words that are too long for a line break, as browsers do; never in commands or files.

    They get zero-width spaces after low lines and dots, and where a line would be full.
    """
    if isinstance(data, dict):
        kept = ("lines", "attachments", "url", "name")
        return {k: v if k in kept else _broken(v) for k, v in data.items()}
    if isinstance(data, list):
        return [_broken(part) for part in data]
    if not isinstance(data, str):
        return data
    return LONG.sub(lambda word: re.sub(r"[_.]|[^_.]{64}(?=.)", rf"\g<0>{BREAK}", word[0]), data)


# -- Word, for those who must edit it


def word(document: Document) -> bytes:
    """Return the file.

    Raises
    ------
    MachineError
        If python-docx is not installed.
    """
    if find_spec("docx") is None:
        raise MachineError(
            "a Word file needs python-docx: pip install 'border-flowsim[word]'; or write .html or "
            ".pdf instead"
        )
    import docx
    from docx.shared import Mm

    data, file = as_data(document), cast("Any", docx.Document())
    made = file.core_properties
    made.title, made.author, made.comments = data["title"], "flowsim", ""
    made.language = data["language"]
    for sheet in file.sections:
        sheet.left_margin = sheet.right_margin = Mm((210 - WIDTH) / 2)
        sheet.page_width, sheet.page_height = Mm(210), Mm(297)
    file.add_paragraph(data["subtitle"], style="Subtitle")
    file.add_heading(data["title"], 0)
    file.add_paragraph(" · ".join(f"{name}: {value}" for name, value in data["facts"]))
    blocks = _Blocks(file, pictures(document))
    for section in data["sections"]:
        heading = file.add_heading(section["title"], 1)
        heading.paragraph_format.page_break_before = section["key"] == "appendix"
        for block in section["blocks"]:
            getattr(blocks, block["kind"])(block)
    content, packed = BytesIO(), BytesIO()
    file.save(content)
    with ZipFile(content) as old, ZipFile(packed, "w") as new:  # without the time of packing
        for name in old.namelist():
            info = ZipInfo(name)
            info.compress_type = old.getinfo(name).compress_type
            new.writestr(info, old.read(name))
    return packed.getvalue()


class _Blocks:
    """Puts blocks of ``as_data`` at the end of a file, a method for each kind."""

    def __init__(self, file: Any, drawings: dict[str, bytes]) -> None:
        self.file, self.drawings = file, drawings

    def paragraph(self, block: dict[str, Any]) -> None:
        """Write a paragraph in the style of its tone."""
        style = "Intense Quote" if block["tone"] == "caution" else "Normal"
        paragraph = self.file.add_paragraph(style=style)
        _fill(paragraph, block["words"])
        for run in paragraph.runs:
            run.bold = block["tone"] == "lead" or None

    def bullets(self, block: dict[str, Any]) -> None:
        """Write a list."""
        for item in block["items"]:
            _fill(self.file.add_paragraph(style="List Bullet"), item)

    def commands(self, block: dict[str, Any]) -> None:
        """Write lines to type."""
        from docx.shared import Pt

        run = self.file.add_paragraph().add_run("\n".join(block["lines"]))
        run.font.name, run.font.size = "Courier New", Pt(8)

    def picture(self, block: dict[str, Any]) -> None:
        """Draw a picture as dots, with alt text and caption."""
        from docx.shared import Mm

        source = {"main.typ": DRAWING.format(WIDTH).encode()}
        source["drawing.svg"] = self.drawings[block["name"]]
        image = _compiled(source, format="png", ppi=DOTS)
        shape = self.file.add_picture(BytesIO(image), width=Mm(WIDTH))
        scale = min(1.0, Mm(HEIGHT) / shape.height)
        shape.width, shape.height = int(scale * shape.width), int(scale * shape.height)
        shape._inline.docPr.set("descr", block["alt"])
        self.file.paragraphs[-1].paragraph_format.keep_with_next = True
        self._caption(block)

    def _caption(self, block: dict[str, Any]) -> Any:
        text = f"{block['label']} {block['number']}. {block['caption']}"
        return self.file.add_paragraph(text, style="Caption")

    def table(self, block: dict[str, Any]) -> None:
        """Write a table under its caption; marked rows are shaded."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Mm, Pt

        self._caption(block).paragraph_format.keep_with_next = True
        head = [[{"text": text, "url": ""}] for text in block["header"]]
        rows = [{"cells": head, "marked": False}, *block["rows"]]
        table = self.file.add_table(len(rows), len(head), style="Light Shading")
        table.autofit = False
        for column, width in zip(table.columns, block["widths"], strict=True):
            column.width = Mm(WIDTH * width / sum(block["widths"]))
        for line, row in zip(table.rows, rows, strict=True):
            columns = zip(line.cells, row["cells"], block["numeric"], table.columns, strict=True)
            for cell, words, numeric, column in columns:
                cell.width, paragraph = column.width, cell.paragraphs[0]
                _fill(paragraph, words)
                if numeric:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                for run in paragraph.runs:
                    run.font.size = Pt(8)
                if row["marked"]:
                    shade = _element("w:shd", val="clear", fill=MARKED)
                    cell._tc.get_or_add_tcPr().append(shade)
        table.rows[0]._tr.get_or_add_trPr().append(_element("w:tblHeader", val="true"))
        self.file.add_paragraph()


def _fill(paragraph: Any, words: list[dict[str, str]]) -> None:
    """Put a text into a paragraph, links as links."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    for part in words:
        run = paragraph.add_run(part["text"])
        if part["url"][:1] not in ("", "#"):
            link = _element("w:hyperlink")
            to = paragraph.part.relate_to(part["url"], RELATIONSHIP_TYPE.HYPERLINK, True)
            link.set(qn("r:id"), to)
            run.font.color.rgb, run.font.underline = RGBColor.from_string(LINK), True
            run._r.addprevious(link)
            link.append(run._r)


def _element(name: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(name)
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    return made


WRITERS = {".html": html, ".htm": html, ".pdf": pdf, ".docx": word}
