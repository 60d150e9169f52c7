"""Pydantic schemas of submissions."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, WrapValidator
from pydantic_core import to_json

from services.api.deferred_faults import keep_faults
from services.api.exports.digits import Digits
from services.api.paging import FollowedPageOut, HistoryChangeOut, PageOut
from services.core.checks.findings import CheckFinding, findings_kept, shows_figures, told
from services.core.identity.actor import Actor
from services.core.kit.decimals import ExactDecimal, plain_or_none
from services.core.kit.said import CodeIn, LongWords, Said
from services.core.plan.evidence_rules import RequiredEvidence, pieces_of, still_missing
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.creation import access_to
from services.core.submissions.judging import Doubt, doubts_of, why_not_counted
from services.core.submissions.rules import (
    REMARKS,
    DataStatus,
    SubmissionState,
    SubmissionVerb,
    allowed_actions,
)


class SubmissionIn(Said):
    """A value for (indicator, organization, period), in exactly one of four forms.

    The forms are `value`; `numerator` with `denominator`; `level`; `not_applicable_reason`.
    """

    indicator_code: CodeIn = Field(description="Code of an indicator of the plan")
    organization_code: CodeIn = Field(description="The unit that the value is of")
    period: CodeIn = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    value: ExactDecimal | None = Field(default=None, description="The value itself")
    numerator: ExactDecimal | None = Field(
        default=None, description="With `denominator`; the value is then computed exactly"
    )
    denominator: ExactDecimal | None = Field(
        default=None, description="0 only where the numerator is 0 too: then it is not applicable"
    )
    level: CodeIn | None = Field(default=None, description="Code of a level of a qualitative one")
    not_applicable_reason: LongWords | None = Field(
        default=None, description="Why the indicator does not apply to the unit in this period"
    )
    data_status: DataStatus = Field(default="final", description="Whether it may still be revised")
    note: LongWords | None = Field(default=None, description="For whoever reviews it")
    source: LongWords | None = Field(default=None, description="Where the figure comes from")
    justification: LongWords | None = Field(
        default=None, description="Why a check of the plan is broken where it asks for the reason"
    )
    draft: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Keep it a draft; it may still lack its value"
    )
    on_behalf_of: bool | CodeIn | None = Field(
        default=None, description="The office only: `true`, or the code of the unit"
    )


class SubmissionPatch(Said):
    """What may change while it is a draft or returned; null clears."""

    value: ExactDecimal | None = Field(default=None, description="The value itself")
    numerator: ExactDecimal | None = Field(default=None, description="With `denominator`")
    denominator: ExactDecimal | None = Field(default=None, description="With `numerator`")
    level: CodeIn | None = Field(default=None, description="Code of a level of a qualitative one")
    not_applicable_reason: LongWords | None = Field(
        default=None, description="Why the indicator does not apply to the unit in this period"
    )
    data_status: DataStatus = Field(default="final", description="Whether it may still be revised")
    note: LongWords | None = Field(default=None, description="For whoever reviews it")
    source: LongWords | None = Field(default=None, description="Where the figure comes from")
    justification: LongWords | None = Field(
        default=None, description="Why a check of the plan is broken where it asks for the reason"
    )


CheckedSubmission = Annotated[SubmissionIn, WrapValidator(keep_faults)]
"""A `SubmissionIn`, or a `Faulty` if it fails validation."""


class ComparedFigureOut(BaseModel):
    """A figure that a check compared, and where it stands."""

    side: str = Field(description="`left` or `right`")
    indicator_code: str = Field(description="Code of the indicator")
    organization_code: str = Field(description="The unit that the figure is of")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    part: str = Field(description="`value`, `numerator` or `denominator`")
    value: Digits | None = Field(description="The figure, exact; null: there is none")


class CheckFoundOut(BaseModel):
    """A check of the plan that was broken as the value was reported."""

    kind: str = Field(
        description="`rule`, `balance`, `range`, `part_within_whole`, `change` or `outlier`"
    )
    rule: str | None = Field(description="Code of the rule or balance; null: it is built in")
    importance: str = Field(description="`block` keeps it from being handed in; `warn` does not")
    needs_justification: bool = Field(description="Whether `justification` has to say why")
    left: Digits | None = Field(description="The sum of the left side, exact; null: not shown")
    operator: str | None = Field(description="What should hold between the sides")
    right: Digits | None = Field(description="The sum of the right side, exact; null: not shown")
    tolerance: Digits | None = Field(description="By how much they may differ and count as equal")
    figures: list[ComparedFigureOut] = Field(description="What was compared")
    figures_shown: bool = Field(
        description="False: a figure lies outside the caller's scope, and none of them is shown"
    )
    statistics: dict[str, str | None] = Field(
        description="What else was reckoned: of an outlier `count`, `median`, `mad`, `mean`, `z`,"
        " `lower`, `upper`; of a change `difference` and `percent`"
    )


class DoubtOut(BaseModel):
    """Why a value cannot count, or is hard to believe."""

    code: str = Field(description="Stable, such as `implausible-value`")
    message: str = Field(description="The reason, in Chinese")
    message_en: str = Field(description="The reason, in English")


class WarningOut(DoubtOut):
    """Why a value is hard to believe, and the check that says so."""

    check: CheckFoundOut | None = Field(
        default=None, description="The check that it breaks; null: it breaks none"
    )


class SubmissionOut(BaseModel):
    """A submission and what this caller may do with it."""

    id: UUID = Field(description="Its id, for good")
    etag: str = Field(description="Its ETag: what a change of it may be based on")
    version: int = Field(description="Counts its changes; what a device's write is based on")
    plan: str = Field(description="Code of the plan")
    indicator_code: str = Field(description="Code of the indicator")
    indicator_name: str = Field(description="Its name; its code where the plan has it no longer")
    unit: str | None = Field(
        description="The indicator's unit of measure, such as `%`; null where the plan has none"
    )
    organization_code: str = Field(description="The unit that the value is of")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    state: SubmissionState = Field(description="Where it stands in the review")
    revision: int = Field(description="1 at first; each correction of an approved one adds one")
    approved_revision: int | None = Field(description="The revision that counts; null: none yet")
    value: Digits | None = Field(description="Exact; computed from numerator and denominator")
    numerator: Digits | None = Field(description="As reported, exact")
    denominator: Digits | None = Field(description="As reported, exact")
    level: str | None = Field(description="Code of the level reported")
    not_applicable_reason: str | None = Field(description="Why there is no value")
    data_status: DataStatus = Field(description="Whether it may still be revised")
    note: str | None = Field(description="For whoever reviews it")
    source: str | None = Field(description="Where the figure comes from")
    justification: str | None = Field(description="Why a check of the plan is broken")
    evidence_count: int = Field(description="How many files of evidence it rests upon")
    evidence_missing: int = Field(
        description="How many more the plan asks for before it is handed in; 0: none"
    )
    on_behalf_of: str | None = Field(description="The unit, where somebody else reported for it")
    falsified: bool = Field(description="It was found falsified; the grade follows from it")
    counts: bool = Field(description="Whether a board can count the value, once approved")
    counts_reason: DoubtOut | None = Field(description="Why it cannot count; null: it can")
    warnings: list[WarningOut] = Field(
        description="Why the value is hard to believe: the checks that it broke as it was reported"
    )
    reason: str | None = Field(description="Why it was last returned, reopened or otherwise moved")
    allowed_actions: list[SubmissionVerb] = Field(description="What this caller may do with it now")
    created_at: datetime = Field(description="When it was first written")
    updated_at: datetime = Field(description="When it last changed")
    submitted_at: datetime | None = Field(description="When it was last handed in")
    decided_at: datetime | None = Field(description="When it was last approved or returned")


class TombstoneOut(BaseModel):
    """What left the list since the position asked for: withdrawn, or in another state now."""

    id: UUID = Field(description="Id of the submission")
    position: int = Field(description="Log position of its last change")


class SubmissionListOut(FollowedPageOut[SubmissionOut, TombstoneOut]):
    """A page of submissions, newest first; or, with `changed_after`, by log position."""


class ChangeOut(HistoryChangeOut):
    """One change of a submission: before and after, who, when, by which channel, why."""

    action: str = Field(description="What was done, such as `approved`")
    after: dict[str, Any] = Field(
        description="What it is since, in the names of `SubmissionOut`, without what depends on"
        " the caller"
    )
    claimed_at: datetime | None = Field(
        description="Of what a device sent: when it says that it was made; proves nothing"
    )
    counts_from: datetime | None = Field(
        description="From when it counts where the plan lets a late arrival count from the claim;"
        " null: from `occurred_at`"
    )


class HistoryOut(PageOut[ChangeOut]):
    """The changes of a submission, oldest first."""


def submission_fields(row: SubmissionRow, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a submission as `SubmissionOut` has it, ready to be serialised."""
    code = row["indicator_code"]
    indicator = plan.indicators.get(code)
    unit = row["organization_code"]
    uncounted = why_not_counted(row, plan)
    return {
        "id": row["id"],
        "etag": submission_etag(row),
        "version": row["version"],
        "plan": row["plan_code"],
        "indicator_code": code,
        "indicator_name": plan.indicator_name(code),
        "unit": plan.unit_at(code, row["submitted_at"] or row["updated_at"]),
        "organization_code": unit,
        "organization_name": plan.organization_name(unit),
        "period": row["period"],
        "state": row["state"],
        "revision": row["revision"],
        "approved_revision": row["approved_revision"],
        "value": plain_or_none(row["value"]),
        "numerator": plain_or_none(row["numerator"]),
        "denominator": plain_or_none(row["denominator"]),
        "level": row["level"],
        "not_applicable_reason": row["not_applicable_reason"],
        **{name: row[name] for name in REMARKS},
        **_evidence(row, None if indicator is None else indicator.evidence),
        "on_behalf_of": unit if row["on_behalf"] else None,
        "falsified": row["falsified"],
        "counts": uncounted is None,
        "counts_reason": None if uncounted is None else doubt_out(uncounted),
        "warnings": warnings_of(row, plan, actor),
        "reason": row["reason"],
        "allowed_actions": allowed_actions(
            actor, access_to(row, plan.leads.get(code), plan.period_state(row["period"]))
        ),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "submitted_at": row["submitted_at"],
        "decided_at": row["decided_at"],
    }


def _evidence(row: SubmissionRow, rule: RequiredEvidence | None) -> dict[str, int]:
    if row["files"] is None and rule is None:
        return {"evidence_count": 0, "evidence_missing": 0}
    pieces = pieces_of(row["files"])
    missing = 0 if row["not_applicable_reason"] is not None else still_missing(rule, pieces)
    return {"evidence_count": len(pieces), "evidence_missing": missing}


def doubt_out(doubt: Doubt) -> dict[str, Any]:
    """Return the reason why a value does not count, as `DoubtOut` has it."""
    words = doubt.words
    return {"code": doubt.code, "message": words.zh, "message_en": words.en}


def warnings_of(row: SubmissionRow, plan: PlanState, actor: Actor) -> list[dict[str, Any]]:
    """Return the findings of the plan's checks on a submission that the actor may see."""
    return [finding_out(one, plan, actor) for one in doubts_of(row, plan)]


def finding_out(finding: CheckFinding, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a finding as `WarningOut` has it; figures only if the actor may see all of them."""
    figures = shows_figures(finding, actor, plan)
    said = told(finding, figures=figures)
    return {
        "code": finding.code,
        "message": said.zh,
        "message_en": said.en,
        "check": {
            "kind": finding.kind,
            "rule": finding.rule,
            "importance": finding.importance,
            "needs_justification": finding.needs_justification,
            "left": finding.left if figures else None,
            "operator": finding.operator,
            "right": finding.right if figures else None,
            "tolerance": finding.tolerance,
            "figures": [asdict(one) for one in finding.figures] if figures else [],
            "figures_shown": figures,
            "statistics": dict(finding.statistics) if figures else {},
        },
    }


def image_fields(image: Mapping[str, Any], plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a submission's image in history, as the caller may see it."""
    kept = {name: value for name, value in image.items() if name != "checks"}
    findings = findings_kept(image.get("checks"))
    return {**kept, "warnings": [finding_out(one, plan, actor) for one in findings]}


def submission_body(row: SubmissionRow, plan: PlanState, actor: Actor) -> bytes:
    """Return a submission as JSON."""
    return to_json(submission_fields(row, plan, actor))


def submission_etag(row: SubmissionRow) -> str:
    """Return the strong ETag of a submission: its id and version."""
    return f'"{row["id"]}.{row["version"]}"'
