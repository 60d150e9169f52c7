"""Pydantic schemas of score sheets and assessments."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import to_json

from services.api.contract.plan_document import PARTS
from services.api.deferred_faults import DeferredFaults, keep_faults
from services.api.exports.digits import Digits
from services.api.paging import HistoryChangeOut, PageOut, ScopedPageOut
from services.core.assessments.judging import ItemFinding, full_of
from services.core.assessments.models import Assessment
from services.core.assessments.rules import (
    AssessmentState,
    AssessmentVerb,
    NewAssessment,
    allowed_actions,
)
from services.core.identity.actor import Actor
from services.core.kit.decimals import display, plain
from services.core.kit.faults import faults_of
from services.core.kit.said import CodeIn, Said, Title
from services.core.plan.members import Frequency
from services.core.plan.models import ScoreSheetVersion
from services.core.plan.sheet_entries import MOST_ITEMS, AssessedKind, ScoreSheet
from services.core.plan.state import PlanState
from services.core.plan.written import DivisionCode

_PERIOD = "`2025`, `2025-H1`, `2025-Q3` or `2025-09`"
_FINDINGS = "What was found, by the code of the item"


def _as_said(raw: Any, _handler: ValidatorFunctionWrapHandler) -> Any:
    """Return an item's input unvalidated: it is checked with the sheet, all faults together."""
    return raw


FindingIn = Annotated[ItemFinding, WrapValidator(_as_said)]
FindingsIn = Annotated[dict[CodeIn, FindingIn], Field(max_length=MOST_ITEMS)]
ChangedFindingsIn = Annotated[dict[CodeIn, FindingIn | None], Field(max_length=MOST_ITEMS)]


class AssessmentIn(Said):
    """Of what an assessment is, and what was found. Which members are given hangs on the sheet."""

    period: CodeIn = Field(description=f"{_PERIOD}, of the sheet's cycle")
    organization_code: CodeIn | None = Field(
        default=None, description="The unit that is assessed, or that answers for the village"
    )
    village_code: DivisionCode | None = Field(
        default=None, description="Of a village: its administrative division code"
    )
    village_name: Title | None = Field(default=None, description="Of a village: its name")
    row_id: UUID | None = Field(default=None, description="Of a row of a register: its id")
    findings: FindingsIn = Field(
        default_factory=dict, description=f"{_FINDINGS}; more may follow until it is handed in"
    )


CheckedAssessment = Annotated[AssessmentIn, WrapValidator(keep_faults)]
"""An `AssessmentIn`, or its `DeferredFaults` if it fails validation."""


class AssessmentPatch(Said):
    """What changes of an assessment."""

    findings: ChangedFindingsIn = Field(
        default_factory=dict,
        description=f"{_FINDINGS}. An item that is named is replaced, null takes it back; others"
        " stay as they are",
    )


class ScoreSheetOut(BaseModel):
    """A score sheet as the plan in force says it."""

    code: str = Field(description="Its code")
    name: str = Field(description="Its name")
    note: str | None = Field(description="What a reader should know of it")
    source: str | None = Field(description="Where the sheet is from")
    subject: AssessedKind = Field(description="What is assessed by it")
    register_code: str | None = Field(description="The register whose rows are assessed")
    cycle: Frequency = Field(description="For which periods it is assessed")
    assessors: list[str] = Field(description="The units that assess, beside the office")
    full_points: Digits = Field(description="The full points of its items, without bonuses")
    appeal_days: int = Field(description="Days after publication for an appeal; 0: there is none")
    sheet: Annotated[
        dict[str, Any], WithJsonSchema({"allOf": [{"$ref": f"{PARTS}ScoreSheet"}]})
    ] = Field(description="The whole sheet, as a plan document writes it")


class ScoreSheetListOut(BaseModel):
    """The score sheets of a plan, in the plan's order."""

    items: list[ScoreSheetOut] = Field(description="All of them")


class ScoreSheetVersionOut(BaseModel):
    """A score sheet as it was from a version of the plan on."""

    version: int = Field(description="Counts the changes of this sheet")
    plan_version: int = Field(description="The first version of the plan that has it so")
    made_at: datetime = Field(description="When that came into force")
    sheet: Annotated[
        dict[str, Any], WithJsonSchema({"allOf": [{"$ref": f"{PARTS}ScoreSheet"}]})
    ] = Field(description="The whole sheet, as a plan document writes it")


class ScoreSheetVersionListOut(PageOut[ScoreSheetVersionOut]):
    """The versions of a score sheet, oldest first."""


class ItemResultOut(BaseModel):
    """What an item comes to."""

    code: str = Field(description="Code of the item")
    name: str = Field(description="Its name")
    section: str | None = Field(description="The heading that it stands under")
    full: Digits = Field(description="Its full points")
    bonus: bool = Field(description="Whether it adds beyond the full points of the others")
    state: str = Field(
        description="`scored`, `not_applicable`, or `open` where it is not assessed yet"
    )
    points: Digits | None = Field(description="Its points; null: not assessed, or left out")
    reason: str | None = Field(description="How they came about, in Chinese")
    reason_en: str | None = Field(description="The same in English")


class AssessmentSummaryOut(BaseModel):
    """An assessment without its items, and what this caller may do with it."""

    id: UUID = Field(description="Its id, for good")
    version: int = Field(description="Counts its changes")
    plan: str = Field(description="Code of the plan")
    sheet_code: str = Field(description="Code of the score sheet")
    sheet_name: str = Field(description="Its name; the code where the plan has it no longer")
    sheet_version: int = Field(description="The version of the sheet that it is judged by")
    subject_kind: AssessedKind = Field(description="What is assessed")
    subject_key: str = Field(
        description="Code of the unit, division code of the village, or id of the row"
    )
    subject_name: str = Field(description="Its name")
    organization_code: str = Field(description="The unit that answers for it")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    comparable_group: str = Field(description="With which others it is ranked")
    period: str = Field(description=_PERIOD)
    state: AssessmentState = Field(
        description="`draft`, `submitted` for another to look at, `confirmed`, `published` to its"
        " unit, or `withdrawn`"
    )
    complete: bool = Field(description="Whether every item but the bonuses was assessed")
    total: Digits | None = Field(
        description="Exact to 20 places; null: not complete, or no item applies"
    )
    display: str | None = Field(
        description="The total for people, never in a colour that it does not reach"
    )
    colour: str | None = Field(description="Code of the colour of the total; null: none")
    colour_name: str | None = Field(description="Its name; null: the sheet has it no longer")
    revision: int = Field(description="Counts what was published of it; 0: nothing yet")
    published_on: date | None = Field(description="The day on which it was published first")
    appeal_until: date | None = Field(
        description="The last day on which an appeal is filed; null: there is none"
    )
    reason: str | None = Field(description="Why it was last moved, as was said")
    allowed_actions: list[AssessmentVerb] = Field(description="What this caller may do with it now")
    created_at: datetime = Field(description="When it was begun")
    updated_at: datetime = Field(description="When it last changed")


class AssessmentOut(AssessmentSummaryOut):
    """An assessment with what was found and what that gives, item by item."""

    findings: dict[str, dict[str, Any]] = Field(description=f"{_FINDINGS}; exact numbers are text")
    results: list[ItemResultOut] = Field(description="What that gives, in the sheet's order")


class AssessmentListOut(ScopedPageOut[AssessmentSummaryOut]):
    """A page of assessments, newest first."""


class AssessmentChangeOut(HistoryChangeOut):
    """One change of an assessment."""


class AssessmentHistoryOut(PageOut[AssessmentChangeOut]):
    """The changes of an assessment, oldest first."""


def sheet_fields(sheet: ScoreSheet) -> dict[str, Any]:
    """Return a score sheet as `ScoreSheetOut` has it."""
    same = "code name note source subject cycle appeal_days"
    return {
        **{name: getattr(sheet, name) for name in same.split()},
        "register_code": sheet.rows_of,
        "assessors": list(sheet.assessors),
        "full_points": plain(full_of(sheet)),
        "sheet": sheet.model_dump(mode="json"),
    }


def version_fields(found: ScoreSheetVersion) -> dict[str, Any]:
    """Return a version of a sheet as `ScoreSheetVersionOut` has it."""
    same = ("version", "plan_version", "made_at")
    return {**{name: getattr(found, name) for name in same}, "sheet": found.content}


def new_of(body: AssessmentIn | DeferredFaults) -> NewAssessment:
    """Return a new assessment from its body; the faults of its shape stay with it."""
    if isinstance(body, DeferredFaults):
        findings = body.members.get("findings")
        said = findings if isinstance(findings, dict) else {}
        return NewAssessment(period="", findings=said, faults=tuple(faults_of(body.errors)))
    members = {name: getattr(body, name) for name in AssessmentIn.model_fields}
    return NewAssessment(**members)


def summary_fields(row: Assessment, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return an assessment as `AssessmentSummaryOut` has it, ready to be serialised."""
    same = (
        "id version sheet_code sheet_version subject_kind subject_key subject_name"
        " organization_code period state complete colour revision published_on appeal_until reason"
        " created_at updated_at"
    )
    sheet = plan.sheets.get(row.sheet_code)
    return {
        **{name: getattr(row, name) for name in same.split()},
        "plan": row.plan_code,
        "sheet_name": row.sheet_code if sheet is None else sheet.name,
        "organization_name": plan.organization_name(row.organization_code),
        "comparable_group": row.comparable,
        "total": None if row.total is None else plain(row.total),
        "display": shown_total(row.total, sheet),
        "colour_name": colour_name(row.colour, sheet),
        "allowed_actions": allowed_actions(actor, vars(row), sheet),
    }


def colour_name(code: str | None, sheet: ScoreSheet | None) -> str | None:
    """Return the name of a colour in the sheet in force."""
    colours = () if sheet is None else sheet.colours
    return next((one.name for one in colours if one.code == code), None)


def shown_total(total: Decimal | None, sheet: ScoreSheet | None) -> str | None:
    """Return a total rounded for people, never into a colour band that it does not reach."""
    if total is None:
        return None
    return display(total, least=[one.minimum for one in sheet.colours] if sheet else [])


def assessment_fields(row: Assessment, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return an assessment as `AssessmentOut` has it, ready to be serialised."""
    told = {"findings": row.findings, "results": row.results}
    return {**summary_fields(row, plan, actor), **told}


def assessment_body(row: Assessment, plan: PlanState, actor: Actor) -> bytes:
    """Return an assessment as JSON."""
    return to_json(assessment_fields(row, plan, actor))


def assessment_etag(row: Assessment) -> str:
    """Return the strong ETag of an assessment: its id and version."""
    return f'"{row.id}.{row.version}"'
