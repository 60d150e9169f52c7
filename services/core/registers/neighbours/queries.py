"""Queries of the rows that a row is checked against."""

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
    """Return a row's broken and undecided checks against other rows, in two statements at most.

    It is compared with the present rows of its own unit, confirmed or not; with `confirmed`, with
    confirmed contents alone. `rules.told_to` decides who sees sums.
    """
    present, counted = await _neighbours(session, row, register)
    return row_findings(register, row["cells"], counted if confirmed else present)


async def findings_at_confirmation(
    session: AsyncSession, row: Mapping[str, Any], register: Register
) -> list[RowFinding]:
    """Return the broken and undecided checks of a row to be confirmed, in two statements at most.

    Confirmed contents decide; `rules.judged_together` merges in the rest.
    """
    present, counted = await _neighbours(session, row, register)
    cells = row["cells"]
    return judged_together(
        row_findings(register, cells, present), row_findings(register, cells, counted)
    )


async def _neighbours(
    session: AsyncSession, row: Mapping[str, Any], register: Register
) -> tuple[Neighbours, Neighbours]:
    """Return the present and the confirmed contents of other rows of the unit."""
    cells = row["cells"]
    of_row = {
        "city": row["city_code"],
        "plan": row["plan_code"],
        "unit": row["organization_code"],
    }
    keys, sums = keys_before(register, cells), summed(register, cells)
    by_key: dict[str, Any] = {}
    if keys:
        asked = {**of_row, "register": register.code, "keys": list(keys.values())}
        by_key = {one.key: one for one in await session.execute(statements.OF_KEYS, asked)}
    totals: dict[tuple[str, str], Any] = {}
    if sums:
        asked = {
            **of_row,
            "registers": [one.register for one in sums],
            "columns": [one.column for one in sums],
            "matching": [to_json(one.matching).decode() for one in sums],
        }
        found = await session.execute(statements.SUMS, asked)
        totals = {(one.register, one.said): one for one in found}
    rows = {month: by_key[key] for month, key in keys.items() if key in by_key}
    return (
        Neighbours(
            {month: one.present for month, one in rows.items()},
            {place: one.present for place, one in totals.items()},
        ),
        Neighbours(
            {month: one.confirmed for month, one in rows.items() if one.confirmed is not None},
            {place: one.confirmed for place, one in totals.items()},
        ),
    )
