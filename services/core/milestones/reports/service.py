"""Progress reports on many milestones: each decided by the rules of one, all written together.

The number of statements does not grow with the number of milestones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.errors import DomainError
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.changes import write_many
from services.core.milestones.errors import MilestoneNotFound
from services.core.milestones.models import Milestone
from services.core.milestones.reports.queries import visible
from services.core.milestones.service import Report, check_right, progressed

REPORTED = ("percent", "narrative", "problems", "next_steps", "expected_date")
"""The columns of a progress report."""

ReportOutcome = Literal["updated", "unchanged", "rejected"]


@dataclass(frozen=True, slots=True)
class PartialReport:
    """A partial report on a milestone, by column; columns not given stay as they are."""

    milestone_id: UUID
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecidedReport:
    """The outcome of a report, why it was rejected, and when the milestone last changed before it.

    `milestone` is its state afterwards, `before` the reported columns before; None: the caller sees
    no milestone of that id.
    """

    outcome: ReportOutcome
    milestone: Milestone | None
    refusal: DomainError | None = None
    changed_at: datetime | None = None
    before: Mapping[str, Any] | None = None


async def report_on_many(
    session: AsyncSession,
    reports: Sequence[PartialReport],
    *,
    desk: MilestoneDesk,
    writes: bool = True,
) -> list[DecidedReport]:
    """Write the changes in reports, each decided by itself; return the outcome of each.

    A caller that wants all or nothing rolls back. Without `writes` nothing is locked or written.
    Each report is on a different milestone.
    """
    ids = [one.milestone_id for one in reports]
    found = await visible(session, desk.actor, desk.plan.code, ids, for_update=writes)
    for row in found.values():
        session.expunge(row)  # changes are written below, all at once
    decided = [_decided(one, found.get(one.milestone_id), desk) for one in reports]
    if writes:
        changed = [
            one.milestone
            for one in decided
            if one.outcome == "updated" and one.milestone is not None
        ]
        await write_many(session, changed, "milestone.progressed", desk=desk)
    return decided


def _decided(said: PartialReport, row: Milestone | None, desk: MilestoneDesk) -> DecidedReport:
    if row is None:
        return DecidedReport("rejected", None, MilestoneNotFound())
    before = {name: getattr(row, name) for name in REPORTED}
    wanted = {name: said.said.get(name, before[name]) for name in REPORTED}
    changed_at = row.updated_at
    if wanted == before:
        return DecidedReport("unchanged", row, None, changed_at, before)
    try:
        check_right(desk, "progress", row)
        progressed(row, desk=desk, report=Report(**wanted))
    except DomainError as refused:
        return DecidedReport("rejected", row, refused, changed_at, before)
    return DecidedReport("updated", row, None, changed_at, before)
