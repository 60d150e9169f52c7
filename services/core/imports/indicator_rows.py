"""Rows of form 01, and of similar sheets: values, judged and written as a batch is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from typing_extensions import override

from services.core.checks.figures import Figures
from services.core.imports.cell_values import ParsedRow
from services.core.imports.checking import (
    CHANGED_SINCE,
    BlockOutcome,
    SheetDesk,
    SheetFault,
    SheetRows,
)
from services.core.imports.intake import FirstLook
from services.core.imports.parsing import RowParser
from services.core.imports.prefilled import cells_of_submission
from services.core.imports.sheet_forms import Filled
from services.core.plan.document import Indicator
from services.core.plan.slots import Slot
from services.core.sheets.cells import SheetRow
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.deciding import Decided
from services.core.submissions.batch.rows import Batch, BatchRow, JudgedRows, judge


@dataclass(frozen=True, slots=True)
class ValueBlock:
    """Some rows of a file as a batch; `numbers` are their rows in the file, by index."""

    batch: Batch
    judged: JudgedRows
    numbers: Sequence[int]
    faults: Sequence[SheetFault]


class IndicatorRows(SheetRows[BatchRow, ValueBlock]):
    """Rows with values of indicators. `beside` holds values of earlier blocks for cross-checks."""

    def __init__(self, look: FirstLook, desk: SheetDesk, *, at_once: int) -> None:
        super().__init__(look, desk, at_once=at_once)
        self._parser = RowParser(look.columns, look.known, desk.plan)
        self.beside = Figures()

    @override
    def parsed(self, row: SheetRow, index: int) -> ParsedRow[BatchRow]:
        return self._parser.parsed(row, index)

    @override
    def about(self, row: BatchRow) -> Slot | None:
        return row.slot if all(row.slot) else None

    @override
    def judged(self, rows: Sequence[BatchRow], numbers: Sequence[int]) -> ValueBlock:
        batch, desk = Batch(rows, "upsert", atomic=True), self.desk
        today = desk.plan.local_date(desk.now)
        judged = judge(batch, plan=desk.plan, actor=desk.actor, today=today)
        told = [
            self.told(numbers[index], fault)
            for index, faults in judged.faults.items()
            for fault in faults
            # Duplicates are reported, with all their rows, after all rows were read.
            if fault.code != "duplicate-row"
        ]
        return ValueBlock(batch, judged, numbers, told)

    def outcome(self, block: ValueBlock, decided: Sequence[Decided]) -> BlockOutcome:
        """Return the outcome of a block whose rows were decided."""
        rejected = [
            self.told(block.numbers[one.index], fault)
            for one in decided
            if one.index is not None and one.index not in block.judged.faults
            for fault in one.faults
        ]
        rows = [(block.numbers[one.index], one.outcome) for one in decided if one.index is not None]
        return BlockOutcome(rows, [*block.faults, *rejected, *self._overtaken(block, decided)])

    def _overtaken(self, block: ValueBlock, decided: Sequence[Decided]) -> list[SheetFault]:
        """Return the cells that would restore values from when the form was made.

        A wholly unedited row restores nothing if its submission no longer exists.
        """
        indicators = self.desk.plan.indicators
        return [
            fault
            for one in decided
            if one.index is not None and (one.before is not None or one.outcome == "created")
            for fault in self.changed_since_made(
                block.numbers[one.index],
                partial(_standing, one.before, indicators[one.slot.indicator_code]),
            )
        ]

    def suppose(self, decided: Sequence[Decided]) -> None:
        """Add the foreseen values of a block to those that later blocks are checked against."""
        compared = self.desk.plan.checks.compared
        for one in decided:
            if one.action and one.submission and one.slot.indicator_code in compared:
                self.beside.lay_over(one.submission)

    def moved(self, block: ValueBlock, decided: Sequence[Decided]) -> list[SheetFault]:
        """Return a fault for each row whose value was changed after the file was sent."""
        return [
            self.told(block.numbers[one.index], CHANGED_SINCE)
            for one in decided
            if one.index is not None
            and one.outcome == "updated"
            and one.before is not None
            and one.before["updated_at"] > self.desk.sent_at
        ]


def _standing(before: SubmissionRow | None, indicator: Indicator) -> Mapping[str, Filled]:
    """Return the cells that a form made now would have for a submission; empty if there is none."""
    return {} if before is None else cells_of_submission(before, indicator)
