"""A plan loaded over the rows that stand: no other key of a register under them."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import lock_name
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.document import PlanDocument
from services.core.plan.errors import InvalidPlan
from services.core.plan.loading import Loaded, load_plan
from services.core.plan.queries import plan_document
from services.core.plan.register_entries import Register
from services.core.registers import queries
from services.core.registers.service import name_of

_KEY_IN_USE = Text(
    "台账“{name}”有 {count} 行在册，不能按新的主键识别，更改后同一对象会登记成两行："
    "主键仍写原来的列和类型，或先终止、撤回这些行，或以新的台账代码登记",
    "{count} rows of {name} stand that this key does not tell by what they say, so that each could"
    " be written a second time: leave the key's columns and their types as they were, end or"
    " withdraw those rows first, or describe a register of another code",
)


async def load_plan_over_rows(
    session: AsyncSession,
    *,
    document: PlanDocument,
    actor: Mapping[str, object],
    now: datetime,
    whole_city: bool = True,
) -> Loaded:
    """Load a plan as `plan.loading.load_plan` does, where the rows that stand keep their keys.

    Raises:
        InvalidPlan: see there; or a register has another key, by which rows of it that stand would
            not be found again.
    """
    loaded = await load_plan(
        session, document=document, actor=actor, now=now, whole_city=whole_city
    )
    if loaded.outcome == "new_version":
        faults = await _key_faults(session, document, loaded.version - 1)
        if faults:
            raise InvalidPlan(faults=faults)
    return loaded


async def _key_faults(session: AsyncSession, document: PlanDocument, earlier: int) -> list[Fault]:
    """Return the registers under whose standing rows the key was changed since a version."""
    city, plan = document.city.code, document.code
    before = await _keys_at(session, city, plan, earlier)
    faults = []
    for at, register in enumerate(document.registers):
        if before.get(register.code) == _key(register):
            continue
        # Whoever writes by the key that was is let through first, and counted.
        await lock_name(session, name_of(city, plan, register.code))
        count = await queries.keyed_otherwise(session, city, plan, register)
        if count:
            told = _KEY_IN_USE.format(name=register.name, count=str(count))
            place = f"/registers/{at}/key"
            faults.append(Fault(place, "key-in-use", told, list(register.key)))
    return faults


_Key = tuple[tuple[str, str | None], ...]
"""The columns of a key, each with its type."""


def _key(register: Register) -> _Key:
    columns = [(code, register.column(code)) for code in register.key]
    return tuple((code, None if one is None else one.type) for code, one in columns)


async def _keys_at(session: AsyncSession, city: str, plan: str, version: int) -> Mapping[str, _Key]:
    """Return the keys of a version's registers; of one that cannot be read today, none."""
    try:
        document = await plan_document(session, city, plan, version)
    except ValidationError:
        return {}
    return {one.code: _key(one) for one in document.registers}
