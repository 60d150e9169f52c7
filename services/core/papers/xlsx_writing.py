"""Writes a paper's annex as XLSX: its tables, and a list of its figures with exact values. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from services.core.sheets.workbook_writing import Format, SheetWriter, new_workbook, write_number

_NUMBER = re.compile(r"-?[0-9]+(?:\.(?P<places>[0-9]+))?")
_UNFIT = re.compile(r"[\[\]:*?/\\]")
_LONGEST_NAME = 31
_WIDTH_OF_SHARE = 1.1
_FIGURES = (
    ("编号", 8),
    ("数据", 40),
    ("所印内容", 18),
    ("周期", 10),
    ("指标代码", 10),
    ("精确值", 60),
    ("所依据的编号", 30),
)


def xlsx_of(
    blocks: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    closing: str,
    status: str | None,
) -> bytes:
    """Return the tables of a paper as sheets, followed by its figures with their facts.

    Each sheet shows the plan's status on top, such as a draft, because each may be printed alone.
    """
    on_top = status or ""
    target = BytesIO()
    book = new_workbook(target)
    styles = _Styles(book)
    title, label = "", "正文"
    for block in blocks:
        if block["kind"] in {"annex", "title"}:
            title, label = block["text"], block.get("label", label)
        elif block["kind"] == "table":
            _write_table(book, styles, block, (label, on_top + title, closing))
    _write_figures(book, styles, figures, on_top, closing)
    book.close()
    return target.getvalue()


class _Styles:
    """Cell formats, each created once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        border = {"border": 1, "valign": "vcenter", "text_wrap": True}
        self.title: Format = book.add_format({"bold": True, "font_size": 16, "align": "center"})
        self.head: Format = book.add_format({**border, "bold": True, "align": "center"})
        self.text: Format = book.add_format(border)
        self.small: Format = book.add_format({"font_size": 9, "text_wrap": True})
        self._border = border
        self._numbers: dict[int, Format] = {}

    def number(self, places: int) -> Format:
        """Return the number format with this many decimal places."""
        if places not in self._numbers:
            shown = "0" if places == 0 else f"0.{'0' * places}"
            self._numbers[places] = self._book.add_format({**self._border, "num_format": shown})
        return self._numbers[places]


def _write_table(
    book: Workbook, styles: _Styles, block: Mapping[str, Any], told: tuple[str, str, str]
) -> None:
    label, title, closing = told
    names = [sheet.get_name() for sheet in book.worksheets()]
    sheet = book.add_worksheet(_sheet_name(label, names))
    columns = block["columns"]
    last = len(columns) - 1
    _top(sheet, styles, title, [name for name, *_ in columns])
    for at, (_, share, _) in enumerate(columns):
        sheet.set_column(at, at, share * _WIDTH_OF_SHARE)
    for number, cells in enumerate(block["rows"], 2):
        for at, text in enumerate(cells):
            _write(sheet, styles, (number, at), text)
    end = len(block["rows"]) + 2
    sheet.merge_range(end, 0, end, last, closing, styles.small)
    sheet.set_row(end, 30)


def _write_figures(
    book: Workbook,
    styles: _Styles,
    figures: Sequence[Mapping[str, Any]],
    on_top: str,
    closing: str,
) -> None:
    sheet = book.add_worksheet("数据溯源")
    _top(sheet, styles, f"{on_top}数据编号、精确值及依据", [name for name, _ in _FIGURES])
    for at, (_, width) in enumerate(_FIGURES):
        sheet.set_column(at, at, width)
    for number, figure in enumerate(figures, 2):
        facts = {name: said for name, said in figure["facts"].items() if said is not None}
        cells = (
            *(str(figure["number"]), figure["label"], figure["shown"], figure["period"]),
            figure["indicator"] or "",
            json.dumps(facts, ensure_ascii=False),
            "、".join(map(str, figure["rests_on"])),
        )
        for at, text in enumerate(cells):
            if at:
                sheet.write_string(number, at, text, styles.text)
            else:
                _write(sheet, styles, (number, at), text)
    end = len(figures) + 2
    sheet.merge_range(end, 0, end, len(_FIGURES) - 1, closing, styles.small)


def _top(sheet: SheetWriter, styles: _Styles, title: str, names: Sequence[str]) -> None:
    sheet.merge_range(0, 0, 0, len(names) - 1, title, styles.title)
    sheet.set_row(0, 30)
    for at, name in enumerate(names):
        sheet.write_string(1, at, name, styles.head)
    sheet.freeze_panes(2, 0)
    sheet.set_paper(9)
    sheet.repeat_rows(1)
    sheet.fit_to_pages(1, 0)


def _write(sheet: SheetWriter, styles: _Styles, place: tuple[int, int], text: str) -> None:
    """Write a cell; a number becomes numeric, with its displayed decimal places."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        sheet.write_string(*place, text, styles.text)
    else:
        write_number(sheet, *place, Decimal(text), styles.number(len(found["places"] or "")))


def _sheet_name(label: str, others: Sequence[str]) -> str:
    name = _UNFIT.sub("_", label)[:_LONGEST_NAME]
    return name if name not in others else f"{name} ({len(others) + 1})"[:_LONGEST_NAME]
