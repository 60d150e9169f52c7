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
    """Return what a row breaks or leaves open beside other rows, in two statements at most.

    It is held against what rows of its own unit say now, confirmed or not; with `confirmed` against
    what was confirmed alone. To whom sums are told is for `rules.told_to` to say.
    """
    present, counted = await _neighbours(session, row, register)
    return row_findings(register, row["cells"], counted if confirmed else present)


async def findings_at_confirmation(
    session: AsyncSession, row: Mapping[str, Any], register: Register
) -> list[RowFinding]:
    """Return what a row breaks or leaves open as it is confirmed, in two statements at most.

    What was confirmed decides; `rules.judged_together` says what becomes of the rest.
    """
    present, counted = await _neighbours(session, row, register)
    cells = row["cells"]
    return judged_together(
        row_findings(register, cells, present), row_findings(register, cells, counted)
    )


async def _neighbours(
    session: AsyncSession, row: Mapping[str, Any], register: Register
) -> tuple[Neighbours, Neighbours]:
    """Return what other rows of the unit say now, and what of them was confirmed."""
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
