"""Backfills the days of renewal and recheck of rows that an earlier release confirmed.

The worker does this in batches: `wufei migrate` does not wait for it, and 100,000 rows have their
days after ten minutes. The contents, version and history of a row stay as they are.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.clock import Clock
from services.core.kit.database import rows_changed
from services.core.plan.queries import plan_state
from services.core.plan.register_entries import Register
from services.core.plan.state import PlanState
from services.core.registers import statements
from services.core.registers.deadlines import deadlines

_AT_ONCE = 5000
"""The rows of a city that are filled in per transaction."""


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Fill in the days of up to 5,000 rows of a city by the plan in force; return how many.

    A row of a register that the plan no longer has waits until the plan has it again.
    """
    del clock  # The days follow from the confirmed contents, not from today.
    city = {"city": city_code}
    filled = 0
    for found in (await session.execute(statements.REGISTERS_UNDATED, city)).all():
        plan = await plan_state(session, city_code, found.plan_code)
        register = None if plan is None else plan.registers.get(found.register_code)
        if plan is not None and register is not None and filled < _AT_ONCE:
            filled += await _fill(session, plan, register, most=_AT_ONCE - filled)
    return filled


async def _fill(session: AsyncSession, plan: PlanState, register: Register, *, most: int) -> int:
    of_register = {"city": plan.city_code, "plan": plan.code, "register": register.code}
    rows = (await session.execute(statements.UNDATED, {**of_register, "most": most})).all()
    if not rows:
        return 0
    dated = []
    for row in rows:
        days = _days(register, row.counted, plan.local_date(row.counts_since))
        dated.append({"id": row.id, "version": row.version, **days})
    columns = {name: [one[name] for one in dated] for name in dated[0]}
    return await rows_changed(
        session, statements.FILL_DEADLINES, {"city": plan.city_code, **columns}
    )


def _days(register: Register, counted: Mapping[str, Any], since: date) -> Mapping[str, Any]:
    """Return the deadlines of contents that count since a day, as if confirmed then.

    A correction does not put deadlines off, so a later confirmation does not matter. Text or
    numbers that an earlier version of the plan allowed are no days: such a row gets no deadline.
    """
    said = {"cells": counted, "counted": None, "recheck_by": None}
    return deadlines(register, said, since)
