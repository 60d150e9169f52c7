"""Looking up what a row is held against."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.plan.register_entries import Register
from services.core.registers.neighbours import statements
from services.core.registers.neighbours.rules import (
    Neighbours,
    RowFinding,
    judged_together,
    keys_before,
    row_findings,
    summed,
)


async def findings_of(
    session: AsyncSession,
    row: Mapping[str, Any],
    register: Register,
    *,
    confirmed: bool = False,
) -> list[RowFinding]:
    """Return what a row breaks or leaves open beside other rows, in two statements at most.

    It is held against what rows of its own unit say now, confirmed or not; with `confirmed` against
    what was confirmed alone. To whom sums are told is for `rules.told_to` to say.
    """
    of = "confirmed" if confirmed else "present"
    cells = row["cells"]
    of_row = {
        "city": row["city_code"],
        "plan": row["plan_code"],
        "unit": row["organization_code"],
    }
    keys, sums = keys_before(register, cells), summed(register, cells)
    by_key: dict[str, Mapping[str, Any]] = {}
    if keys:
        asked = {**of_row, "register": register.code, "keys": list(keys.values())}
        found = await session.execute(statements.OF_KEYS[of], asked)
        by_key = {one["key"]: one["cells"] for one in found.mappings()}
    totals = {}
    if sums:
        matching = [to_json(one.matching).decode() for one in sums]
        asked = {
            **of_row,
            "registers": [one.register for one in sums],
            "columns": [one.column for one in sums],
            "matching": matching,
        }
        found = await session.execute(statements.SUMS[of], asked)
        totals = {(one["register"], one["said"]): one["total"] for one in found.mappings()}
    by_month = {month: by_key[key] for month, key in keys.items() if key in by_key}
    return row_findings(register, cells, Neighbours(by_month, totals))


async def findings_at_confirmation(
    session: AsyncSession, row: Mapping[str, Any], register: Register
) -> list[RowFinding]:
    """Return what a row breaks or leaves open as it is confirmed, in four statements at most.

    What was confirmed decides; `rules.judged_together` says what becomes of the rest.
    """
    if not any(one.is_far for one in register.checks):
        return []
    present = await findings_of(session, row, register)
    confirmed = await findings_of(session, row, register, confirmed=True)
    return judged_together(present, confirmed)
