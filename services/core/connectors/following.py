"""Follows the log for connectors: puts figures into the queue, and takes them out again.

It reads the current state, not the events' content, so it may be killed at any line or run twice.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.connectors import queries
from services.core.connectors.figures.queries import ReportedPlace, held_at, places_after
from services.core.connectors.mapping import (
    CodeMapping,
    OutgoingFigure,
    missing_codes,
    read_mapping,
    unit_of,
)
from services.core.connectors.models import Connector
from services.core.connectors.rules import HeldFigure, queueing, reports
from services.core.connectors.statements import LEAVE, QUEUE, REMAP, SUPERSEDE
from services.core.events.catalogue import EventType
from services.core.events.queries import LogEvent, LogStretch
from services.core.events.reading import Follower
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState

_FIGURES: frozenset[EventType] = frozenset(
    {"submission.approved", "submission.withdrawn", "submission.falsified"}
)
_PERIODS: frozenset[EventType] = frozenset({"period.published", "period.reopened"})
"""Each decides whether the figures of its period are reported by who reports published ones."""
_TYPES: tuple[EventType, ...] = (
    *sorted(_FIGURES),
    *sorted(_PERIODS),
    "plan.published",
    "connector.changed",
)
_AT_ONCE = 500
"""Submissions compared at a time when a whole plan is compared."""


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> None:
    plans = sorted({one.plan_code for one in stretch.events if one.plan_code is not None})
    if not plans:
        return
    await _leave(session, city_code, stretch.events, clock.now())
    by_plan: dict[str, list[Connector]] = defaultdict(list)
    for connector in await queries.connectors_of(session, city_code, plans):
        by_plan[connector.plan_code].append(connector)
    for plan_code, connectors in by_plan.items():
        plan = await plan_state(session, city_code, plan_code)
        if plan is None:
            continue
        events = [one for one in stretch.events if one.plan_code == plan_code]
        desk = _Desk(session, plan, clock.now())
        anew = _compared_anew(events, connectors)
        await _whole(desk, anew)
        others = [one for one in connectors if one not in anew]
        if periods := {one.data["period"] for one in events if one.type in _PERIODS}:
            published = [one for one in others if one.basis == "published"]
            await _whole(desk, published, periods=periods)
        if others and (places := _places(events)):
            await _compare(desk, others, places)


FOLLOWER = Follower("connectors", _TYPES, _handle, passes_over=True)


async def _leave(
    session: AsyncSession, city_code: str, events: Sequence[LogEvent], now: datetime
) -> None:
    """Take items off the queue that were added while their connector was being ended."""
    changed = _changed(events)
    if changed:
        given = {"city": city_code, "connectors": sorted(map(UUID, changed)), "now": now}
        await session.execute(LEAVE, given)


def _changed(events: Iterable[LogEvent]) -> set[str]:
    return {one.data["connector_id"] for one in events if one.type == "connector.changed"}


def _compared_anew(
    events: Sequence[LogEvent], connectors: Sequence[Connector]
) -> Sequence[Connector]:
    """Return the connectors for which every figure of the plan has to be compared."""
    if any(one.type == "plan.published" for one in events):
        return connectors
    changed = _changed(events)
    return [one for one in connectors if str(one.id) in changed]


def _places(events: Iterable[LogEvent]) -> list[ReportedPlace]:
    found = {
        (one.data["indicator_code"], one.data["organization_code"], one.data["period"]): None
        for one in events
        if one.type in _FIGURES
    }
    return list(found)


@dataclass(frozen=True, slots=True)
class _Desk:
    session: AsyncSession
    plan: PlanState
    now: datetime


@dataclass(slots=True)
class _Changes:
    """The writes that follow from a comparison."""

    superseded: list[UUID] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    kept: list[tuple[UUID, list[str]]] = field(default_factory=list)


async def _whole(
    desk: _Desk, connectors: Sequence[Connector], *, periods: Collection[str] | None = None
) -> None:
    """Compare the figures of a plan, or of some periods, as far as the connectors report them."""
    if not connectors:
        return
    plan, after = desk.plan, None
    indicators = await _indicators(desk, connectors)
    while True:
        places, after = await places_after(
            desk.session,
            plan.city_code,
            plan.code,
            indicators=indicators,
            periods=periods,
            after=after,
            limit=_AT_ONCE,
        )
        if places:
            await _compare(desk, connectors, places)
        if after is None:
            return


async def _indicators(desk: _Desk, connectors: Sequence[Connector]) -> Collection[str] | None:
    """Return the indicators whose figures connectors report, or still have queued; None: any."""
    if not all(one.indicator_codes for one in connectors):
        return None
    ids = [one.id for one in connectors]
    queued = await queries.indicators_of_items(desk.session, desk.plan.city_code, ids)
    return {code for one in connectors for code in one.indicator_codes} | queued


async def _compare(
    desk: _Desk, connectors: Sequence[Connector], places: Sequence[ReportedPlace]
) -> None:
    """Compare the figures that count at some places with the queue, and write the changes."""
    session, plan = desk.session, desk.plan
    held = await held_at(session, plan.city_code, plan.code, places)
    ids = [one.id for one in connectors]
    queued = await queries.items_at(session, plan.city_code, ids, places)
    changes = _Changes()
    for connector in connectors:
        mapping = read_mapping(connector.mapping)
        for place in places:
            selected = reports(connector, plan, indicator_code=place[0], period=place[2])
            items = queued.get((connector.id, place), [])
            follows = queueing(held.get(place), items, place=place, selected=selected)
            changes.superseded += follows.superseded
            if follows.new is not None:
                changes.new.append(_row(connector, follows.new, mapping, plan))
            elif follows.kept is not None:
                # A queued item is the figure that counts, or withdraws it: its place is all it
                # needs.
                kept = held.get(place)
                missing = _missing(mapping, kept, place, plan)
                changes.kept.append((follows.kept, missing))
    await _write(desk, changes)


def _missing(
    mapping: CodeMapping, held: HeldFigure | None, place: ReportedPlace, plan: PlanState
) -> list[str]:
    figure = OutgoingFigure(*place, withdrawn=True) if held is None else held.figure
    return missing_codes(mapping, figure, unit_of(plan, place[0]))


def _row(
    connector: Connector, held: HeldFigure, mapping: CodeMapping, plan: PlanState
) -> dict[str, Any]:
    figure = held.figure
    missing = missing_codes(mapping, figure, unit_of(plan, figure.indicator_code))
    return {
        "id": new_id(),
        "connector_id": connector.id,
        "submission_id": held.submission_id,
        "revision": held.revision,
        "indicator_code": figure.indicator_code,
        "organization_code": figure.organization_code,
        "period": figure.period,
        "withdrawn": figure.withdrawn,
        "value": figure.value,
        "level": figure.level,
        "not_applicable_reason": figure.not_applicable_reason,
        "state": "unmapped" if missing else "pending",
        "missing": "\n".join(missing),
    }


async def _write(desk: _Desk, changes: _Changes) -> None:
    city = desk.plan.city_code
    if changes.superseded:
        given = {"city": city, "ids": changes.superseded, "now": desk.now}
        await desk.session.execute(SUPERSEDE, given)
    if changes.kept:
        await desk.session.execute(
            REMAP,
            {
                "city": city,
                "ids": [item_id for item_id, _ in changes.kept],
                "states": ["unmapped" if missing else "pending" for _, missing in changes.kept],
                "missing": ["\n".join(missing) for _, missing in changes.kept],
            },
        )
    if changes.new:
        columns = {name: [row[name] for row in changes.new] for name in changes.new[0]}
        await desk.session.execute(QUEUE, {"city": city, "now": desk.now, **columns})
