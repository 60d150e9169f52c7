"""What a device said of a row beside what the ledger says: merged by column. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.core.registers.judging import Cells

RowConflictState = Literal["open", "decided"]
RowTakenVersion = Literal["ledger", "device"]


@dataclass(frozen=True, slots=True)
class MergedCells:
    """What becomes of what a device said: `free` is to be written, `disputed` both sides changed.

    Null takes a cell back.
    """

    free: Mapping[str, Any]
    disputed: tuple[str, ...]


def merge(base: Cells, present: Cells, wanted: Mapping[str, Any]) -> MergedCells:
    """Merge what is `wanted` by column with what stands.

    A column that only one side changed is that side's. One that both changed alike is as it is.
    """
    free: dict[str, Any] = {}
    disputed = []
    for code, then in wanted.items():
        now, before = present.get(code), base.get(code)
        if then in (before, now):
            continue
        if now == before:
            free[code] = then
        else:
            disputed.append(code)
    return MergedCells(free, tuple(disputed))


def shown(cells: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """Return what some columns say; null: nothing."""
    return {code: cells.get(code) for code in columns}
