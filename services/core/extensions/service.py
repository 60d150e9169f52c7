"""Verbs on extensions: request, approve, deny, withdraw, and recount days.

The caller has locked the thing that the extension is for, and applies what was granted. An
extension is requested once and answered once; its row holds both and is its own history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, cast, column, func, update, values
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.extensions import queries
from services.core.extensions.errors import (
    ExtensionDecided,
    ExtensionLimitReached,
    ExtensionNotPossible,
    ExtensionWaiting,
)
from services.core.extensions.models import Extension
from services.core.extensions.rules import (
    TRANSITIONS,
    ExtensionVerb,
    Subject,
    grant_faults,
    proposal_faults,
)
from services.core.kit.errors import InvalidInput
from services.core.kit.ids import new_id

Stamp = Mapping[str, object]
"""The actor, as history and events store it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A request on a local day: the proposed date, the reason, and when it is to be decided."""

    asked_on: date
    proposed_date: date
    reason: str
    decide_by: date


@dataclass(frozen=True, slots=True)
class ExtensionGrant:
    """A grant on a local day with its reason; without a date, the proposed one is granted."""

    granted_on: date
    granted_date: date | None
    reason: str | None


async def request_extension(
    session: AsyncSession,
    *,
    subject: Subject,
    proposal: Proposal,
    limit: int,
    actor: Stamp,
    now: datetime,
) -> Extension:
    """Request more time for a subject that the caller has locked.

    Raises:
        InvalidInput: the proposed date is not after the present one, is before today, or is more
            than a year ahead.
        ExtensionLimitReached: `limit` extensions were granted already.
        ExtensionWaiting: an earlier request is pending.
    """
    faults = proposal_faults(proposal.proposed_date, subject.due_date, proposal.asked_on)
    if faults:
        raise InvalidInput(faults=faults)
    _check_limit(subject, limit)
    waiting = await queries.waiting_for(session, subject.city_code, subject.kind, subject.id)
    if waiting is not None:
        raise ExtensionWaiting(extra={"extension_id": str(waiting.id)})
    last = await queries.last_number(session, subject.city_code, subject.kind, subject.id)
    extension = Extension(
        city_code=subject.city_code,
        id=new_id(),
        plan_code=subject.plan_code,
        subject_kind=subject.kind,
        subject_id=subject.id,
        organization_code=subject.organization_code,
        number=last + 1,
        state="requested",
        reason=proposal.reason,
        present_date=subject.due_date,
        proposed_date=proposal.proposed_date,
        decide_by=proposal.decide_by,
        requested_by=dict(actor),
        requested_at=now,
        version=1,
    )
    session.add(extension)
    await session.flush()
    await _tell(session, "extension.requested", extension, subject.told, actor, now)
    return extension


def _check_limit(subject: Subject, limit: int) -> None:
    if subject.granted >= limit:
        raise ExtensionLimitReached(extra={"granted": subject.granted, "limit": limit})


async def approve_extension(
    session: AsyncSession,
    extension: Extension,
    *,
    subject: Subject,
    grant: ExtensionGrant,
    limit: int,
    actor: Stamp,
    now: datetime,
) -> date:
    """Grant more time, in part if `granted_date` is before the proposed one; return the date.

    Raises:
        InvalidInput: the date is not within what may be granted.
        ExtensionDecided: it was decided or withdrawn before.
        ExtensionNotPossible: the subject is already due on the proposed date or later, or that day
            has passed.
        ExtensionLimitReached: `limit` extensions were granted already.
    """
    granted = grant.granted_date or extension.proposed_date
    faults = grant_faults(
        granted, due_date=subject.due_date, proposed=extension.proposed_date, today=grant.granted_on
    )
    if faults and grant.granted_date is not None:
        raise InvalidInput(faults=faults)
    _check_waiting(extension, "approve")
    if faults:
        raise ExtensionNotPossible
    _check_limit(subject, limit)
    extension.granted_date = granted
    await _decide(session, extension, "approve", subject.told, grant.reason, actor, now)
    return granted


async def deny_extension(
    session: AsyncSession,
    extension: Extension,
    *,
    subject: Subject,
    reason: str,
    actor: Stamp,
    now: datetime,
) -> None:
    """Refuse more time, with the reason.

    Raises:
        ExtensionDecided: it was decided or withdrawn before.
    """
    _check_waiting(extension, "deny")
    await _decide(session, extension, "deny", subject.told, reason, actor, now)


async def withdraw_extension(
    session: AsyncSession,
    extension: Extension,
    *,
    subject: Subject,
    reason: str | None,
    actor: Stamp,
    now: datetime,
) -> None:
    """Withdraw a request; also used if its subject needs no more time.

    Raises:
        ExtensionDecided: it was decided or withdrawn before.
    """
    _check_waiting(extension, "withdraw")
    await _decide(session, extension, "withdraw", subject.told, reason, actor, now)


async def lapse_extensions(
    session: AsyncSession,
    waiting: Sequence[tuple[Extension, Stamp]],
    *,
    reason: str,
    actor: Stamp,
    now: datetime,
) -> None:
    """Withdraw locked requests whose subjects need no more time; each with data for its event.

    The number of statements is constant.
    """
    for extension, _ in waiting:
        _settle(extension, "withdraw", reason, actor, now)
    await session.flush()
    told = [
        _happening("extension.decided", extension, told, actor, now) for extension, told in waiting
    ]
    await record(session, *told)


def _check_waiting(extension: Extension, verb: ExtensionVerb) -> None:
    if (extension.state, verb) not in TRANSITIONS:
        raise ExtensionDecided(extra={"state": extension.state, "allowed_actions": []})


async def _decide(
    session: AsyncSession,
    extension: Extension,
    verb: ExtensionVerb,
    told: Mapping[str, object],
    reason: str | None,
    actor: Stamp,
    now: datetime,
) -> None:
    _settle(extension, verb, reason, actor, now)
    await session.flush()
    await _tell(session, "extension.decided", extension, told, actor, now)


def _settle(
    extension: Extension, verb: ExtensionVerb, reason: str | None, actor: Stamp, now: datetime
) -> None:
    extension.state = TRANSITIONS["requested", verb]
    extension.decision_reason = reason
    extension.decided_by = dict(actor)
    extension.decided_at = now
    extension.version += 1


async def count_anew(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    time_zone: str,
    decide_by: Mapping[date, date],
    actor: Stamp,
    now: datetime,
) -> int:
    """Recompute the decision dates of pending requests; return how many changed.

    `decide_by` has the dates by the local date of the request.
    """
    if not decide_by:
        return 0
    counted = values(column("asked_on", Date), column("ends", Date), name="counted").data(
        list(decide_by.items())
    )
    found = await session.scalars(
        update(Extension)
        .where(
            Extension.city_code == city_code,
            Extension.plan_code == plan_code,
            Extension.state == "requested",
            cast(func.timezone(time_zone, Extension.requested_at), Date) == counted.c.asked_on,
            Extension.decide_by != counted.c.ends,
        )
        .values(decide_by=counted.c.ends, version=Extension.version + 1)
        .returning(Extension),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    changed = found.all()
    told = [_happening("extension.changed", one, {}, actor, now) for one in changed]
    await record(session, *told)
    return len(changed)


async def _tell(
    session: AsyncSession,
    event_type: EventType,
    extension: Extension,
    told: Mapping[str, object],
    actor: Stamp,
    now: datetime,
) -> None:
    await record(session, _happening(event_type, extension, told, actor, now))


def _happening(
    event_type: EventType,
    extension: Extension,
    told: Mapping[str, object],
    actor: Stamp,
    now: datetime,
) -> NewEvent:
    granted = extension.granted_date
    return NewEvent(
        city_code=extension.city_code,
        plan_code=extension.plan_code,
        type=event_type,
        subject_kind="extension",
        subject_id=str(extension.id),
        organization_code=extension.organization_code,
        actor=actor,
        data={
            **told,
            "subject_kind": extension.subject_kind,
            "subject_id": str(extension.subject_id),
            "organization_code": extension.organization_code,
            "number": extension.number,
            "state": extension.state,
            "present_date": extension.present_date.isoformat(),
            "proposed_date": extension.proposed_date.isoformat(),
            "granted_date": None if granted is None else granted.isoformat(),
            "decide_by": extension.decide_by.isoformat(),
            "reason": extension.reason,
            "decision_reason": extension.decision_reason,
        },
        occurred_at=now,
    )
