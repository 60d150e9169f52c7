"""Refuses a plan version that changes keys of existing rows, or units or years of numbers."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import lock_name
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.document import Indicator, PlanDocument
from services.core.plan.errors import InvalidPlan
from services.core.plan.loading import Loaded, load_plan
from services.core.plan.members import Frequency
from services.core.plan.queries import plan_document
from services.core.plan.register_entries import Register
from services.core.plan.versions.queries import SaidLast, said_last
from services.core.registers import queries
from services.core.registers.service import name_of
from services.core.submissions.queries import standing_by_period
from services.core.submissions.rules import multiplier

_KEY_IN_USE = Text(
    "台账“{name}”有 {count} 行在册，不能按新的主键识别，更改后同一对象会登记成两行："
    "主键仍写原来的列和类型，或先终止、撤回这些行，或以新的台账代码登记",
    "{count} rows of {name} stand that this key does not tell by what they say, so that each could"
    " be written a second time: leave the key's columns and their types as they were, end or"
    " withdraw those rows first, or describe a register of another code",
)
_UNIT_IN_USE = Text(
    "“{name}”已有 {count} 个数值（填报值、观测值或下达的目标）按原单位（或倍数）给出，"
    "更改后会被当作新单位的数值：请以新的代码登记采用新单位的指标",
    "{count} numbers of {name} (reported, observed, or assigned as targets) were given in the unit,"
    " or with the multiplier, that was, and would be read in the new one: describe the indicator in"
    " the new unit under another code",
)
_FREQUENCY_IN_USE = Text(
    "“{name}”在尚未结束的年度已有 {count} 项按原周期填报，更改 frequency 后将不再计入该年度："
    "frequency 请写“{before}”，该年度结束后再更改，或以新的代码登记该指标",
    "{count} reports of {name} stand for periods of a year that has not ended, and would no more go"
    " into that year: write {before} as `frequency` and change it once the year has ended, or"
    " describe an indicator of another code",
)
_COLUMN_IN_USE = Text(
    "台账列“{name}”有 {count} 行按原单位填写，更改后会被当作新单位的数值："
    "请增加新的列，或先终止、撤回这些行",
    "{count} rows say {name} in the unit that was, and would be read in the new one: add another"
    " column, or end or withdraw those rows first",
)


async def load_plan_over_rows(
    session: AsyncSession,
    *,
    document: PlanDocument,
    actor: Mapping[str, object],
    now: datetime,
    whole_city: bool = True,
) -> Loaded:
    """Load a plan like `plan.loading.load_plan`; existing data keeps keys, units and frequencies.

    Raises:
        InvalidPlan: see there; or a register has another key, by which its existing rows would not
            be found; or an indicator or a column has another unit, in which existing numbers would
            be misread; or an indicator has another frequency, and the current year, or a later
            one, would lose values reported for it.
    """
    loaded = await load_plan(
        session, document=document, actor=actor, now=now, whole_city=whole_city
    )
    if loaded.outcome == "new_version":
        before = await _version(session, document, loaded.version - 1)
        faults = await _key_faults(session, document, before)
        said = await _said_before(session, document, loaded.version - 1)
        faults += await _unit_faults(session, document, said)
        if before is not None:
            faults += await _column_faults(session, document, before)
        faults += await _frequency_faults(session, document, said, now)
        if faults:
            raise InvalidPlan(faults=faults)
    return loaded


async def _key_faults(
    session: AsyncSession, document: PlanDocument, before: PlanDocument | None
) -> list[Fault]:
    """Return the registers that have another key than before although rows hold theirs."""
    city, plan = document.city.code, document.code
    keys = {} if before is None else {one.code: _key(one) for one in before.registers}
    faults = []
    for at, register in enumerate(document.registers):
        if keys.get(register.code) == _key(register):
            continue
        # Wait for writers that use the former key, so that their rows are counted too.
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


async def _version(
    session: AsyncSession, document: PlanDocument, version: int
) -> PlanDocument | None:
    """Return a version of a plan; None: its format can no longer be read."""
    try:
        return await plan_document(session, document.city.code, document.code, version)
    except ValidationError:
        return None


async def _said_before(
    session: AsyncSession, document: PlanDocument, version: int
) -> Mapping[str, SaidLast]:
    """Return each indicator as last defined: one that returns finds its old values again."""
    codes = [one.code for one in document.indicators]
    return await said_last(session, document.city.code, document.code, version, codes)


async def _unit_faults(
    session: AsyncSession, document: PlanDocument, said: Mapping[str, SaidLast]
) -> list[Fault]:
    """Return the indicators whose existing numbers would be read in another unit.

    Closed periods count too, because their boards are redrawn by the present plan. Reports by the
    version before have finished by now, because they lock that version.
    """
    now = {one.code: (one.unit, multiplier(one)) for one in document.indicators}
    was = {code: (one.unit, one.multiplier) for code, one in said.items()}
    changed = {code for code, measure in now.items() if was.get(code, measure) != measure}
    if not changed:
        return []
    other_units = {code for code in changed if was[code][0] != now[code][0]}
    city, plan = document.city.code, document.code
    counts = await queries.measured(session, city, plan, changed, other_units)
    faults = []
    for at, one in enumerate(document.indicators):
        if one.code in counts:
            told = _UNIT_IN_USE.format(name=one.printed_name, count=str(counts[one.code]))
            place = "unit" if one.code in other_units else _multiplier_place(one)
            faults.append(Fault(f"/indicators/{at}/{place}", "unit-in-use", told, one.unit))
    return faults


def _multiplier_place(indicator: Indicator) -> str:
    stated = indicator.multiplier is not None or indicator.formula is None
    return "multiplier" if stated else "formula/multiplier"


async def _frequency_faults(
    session: AsyncSession, document: PlanDocument, said: Mapping[str, SaidLast], now: datetime
) -> list[Fault]:
    """Return the indicators whose new frequency would make a year lose its reported values.

    A year that has ended keeps its former frequency: `PlanState.cycle`.
    """
    was: dict[str, Frequency] = {
        one.code: said[one.code].frequency
        for one in document.indicators
        if one.code in said and said[one.code].frequency not in {one.frequency, "annual"}
    }
    if not was:
        return []
    running = document.period_calendar.year_of(now.astimezone(ZoneInfo(document.time_zone)).date())
    counts: Counter[str] = Counter()
    standing = await standing_by_period(session, document.city.code, document.code, was)
    for (code, written), number in standing.items():
        period = document.period_calendar.period(written)
        if period.frequency == was[code] and period.in_year >= running:
            counts[code] += number
    faults = []
    for at, one in enumerate(document.indicators):
        if counts[one.code]:
            filled = {"count": str(counts[one.code]), "before": was[one.code]}
            told = _FREQUENCY_IN_USE.format(name=one.printed_name, **filled)
            place = f"/indicators/{at}/frequency"
            faults.append(Fault(place, "frequency-in-use", told, one.frequency))
    return faults


async def _column_faults(
    session: AsyncSession, document: PlanDocument, before: PlanDocument
) -> list[Fault]:
    """Return the columns of registers whose unit changes although rows have values in them."""
    city, plan, faults = document.city.code, document.code, []
    was = {(one.code, each.code): each.unit for one in before.registers for each in one.columns}
    for at, register in enumerate(document.registers):
        for place, column in enumerate(register.columns):
            if was.get((register.code, column.code), column.unit) == column.unit:
                continue
            await lock_name(session, name_of(city, plan, register.code))
            count = await queries.saying(session, city, plan, register.code, column.code)
            if count:
                told = _COLUMN_IN_USE.format(name=column.name, count=str(count))
                where = f"/registers/{at}/columns/{place}/unit"
                faults.append(Fault(where, "unit-in-use", told, column.unit))
    return faults
