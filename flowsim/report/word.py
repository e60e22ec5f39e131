"""Write a report as a Word file, for those who must edit it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from typing import Any, cast
from zipfile import ZipFile, ZipInfo

from flowsim.errors import MachineError
from flowsim.report.document import Document, as_data, pictures
from flowsim.report.pdf import compiled

WIDTH, HEIGHT, DOTS = 165, 120, 200  # of a picture, at most: millimetres; and dots an inch
DRAWING = '#set page(width: {}mm, height: auto, margin: 0mm)\n#image("drawing.svg", width: 100%)'
MARKED, LINK = "FFF5DA", "00548F"


def render(document: Document) -> bytes:
    """Return the file; the same document gives the same bytes.

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
    writer = _Writer(file, pictures(document))
    for section in data["sections"]:
        heading = file.add_heading(section["title"], 1)
        heading.paragraph_format.page_break_before = section["key"] == "appendix"
        for block in section["blocks"]:
            writer.write(block)
    content = BytesIO()
    file.save(content)
    return _timeless(content)


def _timeless(content: BytesIO) -> bytes:
    """Pack a file again without the time at which it was packed."""
    packed = BytesIO()
    with ZipFile(content) as old, ZipFile(packed, "w") as new:
        for name in old.namelist():
            info = ZipInfo(name)
            info.compress_type = old.getinfo(name).compress_type
            new.writestr(info, old.read(name))
    return packed.getvalue()


class _Writer:
    """Puts blocks at the end of a file."""

    def __init__(self, file: Any, drawings: dict[str, bytes]) -> None:
        self.file, self.drawings = file, drawings

    def write(self, block: dict[str, Any]) -> None:
        """Write one block of ``as_data``, whatever its kind."""
        kinds: dict[str, Callable[[dict[str, Any]], None]] = {
            "paragraph": self._paragraph,
            "bullets": self._bullets,
            "commands": self._commands,
            "picture": self._picture,
            "table": self._table,
        }
        kinds[block["kind"]](block)

    def _paragraph(self, block: dict[str, Any]) -> None:
        style = "Intense Quote" if block["tone"] == "caution" else "Normal"
        paragraph = self.file.add_paragraph(style=style)
        _fill(paragraph, block["words"])
        for run in paragraph.runs:
            run.bold = block["tone"] == "lead" or None

    def _bullets(self, block: dict[str, Any]) -> None:
        for item in block["items"]:
            _fill(self.file.add_paragraph(style="List Bullet"), item)

    def _commands(self, block: dict[str, Any]) -> None:
        from docx.shared import Pt

        run = self.file.add_paragraph().add_run("\n".join(block["lines"]))
        run.font.name, run.font.size = "Courier New", Pt(8)

    def _picture(self, block: dict[str, Any]) -> None:
        from docx.shared import Mm

        source = {"main.typ": DRAWING.format(WIDTH).encode()}
        source["drawing.svg"] = self.drawings[block["name"]]
        image = compiled(source, format="png", ppi=DOTS)
        shape = self.file.add_picture(BytesIO(image), width=Mm(WIDTH))
        scale = min(1.0, Mm(HEIGHT) / shape.height)
        shape.width, shape.height = int(scale * shape.width), int(scale * shape.height)
        shape._inline.docPr.set("descr", block["alt"])
        self.file.paragraphs[-1].paragraph_format.keep_with_next = True
        self._caption(block)

    def _caption(self, block: dict[str, Any]) -> Any:
        text = f"{block['label']} {block['number']}. {block['caption']}"
        return self.file.add_paragraph(text, style="Caption")

    def _table(self, block: dict[str, Any]) -> None:
        from docx.shared import Mm

        self._caption(block).paragraph_format.keep_with_next = True
        rows = [[[{"text": text, "url": ""}] for text in block["header"]]]
        rows += [row["cells"] for row in block["rows"]]
        table = self.file.add_table(len(rows), len(block["header"]), style="Light Shading")
        table.autofit = False
        for column, width in zip(table.columns, block["widths"], strict=True):
            column.width = Mm(WIDTH * width / sum(block["widths"]))
        for place, (row, words) in enumerate(zip(table.rows, rows, strict=True)):
            marked = place > 0 and block["rows"][place - 1]["marked"]
            columns = zip(row.cells, words, block["numeric"], table.columns, strict=True)
            for cell, part, numeric, column in columns:
                cell.width = column.width
                _fill_cell(cell, part, numeric, marked)
        table.rows[0]._tr.get_or_add_trPr().append(_element("w:tblHeader", val="true"))
        self.file.add_paragraph()


def _fill_cell(cell: Any, words: list[dict[str, str]], numeric: bool, marked: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    _fill(paragraph, words)
    if numeric:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for run in paragraph.runs:
        run.font.size = Pt(8)
    if marked:
        cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", fill=MARKED))


def _fill(paragraph: Any, words: list[dict[str, str]]) -> None:
    """Put a text into a paragraph, links as links."""
    for part in words:
        run = paragraph.add_run(part["text"])
        if part["url"][:1] not in ("", "#"):
            _link(paragraph, run, part["url"])


def _link(paragraph: Any, run: Any, url: str) -> None:
    """Make a run lead to a page."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    link = _element("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, True))
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
