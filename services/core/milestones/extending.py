"""Extensions of due dates: requested, decided, and put into force in one transaction.

It stands above milestones and obligations, because both may be extended. Lock order: first the
subject of the request, then the request.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.extensions import queries as extension_queries
from services.core.extensions import service as extensions
from services.core.extensions.errors import ExtensionNotPossible, OwnExtension
from services.core.extensions.models import Extension
from services.core.extensions.rules import (
    TRANSITIONS,
    ExtensionSubjectKind,
    ExtensionVerb,
    Subject,
    proposal_faults,
)
from services.core.extensions.service import ExtensionGrant, Proposal
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.errors import InvalidInput
from services.core.milestones import queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.changes import carry_out, check_state, subject_of, write
from services.core.milestones.models import Milestone
from services.core.milestones.rights import acts_for, judges, reviews
from services.core.milestones.rules import Transition
from services.core.obligations import service as obligations
from services.core.obligations.models import Obligation
from services.core.obligations.queries import obligation_for_update
from services.core.plan.leads import leading, leads_of
from services.core.plan.state import PlanState


async def ask_for_milestone(
    session: AsyncSession,
    milestone: Milestone,
    *,
    desk: MilestoneDesk,
    proposed_date: date,
    reason: str,
) -> Extension:
    """Request an extension of a locked milestone.

    Raises:
        InvalidInput: the date is not after the present one, has passed, or is over a year ahead.
        MilestoneTransitionRefused: the milestone is not being worked on.
        ExtensionLimitReached, ExtensionWaiting: see `extensions.service`.
    """
    faults = proposal_faults(proposed_date, milestone.due_date, desk.today)
    if faults:
        raise InvalidInput(faults=faults)
    check_state(milestone, "extensions", desk)
    decide_by = desk.in_working_days(desk.supervision.decision_days)
    return await extensions.request_extension(
        session,
        subject=subject_of(milestone),
        proposal=Proposal(desk.today, proposed_date, reason, decide_by),
        limit=desk.supervision.extension_limit,
        actor=desk.actor.stamp(),
        now=desk.now,
    )


def check_asker(actor: Actor, obligation: Obligation) -> None:
    """Check that the actor may request an extension of an obligation.

    Raises:
        Forbidden: the actor does not report for the unit.
    """
    if not acts_for(actor, obligation.organization_code):
        raise takes("该单位自己的 reporter 或 lead", "a reporter or lead of the unit itself")


async def ask_for_obligation(
    session: AsyncSession,
    obligation: Obligation,
    *,
    desk: MilestoneDesk,
    proposed_date: date,
    reason: str,
) -> Extension:
    """Request an extension of a locked obligation.

    Raises:
        InvalidInput: the date is not after the present one, has passed, or is over a year ahead.
        ObligationNotExtendable: the value was handed in, or can no longer be.
        ExtensionLimitReached, ExtensionWaiting: see `extensions.service`.
    """
    faults = proposal_faults(proposed_date, obligation.due_date, desk.today)
    if faults:
        raise InvalidInput(faults=faults)
    await obligations.check_extendable(session, obligation)
    decide_by = desk.in_working_days(desk.supervision.decision_days)
    return await extensions.request_extension(
        session,
        subject=_owed(obligation),
        proposal=Proposal(desk.today, proposed_date, reason, decide_by),
        limit=desk.supervision.extension_limit,
        actor=desk.actor.stamp(),
        now=desk.now,
    )


def _owed(obligation: Obligation) -> Subject:
    return Subject(
        kind="obligation",
        id=obligation.id,
        city_code=obligation.city_code,
        plan_code=obligation.plan_code,
        organization_code=obligation.organization_code,
        due_date=obligation.due_date,
        granted=obligation.extensions,
        told={"indicator_code": obligation.indicator_code, "period": obligation.period},
    )


@dataclass(frozen=True, slots=True)
class ExtensionCase:
    """An extension request and its subject, both locked.

    `leads` are the units accountable for the subject; `put_into_force` sets the subject's due date
    to the granted date, for a reason.
    """

    extension: Extension
    subject: Subject
    leads: tuple[str, ...]
    desk: MilestoneDesk
    put_into_force: Callable[[date, str | None], Awaitable[None]]


async def take_up(
    session: AsyncSession, extension: Extension, *, desk: MilestoneDesk
) -> ExtensionCase:
    """Lock the subject of an extension, then the extension, and return both freshly read.

    Raises:
        ExtensionNotPossible: the subject does not exist.
    """
    # The subject before its extension: closing a milestone also locks it before it withdraws a
    # pending request, so any other order here could deadlock.
    if extension.subject_kind == "obligation":
        return await _take_up_obligation(session, extension, desk)
    milestone = await queries.by_id_for_update(session, extension.city_code, extension.subject_id)
    if milestone is None:
        raise ExtensionNotPossible
    return ExtensionCase(
        extension=await extension_queries.lock(session, extension),
        subject=subject_of(milestone),
        leads=desk.leads(milestone.measure_code),
        desk=desk,
        put_into_force=partial(_extend_milestone, session, milestone, desk),
    )


async def _take_up_obligation(
    session: AsyncSession, extension: Extension, desk: MilestoneDesk
) -> ExtensionCase:
    obligation = await obligation_for_update(session, extension.city_code, extension.subject_id)
    if obligation is None:
        raise ExtensionNotPossible
    return ExtensionCase(
        extension=await extension_queries.lock(session, extension),
        subject=_owed(obligation),
        leads=indicator_leads(desk.plan, obligation.indicator_code),
        desk=desk,
        put_into_force=partial(_extend_obligation, session, obligation, extension.id, desk),
    )


async def _extend_obligation(
    session: AsyncSession,
    obligation: Obligation,
    extension_id: UUID,
    desk: MilestoneDesk,
    granted: date,
    reason: str | None,
) -> None:
    await obligations.extend(
        session,
        obligation=obligation,
        granted_date=granted,
        extension_id=extension_id,
        actor=desk.actor.stamp(),
        now=desk.now,
        reason=reason,
    )


async def _extend_milestone(
    session: AsyncSession,
    milestone: Milestone,
    desk: MilestoneDesk,
    granted: date,
    reason: str | None,
) -> None:
    check_state(milestone, "extend", desk)
    carry_out(milestone, Transition("extend", due_date=granted), desk)
    await write(
        session,
        milestone,
        "milestone.rescheduled",
        desk=desk,
        reason=reason,
        action="extended",
    )


def has_right(
    actor: Actor, verb: ExtensionVerb, extension: Extension, leads: tuple[str, ...]
) -> bool:
    """Return whether the actor has the right to a verb on an extension, in any state.

    Reviewers decide, but never on their own requests.
    """
    if verb == "withdraw":
        return acts_for(actor, extension.organization_code)
    asked = str(actor.author_id) == extension.requested_by.get("id")
    return reviews(actor, extension.organization_code, leads) and not asked


def check_right(case: ExtensionCase, verb: ExtensionVerb) -> None:
    """Check that the actor has the right to a verb.

    Raises:
        OwnExtension: it would decide on its own request, or its unit's.
        Forbidden: it lacks this right for another reason.
    """
    actor = case.desk.actor
    if has_right(actor, verb, case.extension, case.leads):
        return
    if verb != "withdraw" and judges(actor, case.leads):
        raise OwnExtension
    raise takes(
        "延期由 office 或牵头单位（lead）审批，由申请单位撤回",
        "the office or the lead to decide, the unit that asked to withdraw",
    )


def allowed_actions(
    actor: Actor, extension: Extension, leads: tuple[str, ...]
) -> list[ExtensionVerb]:
    """Return the verbs that this actor may use on this extension now."""
    return [
        verb
        for state, verb in TRANSITIONS
        if state == extension.state and has_right(actor, verb, extension, leads)
    ]


async def approve(
    session: AsyncSession, case: ExtensionCase, *, granted_date: date | None, reason: str | None
) -> None:
    """Grant an extension and put the new due date into force: a new epoch begins.

    Raises:
        InvalidInput, ExtensionDecided, ExtensionNotPossible, ExtensionLimitReached: see
            `extensions.service`.
        MilestoneTransitionRefused: the milestone is closed or cancelled.
    """
    granted = await extensions.approve_extension(
        session,
        case.extension,
        subject=case.subject,
        grant=ExtensionGrant(case.desk.today, granted_date, reason),
        limit=case.desk.supervision.extension_limit,
        actor=case.desk.actor.stamp(),
        now=case.desk.now,
    )
    await case.put_into_force(granted, reason)


async def deny(session: AsyncSession, case: ExtensionCase, *, reason: str) -> None:
    """Refuse an extension.

    Raises:
        ExtensionDecided: it was decided or withdrawn before.
    """
    await extensions.deny_extension(
        session,
        case.extension,
        subject=case.subject,
        reason=reason,
        actor=case.desk.actor.stamp(),
        now=case.desk.now,
    )


async def withdraw(session: AsyncSession, case: ExtensionCase, *, reason: str | None) -> None:
    """Withdraw a request.

    Raises:
        ExtensionDecided: it was decided or withdrawn before.
    """
    await extensions.withdraw_extension(
        session,
        case.extension,
        subject=case.subject,
        reason=reason,
        actor=case.desk.actor.stamp(),
        now=case.desk.now,
    )


async def leads_of_subjects(
    session: AsyncSession, asked: Sequence[Extension], plan: PlanState
) -> Mapping[UUID, tuple[str, ...]]:
    """Return the units accountable for each subject: those that lead its measure or indicator."""
    measures = await queries.measures_of(session, plan.city_code, _subjects(asked, "milestone"))
    indicators = await queries.indicators_of(
        session, plan.city_code, _subjects(asked, "obligation")
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for subject, code in measures.items():
        measure = plan.measures.get(code)
        found[subject] = () if measure is None else leading(measure, plan.organizations)
    for subject, code in indicators.items():
        found[subject] = indicator_leads(plan, code)
    return found


def indicator_leads(plan: PlanState, indicator_code: str) -> tuple[str, ...]:
    """Return the units that lead an indicator; none if a later version dropped it."""
    indicator = plan.indicators.get(indicator_code)
    return () if indicator is None else leads_of(indicator)


def _subjects(asked: Sequence[Extension], kind: ExtensionSubjectKind) -> list[UUID]:
    return [one.subject_id for one in asked if one.subject_kind == kind]
