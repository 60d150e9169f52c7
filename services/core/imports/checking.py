"""Judges the rows of a file in blocks by the rules of its form, and collects the faults. Pure.

Only the keys of the rows are kept from block to block, to find duplicates.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from services.core.identity.actor import Actor
from services.core.imports.as_made import digests, untouched
from services.core.imports.cell_values import ParsedRow, beyond_headings
from services.core.imports.intake import FirstLook
from services.core.imports.sheet_forms import Filled
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.sheets.cells import CellRange, SheetRow, cell_name

_Row = TypeVar("_Row")
_Block = TypeVar("_Block")

_SHOWN_ROWS = 20
_LONGEST_SHOWN = 200
DUPLICATE = "duplicate-row"
"""The fault code of a row that has the same key as another."""


@dataclass(frozen=True, slots=True)
class SheetFault:
    """A fault of a file: its row (0: the file), its cell and heading, and the reason."""

    row: int
    cell: str | None
    heading: str | None
    code: str
    value: str | None
    detail: Text


@dataclass(slots=True)
class Tally:
    """Counts of rows so far: with values, blank, ignored; the last row's number; the first row."""

    rows: int = 0
    blank: int = 0
    ignored: int = 0
    last_row: int = 0
    first: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetDesk:
    """The context in which a file's rows are judged and written: plan, sender, and instants."""

    plan: PlanState
    actor: Actor
    now: datetime
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """The outcome of a block: of each row by its number, and the faults that prevent writing."""

    rows: Sequence[tuple[int, str]]
    faults: Sequence[SheetFault]

    @property
    def outcomes(self) -> list[str]:
        """The outcomes of its rows, in order."""
        return [outcome for _, outcome in self.rows]


class SheetRows(ABC, Generic[_Row, _Block]):
    """The rows of one file, read once, block by block; each form has a subclass."""

    stale: Fault
    """The fault of an unedited prefilled cell where the ledger now holds another value."""

    def __init__(self, look: FirstLook, desk: SheetDesk, *, at_once: int) -> None:
        self.stale = _CHANGED_SINCE_MADE
        self.columns = look.columns
        self.desk = desk
        self._table = look.table()
        self.at_once = at_once
        self._first: dict[Hashable, int] = {}
        self._twice: dict[Hashable, list[int]] = {}
        self._untouched: dict[int, Mapping[str, str]] = {}
        self._separated = look.file.format == "csv"
        self._beyond: list[SheetFault] = []
        self.tally = Tally()

    @abstractmethod
    def parsed(self, row: SheetRow, index: int) -> ParsedRow[_Row]:
        """Parse a row of the sheet as the row of this index in its block."""

    @abstractmethod
    def about(self, row: _Row) -> Hashable | None:
        """Return the key of a row, which must be unique in the file; None: unknown."""

    @abstractmethod
    def judged(self, rows: Sequence[_Row], numbers: Sequence[int]) -> _Block:
        """Return rows with these numbers as a block, judged without the ledger."""

    def is_full(self, rows: Sequence[_Row], _following: SheetRow) -> bool:
        """Return whether the rows make up a block, so that the following row begins the next."""
        return len(rows) >= self.at_once

    def blocks(self) -> Iterator[_Block]:
        """Yield the rows in blocks; `tally` is updated meanwhile.

        Raises:
            SheetRefused: the file is damaged, or exceeds a bound.
        """
        rows: list[_Row] = []
        numbers: list[int] = []
        for row in self._table.rows():
            if row.number <= self.columns.row:
                continue
            if rows and self.is_full(rows, row):
                yield self.judged(rows, numbers)
                rows, numbers, self._untouched = [], [], {}
            parsed = self.parsed(row, len(rows))
            if self._separated and (parsed.row is not None or parsed.blank):
                self._look_beyond(row)
            if parsed.row is None:
                self._count_without(parsed)
                continue
            if not self.tally.rows:
                self._show_first(row)
            self.tally.rows += 1
            self.tally.last_row = row.number
            self._note_place(parsed.row, row.number)
            if kept := untouched(row, self.columns.at, self.columns.known.about):
                self._untouched[row.number] = kept
            rows.append(parsed.row)
            numbers.append(row.number)
        if rows:
            yield self.judged(rows, numbers)

    def gone(self) -> tuple[int, int]:
        """Return how many bytes of the sheet were read so far, and its size in bytes."""
        return self._table.gone()

    def last_faults(self) -> list[SheetFault]:
        """Return the faults that are known only after all rows were read."""
        return [*self._beyond, *self._of_twice(), *self._of_merged(), *self._of_hidden()]

    def changed_since_made(
        self, number: int, show: Callable[[], Mapping[str, Filled]]
    ) -> list[SheetFault]:
        """Return the unedited prefilled cells of a row where the ledger now holds other values.

        The row must be in the block that was read last; `show` returns the cells of a form made
        now.
        """
        kept = self._untouched.get(number)
        if kept is None:
            return []
        now = digests(show())
        return [
            self.told(number, replace(self.stale, pointer=f"/{key}"))
            for key, digest in kept.items()
            if now.get(key) != digest
        ]

    def otherwise(self, block: BlockOutcome, foreseen: Sequence[str]) -> list[SheetFault]:
        """Return a fault for each row whose outcome differs from the `foreseen` one, in order."""
        judged = [*foreseen, *[None] * (len(block.rows) - len(foreseen))]  # fewer by another plan
        return [
            self.told(number, CHANGED_SINCE)
            for (number, outcome), before in zip(block.rows, judged, strict=True)
            if outcome != before
        ]

    def is_twice(self, row: _Row) -> bool:
        """Return whether another row that was read has the same key."""
        return self.about(row) in self._twice

    def told(self, number: int, fault: Fault) -> SheetFault:
        """Return a fault of a row as a fault of the file, at the row of this number.

        The last part of its pointer names the column.
        """
        key = fault.pointer.rpartition("/")[2]
        return self._at(number, "" if key.isdecimal() else key, replace(fault, pointer=""))

    def _look_beyond(self, row: SheetRow) -> None:
        """Note the value of a CSV row that is behind the last heading.

        An unquoted comma in a number shifts all values that follow.
        """
        column = self.columns.beyond(row)
        if column is not None:
            self._beyond.append(self.told(row.number, beyond_headings(row, column)))

    def _count_without(self, parsed: ParsedRow[_Row]) -> None:
        if parsed.blank:
            self.tally.blank += 1
        else:
            self.tally.ignored += 1

    def _show_first(self, row: SheetRow) -> None:
        """Keep the first row as it was understood, so that the sender can check that."""
        for key, at in self.columns.at.items():
            if at in row.cells:
                shown = row.cells[at].text[:_LONGEST_SHOWN]
                self.tally.first[self.columns.headings[key]] = shown

    def _note_place(self, row: _Row, number: int) -> None:
        about = self.about(row)
        if about is not None:
            first = self._first.setdefault(about, number)
            if first != number:
                self._twice.setdefault(about, [first]).append(number)

    def _of_twice(self) -> Iterator[SheetFault]:
        for numbers in self._twice.values():
            named = "、".join(map(str, numbers[:_SHOWN_ROWS]))
            words = _TWICE[self.columns.known.form].format(rows=named)
            if (many := len(numbers)) > _SHOWN_ROWS:
                words = Text(f"{words.zh}（共 {many} 行）", f"{words.en} ({many} rows in all)")
            fault = Fault("", DUPLICATE, words, named)
            for number in numbers:
                yield self._at(number, "", fault)

    def _of_merged(self) -> Iterator[SheetFault]:
        taken = set(self.columns.at.values())
        for one in self._table.merged:
            below = self.columns.row < one.first_row <= self.tally.last_row
            if below and not taken.isdisjoint(_columns_in(one)):
                shown = f"{cell_name(one.first_row, one.first_column)}:" + cell_name(
                    one.last_row, one.last_column
                )
                place = cell_name(one.first_row, one.first_column)
                yield SheetFault(one.first_row, place, None, "merged-cells", shown, _MERGED)

    def _of_hidden(self) -> Iterator[SheetFault]:
        known = self.columns.known
        for key, at in self.columns.at.items():
            if at in self._table.hidden_columns and (key in known.told or key in known.place):
                row = self.columns.row
                heading = self.columns.headings[key]
                place = cell_name(row, at)
                yield SheetFault(row, place, heading, "hidden-column", heading, _HIDDEN)

    def _at(self, number: int, key: str, fault: Fault) -> SheetFault:
        shown = self.columns.known.shown.get(key, (key,))
        found = next((one for one in shown if one in self.columns.at), None)
        cell = None if found is None else cell_name(number, self.columns.at[found])
        heading = None if found is None else self.columns.headings[found]
        value = None if fault.value is None else str(fault.value)[:_LONGEST_SHOWN]
        return SheetFault(number, cell, heading, fault.code, value, fault.detail)


_TWICE: Mapping[str, Text] = {
    "indicators": Text(
        "同一指标、单位、报告期出现在多行：第 {rows} 行，请只保留一行",
        "Indicator, unit and period occur in several rows: {rows}; keep one",
    ),
    "tasks": Text(
        "同一里程碑出现在多行：第 {rows} 行，请只保留一行",
        "The milestone occurs in several rows: {rows}; keep one",
    ),
    "register": Text(
        "主键相同的行出现多次：第 {rows} 行，请只保留一行",
        "The same key stands in several rows: {rows}; keep one",
    ),
    "assessments": Text(
        "同一对象的同一项出现在多行：第 {rows} 行，请只保留一行",
        "The same item of a subject stands in several rows: {rows}; keep one",
    ),
}
_MERGED = Text(
    "数据行中有合并单元格，只有左上角一格有内容：请取消合并，逐行填写",
    "Cells are merged, and only the first of them holds anything: unmerge them, fill in each row",
)
_HIDDEN = Text("该列被隐藏：请取消隐藏后再上传", "The column is hidden: show it and send it again")

CHANGED_SINCE = Fault(
    "",
    "changed-since-sent",
    Text(
        "文件上传后，该项已被修改：请核对后重新上传",
        "It was changed after the file was sent: look at it, and send the file again",
    ),
)

_CHANGED_SINCE_MADE = Fault(
    "",
    "changed-since-made",
    Text(
        "填报表下载后，该项已另有填报或已撤回，而此格仍是下载时的内容：以系统中的为准请清空此格（分子、分母一并清空）；"
        "要改，请重新下载填报表填写",
        "It was reported anew or taken back after the form was made, and this cell is as it was"
        " made: empty it (numerator and denominator together) to keep what the ledger says, or fill"
        " in a fresh form",
    ),
)


def _columns_in(merged: CellRange) -> range:
    return range(merged.first_column, min(merged.last_column, 300) + 1)
