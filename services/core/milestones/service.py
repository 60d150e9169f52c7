"""Commands on milestones: accept, decline, progress, complete, close, return, reopen, cancel.

Each takes a locked milestone, and writes the new state, its history row and its event in the
caller's transaction. Assigning and editing are in `assigning`, extensions in `extending`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.extensions import queries as extension_queries
from services.core.extensions.service import withdraw_extension
from services.core.identity.errors import takes
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.milestones import queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.changes import access_to, carry_out, check_state, subject_of, write
from services.core.milestones.errors import OwnMilestone
from services.core.milestones.models import Milestone
from services.core.milestones.references import due_date_faults, promise_faults
from services.core.milestones.rights import REVIEW_VERBS, has_right, judges
from services.core.milestones.rules import ClosureGrade, MilestoneVerb, Transition
from services.core.plan.evidence_rules import Piece, all_kept, lacking, pieces_of


def check_right(desk: MilestoneDesk, verb: MilestoneVerb, milestone: Milestone) -> None:
    """Check that the actor has the right to a verb, in any state.

    Raises:
        OwnMilestone: it would review its own unit's promise or work.
        Forbidden: it lacks this right for another reason.
    """
    access = access_to(milestone, desk.leads(milestone.measure_code))
    if has_right(desk.actor, verb, access):
        return
    if verb in REVIEW_VERBS and judges(desk.actor, access.leads):
        raise OwnMilestone
    raise takes(
        "里程碑由承担单位填报，由 office 或牵头单位（lead）布置和办结",
        "the unit that promised to report, the office or the lead to assign and to close",
    )


async def accept(session: AsyncSession, milestone: Milestone, *, desk: MilestoneDesk) -> None:
    """Sign for a milestone.

    Raises:
        MilestoneTransitionRefused: the state does not allow it; the same holds for every verb here.
    """
    check_state(milestone, "accept", desk)
    carry_out(milestone, Transition("accept"), desk)
    milestone.reason = None
    await write(session, milestone, "milestone.accepted", desk=desk)


async def decline(
    session: AsyncSession, milestone: Milestone, *, desk: MilestoneDesk, reason: str
) -> None:
    """Decline to sign for it; the assigner may assign it again."""
    check_state(milestone, "decline", desk)
    carry_out(milestone, Transition("decline"), desk)
    milestone.reason = reason
    await write(session, milestone, "milestone.declined", desk=desk, reason=reason)


@dataclass(frozen=True, slots=True)
class Report:
    """A full progress report: fields that it leaves empty are emptied in the milestone."""

    percent: Decimal
    narrative: str | None
    problems: str | None
    next_steps: str | None
    expected_date: date | None


async def report_progress(
    session: AsyncSession, milestone: Milestone, *, desk: MilestoneDesk, report: Report
) -> None:
    """Report progress; that answers a return too.

    Raises:
        InvalidInput: the expected date is too far ahead.
    """
    progressed(milestone, desk=desk, report=report)
    await write(session, milestone, "milestone.progressed", desk=desk)


def progressed(milestone: Milestone, *, desk: MilestoneDesk, report: Report) -> None:
    """Apply a progress report to a milestone, without writing it.

    Raises:
        InvalidInput: the expected date is too far ahead.
        MilestoneTransitionRefused: the state does not allow it.
    """
    expected = report.expected_date
    if expected is not None and (
        faults := promise_faults("/expected_date", expected, desk.plan, desk.today)
    ):
        raise InvalidInput(faults=faults)
    check_state(milestone, "progress", desk)
    carry_out(milestone, Transition("progress", percent=report.percent), desk)
    milestone.narrative = report.narrative
    milestone.problems = report.problems
    milestone.next_steps = report.next_steps
    milestone.expected_date = report.expected_date
    _sign(milestone, desk)


async def complete(
    session: AsyncSession,
    milestone: Milestone,
    *,
    desk: MilestoneDesk,
    narrative: str | None,
    evidence: Sequence[Mapping[str, object]],
) -> None:
    """Request closure, with the evidence that the milestone's rule and its measure require.

    Raises:
        InvalidInput: the evidence is missing.
    """
    files = pieces_of(milestone.files)
    faults = evidence_faults(milestone.evidence_rule, narrative, [*evidence, *files])
    measure = desk.plan.measures.get(milestone.measure_code)
    if measure is not None:
        faults += lacking(measure.evidence, files, f"/v1/milestones/{milestone.id}/evidence")
    if faults:
        raise InvalidInput(faults=faults)
    check_state(milestone, "complete", desk)
    review_by = desk.in_working_days(desk.supervision.review_days)
    carry_out(milestone, Transition("complete", turn_ends=review_by), desk)
    milestone.narrative = narrative or milestone.narrative
    milestone.evidence = [dict(piece) for piece in evidence]
    milestone.completed_by = desk.actor.stamp()
    _sign(milestone, desk)
    milestone.completed_at = desk.now
    milestone.reason = None
    await write(session, milestone, "milestone.completed", desk=desk)


async def change_files(
    session: AsyncSession,
    milestone: Milestone,
    files: Sequence[Piece],
    happened: EventType,
    *,
    desk: MilestoneDesk,
    told: Mapping[str, object],
) -> None:
    """Replace the files of a milestone that is being worked on.

    Raises:
        OwnMilestone, Forbidden: the actor does not report for its unit.
        MilestoneTransitionRefused: it is not being worked on.
    """
    check_right(desk, "complete", milestone)
    check_state(milestone, "complete", desk)
    milestone.files = [dict(one) for one in files] or None
    milestone.version += 1
    _sign(milestone, desk)
    action = happened.replace(".", "_")
    await write(session, milestone, happened, desk=desk, action=action, told=told)


def _sign(milestone: Milestone, desk: MilestoneDesk) -> None:
    """Record the actor as an author, who may not review the milestone."""
    known = (*milestone.authors, desk.actor.author_id)
    milestone.authors = list(dict.fromkeys(known))


def evidence_faults(
    rule: str, narrative: str | None, evidence: Sequence[Mapping[str, object]]
) -> list[Fault]:
    """Return what a request for closure lacks by its milestone's evidence rule."""
    if rule == "narrative" and not narrative:
        return [
            Fault(
                "/narrative",
                "evidence-missing",
                Text("申请办结须附完成情况说明", "Closure is asked for with a narrative"),
            )
        ]
    if rule == "document" and not evidence:
        return [
            Fault(
                "/evidence",
                "evidence-missing",
                Text("申请办结须附佐证材料", "Closure is asked for with a document as evidence"),
            )
        ]
    return []


async def close(
    session: AsyncSession,
    milestone: Milestone,
    *,
    desk: MilestoneDesk,
    grade: ClosureGrade,
    comment: str | None,
) -> None:
    """Close it with a grade; a pending extension request lapses."""
    check_state(milestone, "close", desk)
    carry_out(milestone, Transition("close", grade=grade), desk)
    milestone.files = all_kept(milestone.files)
    milestone.reason = comment
    milestone.closed_at = desk.now
    await _lapse_request(session, milestone, desk)
    await write(session, milestone, "milestone.closed", desk=desk, reason=comment)


async def return_(
    session: AsyncSession, milestone: Milestone, *, desk: MilestoneDesk, reason: str
) -> None:
    """Return a request for closure, to be answered within the plan's days."""
    check_state(milestone, "return", desk)
    answer_by = desk.in_working_days(desk.supervision.answer_days)
    carry_out(milestone, Transition("return", turn_ends=answer_by), desk)
    milestone.reason = reason
    milestone.completed_at = None
    await write(session, milestone, "milestone.returned", desk=desk, reason=reason)


async def reopen(
    session: AsyncSession,
    milestone: Milestone,
    *,
    desk: MilestoneDesk,
    reason: str,
    due_date: date | None,
) -> None:
    """Reopen a closed milestone: a new epoch, with a new due date if one is given.

    Raises:
        InvalidInput: the due date lies before the plan, or too far ahead.
    """
    faults = [] if due_date is None else due_date_faults(due_date, desk.plan, desk.today)
    if faults:
        raise InvalidInput(faults=faults)
    check_state(milestone, "reopen", desk)
    percent = await queries.last_reported_percent(session, milestone)
    carry_out(milestone, Transition("reopen", percent=percent, due_date=due_date), desk)
    milestone.reason = reason
    milestone.completed_at = milestone.closed_at = None
    await write(session, milestone, "milestone.reopened", desk=desk, reason=reason)


async def cancel(
    session: AsyncSession, milestone: Milestone, *, desk: MilestoneDesk, reason: str
) -> None:
    """Cancel a milestone for good."""
    check_state(milestone, "cancel", desk)
    carry_out(milestone, Transition("cancel"), desk)
    milestone.reason = reason
    await _lapse_request(session, milestone, desk)
    await write(session, milestone, "milestone.cancelled", desk=desk, reason=reason)


async def _lapse_request(session: AsyncSession, milestone: Milestone, desk: MilestoneDesk) -> None:
    """Withdraw the pending extension request of a milestone that needs none any more."""
    waiting = await extension_queries.waiting_for(
        session, milestone.city_code, "milestone", milestone.id
    )
    if waiting is not None:
        await withdraw_extension(
            session,
            waiting,
            subject=subject_of(milestone),
            reason=None,
            actor=desk.actor.stamp(),
            now=desk.now,
        )
