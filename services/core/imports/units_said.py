"""Checks the unit of measure that a sheet states for its numbers against the plan's. Pure.

The unit is in a column of its own, or in brackets behind a heading: 本期值（万吨）. Unchecked, a
number in another unit could be wrong by a factor of thousands.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.core.imports.finding_cells import plainly
from services.core.imports.headings import SheetColumns
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.sheets.cells import SheetRow

_COLUMN = "unit_of_measure"
_NUMBERS = ("value", "numerator", "denominator")
_MULTIPLES = ("", "十", "百", "千", "万", "十万", "百万", "千万", "亿")
_NONE = {"", "/", "-", "--", "—", "——", "无", "见表内"}
_BRACKETED = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]+)[)\]】〕]$")
_DIFFERS = Text(
    "表中的计量单位是“{said}”，方案的计量单位是“{planned}”：请按“{planned}”填写数值和单位",
    'The sheet says the unit "{said}", and the plan has "{planned}": write number and unit in that',
)


class UnitsSaid:
    """The units of measure that a sheet states, by its headings and by its rows."""

    def __init__(self, columns: SheetColumns, plan: PlanState) -> None:
        self._column = columns.at.get(_COLUMN, 0)
        self._planned = {code: one.unit for code, one in plan.indicators.items()}
        known = _units_like({plainly(unit) for unit in self._planned.values()})
        heading = columns.headings.get("value", "")
        found = _BRACKETED.search(plainly(heading))
        self._of_heading = found[1] if found is not None and found[1] in known else None

    def faults(
        self, row: SheetRow, indicator_code: str, said: Mapping[str, Any]
    ) -> Iterator[Fault]:
        """Yield the unit faults of a row with these members of an indicator."""
        planned = self._planned.get(indicator_code)
        if planned is None or said.keys().isdisjoint(_NUMBERS):
            return
        cell = row.cells.get(self._column)
        written = "" if cell is None else plainly(cell.text)
        if written not in _NONE and written != plainly(planned):
            shown = "" if cell is None else cell.text[:60]
            yield _differs(f"/{_COLUMN}", shown, planned)
        if self._of_heading not in {None, plainly(planned)} and "value" in said:
            yield _differs("/value", self._of_heading or "", planned)


def _differs(pointer: str, said: str, planned: str) -> Fault:
    return Fault(pointer, "unit-differs", _DIFFERS.format(said=said, planned=planned), said)


def _units_like(units: set[str]) -> set[str]:
    """Return units with their multiples (ten, thousand, ten thousand, …) and their base units."""
    bare = {unit.lstrip("十百千万亿") or unit for unit in units}
    return {f"{many}{unit}" for unit in bare | units for many in _MULTIPLES}
