"""Rows of form 02, and of similar sheets: progress of milestones, written by their own rules.

A blank cell leaves its field as it is, and a row without changes writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from typing_extensions import override

from services.core.imports.cell_values import (
    HIDDEN_ROW,
    ParsedRow,
    day_of,
    is_no_row,
    number_of,
    text_of,
    words_of,
)
from services.core.imports.checking import (
    CHANGED_SINCE,
    BlockOutcome,
    SheetDesk,
    SheetFault,
    SheetRows,
)
from services.core.imports.intake import FirstLook
from services.core.imports.prefilled import cells_of_report
from services.core.imports.sheet_forms import MILESTONE_STATES
from services.core.kit.errors import DomainError, Fault
from services.core.kit.text import Text
from services.core.milestones.errors import MilestoneTransitionRefused
from services.core.milestones.models import Milestone
from services.core.milestones.reports.service import DecidedReport, PartialReport
from services.core.milestones.rules import FULL
from services.core.sheets.cells import SheetRow

_WORDS = ("narrative", "problems", "next_steps")


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A row about a milestone, by column; the id is None if it cannot be read."""

    milestone_id: UUID | None
    said: Mapping[str, Any]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class TaskBlock:
    """Some rows of a file; `numbers` are the file's row numbers of those without faults."""

    reports: Sequence[PartialReport]
    numbers: Sequence[int]
    faults: Sequence[SheetFault]


class TaskRows(SheetRows[TaskRow, TaskBlock]):
    """Rows with the progress of milestones."""

    def __init__(self, look: FirstLook, desk: SheetDesk, *, at_once: int) -> None:
        super().__init__(look, desk, at_once=at_once)
        self._at_columns = look.columns.at
        self._unit = look.known.organization_code
        told = look.columns.known.told
        self._told = [self._at_columns[key] for key in told if key in self._at_columns]

    @override
    def parsed(self, row: SheetRow, index: int) -> ParsedRow[TaskRow]:
        milestone_id = _id_of(text_of(row, self._at_columns, "milestone_id"))
        if milestone_id is None and is_no_row(row):
            return ParsedRow(row.number, None)
        if not any(column in row.cells for column in self._told):
            return ParsedRow(row.number, None, blank=milestone_id is not None)
        faults = [HIDDEN_ROW] if row.hidden else []
        if milestone_id is None:
            shown = text_of(row, self._at_columns, "milestone_id")[:60] or None
            faults.append(Fault("/milestone_id", "milestone-missing", _NO_MILESTONE, shown))
        said = self._said(row, faults)
        return ParsedRow(row.number, TaskRow(milestone_id, said, tuple(faults)))

    def _said(self, row: SheetRow, faults: list[Fault]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for key, read in (("percent", _percent_of), ("expected_date", day_of)):
            cell = row.cells.get(self._at_columns.get(key, 0))
            found = None if cell is None else read(key, cell)
            if isinstance(found, Fault):
                faults.append(found)
            elif found is not None:
                said[key] = found
        for key in _WORDS:
            if text := words_of(row, self._at_columns, key, faults):
                said[key] = text
        return said

    @override
    def about(self, row: TaskRow) -> UUID | None:
        return row.milestone_id

    @override
    def judged(self, rows: Sequence[TaskRow], numbers: Sequence[int]) -> TaskBlock:
        sound = [
            (PartialReport(row.milestone_id, row.said), number)
            for row, number in zip(rows, numbers, strict=True)
            if row.milestone_id is not None and not row.faults
        ]
        # Duplicates are reported after all rows were read; here the first is enough.
        first = {one.milestone_id: (one, number) for one, number in reversed(sound)}
        told = [
            self.told(number, fault)
            for row, number in zip(rows, numbers, strict=True)
            for fault in row.faults
        ]
        return TaskBlock(
            [one for one, _ in first.values()], [number for _, number in first.values()], told
        )

    def moved(self, block: TaskBlock, decided: Sequence[DecidedReport]) -> list[SheetFault]:
        """Return a fault for each row whose report was changed after the file was sent."""
        return [
            self.told(number, CHANGED_SINCE)
            for number, one in zip(block.numbers, decided, strict=True)
            if one.outcome == "updated"
            and one.changed_at is not None
            and one.changed_at > self.desk.sent_at
        ]

    def outcome(self, block: TaskBlock, decided: Sequence[DecidedReport]) -> BlockOutcome:
        """Return the outcome of a block whose reports were decided."""
        faults = list(block.faults)
        for number, one in zip(block.numbers, decided, strict=True):
            faults += [self.told(number, each) for each in self._why_not(one)]
            if one.before is not None:
                faults += self.changed_since_made(number, partial(cells_of_report, one.before))
        rows = [(number, one.outcome) for number, one in zip(block.numbers, decided, strict=True)]
        return BlockOutcome(rows, faults)

    def _why_not(self, decided: DecidedReport) -> list[Fault]:
        if decided.refusal is not None:
            return _faults_of(decided.refusal, decided.milestone)
        row = decided.milestone
        others = row is not None and self._unit not in {None, row.organization_code}
        return [_OF_ANOTHER_UNIT] if others else []


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _percent_of(key: str, cell: Any) -> Decimal | Fault | None:
    found = number_of(key, cell)
    if isinstance(found, Fault) and found.code == "dash-for-number":
        return replace(found, detail=_DASH)
    if not isinstance(found, Decimal) or 0 <= found <= FULL:
        return found
    code = "less-than-equal" if found > FULL else "greater-than-equal"
    return Fault(f"/{key}", code, _OUT_OF_RANGE, str(found)[:60])


def _faults_of(refusal: DomainError, milestone: Milestone | None) -> list[Fault]:
    """Return the reasons for refusing a report as faults of its row."""
    if refusal.faults:
        return list(refusal.faults)
    words = refusal.detail or refusal.title
    if isinstance(refusal, MilestoneTransitionRefused) and milestone is not None:
        state = milestone.state
        words = _STATE.format(state=MILESTONE_STATES.get(state, state), code=state)
    return [Fault("", refusal.code, words)]


_NO_MILESTONE = Text(
    "没有里程碑编号，或编号不完整：请在下载的任务进展表中填写",
    "It names no milestone, or not by its id: fill in the form that was downloaded",
)
_OF_ANOTHER_UNIT = Fault(
    "/milestone_id",
    "milestone-of-another-unit",
    Text("该里程碑属于另一单位", "The milestone is another unit's"),
)
_OUT_OF_RANGE = Text("应为 0 至 100：百分之九十五写 95", "From 0 to 100: 95 per cent is 95")
_DASH = Text("没有新情况请留空，为零请填 0", "Leave it empty where nothing is new, or write 0")
_STATE = Text(
    "里程碑处于“{state}”，现在不能报告进展",
    "The milestone is {code}: no progress can be reported on it now",
)
