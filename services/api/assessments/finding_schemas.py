"""Pydantic schemas of a list of lost points."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.exports.digits import Digits
from services.api.paging import LIMITED_TO_SCOPE
from services.core.assessments.rules import AssessmentState
from services.core.kit.decimals import plain
from services.core.plan.sheet_entries import AssessedKind
from services.core.plan.state import PlanState


class LostPointsOut(BaseModel):
    """An item by which a subject lost points."""

    assessment_id: UUID = Field(description="The assessment in which it was found")
    sheet_code: str = Field(description="Code of the score sheet")
    sheet_name: str = Field(description="Its name; the code where the plan has it no longer")
    month: str = Field(
        description="Of a monthly sheet the month that was assessed; else the one in which it was"
        " published, or confirmed while it is not"
    )
    period: str = Field(description="The period that was assessed")
    subject_kind: AssessedKind = Field(description="What is assessed")
    subject_key: str = Field(
        description="Code of the unit, division code of the village, or id of the row"
    )
    subject_name: str = Field(description="Its name")
    organization_code: str = Field(description="The unit that answers for it")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    item_code: str = Field(description="Code of the item")
    item_name: str = Field(description="Name of the item")
    section: str | None = Field(description="Under which heading the item stands; null: none")
    full: Digits = Field(description="The full points of the item")
    points: Digits = Field(description="The points that it gave")
    lost: Digits = Field(description="The difference of both")
    reason: str = Field(description="For what, in Chinese")
    reason_en: str = Field(description="For what, in English")
    note: str | None = Field(description="What was said beside it; null: nothing")
    state: AssessmentState = Field(description="`confirmed`, or `published` to its unit")


class LostPointsListOut(BaseModel):
    """A page of lost points, of the newest assessment first."""

    items: list[LostPointsOut] = Field(description="At most `page_size`")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


def lost_fields(row: Mapping[str, Any], plan: PlanState) -> dict[str, Any]:
    """Return an item as `LostPointsOut` has it."""
    same = (
        "sheet_code month period subject_kind subject_key subject_name organization_code item_code"
        " item_name note state"
    )
    sheet = plan.sheets.get(row["sheet_code"])
    return {
        **{name: row[name] for name in same.split()},
        "assessment_id": row["id"],
        "sheet_name": row["sheet_code"] if sheet is None else sheet.name,
        "organization_name": plan.organization_name(row["organization_code"]),
        **{one: row[f"item_{one}"] for one in ("section", "full", "points", "reason", "reason_en")},
        "lost": plain(row["lost"]),
    }
