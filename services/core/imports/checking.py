"""The rows of a file in blocks, each judged by the rules of a batch, and what is wrong. Pure.

Only the places of the rows are kept from block to block, to find those that are given twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.core.identity.actor import Actor
from services.core.imports.headings import FORMS_OF_VALUE, SheetColumns
from services.core.imports.intake import FirstLook
from services.core.imports.parsing import ParsedRow, RowParser
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.sheets.cells import CellRange, SheetRow, cell_name
from services.core.submissions.batch.rows import Batch, JudgedRows, Slot, judge

_SHOWN_ROWS = 20
_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class SheetFault:
    """One thing wrong: in which row (0: the file), in which cell under which heading, and why."""

    row: int
    cell: str | None
    heading: str | None
    code: str
    value: str | None
    detail: Text


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file as a batch: `numbers` are their rows in the file, by index."""

    batch: Batch
    judged: JudgedRows
    numbers: Sequence[int]
    faults: Sequence[SheetFault]


@dataclass(slots=True)
class Tally:
    """What was met on the way: rows with values, rows without, rows that are none, the last."""

    rows: int = 0
    blank: int = 0
    ignored: int = 0
    last_row: int = 0
    first: dict[str, str] = field(default_factory=dict)


class Checker:
    """Reads one file once, block by block."""

    def __init__(
        self, look: FirstLook, *, plan: PlanState, actor: Actor, today: date, at_once: int
    ) -> None:
        self._columns = look.columns
        self._table = look.table()
        self._parser = RowParser(look.columns, look.known, plan)
        self._plan, self._actor, self._today = plan, actor, today
        self._at_once = at_once
        self._first: dict[Slot, int] = {}
        self._twice: dict[Slot, list[int]] = {}
        self.tally = Tally()

    def blocks(self) -> Iterator[Block]:
        """Yield the rows in blocks; `tally` grows with them.

        Raises:
            SheetRefused: the file is damaged, or exceeds a bound.
        """
        gathered: list[ParsedRow] = []
        for row in self._table.rows():
            if row.number <= self._columns.row:
                continue
            parsed = self._parser.parsed(row, len(gathered))
            if parsed.row is None:
                self._count_without(parsed)
                continue
            if not self.tally.rows:
                self._show_first(row)
            self.tally.rows += 1
            self.tally.last_row = row.number
            gathered.append(parsed)
            if len(gathered) == self._at_once:
                yield self._block(gathered)
                gathered = []
        if gathered:
            yield self._block(gathered)

    def gone(self) -> tuple[int, int]:
        """Return how many bytes of the sheet were read so far, and of how many."""
        return self._table.gone()

    def last_faults(self) -> list[SheetFault]:
        """Return what is known to be wrong only when all rows were read."""
        return [*self._of_twice(), *self._of_merged(), *self._of_hidden()]

    def _count_without(self, parsed: ParsedRow) -> None:
        if parsed.blank:
            self.tally.blank += 1
        else:
            self.tally.ignored += 1

    def _show_first(self, row: SheetRow) -> None:
        """Keep the first row as it was understood: whoever sent the file sees whether it was."""
        for key, at in self._columns.at.items():
            if at in row.cells:
                shown = row.cells[at].text[:_LONGEST_SHOWN]
                self.tally.first[self._columns.headings[key]] = shown

    def _block(self, gathered: Sequence[ParsedRow]) -> Block:
        rows = [one.row for one in gathered if one.row is not None]
        numbers = [one.number for one in gathered]
        for row, number in zip(rows, numbers, strict=True):
            if all(row.slot):
                first = self._first.setdefault(row.slot, number)
                if first != number:
                    self._twice.setdefault(row.slot, [first]).append(number)
        batch = Batch(rows, "upsert", atomic=True)
        judged = judge(batch, plan=self._plan, actor=self._actor, today=self._today)
        told = [
            self.told(numbers[index], fault)
            for index, faults in judged.faults.items()
            for fault in faults
            # Rows that are given twice are told with all of their places when all were read.
            if fault.code != _TWICE_CODE
        ]
        return Block(batch, judged, numbers, told)

    def told(self, number: int, fault: Fault) -> SheetFault:
        """Return a fault of a row of a batch as one of the file's row of this number."""
        key = fault.pointer.removeprefix("/items/").partition("/")[2]
        return _at(self._columns, number, key, replace(fault, pointer=""))

    def _of_twice(self) -> Iterator[SheetFault]:
        for numbers in self._twice.values():
            named = "、".join(map(str, numbers[:_SHOWN_ROWS]))
            words = Text(
                f"同一指标、单位、报告期出现在多行：第 {named} 行，请只保留一行",
                f"Indicator, unit and period occur in several rows: {named}; keep one",
            )
            for number in numbers:
                fault = Fault("", _TWICE_CODE, words, named)
                yield _at(self._columns, number, "indicator_code", fault)

    def _of_merged(self) -> Iterator[SheetFault]:
        taken = set(self._columns.at.values())
        for one in self._table.merged:
            below = self._columns.row < one.first_row <= self.tally.last_row
            if below and not taken.isdisjoint(_columns_in(one)):
                shown = f"{cell_name(one.first_row, one.first_column)}:" + cell_name(
                    one.last_row, one.last_column
                )
                place = cell_name(one.first_row, one.first_column)
                yield SheetFault(one.first_row, place, None, "merged-cells", shown, _MERGED)

    def _of_hidden(self) -> Iterator[SheetFault]:
        for key, at in self._columns.at.items():
            if at in self._table.hidden_columns and (key in FORMS_OF_VALUE or key in _PLACE):
                place = cell_name(self._columns.row, at)
                heading = self._columns.headings[key]
                row = self._columns.row
                yield SheetFault(row, place, heading, "hidden-column", heading, _HIDDEN)


_TWICE_CODE = "duplicate-row"
_PLACE = {"indicator_code", "organization_code", "organization_name", "period"}
_MERGED = Text(
    "数据行中有合并单元格，只有左上角一格有内容：请取消合并，逐行填写",
    "Cells are merged, and only the first of them holds anything: unmerge them, fill in each row",
)
_HIDDEN = Text("该列被隐藏：请取消隐藏后再上传", "The column is hidden: show it and send it again")

_BESIDE = {
    "organization_code": ("organization_code", "organization_name"),
    "indicator_code": ("indicator_code", "indicator_name"),
    "note": ("note", "evidence"),
    "justification": ("change_reason",),
    "": ("indicator_code", "indicator_name"),
}
"""Which columns a member may stand in; a fault of the row as a whole stands with its code."""


def _at(columns: SheetColumns, number: int, key: str, fault: Fault) -> SheetFault:
    found = next((one for one in _BESIDE.get(key, (key,)) if one in columns.at), None)
    cell = None if found is None else cell_name(number, columns.at[found])
    heading = None if found is None else columns.headings[found]
    value = None if fault.value is None else str(fault.value)[:_LONGEST_SHOWN]
    return SheetFault(number, cell, heading, fault.code, value, fault.detail)


def _columns_in(merged: CellRange) -> range:
    return range(merged.first_column, min(merged.last_column, 300) + 1)
