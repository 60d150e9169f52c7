"""Queries of earlier versions of a plan: their indicators, and registers dropped since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cachetools import RRCache
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.plan.document import PlanDocument
from services.core.plan.leads import reporters_of
from services.core.plan.members import Frequency
from services.core.plan.register_entries import Register

PastOwners = Mapping[str, Mapping[str, date]]
"""By indicator and unit: the local date since which the unit no longer reports it."""

PastUnits = Mapping[str, Sequence[tuple[datetime, str]]]
"""By indicator, its former units of measure, oldest first, each with the instant of its end."""

PastCycles = Mapping[str, Sequence[tuple[date, Frequency]]]
"""By indicator, its former frequencies, oldest first, each with the local date of its end."""


@dataclass(frozen=True, slots=True)
class EarlierSaid:
    """The differences between earlier versions and the one in force."""

    owners: PastOwners = field(default_factory=dict)
    units: PastUnits = field(default_factory=dict)
    cycles: PastCycles = field(default_factory=dict)

    @property
    def members(self) -> dict[str, Any]:
        """The members of `PlanState` that it fills, by name."""
        return {
            "past_owners": self.owners,
            "past_units": self.units,
            "past_cycles": self.cycles,
        }


_VERSIONS = text("""
SELECT v.digest, v.loaded_at FROM plan_version AS v
WHERE v.city_code = :city AND v.plan_code = :plan AND v.version <= :version
ORDER BY v.version
""")

_KEPT = 256
_found: RRCache[tuple[Any, ...], EarlierSaid] = RRCache(maxsize=_KEPT)
"""Cache of `EarlierSaid` by the list of versions. A version never changes, so it is never stale."""

# Only the members of each version that determine its reporters and units.
_WRITTEN = text("""
SELECT v.loaded_at,
    (SELECT jsonb_agg(jsonb_build_object('code', i->'code', 'owners', i->'owners',
        'acting_owner', i->'acting_owner', 'units', i->'aggregation'->'units',
        'unit', i->'unit', 'frequency', i->'frequency'))
        FROM jsonb_array_elements(v.document->'indicators') AS i) AS indicators,
    (SELECT jsonb_object_agg(o->>'code', jsonb_build_object(
        'members', o->'members', 'submits', o->'submits'))
        FROM jsonb_array_elements(v.document->'organizations') AS o) AS organizations
FROM plan_version v
WHERE v.city_code = :city AND v.plan_code = :plan AND v.version <= :version
ORDER BY v.version
""").columns(indicators=JSONB, organizations=JSONB)


async def said_earlier(
    session: AsyncSession, city_code: str, document: PlanDocument, version: int
) -> EarlierSaid:
    """Return former reporters, frequencies and units of measure, by versions before this one.

    A plan with one version has no past, and nothing is read. A plan is read after every decision
    about it, partly under its lock, so each process parses its versions only once.
    """
    if version == 1:
        return EarlierSaid()
    place = {"city": city_code, "plan": document.code, "version": version}
    known = document.code, *map(tuple, await session.execute(_VERSIONS, place))
    found = _found.get(known)
    if found is None:
        versions = list(await session.execute(_WRITTEN, place))
        units = _ceased(versions, "unit")
        zone = ZoneInfo(document.time_zone)
        cycles = {
            code: [(until.astimezone(zone).date(), said) for until, said in ceased]
            for code, ceased in _ceased(versions, "frequency").items()
        }
        found = _found[known] = EarlierSaid(_owners(versions, document), units, cycles)
    return found


def _owners(versions: list[Any], document: PlanDocument) -> PastOwners:
    zone = ZoneInfo(document.time_zone)
    held: dict[str, frozenset[str]] = {}
    ended: dict[str, dict[str, date]] = {}
    for loaded_at, indicators, organizations in versions:
        day = loaded_at.astimezone(zone).date()
        now = {one["code"]: reporters_written(one, organizations) for one in indicators or ()}
        for code, before in held.items():
            gone = before - now.get(code, frozenset())
            ended.setdefault(code, {}).update(dict.fromkeys(gone, day))
        held = now
    units = {entry.code: entry for entry in document.organizations}
    today = {one.code: set(reporters_of(one, units)) for one in document.indicators}
    return {
        code: {unit: day for unit, day in by_unit.items() if unit not in today[code]}
        for code, by_unit in ended.items()
        if code in today
    }


def _ceased(versions: list[Any], member: str) -> dict[str, list[tuple[datetime, Any]]]:
    """Return the former values of an indicator's member, oldest first, each with its end.

    By indicator; versions without the indicator are skipped.
    """
    held: dict[str, Any] = {}
    ended: dict[str, list[tuple[datetime, Any]]] = {}
    for loaded_at, indicators, _ in versions:
        for one in indicators or ():
            code, said = one["code"], one[member]
            if held.get(code, said) != said:
                ended.setdefault(code, []).append((loaded_at, held[code]))
            held[code] = said
    return ended


def reporters_written(
    written: Mapping[str, Any], organizations: Mapping[str, Mapping[str, Any]]
) -> frozenset[str]:
    """Return the units that reported an indicator in an earlier version: `leads.reporters_of`."""
    acting = written["acting_owner"]
    leads = ([acting] if acting else []) + written["owners"]
    named = [unit for code in leads for unit in (organizations[code]["members"] or [code])]
    owing = [unit for unit in named if organizations[unit]["submits"]]
    return frozenset(owing[:1] if written["units"] == "direct" else owing)


_LAST_REGISTER = text("""
SELECT r.register FROM plan_version AS v
CROSS JOIN LATERAL jsonb_array_elements(v.document->'registers') AS r(register)
WHERE v.city_code = :city AND v.plan_code = :plan AND r.register->>'code' = :code
ORDER BY v.version DESC LIMIT 1
""").columns(register=JSONB)


async def last_register(
    session: AsyncSession, city_code: str, plan_code: str, code: str
) -> Register | None:
    """Return a register as of the last version that has it.

    None: no version has it, or its format can no longer be read.
    """
    place = {"city": city_code, "plan": plan_code, "code": code}
    found = await session.scalar(_LAST_REGISTER, place)
    try:
        return None if found is None else Register.model_validate(found)
    except ValidationError:
        return None
