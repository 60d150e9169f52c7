"""Closes conflicts over submissions, many at once, and decides single ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.service import check_open, settle, write_step
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.errors import InvalidInput
from services.core.plan.state import PlanState
from services.core.submissions import queries as submission_queries
from services.core.submissions import service as submissions
from services.core.submissions.authorship import NOBODY, Authors, authors_by
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import (
    ConflictKind,
    TakenVersion,
    as_said,
    columns_of_kept,
    decides,
    decision_faults,
)
from services.core.submissions.conflicts.subject import OVER_SUBMISSIONS
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.models import Submission
from services.core.submissions.rules import SubmissionVerb, writes_for


async def close_conflicts(
    session: AsyncSession, closed: Sequence[tuple[SubmissionConflict, str]], now: datetime
) -> None:
    """Close locked conflicts that no longer exist, each with its reason (`rules.CloseReason`)."""
    for one, because in closed:
        one.state, one.closed_because, one.closed_at = "closed", because, now
    await write_step(session, OVER_SUBMISSIONS, [one for one, _ in closed], "closed", now)


def owner_of(conflict: SubmissionConflict) -> str | None:
    """Return the unit that has to decide a conflict; None: the office."""
    return conflict.owner_code if conflict.kind == "observation" else conflict.organization_code


def may_decide(actor: Actor, conflict: SubmissionConflict) -> bool:
    """Return whether the actor may decide a conflict, and it is open."""
    return conflict.state == "open" and decides(actor, owner_of(conflict))


def check_right(actor: Actor, conflict: SubmissionConflict) -> None:
    """Check that the actor may decide: it reports for the responsible unit.

    Raises:
        Forbidden: it does not.
    """
    if not decides(actor, owner_of(conflict)):
        raise takes(
            "由负责处理的单位（owner_code，通常为填报单位）或 office 处理",
            "the unit that has to decide (`owner_code`, as a rule the one that the value is of), or"
            " the office",
        )


async def decide(
    session: AsyncSession,
    conflict: SubmissionConflict,
    *,
    plan: PlanState,
    actor: Actor,
    take: TakenVersion,
    reason: str | None,
    now: datetime,
) -> None:
    """Decide a locked conflict: the ledger stays as it is, or adopts the other side's version.

    A device's version is edited into the submission, with its author as an author. Another source's
    figure becomes a correction (`_take_observed`), with whoever recorded it as an author. A
    decision approves nothing.

    Raises:
        InvalidInput: that version cannot be chosen, a reason is missing, or the resulting value has
            faults.
        ConflictDecided: it was decided before, or no longer exists.
        SubmissionTransitionRefused, PeriodClosed, Forbidden, OwnReport: a verb that the decision
            needs is refused, see `submissions.service`.
        SubmissionNotFound: it left the caller's scope meanwhile.
    """
    kind: ConflictKind = "observation" if conflict.kind == "observation" else "device"
    if faults := decision_faults(kind, take, reason):
        raise InvalidInput(faults=faults)
    check_open(conflict)
    if take in {"device", "observation"}:
        found = await submission_queries.for_update(session, actor, conflict.submission_id)
        if found is None:
            raise SubmissionNotFound
        verbs = _Verbs(session, found, plan, actor, now)
        if take == "device":
            said = as_said(columns_of_kept(conflict.device))
            await verbs.edit(said, beside=authors_by(conflict.raised_by))
        else:
            await _take_observed(verbs, conflict, reason)
    await settle(
        session, OVER_SUBMISSIONS, conflict, take=take, reason=reason, actor=actor, now=now
    )


@dataclass(frozen=True, slots=True)
class _Verbs:
    """The normal verbs on a locked submission, carried out for the actor."""

    session: AsyncSession
    submission: Submission
    plan: PlanState
    actor: Actor
    now: datetime

    async def edit(self, changes: Mapping[str, Any], beside: Authors = NOBODY) -> None:
        await submissions.edit(
            self.session,
            self.submission,
            plan=self.plan,
            actor=self.actor,
            changes=changes,
            now=self.now,
            beside=beside,
        )

    async def move(self, verb: SubmissionVerb, reason: str | None) -> None:
        await submissions.move(
            self.session,
            self.submission,
            verb,
            plan=self.plan,
            actor=self.actor,
            reason=reason,
            now=self.now,
        )


async def _take_observed(verbs: _Verbs, conflict: SubmissionConflict, reason: str | None) -> None:
    """Correct a submission to another source's figure, by the normal verbs.

    A submission under review is returned, an approved one is reopened. If the actor reports for the
    unit, it then enters the source's figure and submits it, for somebody else to approve; otherwise
    the unit has to do that. A draft stays a draft. If a check requires a justification, the reason
    of the decision fills it, unless the submission has one.
    """
    row = verbs.submission
    if row.state in {"submitted", "approved"}:
        await verbs.move("return" if row.state == "submitted" else "reopen", reason)
    if not writes_for(verbs.actor, row.organization_code):
        return
    observed = {**(conflict.observed or {})}
    code, reference = observed.pop("source_code"), observed.pop("reference")
    observed.pop("observed_at")
    recorded = authors_by(observed.pop("recorded_by", {}))
    origin = f"{verbs.plan.source_name(code)}：{reference}"
    said = {"source": origin, "justification": row.justification or reason}
    await verbs.edit({**as_said(columns_of_kept(observed)), **said}, beside=recorded)
    if row.state == "returned":
        await verbs.move("submit", None)
