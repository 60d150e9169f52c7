"""Whether a verb may be carried out on a submission, and which columns it changes.

Pure: takes a row, returns the changes or raises the refusal. The same code decides one
submission and many.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.core.events.catalogue import EventType
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.errors import InvalidInput
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.plan.evidence_rules import pieces_of
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.changes import form_after, moved
from services.core.submissions.creation import access_to
from services.core.submissions.errors import (
    OwnReport,
    PeriodClosed,
    SubmissionTransitionRefused,
)
from services.core.submissions.judging import approval_faults, evidence_faults, value_faults
from services.core.submissions.rules import (
    WRITING_VERBS,
    SubmissionAccess,
    SubmissionVerb,
    allowed_actions,
    has_right,
    period_allows,
    reviews,
    state_allows,
)

EVENTS: Mapping[SubmissionVerb, EventType] = {
    "edit": "submission.changed",
    "submit": "submission.submitted",
    "withdraw": "submission.withdrawn",
    "approve": "submission.approved",
    "return": "submission.returned",
    "reopen": "submission.reopened",
    "falsify": "submission.falsified",
}


def action_of(verb: SubmissionVerb) -> str:
    """Return the history's name for a verb."""
    return EVENTS[verb].removeprefix("submission.")


def check_right(
    actor: Actor, verb: SubmissionVerb, row: SubmissionRow, plan: PlanState
) -> SubmissionAccess:
    """Check that the actor has the right to this verb; return the facts that it depends on.

    Raises:
        OwnReport: the actor would review what it, or its own organization, wrote or handed in.
        Forbidden: it lacks the right for another reason.
    """
    leads = plan.leads.get(row["indicator_code"])
    access = access_to(row, leads, plan.period_state(row["period"]))
    if has_right(actor, verb, access):
        return access
    if verb not in WRITING_VERBS and reviews(actor, access.leads) and access.authors.include(actor):
        raise OwnReport
    raise takes(
        "填报由本单位或 office 进行；审核由 office 或该指标的牵头单位（lead）进行",
        "the unit or the office to report; the office or the lead of the indicator to review",
    )


def check_state(
    row: SubmissionRow, verb: SubmissionVerb, access: SubmissionAccess, actor: Actor
) -> None:
    """Refuse a verb that the state of a submission, or of its period, does not allow.

    Raises:
        SubmissionTransitionRefused: the submission's does not; the allowed verbs are in `extra`.
        PeriodClosed: the period takes no values, or is published.
    """
    legal = {"allowed_actions": allowed_actions(actor, access)}
    if not state_allows(verb, access):
        told = {"state": access.state, **legal}
        if state_allows(verb, replace(access, dropped=False)):
            raise SubmissionTransitionRefused(_DROPPED, extra=told)
        raise SubmissionTransitionRefused(extra=told)
    if not period_allows(verb, access.period_state):
        raise PeriodClosed(extra={"period": row["period"], "state": access.period_state, **legal})


def after_verb(
    row: SubmissionRow,
    verb: SubmissionVerb,
    access: SubmissionAccess,
    *,
    plan: PlanState,
    actor: Actor,
    reason: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the columns that a review verb changes; the actor has the right to it.

    `access` has the state of the locked period.

    Raises:
        SubmissionTransitionRefused, PeriodClosed: see `check_state`.
        InvalidInput: it would be submitted with faults, or approved without the parts, or in
            another form than, the plan requires by now.
    """
    check_state(row, verb, access, actor)
    faults = []
    if verb == "submit":
        form, indicator = form_after(row, {}), indicator_of(row, plan)
        faults = value_faults(form, indicator, plan, row["period"], draft=False)
        faults += evidence_faults(form, indicator, pieces_of(row["files"]), draft=False)
    if verb == "approve":
        faults = approval_faults(row, plan)
    if faults:
        raise InvalidInput(faults=faults)
    return moved(row, verb, actor=actor, reason=reason, now=now)


def indicator_of(row: SubmissionRow, plan: PlanState) -> Indicator:
    """Return the indicator of a submission.

    Raises:
        SubmissionTransitionRefused: a later version of the plan dropped it.
    """
    indicator = plan.indicators.get(row["indicator_code"])
    if indicator is None:
        raise SubmissionTransitionRefused(_DROPPED, extra={"allowed_actions": []})
    return indicator


_DROPPED = Text(
    "现行计划已无该指标，不能再填报或更正",
    "The plan in force has this indicator no more: nothing is reported for it, or corrected",
)
