"""Pydantic schemas of a plan's entry checks, their trial and their results."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.exports.digits import Digits
from services.api.paging import PageOut
from services.api.submissions.schemas import ComparedFigureOut, WarningOut, warnings_of
from services.core.checks.descriptions import DescribedCheck
from services.core.checks.findings import CheckFinding, told
from services.core.checks.trial import MOST_RULES_TRIED
from services.core.identity.actor import Actor
from services.core.kit.said import CodeIn, Said
from services.core.plan.check_entries import Balance, CheckRule
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow


class CheckAdviceOut(BaseModel):
    """What to do about a check that is broken."""

    zh: str = Field(description="In Chinese")
    en: str = Field(description="In English")


class CheckOut(BaseModel):
    """A check that is held against what is reported."""

    kind: str = Field(
        description="`rule`, `balance`, `range`, `part_within_whole`, `change` or `outlier`"
    )
    code: str | None = Field(description="Its code in the plan; null: it is built in")
    name: str | None = Field(description="Its name; null: it is built in")
    name_en: str | None = Field(description="Its name in English, or the same")
    says: str = Field(description="What must hold, in signs and Chinese")
    says_en: str = Field(description="What must hold, in signs and English")
    importance: str = Field(description="`block` keeps it from being handed in; `warn` does not")
    needs_justification: bool = Field(description="Whether `justification` has to say why")
    advice: CheckAdviceOut | None = Field(description="What to do about it, where that is said")
    indicator_codes: list[str] = Field(description="Of whose figures it is asked")


class ChecksOut(BaseModel):
    """The checks of a plan."""

    plan: str = Field(description="Code of the plan")
    version: int = Field(description="The version of the plan that they stand in")
    items: list[CheckOut] = Field(description="Rules and balances first, as the plan lists them")


class TrialPlaceIn(Said):
    """Where a trial stopped."""

    indicator_code: CodeIn = Field(description="Code of the indicator")
    organization_code: CodeIn = Field(description="The unit that the value is of")
    period: CodeIn = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")


class CheckTrialIn(Said):
    """Rules and balances that are tried, as a plan document writes them."""

    rules: Annotated[tuple[CheckRule, ...], Field(max_length=MOST_RULES_TRIED)] = Field(
        default=(), description="Rules between figures"
    )
    balances: Annotated[tuple[Balance, ...], Field(max_length=MOST_RULES_TRIED)] = Field(
        default=(), description="Amounts of which opening, inflow and outflow make the closing"
    )
    period: CodeIn | None = Field(default=None, description="Of this period only")
    organization_code: CodeIn | None = Field(default=None, description="Of this unit only")
    after: TrialPlaceIn | None = Field(
        default=None, description="Go on from here: the `next` of the answer before"
    )


class TrialPlaceOut(BaseModel):
    """Where a trial stopped."""

    indicator_code: str = Field(description="Code of the indicator")
    organization_code: str = Field(description="The unit that the value is of")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")


class TrialFindingOut(BaseModel):
    """A unit and a period for which a rule would not hold."""

    rule: str = Field(description="Code of the rule")
    organization_code: str = Field(description="The unit that would break it")
    organization_name: str = Field(description="The unit's name")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    left: Digits | None = Field(description="The sum of the left side, exact")
    operator: str | None = Field(description="What should hold between the sides")
    right: Digits | None = Field(description="The sum of the right side, exact")
    figures: list[ComparedFigureOut] = Field(description="What was compared")
    message: str = Field(description="What it would say, in Chinese")
    message_en: str = Field(description="What it would say, in English")


class CheckTrialOut(BaseModel):
    """What rules would find in what is stored."""

    examined: int = Field(description="How many reported values were looked at")
    broken: int = Field(description="How often a rule would not hold among them")
    items: list[TrialFindingOut] = Field(description="Each of these")
    next: TrialPlaceOut | None = Field(description="For `after`, to go on; null: this was all")


class CheckResultOut(BaseModel):
    """A reported value that breaks checks."""

    submission_id: UUID = Field(description="Id of the submission")
    indicator_code: str = Field(description="Code of the indicator")
    indicator_name: str = Field(description="Its name; its code where the plan has it no longer")
    organization_code: str = Field(description="The unit that the value is of")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    state: str = Field(description="Where it stands in the review")
    justification: str | None = Field(description="Why a check of the plan is broken")
    warnings: list[WarningOut] = Field(description="The checks that it broke as it was reported")


class CheckResultsOut(PageOut[CheckResultOut]):
    """A page of reported values that break checks, newest first."""


def check_out(check: DescribedCheck) -> CheckOut:
    """Return a check as `CheckOut` has it."""
    advice = check.advice
    return CheckOut(
        kind=check.kind,
        code=check.code,
        name=None if check.name is None else check.name.zh,
        name_en=None if check.name is None else check.name.en,
        says=check.says.zh,
        says_en=check.says.en,
        importance=check.importance,
        needs_justification=check.needs_justification,
        advice=None if advice is None else CheckAdviceOut(zh=advice.zh, en=advice.en),
        indicator_codes=list(check.indicators),
    )


def trial_finding(slot: Slot, found: CheckFinding, plan: PlanState) -> TrialFindingOut:
    """Return the finding of a rule under trial, for a caller who sees the whole plan."""
    said = told(found, figures=True)
    return TrialFindingOut(
        rule=found.rule or found.code,
        organization_code=slot.organization_code,
        organization_name=plan.organization_name(slot.organization_code),
        period=slot.period,
        left=found.left,
        operator=found.operator,
        right=found.right,
        figures=[
            ComparedFigureOut.model_validate(one, from_attributes=True) for one in found.figures
        ],
        message=said.zh,
        message_en=said.en,
    )


def check_result(row: SubmissionRow, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a value that violates checks as `CheckResultOut` has it."""
    return {
        "submission_id": row["id"],
        "indicator_code": row["indicator_code"],
        "indicator_name": plan.indicator_name(row["indicator_code"]),
        "organization_code": row["organization_code"],
        "organization_name": plan.organization_name(row["organization_code"]),
        "period": row["period"],
        "state": row["state"],
        "justification": row["justification"],
        "warnings": warnings_of(row, plan, actor),
    }
