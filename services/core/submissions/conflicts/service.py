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
    """Close locked conflicts that are none any more, each for a reason (`rules.CloseReason`)."""
    for one, because in closed:
        one.state, one.closed_because, one.closed_at = "closed", because, now
    await write_step(session, OVER_SUBMISSIONS, [one for one, _ in closed], "closed", now)


def owner_of(conflict: SubmissionConflict) -> str | None:
    """Return the unit that has to decide a conflict; None: the office."""
    return conflict.owner_code if conflict.kind == "observation" else conflict.organization_code


def may_decide(actor: Actor, conflict: SubmissionConflict) -> bool:
    """Return whether the actor decides a conflict, and it waits."""
    return conflict.state == "open" and decides(actor, owner_of(conflict))


def check_right(actor: Actor, conflict: SubmissionConflict) -> None:
    """Let the actor pass who decides: whoever reports for the unit that has to.

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
    """Decide a locked conflict: the ledger stays as it is, or says what the other side said.

    What a device said is edited into the submission, with who wrote it there as an author. What
    another source says becomes a correction of it (`_take_observed`), with who recorded it as an
    author. Nothing is approved by a decision.

    Raises:
        InvalidInput: that cannot be taken, a reason is missing, or what would be reported has
            faults.
        ConflictDecided: it was decided before, or is none any more.
        SubmissionTransitionRefused, PeriodClosed, Forbidden, OwnReport: a verb that the decision
            needs is refused, see `submissions.service`.
        SubmissionNotFound: it was taken out of the caller's scope meanwhile.
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
    """The normal verbs on a locked submission, as the actor may use them."""

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
    """Correct a submission to what another source says, by the verbs that anybody would use.

    What is under review is returned, what is approved is reopened. Who reports for the unit
    then says what the source says and hands it in, for somebody else to approve; of who does
    not, the unit does so. A draft stays one. Where a check asks why the figure is as it is, the
    reason of the decision says so, unless the submission does.
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
