"""The copy of a file that goes back: faulty cells in red with the reason, and a list of them. Pure.

The copy of a form keeps the stamp, so that the corrected copy can be sent as it is. Cells, hidden
rows and merged cells stay as they were, so that an uncorrected fault is reported the same again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from services.core.imports.checking import SheetFault
from services.core.imports.intake import FirstLook
from services.core.imports.sheet_forms import AS_MADE, FORMS, STAMP_SHEET
from services.core.sheets.cells import CellKind, CellRange, SheetRow, cell_name
from services.core.sheets.workbook_writing import (
    NUMBER_FORMATS,
    Format,
    new_workbook,
    write_cell,
)

FAULT_SHEET = "错误清单"
"""The sheet that lists the faults: row, column, problem, advice."""

MOST_LISTED = 20_000
"""Most faults that the copy shows; the report counts the rest."""

_MOST_NOTES = 2000
_MOST_MERGED = 1000
_LONGEST_NOTE = 1000
_HEAD = {"bold": True, "border": 1, "text_wrap": True, "align": "center"}
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "plain": {"text_wrap": True},
    "to_fill": {"bg_color": "#FFF9C4", "border": 1, "text_wrap": True, "locked": False},
    "red": {"bg_color": "#FFC7CE", "font_color": "#9C0006", "border": 1, "text_wrap": True},
    "head": _HEAD,
}
_LIST_HEADS = ("行", "列", "单元格", "填写内容", "问题与建议", "代码")
_LIST_WIDTHS = (8, 18, 10, 24, 80, 24)
_WIDTH = 14


def marked_copy(look: FirstLook, faults: Sequence[SheetFault]) -> bytes:
    """Return the copy of a file with its faults marked; rows are written as they are read."""
    made = BytesIO()
    book = new_workbook(made, streams=True)
    wrong: dict[int, dict[str | None, list[SheetFault]]] = defaultdict(lambda: defaultdict(list))
    for one in faults:
        wrong[one.row][one.cell].append(one)
    _Copy(book, look, wrong).write()
    _write_list(book, faults)
    if look.stamp is not None:
        _keep_stamp(book, look)
    book.close()
    return made.getvalue()


class _Copy:
    """The sheet of the copy that has the file's rows."""

    def __init__(
        self,
        book: Workbook,
        look: FirstLook,
        wrong: dict[int, dict[str | None, list[SheetFault]]],
    ) -> None:
        self._look = look
        self._wrong = wrong
        self._sheet = book.add_worksheet(look.usual_name)
        self._book = book
        self._formats: dict[tuple[str, str | None], Format] = {}
        self._notes = 0

    def write(self) -> None:
        """Write the file's rows at their places."""
        filled = self._set_columns()
        table = self._look.table()
        for row in table.rows():
            if row.hidden:
                self._sheet.set_row(row.number - 1, None, None, {"hidden": True})
            wrong = self._wrong.get(row.number, {})
            for name in wrong:
                self._note(name, wrong[name])
            for column in self._columns_of(row, wrong):
                self._write(row, column, marked=cell_name(row.number, column) in wrong, to=filled)
        for column in table.hidden_columns & set(self._look.columns.at.values()):
            self._sheet.set_column(column - 1, column - 1, _WIDTH, None, {"hidden": True})
        self._merge(table.merged)

    def _merge(self, merged: Sequence[CellRange]) -> None:
        """Merge the cells below the headings that were merged in the file."""
        kept: list[CellRange] = []
        for one in merged:
            if one.first_row > self._look.columns.row and not any(_share(one, o) for o in kept):
                kept.append(one)
            if len(kept) == _MOST_MERGED:
                break
        # The library's own method would also write the cells, which are already written.
        self._sheet.merge += [
            [one.first_row - 1, one.first_column - 1, one.last_row - 1, one.last_column - 1]
            for one in kept
        ]

    def _set_columns(self) -> frozenset[int]:
        form = self._look.form
        if self._look.stamp is None or form == "register" or form == "assessments":  # noqa: PLR1714
            self._sheet.set_column(0, 30, _WIDTH)
            if mark := self._look.columns.at.get(AS_MADE):
                self._sheet.set_column(mark - 1, mark - 1, None, None, {"hidden": True})
            return frozenset()
        columns = FORMS[form].columns
        for at, column in enumerate(columns):
            hidden = {"hidden": True} if column.hidden else {}
            self._sheet.set_column(at, at, column.width, None, hidden)
        return frozenset(at for at, one in enumerate(columns, 1) if one.filled)

    def _columns_of(self, row: SheetRow, wrong: dict[str | None, Any]) -> list[int]:
        """Return the columns to write: those with a value, and empty ones that are faulty."""
        named = set(wrong)
        taken = set(self._look.columns.at.values())
        return sorted({*row.cells, *(at for at in taken if cell_name(row.number, at) in named)})

    def _write(self, row: SheetRow, column: int, *, marked: bool, to: frozenset[int]) -> None:
        style = "head" if row.number == self._look.columns.row else "plain"
        if column in to and row.number > self._look.columns.row:
            style = "to_fill"
        if marked:
            style = "red"
        at, cell = row.number - 1, row.cells.get(column)
        if cell is None:
            self._sheet.write_blank(at, column - 1, None, self._format(style, None))
        else:
            write_cell(self._sheet, at, column - 1, cell, self._format(style, cell.kind))

    def _format(self, style: str, kind: CellKind | None) -> Format:
        shown = NUMBER_FORMATS.get(kind) if kind else None
        if (style, shown) not in self._formats:
            more = {} if shown is None else {"num_format": shown}
            self._formats[style, shown] = self._book.add_format({**_STYLES[style], **more})
        return self._formats[style, shown]

    def _note(self, name: str | None, faults: Sequence[SheetFault]) -> None:
        if name is not None and self._notes < _MOST_NOTES:
            self._notes += 1
            said = "\n".join(one.detail.zh for one in faults)
            self._sheet.write_comment(name, said[:_LONGEST_NOTE], {"x_scale": 2})


def _share(one: CellRange, other: CellRange) -> bool:
    """Return whether two ranges have a cell in common."""
    return (
        one.first_row <= other.last_row
        and other.first_row <= one.last_row
        and one.first_column <= other.last_column
        and other.first_column <= one.last_column
    )


def _write_list(book: Workbook, faults: Sequence[SheetFault]) -> None:
    sheet = book.add_worksheet(FAULT_SHEET)
    head, line = book.add_format(_HEAD), book.add_format({"text_wrap": True})
    for at, (heading, width) in enumerate(zip(_LIST_HEADS, _LIST_WIDTHS, strict=True)):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, heading, head)
    in_order = sorted(faults[:MOST_LISTED], key=lambda one: one.row)
    for at, one in enumerate(in_order, 1):
        sheet.write_number(at, 0, one.row, line)
        told = (one.heading, one.cell, one.value, one.detail.zh, one.code)
        for column, text in enumerate(told, 1):
            if text:
                sheet.write_string(at, column, text, line)


def _keep_stamp(book: Workbook, look: FirstLook) -> None:
    entry = look.file.sheet_named(STAMP_SHEET)
    sheet = book.add_worksheet(STAMP_SHEET)
    sheet.very_hidden()
    for row in look.file.table(entry).rows():
        for column in (1, 2):
            if column in row.cells:
                sheet.write_string(row.number - 1, column - 1, row.cells[column].text)
