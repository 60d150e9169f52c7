"""The values that count after each event: keeps the rows of `score_input` in step with the log.

One statement applies many events; nothing is judged here. The basis `approved` follows approvals
alone; `submitted` also takes values under review, and falls back to the approved ones.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import driver_connection, read_by_cost, read_by_hashing
from services.core.scoring import statements
from services.core.scoring.affected import ChangedInput


async def apply_events(
    session: AsyncSession, city_code: str, *, after: int, upto: int
) -> list[ChangedInput]:
    """Apply the submission events of the positions (after, upto]; return the changed values.

    If several events concern one slot, only the last relevant one leaves a row.
    """
    connection = await driver_connection(session)
    rows = await connection.fetch(
        *statements.APPLY_EVENTS.bind({"city": city_code, "after": after, "upto": upto})
    )
    return [ChangedInput(*row) for row in rows]


async def remake(session: AsyncSession, city_code: str, plan_code: str, *, upto: int) -> bool:
    """Rebuild a plan's rows from the log up to a position; return whether they differed.

    If they do not differ, nothing is written.
    """
    place = {"city": city_code, "plan": plan_code}
    await read_by_hashing(session)
    await session.execute(statements.FORGET_MADE)
    await session.execute(statements.MAKE_INPUTS, {**place, "upto": upto})
    await session.execute(statements.COUNT_MADE)
    differs: bool = (await session.execute(statements.INPUTS_DIFFER, place)).scalar_one()
    if differs:
        await session.execute(statements.CLEAR_INPUTS, place)
        await session.execute(statements.FILL_INPUTS, {"city": city_code})
    await read_by_cost(session)
    return differs
