"""Writes a paper as an editable DOCX by GB/T 9704-2012. Byte for byte reproducible. Pure.

The fonts of official papers are named and not embedded: the licences of 方正小标宋 and 仿宋_GB2312
forbid distribution, and an office has them.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import escape

from docx import Document
from docx.document import Document as Writing
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph
from docx.text.run import Run as TextRun

_TITLE, _BODY, _BLACK, _REGULAR, _SONG = (
    "方正小标宋简体",
    "仿宋_GB2312",
    "黑体",
    "楷体_GB2312",
    "宋体",
)
_RED = RGBColor(0xE6, 0x00, 0x12)
_LINE = Pt(28.95)
"""22 lines in 225 mm."""

_TIGHTER_TWIPS = -5
"""28 characters of 16 points in 156 mm: each is a quarter of a point closer to the next."""

_TEXT_WIDTH_MM = 156
_ACROSS_WIDTH_MM = 232
_TEXT_WIDTH_POINTS = 440
_HEAD_POINTS = 48
_TWIPS_PER_MM = 56.6929
_CELL_HALF_POINTS = 18
_HEADING_FONTS = {1: _BLACK, 2: _REGULAR, 3: _BODY}
_ALIGNED = {"left": "left", "center": "center", "right": "right"}
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def docx_of(
    *,
    head: Mapping[str, Any],
    blocks: Sequence[Mapping[str, Any]],
    title: str,
    as_of: date,
    closing: str,
) -> bytes:
    """Return a paper as DOCX. `closing` is the last line, on how its figures are traced."""
    writer = _Writer(as_of, title, landscape=head["landscape"])
    writer.head(head)
    for block in blocks:
        writer.block(block)
    writer.block({"kind": "note", "runs": [[closing, None]]})
    return _settled(writer.document)


class _Writer:
    """Writes blocks in order."""

    def __init__(self, as_of: date, title: str, *, landscape: bool) -> None:
        self.document: Writing = Document()
        self._width_mm = _ACROSS_WIDTH_MM if landscape else _TEXT_WIDTH_MM
        _page(self.document, landscape=landscape)
        _base_style(self.document)
        properties = self.document.core_properties
        properties.title, properties.author, properties.comments = title, "", ""
        # Dated by the figures, not the clock, so that the file is reproducible.
        moment = datetime.combine(as_of, time())
        properties.created = properties.modified = properties.last_printed = moment
        self._kinds: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "title": self._title,
            "heading": self._heading,
            "paragraph": self._paragraph,
            "note": self._note,
            "table": self._table,
            "form": self._form,
            "annex": self._annex,
            "signature": self._signature,
        }

    def block(self, block: Mapping[str, Any]) -> None:
        self._kinds[block["kind"]](block)

    def head(self, head: Mapping[str, Any]) -> None:
        """Write the issuer in red, the number below, and the red line."""
        if head["status"]:
            self._line(head["status"], _BLACK, 16)
        if head["issuer"] is None:
            return
        points = min(_HEAD_POINTS, _TEXT_WIDTH_POINTS // len(head["issuer"]))
        issuer = self._line(head["issuer"], _TITLE, points, WD_ALIGN_PARAGRAPH.CENTER)
        issuer.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        issuer.runs[0].font.color.rgb = _RED
        number = self._line(
            head["number"] or f"〔{head['year'] or '　　'}〕　　号",
            _BODY,
            16,
            WD_ALIGN_PARAGRAPH.CENTER,
        )
        number.paragraph_format.space_before = Pt(16)
        number.paragraph_format.space_after = Pt(24)
        border = parse_xml(
            f"<w:pBdr {nsdecls('w')}><w:bottom w:val='single' w:sz='12' w:space='4'"
            " w:color='E60012'/></w:pBdr>"
        )
        number.paragraph_format.element.get_or_add_pPr().insert_element_before(
            border, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc"
        )

    def _line(
        self,
        text: str,
        font: str,
        points: float,
        alignment: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT,
    ) -> Paragraph:
        made = self.document.add_paragraph()
        made.alignment = alignment
        _write(made, text, font, points)
        return made

    def _title(self, block: Mapping[str, Any]) -> None:
        made = self._line(block["text"], _TITLE, 22, WD_ALIGN_PARAGRAPH.CENTER)
        made.paragraph_format.space_after = Pt(16)

    def _heading(self, block: Mapping[str, Any]) -> None:
        made = self._line(block["text"], _HEADING_FONTS[block["level"]], 16)
        made.paragraph_format.keep_with_next = True
        _indent(made, 2)

    def _paragraph(self, block: Mapping[str, Any]) -> None:
        made = self.document.add_paragraph()
        _runs(made, block["runs"], _BODY, 16)
        if block["indent"]:
            _indent(made, 2)

    def _note(self, block: Mapping[str, Any]) -> None:
        made = self.document.add_paragraph()
        made.paragraph_format.line_spacing = Pt(14)
        made.paragraph_format.space_before = Pt(3)
        _runs(made, block["runs"], _BODY, 9)

    def _annex(self, block: Mapping[str, Any]) -> None:
        label = self._line(block["label"], _BLACK, 16)
        label.paragraph_format.page_break_before = True
        self._title(block)

    def _signature(self, block: Mapping[str, Any]) -> None:
        made = self._line(block["issuer"], _BODY, 16, WD_ALIGN_PARAGRAPH.RIGHT)
        made.paragraph_format.space_before = Pt(28)
        made.paragraph_format.right_indent = Pt(32)
        day = self._line(block["day"], _BODY, 16, WD_ALIGN_PARAGRAPH.RIGHT)
        day.paragraph_format.right_indent = Pt(64)

    def _table(self, block: Mapping[str, Any]) -> None:
        columns = block["columns"]
        whole = sum(share for _, share, _ in columns)
        widths = [round(self._width_mm * share / whole * _TWIPS_PER_MM) for _, share, _ in columns]
        sides = [_ALIGNED[side] for *_, side in columns]
        lines = [_row([name for name, *_ in columns], widths, ["center"] * len(columns), head=True)]
        lines += [_row(cells, widths, sides) for cells in block["rows"]]
        self._append(_whole_table(widths, "".join(lines)))

    def _form(self, block: Mapping[str, Any]) -> None:
        widths = [round(share * self._width_mm * _TWIPS_PER_MM) for share in (0.22, 0.78)]
        lines = [
            "<w:tr><w:trPr><w:cantSplit/></w:trPr>"
            + _cell(_plain(label, _BLACK, 28), widths[0], "center")
            + _cell(_marked(pieces, 28), widths[1], "left")
            + "</w:tr>"
            for label, pieces in block["rows"]
        ]
        self._append(_whole_table(widths, "".join(lines)))

    def _append(self, xml: str) -> None:
        body = self.document.element.body
        body.insert_element_before(parse_xml(xml), "w:sectPr")


def _page(document: Writing, *, landscape: bool) -> None:
    """Set the page layout: A4, the margins and 22 lines by 28 characters, page numbers."""
    section = document.sections[0]
    if landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
        section.top_margin, section.bottom_margin = Mm(28), Mm(26)
        section.left_margin, section.right_margin = Mm(35), Mm(30)
    else:
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(16 if landscape else 24)
    laid_out = document.element.body.sectPr
    grid = laid_out.find(qn("w:docGrid"))
    if grid is None:
        grid = OxmlElement("w:docGrid")
        laid_out.append(grid)
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), "579")
    document.settings.odd_and_even_pages_header_footer = True
    for footer, side in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        footer.is_linked_to_previous = False
        made = footer.paragraphs[0]
        made.alignment = side
        made.paragraph_format.left_indent = made.paragraph_format.right_indent = Pt(14)
        _write(made, "— ", _SONG, 14)
        for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
            _field(_write(made, "", _SONG, 14), kind, text)
        _write(made, " —", _SONG, 14)


def _field(run: TextRun, kind: str | None, text: str | None) -> None:
    if kind is not None:
        mark = OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
    else:
        mark = OxmlElement("w:instrText")
        mark.text = text
    run.font.element.append(mark)


def _base_style(document: Writing) -> None:
    style = document.styles["Normal"]
    if not isinstance(style, ParagraphStyle):
        raise TypeError("the style of paragraphs is none")
    style.font.name, style.font.size = _BODY, Pt(16)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), _BODY)
    nearer = OxmlElement("w:spacing")
    nearer.set(qn("w:val"), str(_TIGHTER_TWIPS))
    style.element.get_or_add_rPr().append(nearer)
    style.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    style.paragraph_format.line_spacing = _LINE
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)


def _write(paragraph: Paragraph, text: str, font: str, points: float) -> TextRun:
    run = paragraph.add_run(text)
    run.font.name, run.font.size = font, Pt(points)
    run.font.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return run


def _runs(paragraph: Paragraph, pieces: Sequence[Sequence[Any]], font: str, points: float) -> None:
    for text, number in pieces:
        if text:
            _write(paragraph, text, font, points)
        if number is not None:
            _write(paragraph, f"[{number}]", font, points).font.superscript = True


def _indent(paragraph: Paragraph, characters: int) -> None:
    paragraph.paragraph_format.first_line_indent = Pt(16 * characters)
    place = paragraph.paragraph_format.element.get_or_add_pPr().get_or_add_ind()
    place.set(qn("w:firstLineChars"), str(100 * characters))


# Tables are written as XML text: the library's objects take many times as long for 480 rows.


def _whole_table(widths: Sequence[int], rows: str) -> str:
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:jc w:val="center"/><w:tblBorders>{borders}</w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="40" w:type="dxa"/>'
        '<w:right w:w="40" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"
    )


def _row(
    cells: Sequence[str], widths: Sequence[int], sides: Sequence[str], *, head: bool = False
) -> str:
    font = _BLACK if head else _BODY
    written = "".join(
        _cell(_plain(text, font, _CELL_HALF_POINTS), width, side)
        for text, width, side in zip(cells, widths, sides, strict=True)
    )
    repeated = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{written}</w:tr>"


def _cell(runs: str, width: int, side: str) -> str:
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
        '<w:p><w:pPr><w:snapToGrid w:val="0"/><w:spacing w:before="20" w:after="20" w:line="240"'
        f' w:lineRule="auto"/><w:jc w:val="{side}"/></w:pPr>{runs}</w:p></w:tc>'
    )


def _plain(text: str, font: str, half_points: int, *, raised: bool = False) -> str:
    lines = "<w:br/>".join(
        f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n")
    )
    up = '<w:vertAlign w:val="superscript"/>' if raised else ""
    return (
        f'<w:r><w:rPr><w:rFonts w:ascii="{font}" w:hAnsi="{font}" w:eastAsia="{font}"/>'
        f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>{up}</w:rPr>{lines}</w:r>'
    )


def _marked(pieces: Sequence[Sequence[Any]], half_points: int) -> str:
    return "".join(
        _plain(text, _BODY, half_points)
        + ("" if number is None else _plain(f"[{number}]", _BODY, half_points, raised=True))
        for text, number in pieces
    )


def _settled(document: Writing) -> bytes:
    """Return the file with fixed dates in its archive, and parts sorted by name."""
    written, settled = io.BytesIO(), io.BytesIO()
    document.save(written)
    with (
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        # The list of types comes first, because some readers detect the format by the first bytes.
        names = sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        for name in names:
            target.writestr(
                zipfile.ZipInfo(name, _EARLIEST),
                source.read(name),
                compress_type=zipfile.ZIP_DEFLATED,
            )
    return settled.getvalue()
