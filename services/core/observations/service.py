"""Records figures of other sources: new ones, corrections, and repetitions.

The number of statements is constant, however many figures come at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault
from services.core.kit.ids import new_id
from services.core.kit.trail import note_events, present_traceparent
from services.core.observations import queries
from services.core.observations.errors import ObservationWithdrawn
from services.core.observations.models import Observation, ObservationHistory
from services.core.observations.rules import (
    REFERENCE_REUSED,
    ObservationDraft,
    ObservationOutcome,
    ObservationRow,
    ObservedPlace,
    columns_of_draft,
    image_of,
    is_withdrawn,
    judged,
    records_for,
    refusal_of,
    said_by,
)
from services.core.observations.statements import REMEMBER, WRITE
from services.core.plan.observing import ObservationSource
from services.core.plan.state import PlanState

_ACTIONS: Mapping[ObservationOutcome, str] = {"created": "recorded", "corrected": "corrected"}
"""The name of a change in history and event."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome of a recorded figure; `row` is the present observation, if there is one."""

    index: int
    outcome: ObservationOutcome
    row: ObservationRow | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stamped:
    """The actor, its unit, and the time."""

    recorded_by: dict[str, Any]
    unit: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class _Base:
    """Data that all figures of a call share: plan, source, actor, and time."""

    plan: PlanState
    source_code: str
    recorded_by: Mapping[str, object]
    unit: str | None
    now: datetime


async def record_measured(
    session: AsyncSession,
    drafts: Sequence[ObservationDraft],
    *,
    source_code: str,
    plan: PlanState,
    stamp: Mapping[str, object],
    now: datetime,
) -> list[Recorded]:
    """Record the system's own measurements, as figures of a source; `stamp` is the system's."""
    return await _record(session, drafts, _Base(plan, source_code, stamp, None, now))


async def withdraw_measured(
    session: AsyncSession,
    places: Sequence[ObservedPlace],
    *,
    source_code: str,
    plan: PlanState,
    stamp: Mapping[str, object],
    reason: str,
    now: datetime,
) -> None:
    """Withdraw the system's own measurements in some slots, if the source still has them.

    Figures that were withdrawn before, or never existed, are left alone.
    """
    if not places:
        return
    await queries.lock_source(session, plan.city_code, plan.code, source_code)
    said = await queries.said_at(session, plan, source_code, places)
    await _withdraw(session, said, _Stamped(dict(stamp), None, now), reason)


async def record_observations(
    session: AsyncSession,
    drafts: Sequence[ObservationDraft],
    *,
    source: ObservationSource,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> list[Recorded]:
    """Record the figures of a source, each independently; return the outcomes.

    A figure that was recorded before under the same reference is unchanged and writes nothing, even
    if it was corrected since.

    Raises:
        Forbidden: the actor does not record the figures of this source.
    """
    if not records_for(actor, source):
        raise refusal_of(source)
    base = _Base(plan, source.code, actor.stamp(), actor.organization_code, now)
    return await _record(session, drafts, base)


async def _record(
    session: AsyncSession, drafts: Sequence[ObservationDraft], base: _Base
) -> list[Recorded]:
    plan, now = base.plan, base.now
    known = judged(drafts, plan, plan.local_date(now))
    good = [draft for draft in known if not draft.faults]
    found: Mapping[int, queries.KnownFigure] = {}
    if good:
        await queries.lock_source(session, plan.city_code, plan.code, base.source_code)
        found = await queries.known(session, plan, base.source_code, good)
    decided = [
        Recorded(draft.index, "rejected", None, draft.faults)
        if draft.faults
        else _decided(draft, found.get(draft.index), base)
        for draft in known
    ]
    await _write(session, [one for one in decided if one.outcome in _ACTIONS], now)
    return decided


async def withdraw(
    session: AsyncSession, row: Observation, *, actor: Actor, reason: str, now: datetime
) -> None:
    """Withdraw a locked figure of a source; the history keeps it.

    Raises:
        ObservationWithdrawn: it was withdrawn before.
    """
    if is_withdrawn(vars(row)):
        raise ObservationWithdrawn(extra={"state": "withdrawn", "allowed_actions": []})
    by = _Stamped(actor.stamp(), actor.organization_code, now)
    await _withdraw(session, [row], by, reason)


async def _withdraw(
    session: AsyncSession, rows: Sequence[Observation], by: _Stamped, reason: str
) -> None:
    """Withdraw locked figures, with history and event of each; constant number of statements."""
    if not rows:
        return
    for row in rows:
        if row.recording_units is None:  # a process of the previous release wrote it
            unit = row.recorded_by_organization
            row.recording_units = [] if unit is None else [unit]
        row.version += 1
        row.withdrawn_version, row.withdrawal_reason = row.version, reason
        row.recorded_by, row.recorded_by_organization = by.recorded_by, by.unit
        row.updated_at = by.now
    await session.flush()
    await session.execute(
        insert(ObservationHistory),
        [
            {
                "city_code": row.city_code,
                "observation_id": row.id,
                "version": row.version,
                "reference": None,
                "action": "withdrawn",
                "after": {**image_of(vars(row)), "withdrawn": True},
                "actor": by.recorded_by,
                "reason": reason,
                "occurred_at": by.now,
            }
            for row in rows
        ],
    )
    await record(session, *(_withdrawal(row, by, reason) for row in rows))


def _withdrawal(row: Observation, by: _Stamped, reason: str) -> NewEvent:
    return NewEvent(
        city_code=row.city_code,
        plan_code=row.plan_code,
        type="observation.withdrawn",
        subject_kind="observation",
        subject_id=str(row.id),
        organization_code=row.organization_code,
        actor=by.recorded_by,
        data={**_event_data(vars(row)), "reason": reason},
        occurred_at=by.now,
    )


def _decided(draft: ObservationDraft, known: queries.KnownFigure | None, base: _Base) -> Recorded:
    columns = columns_of_draft(draft, base.plan)
    if known is not None and known.said is not None:
        said = said_by(columns)
        if said != {name: known.said[name] for name in said}:
            return Recorded(draft.index, "rejected", known.row, (REFERENCE_REUSED,))
        return Recorded(draft.index, "unchanged", known.row)
    row = {
        "city_code": base.plan.city_code,
        "plan_code": base.plan.code,
        "source_code": base.source_code,
        **columns,
        "id": new_id() if known is None else known.row["id"],
        "recorded_by": base.recorded_by,
        "recorded_by_organization": base.unit,
        "created_at": base.now if known is None else known.row["created_at"],
        "updated_at": base.now,
        "version": 1 if known is None else known.row["version"] + 1,
        "withdrawn_version": None,
        "withdrawal_reason": None,
    }
    return Recorded(draft.index, "created" if known is None else "corrected", row)


_ARRAYS = (
    *("id", "indicator_code", "organization_code", "period", "reference"),
    *("value", "numerator", "denominator", "level", "not_applicable_reason"),
    *("observed_at", "note", "created_at", "version"),
)
"""The columns that `WRITE` takes as arrays."""


async def _write(session: AsyncSession, decided: Sequence[Recorded], now: datetime) -> None:
    made = [(one.outcome, one.row) for one in decided if one.row is not None]
    if not made:
        return
    rows = [row for _, row in made]
    first = rows[0]
    shared = {
        "city": first["city_code"],
        "plan": first["plan_code"],
        "actor": to_json(first["recorded_by"]).decode(),
        "now": now,
    }
    arrays = {name: [row[name] for row in rows] for name in _ARRAYS}
    of_all = {"source": first["source_code"], "unit": first["recorded_by_organization"]}
    await session.execute(WRITE, {**shared, **of_all, **arrays})
    kept = {name: arrays[name] for name in ("id", "version", "reference", "organization_code")}
    events = [new_id() for _ in rows]
    remembered = {
        **shared,
        **kept,
        "action": [_ACTIONS[outcome] for outcome, _ in made],
        "image": [to_json(image_of(row)).decode() for row in rows],
        "event_id": events,
        "event_data": [to_json(_event_data(row)).decode() for row in rows],
        "traceparent": present_traceparent(),
    }
    await session.execute(REMEMBER, remembered)
    note_events(events)


def _event_data(row: ObservationRow) -> dict[str, Any]:
    return {
        "indicator_code": row["indicator_code"],
        "organization_code": row["organization_code"],
        "period": row["period"],
        "source_code": row["source_code"],
        "reference": row["reference"],
        "version": row["version"],
    }
