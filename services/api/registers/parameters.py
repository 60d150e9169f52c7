"""Dependencies shared by the routes of registers: the caller, the register and the row named."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from services.api.context import (
    PlanInScope,
    Reading,
)
from services.api.security import permitted
from services.api.turns import in_scope
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.plan.earlier.queries import last_register
from services.core.plan.register_entries import Register
from services.core.registers import queries
from services.core.registers.errors import RegisterNotFound, RegisterRowNotFound
from services.core.registers.models import RegisterRow
from services.core.registers.rules import register_in

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]
RowId = Annotated[
    UUID,
    Path(description="Id of a row", examples=["019bd4a0-5c00-7d20-8b11-0d6c0f0e6a11"]),
]


RegisterCode = Annotated[
    str,
    Path(
        alias="register",
        max_length=60,
        description="Code of a register of the plan",
        examples=["GREEN-FACTORY"],
    ),
]


async def _register(register_code: RegisterCode, plan: PlanInScope) -> Register:
    return register_in(plan, register_code)


RegisterInPlan = Annotated[Register, Depends(_register)]


async def _register_ever(
    register_code: RegisterCode, plan: PlanInScope, session: Reading
) -> Register:
    """Return a register for reading; if the plan dropped it, its last version.

    Approved values may be based on its rows.
    """
    found = plan.registers.get(register_code) or await last_register(
        session, plan.city_code, plan.code, register_code
    )
    if found is None:
        raise RegisterNotFound
    return found


RegisterToRead = Annotated[Register, Depends(_register_ever)]


async def _seen(row_id: RowId, actor: Reader, session: Reading) -> RegisterRow:
    """Return a row that the caller sees.

    Raises:
        RegisterRowNotFound: no row with this id is in the caller's scope.
    """
    return in_scope(await queries.one(session, actor, row_id), RegisterRowNotFound)


Seen = Annotated[RegisterRow, Depends(_seen)]
