"""Pydantic schemas of appeals, and of the revisions they led to."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic_core import to_json

from services.api.assessments.schemas import FindingsIn, ItemResultOut, shown_total
from services.api.exports.digits import Digits
from services.api.paging import HistoryChangeOut, PageOut, ScopedPageOut
from services.core.assessments.appeals.models import Appeal
from services.core.assessments.appeals.rules import (
    MOST_FILES,
    AppealState,
    AppealVerb,
    ContestedItem,
    allowed_actions,
    changes_between,
)
from services.core.assessments.models import AssessmentRevision
from services.core.identity.actor import Actor
from services.core.kit.decimals import plain
from services.core.kit.said import CodeIn, Said, Words
from services.core.plan.sheet_entries import MOST_ITEMS, ScoreSheet
from services.core.plan.state import PlanState


class ContestedItemIn(Said):
    """An item that is contested, and on which grounds."""

    item: CodeIn = Field(description="Code of the item")
    grounds: Words = Field(description="What was found wrongly, and what shows that")
    evidence_ids: Annotated[list[UUID], Field(max_length=MOST_FILES)] = Field(
        default_factory=list,
        description="Files of the unit's evidence, of whatever it reported or promised",
    )


class AppealIn(Said):
    """What a unit contests of a published assessment."""

    items: list[ContestedItemIn] = Field(
        min_length=1, max_length=MOST_ITEMS, description="The items, each once"
    )


class AppealUpheldIn(Said):
    """Why an appeal is upheld, and what was found of the contested items in truth."""

    reason: Words = Field(description="In a sentence or two; its unit reads it")
    findings: FindingsIn = Field(
        description="What was found, by the code of the item; contested ones only, each in full"
    )


class ContestedItemOut(BaseModel):
    """An item that is contested."""

    item: str = Field(description="Code of the item")
    grounds: str = Field(description="What was found wrongly, as was said")
    evidence_ids: list[UUID] = Field(description="Files of evidence that are to show it")


class ItemChangeOut(BaseModel):
    """An item before and after a correction."""

    code: str = Field(description="Code of the item")
    name: str = Field(description="Its name")
    before_points: Digits | None = Field(description="Its points before; null: none were given")
    after_points: Digits | None = Field(description="Its points since; null: none are given")
    before_reason: str | None = Field(description="How they came about before, in Chinese")
    after_reason: str | None = Field(description="How they come about since, in Chinese")
    before_reason_en: str | None = Field(description="How they came about before, in English")
    after_reason_en: str | None = Field(description="How they come about since, in English")


class AppealOut(BaseModel):
    """An appeal, and what this caller may do with it."""

    id: UUID = Field(description="Its id, for good")
    version: int = Field(description="Counts its changes")
    plan: str = Field(description="Code of the plan")
    sheet_code: str = Field(description="Code of the score sheet")
    assessment_id: UUID = Field(description="The assessment that it is against")
    organization_code: str = Field(description="The unit whose appeal it is")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    subject_name: str = Field(description="What was assessed")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    revision: int = Field(description="What was published as it was filed")
    state: AppealState = Field(
        description="`filed` waits for its answer; `upheld` corrected the assessment; `refused` and"
        " `withdrawn` left it as it was"
    )
    contested: list[ContestedItemOut] = Field(description="The items, with their grounds")
    decision_reason: str | None = Field(description="Why it was decided so, or taken back")
    corrected_revision: int | None = Field(description="What is published since; null: unchanged")
    changes: list[ItemChangeOut] | None = Field(
        description="The items that are others since, before and after; null: unchanged"
    )
    allowed_actions: list[AppealVerb] = Field(description="What this caller may do with it now")
    created_at: datetime = Field(description="When it was filed")
    updated_at: datetime = Field(description="When it last changed")


class AppealListOut(ScopedPageOut[AppealOut]):
    """A page of appeals, newest first."""


class AppealChangeOut(HistoryChangeOut):
    """One change of an appeal."""

    action: str = Field(description="What was done, such as `upheld`")


class AppealHistoryOut(PageOut[AppealChangeOut]):
    """The changes of an appeal, oldest first."""


class AssessmentRevisionOut(BaseModel):
    """What was published of an assessment under a number, for good."""

    revision: int = Field(description="1 for what was published first")
    appeal_id: UUID | None = Field(description="The appeal that made it; null: none, of the first")
    total: Digits | None = Field(description="Exact to 20 places; null: no item applies")
    display: str | None = Field(
        description="The total for people, never in a colour that it does not reach"
    )
    colour: str | None = Field(description="Code of the colour of the total; null: none")
    findings: dict[str, dict[str, Any]] = Field(
        description="What was found, by the code of the item; exact numbers are text"
    )
    results: list[ItemResultOut] = Field(description="What that gives, in the sheet's order")
    changes: list[ItemChangeOut] = Field(
        description="The items that are others than in the one before; empty of the first"
    )
    made_at: datetime = Field(description="When it was published")


class AssessmentRevisionListOut(PageOut[AssessmentRevisionOut]):
    """What was published of an assessment, oldest first."""


def contested_of(body: AppealIn) -> list[ContestedItem]:
    """Return the contested items."""
    return [ContestedItem(one.item, one.grounds, tuple(one.evidence_ids)) for one in body.items]


def appeal_fields(appeal: Appeal, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return an appeal as `AppealOut` has it, ready to be serialised."""
    same = (
        "id version sheet_code assessment_id organization_code subject_name period revision state"
        " contested decision_reason corrected_revision changes created_at updated_at"
    )
    return {
        **{name: getattr(appeal, name) for name in same.split()},
        "plan": appeal.plan_code,
        "organization_name": plan.organization_name(appeal.organization_code),
        "allowed_actions": allowed_actions(actor, vars(appeal)),
    }


def appeal_body(appeal: Appeal, plan: PlanState, actor: Actor) -> bytes:
    """Return an appeal as JSON."""
    return to_json(appeal_fields(appeal, plan, actor))


def appeal_etag(appeal: Appeal) -> str:
    """Return the strong ETag of an appeal: its id and version."""
    return f'"{appeal.id}.{appeal.version}"'


def revision_fields(
    one: AssessmentRevision, before: AssessmentRevision | None, sheet: ScoreSheet | None
) -> dict[str, Any]:
    """Return a published revision as `AssessmentRevisionOut` has it; `before` precedes it."""
    same = ("revision", "appeal_id", "colour", "findings", "results", "made_at")
    return {
        **{name: getattr(one, name) for name in same},
        "total": None if one.total is None else plain(one.total),
        "display": shown_total(one.total, sheet),
        "changes": [] if before is None else changes_between(before.results, one.results),
    }
