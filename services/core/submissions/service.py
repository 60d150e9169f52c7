"""Verbs on submissions: edit, submit, withdraw, approve, return, reopen, falsify.

Each writes the new state, its history row and its event in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.checks.lookups import slots_needed
from services.core.checks.queries import figures_at
from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.kit.database import driver_connection
from services.core.kit.errors import InvalidInput
from services.core.plan.evidence_rules import Piece
from services.core.plan.queries import periods_for_share
from services.core.plan.state import PlanState
from services.core.submissions.authorship import NOBODY, Authors, SubmissionRow
from services.core.submissions.changes import edited, form_after, signed
from services.core.submissions.checking import at_entry
from services.core.submissions.images import event_data, image
from services.core.submissions.judging import value_faults
from services.core.submissions.models import Submission, SubmissionHistory
from services.core.submissions.rules import SubmissionAccess, SubmissionVerb
from services.core.submissions.verbs import (
    EVENTS,
    action_of,
    after_verb,
    check_right,
    check_state,
    indicator_of,
)


@dataclass(frozen=True, slots=True)
class Deed:
    """A change's name in history and event, and the event's additional data."""

    action: str
    event: EventType
    told: Mapping[str, object]


async def edit(
    session: AsyncSession,
    submission: Submission,
    *,
    plan: PlanState,
    actor: Actor,
    changes: Mapping[str, Any],
    now: datetime,
    beside: Authors = NOBODY,
) -> None:
    """Change a draft or returned submission; `changes` by column.

    `beside` are further authors of these words: they may not review them either.

    Columns that keep their value are no change: no version, no event, no other author.

    Raises:
        InvalidInput: the submission would have faults after the change.
        SubmissionTransitionRefused, PeriodClosed, Forbidden: see `move`.
    """
    access = check_right(actor, "edit", vars(submission), plan)
    if access.dropped:  # there is no indicator to validate the form by
        check_state(vars(submission), "edit", access, actor)
    form = form_after(vars(submission), changes)
    indicator = indicator_of(vars(submission), plan)
    faults = value_faults(form, indicator, plan, submission.period, draft=True)
    if faults:
        raise InvalidInput(faults=faults)
    access = await _as_held(session, submission, access, plan)
    check_state(vars(submission), "edit", access, actor)
    columns = edited(
        vars(submission), changes, form, indicator=indicator, actor=actor, beside=beside
    )
    if not columns:
        return
    columns |= await _checked(session, {**vars(submission), **columns}, plan, actor)
    _put(submission, columns)
    await _write(session, submission, "edit", actor, None, now)


async def _checked(
    session: AsyncSession, row: SubmissionRow, plan: PlanState, actor: Actor
) -> dict[str, Any]:
    """Return the columns that the plan's checks set; takes one statement if they compare."""
    slots = slots_needed([row], plan)
    figures = await figures_at(await driver_connection(session), plan, slots)
    return at_entry(row, plan, actor, figures)


def _put(submission: Submission, changed: Mapping[str, Any]) -> None:
    for name, value in changed.items():
        setattr(submission, name, value)


async def move(
    session: AsyncSession,
    submission: Submission,
    verb: SubmissionVerb,
    *,
    plan: PlanState,
    actor: Actor,
    reason: str | None,
    now: datetime,
) -> None:
    """Carry out a verb of the review workflow on a locked submission.

    Raises:
        Forbidden, OwnReport: the actor has no right to it.
        InvalidInput: it would be submitted with faults or against a check of the plan, or
            approved without the parts that the plan requires by now.
        SubmissionTransitionRefused: the state does not allow it; the allowed verbs are in `extra`.
        PeriodClosed: the period takes no values, or is published.
    """
    access = check_right(actor, verb, vars(submission), plan)
    access = await _as_held(session, submission, access, plan)
    columns = after_verb(
        vars(submission), verb, access, plan=plan, actor=actor, reason=reason, now=now
    )
    if verb == "submit":
        columns |= await _checked(session, {**vars(submission), **columns}, plan, actor)
    _put(submission, columns)
    await _write(session, submission, verb, actor, reason, now)


async def _as_held(
    session: AsyncSession, submission: Submission, access: SubmissionAccess, plan: PlanState
) -> SubmissionAccess:
    """Lock the period until the transaction ends; return the facts with its current state."""
    # The cached plan may be slightly stale.
    code = submission.period
    held = await periods_for_share(session, plan.city_code, plan.code, code)
    return replace(access, period_state=held[code].state if code in held else "planned")


async def change_files(
    session: AsyncSession,
    submission: Submission,
    files: Sequence[Piece],
    deed: Deed,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> None:
    """Replace the files of a locked submission; `deed` describes the change in history and event.

    Whoever adds or removes evidence becomes an author of the revision, as with a changed value.

    Raises:
        SubmissionTransitionRefused, PeriodClosed, Forbidden: see `move`.
    """
    access = check_right(actor, "edit", vars(submission), plan)
    access = await _as_held(session, submission, access, plan)
    check_state(vars(submission), "edit", access, actor)
    wanted = {"files": list(files) or None}
    _put(submission, {**wanted, **signed(vars(submission), actor, wanted)})
    await _write_down(session, submission, deed, actor, None, now)


async def _write(
    session: AsyncSession,
    submission: Submission,
    verb: SubmissionVerb,
    actor: Actor,
    reason: str | None,
    now: datetime,
) -> None:
    told = {"reason": reason} if reason else {}
    deed = Deed(action_of(verb), EVENTS[verb], told)
    await _write_down(session, submission, deed, actor, reason, now)


async def _write_down(
    session: AsyncSession,
    submission: Submission,
    deed: Deed,
    actor: Actor,
    reason: str | None,
    now: datetime,
) -> None:
    submission.version += 1
    submission.updated_at = now
    await session.flush()
    row = vars(submission)
    await session.execute(
        insert(SubmissionHistory).values(
            city_code=submission.city_code,
            submission_id=submission.id,
            version=submission.version,
            action=deed.action,
            after=image(row),
            actor=actor.stamp(),
            reason=reason,
            occurred_at=now,
        )
    )
    await record(
        session,
        NewEvent(
            city_code=submission.city_code,
            plan_code=submission.plan_code,
            type=deed.event,
            subject_kind="submission",
            subject_id=str(submission.id),
            organization_code=submission.organization_code,
            actor=actor.stamp(),
            data={**event_data(row), **deed.told},
            occurred_at=now,
        ),
    )
