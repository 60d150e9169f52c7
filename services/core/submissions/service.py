"""Verbs on submissions: edit, submit, withdraw, approve, return, reopen, falsify.

Each writes the new state, its history row and its event in the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.errors import InvalidInput
from services.core.plan.document import Indicator
from services.core.plan.queries import periods_for_share
from services.core.plan.state import PlanState
from services.core.submissions.changes import edited, form_after, moved
from services.core.submissions.creation import event_data, image, place_of
from services.core.submissions.errors import (
    OwnReport,
    PeriodClosed,
    SubmissionTransitionRefused,
)
from services.core.submissions.judging import approval_faults, value_faults
from services.core.submissions.models import Submission, SubmissionHistory
from services.core.submissions.rules import (
    WRITING_VERBS,
    AccessContext,
    SubmissionVerb,
    allowed_actions,
    has_right,
    period_allows,
    reviews,
    state_allows,
)

_EVENTS: Mapping[SubmissionVerb, EventType] = {
    "edit": "submission.changed",
    "submit": "submission.submitted",
    "withdraw": "submission.withdrawn",
    "approve": "submission.approved",
    "return": "submission.returned",
    "reopen": "submission.reopened",
    "falsify": "submission.falsified",
}


def check_right(
    actor: Actor, verb: SubmissionVerb, submission: Submission, plan: PlanState
) -> AccessContext:
    """Return what the right to act depends on, if the actor has the right to this verb.

    Raises:
        OwnReport: the actor would review what it, or its own organization, wrote or handed in.
        Forbidden: it has not this right for another reason.
    """
    leads = plan.leads.get(submission.indicator_code, ())
    place = place_of(vars(submission), leads, plan.period_state(submission.period))
    if has_right(actor, verb, place):
        return place
    if verb not in WRITING_VERBS and reviews(actor, place.leads) and place.authors.include(actor):
        raise OwnReport
    raise takes(
        "填报由本单位或 office 进行；审核由 office 或该指标的牵头单位（lead）进行",
        "the unit or the office to report; the office or the lead of the indicator to review",
    )


async def edit(
    session: AsyncSession,
    submission: Submission,
    *,
    plan: PlanState,
    actor: Actor,
    changes: Mapping[str, Any],
    now: datetime,
) -> None:
    """Change what is reported while it is a draft or returned; `changes` by column.

    What is as it was already changes nothing: no version, no event, no other author.

    Raises:
        InvalidInput: what would stand after the change has faults.
        SubmissionTransitionRefused, PeriodClosed, Forbidden: see `move`.
    """
    place = check_right(actor, "edit", submission, plan)
    form = form_after(vars(submission), changes)
    indicator = _indicator(submission, plan)
    faults = value_faults(form, indicator, plan, submission.period, draft=True)
    if faults:
        raise InvalidInput(faults=faults)
    await _check_state(session, submission, "edit", place, actor, plan)
    columns = edited(vars(submission), changes, indicator=indicator, actor=actor)
    if not columns:
        return
    _put(submission, columns)
    await _write(session, submission, "edit", actor, None, now)


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
        InvalidInput: it would be submitted with faults, or approved without the parts that the
            plan asks for by now.
        SubmissionTransitionRefused: the state does not allow it; the legal list is in `extra`.
        PeriodClosed: the period takes no values, or is published.
    """
    place = check_right(actor, verb, submission, plan)
    await _check_state(session, submission, verb, place, actor, plan)
    if verb == "submit":
        form, indicator = form_after(vars(submission), {}), _indicator(submission, plan)
        faults = value_faults(form, indicator, plan, submission.period, draft=False)
        if faults:
            raise InvalidInput(faults=faults)
    if verb == "approve" and (faults := approval_faults(vars(submission), plan)):
        raise InvalidInput(faults=faults)
    _put(submission, moved(vars(submission), verb, actor=actor, reason=reason, now=now))
    await _write(session, submission, verb, actor, reason, now)


def _indicator(submission: Submission, plan: PlanState) -> Indicator:
    indicator = plan.indicators.get(submission.indicator_code)
    if indicator is None:  # a later version of the plan dropped it
        raise SubmissionTransitionRefused(extra={"allowed_actions": []})
    return indicator


async def _check_state(
    session: AsyncSession,
    submission: Submission,
    verb: SubmissionVerb,
    place: AccessContext,
    actor: Actor,
    plan: PlanState,
) -> None:
    # The plan that is kept may be a moment old; this is how the period stands until we end.
    code = submission.period
    held = await periods_for_share(session, plan.city_code, plan.code, code)
    place = replace(place, period_state=held[code].state if code in held else "planned")
    legal = {"allowed_actions": allowed_actions(actor, place)}
    if not state_allows(verb, place):
        raise SubmissionTransitionRefused(extra={"state": place.state, **legal})
    if not period_allows(verb, place.period_state):
        raise PeriodClosed(
            extra={"period": submission.period, "state": place.period_state, **legal}
        )


async def _write(
    session: AsyncSession,
    submission: Submission,
    verb: SubmissionVerb,
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
            action=_EVENTS[verb].removeprefix("submission."),
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
            type=_EVENTS[verb],
            subject_kind="submission",
            subject_id=str(submission.id),
            organization_code=submission.organization_code,
            actor=actor.stamp(),
            data={**event_data(row), **({"reason": reason} if reason else {})},
            occurred_at=now,
        ),
    )
