"""Rows of a register's sheet, judged and written as a batch of the register is."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from typing_extensions import override

from services.core.imports.cell_values import ParsedRow
from services.core.imports.checking import (
    CHANGED_SINCE,
    DUPLICATE,
    BlockOutcome,
    SheetDesk,
    SheetFault,
    SheetRows,
)
from services.core.imports.intake import FirstLook
from services.core.imports.register_sheet import RegisterRowParser
from services.core.kit.errors import Fault
from services.core.plan.register_entries import Register
from services.core.registers.rules import RowDraft
from services.core.registers.service import RegisterDesk, WrittenRow
from services.core.sheets.cells import SheetRow

RegisterBlock = Sequence[RowDraft]
"""Some rows of a file, each with its row number as index."""


class RegisterRows(SheetRows[RowDraft, RegisterBlock]):
    """Rows of a register's sheet.

    Unedited cells of a form are ignored, so that an old form reverts nothing.
    """

    def __init__(
        self, look: FirstLook, register: Register, desk: SheetDesk, *, at_once: int
    ) -> None:
        super().__init__(look, desk, at_once=at_once)
        self.register_desk = RegisterDesk(desk.plan, register, desk.actor, desk.now)
        unit = look.known.organization_code
        self._parser = RegisterRowParser(look.columns.at, register, desk.plan, unit)
        self._of_totals: list[SheetFault] = []

    @override
    def parsed(self, row: SheetRow, index: int) -> ParsedRow[RowDraft]:
        draft, faults = self._parser.parsed(row)
        self._of_totals += [self.told(row.number, one) for one in faults]
        return ParsedRow(row.number, draft)

    @override
    def about(self, row: RowDraft) -> Hashable | None:
        key = tuple(row.said.get(code) for code in self.register_desk.register.key)
        return None if all(one is None for one in key) else key

    @override
    def judged(self, rows: Sequence[RowDraft], numbers: Sequence[int]) -> RegisterBlock:
        return list(rows)

    @override
    def last_faults(self) -> list[SheetFault]:
        return [*super().last_faults(), *self._of_totals]

    @override
    def told(self, number: int, fault: Fault) -> SheetFault:
        found = super().told(number, fault)
        column = self.register_desk.register.column(fault.pointer.rpartition("/")[2])
        if found.heading is None and column is not None:
            return replace(found, heading=column.name)  # the sheet has no such column
        return found

    def outcome(self, block: RegisterBlock, decided: Sequence[WrittenRow]) -> BlockOutcome:
        """Return the outcome of a block whose rows were decided."""
        told = [
            self.told(one.index, fault)
            for draft, one in zip(block, decided, strict=True)
            for fault in one.faults
            # Duplicates are reported, with all their rows, after all rows were read.
            if fault.code != DUPLICATE or not self.is_twice(draft)
        ]
        return BlockOutcome([(one.index, one.outcome) for one in decided], told)

    def moved(self, decided: Sequence[WrittenRow]) -> list[SheetFault]:
        """Return a fault for each row that somebody changed after the file was sent."""
        return [
            self.told(one.index, CHANGED_SINCE)
            for one in decided
            if one.outcome == "updated"
            and one.before is not None
            and one.before["updated_at"] > self.desk.sent_at
        ]
