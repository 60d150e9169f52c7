"""Writes a change of a milestone: its row, its history and its event, together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import insert, inspect, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.extensions.rules import Subject
from services.core.kit.decimals import plain_or_none
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.errors import MilestoneTransitionRefused
from services.core.milestones.models import Milestone, MilestoneHistory
from services.core.milestones.rights import MilestoneAccess, allowed_actions
from services.core.milestones.rules import (
    MilestoneFacts,
    MilestoneVerb,
    Transition,
    moved,
    state_allows,
)

_STANDING = tuple(MilestoneFacts.__dataclass_fields__)


def access_to(row: Milestone, leads: tuple[str, ...]) -> MilestoneAccess:
    """Return the facts that rights on a milestone depend on; `leads` lead its measure."""
    completed_by = row.completed_by or {}
    return MilestoneAccess(
        state=row.state,  # type: ignore[arg-type] # only states of ours are ever written
        organization_code=row.organization_code,
        leads=leads,
        assigned_by=row.assigned_by.get("organization_code"),
        authors=frozenset(map(str, (*row.authors, completed_by.get("id")))),
        completed_by_unit=completed_by.get("organization_code"),
    )


def subject_of(row: Milestone) -> Subject:
    """Return a locked milestone as the subject of an extension."""
    return Subject(
        kind="milestone",
        id=row.id,
        city_code=row.city_code,
        plan_code=row.plan_code,
        organization_code=row.organization_code,
        due_date=row.due_date,
        granted=row.extensions,
        told={"measure_code": row.measure_code, "title": row.title},
    )


def check_state(row: Milestone, verb: MilestoneVerb, desk: MilestoneDesk) -> None:
    """Check that the milestone's state allows a verb.

    Raises:
        MilestoneTransitionRefused: it does not; with the state and the allowed verbs.
    """
    access = access_to(row, desk.leads(row.measure_code))
    if not state_allows(verb, access.state):
        raise MilestoneTransitionRefused(
            extra={"state": row.state, "allowed_actions": allowed_actions(desk.actor, access)}
        )


def standing_of(row: Milestone) -> MilestoneFacts:
    """Return the columns that the rules of a milestone read and change."""
    return MilestoneFacts(**{name: getattr(row, name) for name in _STANDING})


def carry_out(row: Milestone, deed: Transition, desk: MilestoneDesk) -> None:
    """Apply a transition to the row; its state has been checked."""
    for name, value in asdict(moved(standing_of(row), deed, desk.today)).items():
        setattr(row, name, value)


async def write(
    session: AsyncSession,
    row: Milestone,
    happened: EventType,
    *,
    desk: MilestoneDesk,
    reason: str | None = None,
    action: str | None = None,
    told: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Write a changed milestone with its history row and its event.

    `action` is its name in history, by default the event's last word; `told` is further data of the
    event.
    """
    row.updated_at = desk.now
    await session.flush()
    actor = desk.actor.stamp()
    named = action or happened.removeprefix("milestone.")
    await session.execute(
        insert(MilestoneHistory).values(history_row(row, named, actor, reason, desk.now))
    )
    event = happening(row, happened, actor, reason, desk.now)
    await record(session, replace(event, data={**event.data, **told}))


async def write_many(
    session: AsyncSession, rows: Sequence[Milestone], happened: EventType, *, desk: MilestoneDesk
) -> None:
    """Write changed milestones that are detached from the session, with history rows and events.

    They are locked. Each kind is one statement for all.
    """
    if not rows:
        return
    columns = [one.key for one in inspect(Milestone).column_attrs]
    for row in rows:
        row.updated_at = desk.now
    changed = [{name: getattr(row, name) for name in columns} for row in rows]
    await session.execute(update(Milestone), changed)
    actor, named = desk.actor.stamp(), happened.removeprefix("milestone.")
    await session.execute(
        insert(MilestoneHistory),
        [history_row(row, named, actor, None, desk.now) for row in rows],
    )
    await record(session, *(happening(row, happened, actor, None, desk.now) for row in rows))


def history_row(
    row: Milestone, action: str, actor: Mapping[str, object], reason: str | None, now: datetime
) -> dict[str, Any]:
    """Return the history row of a change just made."""
    return {
        "city_code": row.city_code,
        "milestone_id": row.id,
        "version": row.version,
        "action": action,
        "after": image(row),
        "actor": actor,
        "reason": reason,
        "occurred_at": now,
    }


def image(row: Milestone) -> dict[str, object]:
    """Return what history stores of a milestone after a change, with the names of the API."""
    return {
        "plan": row.plan_code,
        "measure_code": row.measure_code,
        "organization_code": row.organization_code,
        "parent_id": row.parent_id,
        "title": row.title,
        "deliverable": row.deliverable,
        "evidence_rule": row.evidence_rule,
        "weight": plain_or_none(row.weight),
        "state": row.state,
        "percent": plain_or_none(row.percent),
        "due_date": row.due_date,
        "original_due_date": row.original_due_date,
        "epoch": row.epoch,
        "extensions_granted": row.extensions,
        "sign_by": row.sign_by,
        "answer_by": row.answer_by,
        "narrative": row.narrative,
        "problems": row.problems,
        "next_steps": row.next_steps,
        "expected_date": row.expected_date,
        "evidence": row.evidence,
        # Its files, with the digests; absent if there are none.
        **({"files": row.files} if row.files else {}),
        "grade": row.grade,
        "state_reason": row.reason,
    }


def happening(
    row: Milestone,
    happened: EventType,
    actor: Mapping[str, object],
    reason: str | None,
    now: datetime,
) -> NewEvent:
    """Return the event of a change."""
    return NewEvent(
        city_code=row.city_code,
        plan_code=row.plan_code,
        type=happened,
        subject_kind="milestone",
        subject_id=str(row.id),
        organization_code=row.organization_code,
        actor=actor,
        data={
            "measure_code": row.measure_code,
            "organization_code": row.organization_code,
            "title": row.title,
            "state": row.state,
            "percent": plain_or_none(row.percent),
            "due_date": row.due_date.isoformat(),
            "epoch": row.epoch,
            "version": row.version,
            **({"grade": row.grade} if row.grade else {}),
            **({"reason": reason} if reason else {}),
        },
        occurred_at=now,
    )
